//! What hooks were once seen to get wrong, or to get away with.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::HOOK;
use crate::harness::{Manifest as _, World};

fn why(world: &World, run: &str) -> String {
    world.events_of(run, HOOK).last().unwrap()["summary"].as_str().unwrap_or_default().to_owned()
}

fn module(world: &World, text: &str) {
    world.write("config/assignments/work/hook.mjs", text);
    world.hooked(json!({"prepare": [{"path": "./hook.mjs"}]}), &["one"]);
}

#[test]
fn an_abort_lets_hooks_at_the_end_go_on_where_they_are() {
    let world = World::new();
    let here = world.fifo("here");
    let go = world.fifo("go");
    world.hook("slow", r#"echo slow >> "$W/log"; echo x > "$W/here"; read -r line < "$W/go""#);
    world.hook("last", r#"echo last >> "$W/log""#);
    world.hooked(json!({"afterExit": [{"name": "slow"}, {"name": "last"}]}), &["one"]);
    world.agent("fake", "complete one");
    let front = world.fake(&[]).spawn();
    assert_eq!(here.line(), "x");
    let run = world.only_run();
    let abort = world.command(&["run", "abort", &run]).spawn();
    world.wait_manifest(&run, "the request", |manifest| !manifest["state"]["abortRequest"].is_null());
    go.say("go");
    abort.wait().expect_code(0);
    front.wait().expect_code(130);
    assert_eq!(world.lines("log"), ["slow", "last"]);
    assert_eq!(
        world.outcomes(&run),
        ["afterExit:0:slow continue", "afterExit:1:last continue"],
        "each once, and on record"
    );
    assert_eq!(world.manifest(&run).outcome(), "aborted");
}

#[test]
fn a_hook_can_abort_its_own_run() {
    for phase in ["beforeAttempt", "afterAttempt", "afterExit"] {
        let world = World::new();
        world.hook("end", r#"$AGENT_RUNNER_CMD run abort "$AGENT_RUNNER_RUN_ID" >&2"#);
        world.hooked(json!({phase: [{"name": "end", "timeoutSec": 60}]}), &["one"]);
        world.agent("fake", "complete one");
        let run = world.fake(&[]).run().expect_code(130).run_id();
        assert_eq!(world.manifest(&run).outcome(), "aborted", "{phase}");
        world.assert_nothing_left();
    }
}

#[test]
fn what_was_prepared_from_variables_is_not_made_from_others() {
    let world = World::new();
    world.hook("derive", r#"echo '{"action":"continue","mutate":{"vars":{"place":"one"}}}'"#);
    world.assigned(json!({
        "vars": {"slug": {"sources": ["cli"]}},
        "hooks": {"prepare": [{"name": "derive"}]},
        "tasks": [{"id": "one", "title": "In {{place}}"}],
    }));
    let run = world.init(&["--backend", "passive", "--assignment", "work", "--var", "slug=one"]);
    let refused = world.run(&["run", "reconfigure", &run, "--var", "slug=two"]).expect_code(3);
    refused.expect_stderr("hooks have prepared it").expect_stderr("init --run-id");
    let can = &world.status(&run)["capabilities"];
    assert_eq!((&can["canReconfigure"], &can["reconfigureReason"]), (&json!(false), &json!("prepared")));
    world.ok(&[
        "init",
        "--run-id",
        &run,
        "--backend",
        "passive",
        "--assignment",
        "work",
        "--var",
        "slug=two",
    ]);
    assert_eq!(world.outcomes(&run).len(), 2);
}

#[test]
fn what_people_did_to_tasks_before_a_hook_was_cured_stays() {
    let world = World::new();
    world.hook("prepare", r#"[ -e "$W/cured" ] && echo '{"action":"continue","mutate":{"vars":{"x":"y"}}}'"#);
    world.assigned(json!({
        "hooks": {"prepare": [{"name": "prepare"}]},
        "tasks": [{"id": "one", "title": "Do {{x}}"}, {"id": "two", "title": "Do two {{x}}"}, {"id": "three", "title": "Gone"}],
    }));
    world.agent("fake", "complete one; complete two");
    let run = world.fake(&[]).run().expect_code(4).run_id();
    world.ok(&["task", "edit", &run, "one", "--title", "By hand"]);
    world.ok(&["task", "delete", &run, "three"]);
    world.write("cured", "");
    world.ok(&["run", "--resume-run", &run]);
    let tasks = &world.manifest(&run)["state"]["finalTasks"];
    let titles: Vec<&str> =
        tasks.as_object().unwrap().values().map(|task| task["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["By hand", "Do two y"]);
}

#[test]
fn what_a_module_says_when_it_throws_is_shown() {
    let world = World::new();
    world.agent("fake", "complete one");
    for (text, words) in [
        (
            r#"export default { name: "x", prepare() { throw new Error("slug is\nmissing"); } };"#,
            "slug is; missing",
        ),
        (r#"export default { name: "x", async prepare() { process.exit(0); } };"#, "before it answered"),
        (r#"export default { name: "x", prepare() { return nowhere; } };"#, "nowhere is not defined"),
        ("export default 7;", "must export an object"),
        ("export default {{", "Unexpected token"),
    ] {
        module(&world, text);
        let run = world.fake(&[]).run().expect_code(4).run_id();
        assert!(why(&world, &run).contains(words), "{text}: {}", why(&world, &run));
    }
}

#[test]
fn what_a_module_starts_may_print_what_it_likes() {
    let world = World::new();
    world.agent("fake", "complete one");
    module(
        &world,
        r#"import { spawnSync } from "node:child_process";
        export default { name: "x", prepare() {
          process.stdout.write("noise\n");
          spawnSync("echo", ["more noise"], { stdio: "inherit" });
          return { action: "continue", mutate: { note: "understood" } };
        } };"#,
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.manifest(&run)["state"]["note"], "understood");
    assert!(world.events_of(&run, HOOK)[0]["stderr"].as_str().unwrap().contains("more noise"));
}

#[test]
fn a_worker_that_says_it_is_a_hook_is_none() {
    let world = World::new();
    world.hook("gate", r#"echo '{"accept":false,"reason":"never"}'"#);
    world.hooked(json!({"taskTransition": [{"name": "gate"}]}), &["one"]);
    world.agent(
        "fake",
        "AGENT_RUNNER_HOOK=\"$RUN taskTransition:0:gate\" AGENT_RUNNER_HOOK_MARKER=\"$RUN x y 1 1 z\" complete one; true",
    );
    let run = world.fake(&["--max-retries", "0"]).run().expect_code(1).run_id();
    assert_eq!(world.manifest(&run)["state"]["finalTasks"]["one"]["status"], "pending");
    assert_eq!(world.outcomes(&run), ["taskTransition:0:gate rejected"]);
}

#[test]
fn no_half_of_a_value_is_shown_and_no_place_or_name_holds_one() {
    const SECRET: &str = "canary-08q15w-long";
    let world = World::new();
    world.agent("fake", "complete one");
    std::fs::create_dir(world.path(SECRET)).unwrap();
    let place = world.path(SECRET);
    let cut = format!("printf '%074d{SECRET}' 0");
    let long = format!("printf '%04090d{SECRET}\\n' 0 >&2; exit 3");
    let cwd = format!(r#"echo '{{"action":"continue","mutate":{{"run":{{"cwd":"{}"}}}}}}'"#, place.display());
    let state = format!(r#"echo '{{"action":"continue","mutate":{{"state":{{"{SECRET}":1}}}}}}'"#);
    let vars = r#"echo '{"action":"continue","mutate":{"vars":{"key":"harmless"}}}'"#.to_owned();
    for script in [cut, long, cwd, state, vars] {
        world.hook("bad", &script);
        world.assigned(json!({
            "vars": {"key": {"sources": ["env"], "envName": "KEY"}},
            "hooks": {"prepare": [{"name": "bad"}]},
            "tasks": [{"id": "one", "title": "Do one"}],
        }));
        let run = world.fake(&[]).env("KEY", SECRET).run().expect_code(4).run_id();
        let told = world.ok(&["run", "audit", &run]).stdout + &world.ok(&["run", "status", &run]).stdout;
        let log = world.events(&run).iter().map(Value::to_string).collect::<String>();
        for part in ["canary", "08q15w"] {
            assert!(!told.contains(part) && !log.contains(part), "{script}\n{told}\n{log}");
        }
    }
}

#[test]
fn a_hook_that_changes_what_it_judges_without_end_is_named() {
    let world = World::new();
    world.hook(
        "toggle",
        r#"s=$(sed -n 's/.*"from":{"status":"\([a-z_]*\)".*/\1/p'); [ "$s" = pending ] && n=in_progress || n=pending
        printf '{"accept":true,"mutate":{"patchTasks":[{"taskId":"one","status":"%s"}]}}' $n"#,
    );
    world.hooked(json!({"taskTransition": [{"name": "toggle"}]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let refused = world.run(&["task", "set", &run, "one", "--status", "completed"]).expect_code(3);
    refused.expect_stderr("each time that hooks are asked").expect_stderr("run audit");
}

#[test]
fn a_hook_does_not_work_anywhere_else() {
    let world = World::new();
    std::fs::create_dir_all(world.path("workplace")).unwrap();
    world.hook("bad", r#"pwd > "$W/where""#);
    world.hooked(json!({"beforeAttempt": [{"name": "bad"}]}), &["one"]);
    world.agent("fake", "complete one");
    let place = world.path("workplace");
    let run =
        world.init_ready(&["--agent", "fake", "--assignment", "work", "--cwd", place.to_str().unwrap()]);
    std::fs::remove_dir(&place).unwrap();
    world.run(&["run", "--resume-run", &run]).expect_code(4);
    assert!(why(&world, &run).contains("is not there") && !world.path("where").exists());
}

#[test]
fn what_a_killed_task_command_left_is_found_by_recover() {
    let world = World::new();
    let here = world.fifo("here");
    world.hook("slow", r#"setsid sh -c 'echo $$ > "$0"; exec sleep 1000' "$W/here" & wait"#);
    world.hooked(json!({"taskTransition": [{"name": "slow"}]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let task = world.command(&["task", "set", &run, "one", "--status", "completed"]).spawn();
    let left: i32 = here.line().parse().unwrap();
    task.signal(Signal::KILL);
    task.wait();
    world.ok(&["recover", &run]);
    world.wait_gone(left);
    world.assert_nothing_left();
}
