//! What an assignment lets workers be told when they are started again, in its own words.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

/// All variables that prompts have of their own, and some that every text has.
const ALL: &str = "open={{open_count}} of {{ total_count }}, done={{completed_count}}, limit={{timeout_sec}}\n\
                   detail={{detail}}\nobjection={{objection}}\nrange={{range}} run={{run_id}}\n\
                   evil={{evil}}\nunknown={{unknown}} {{#if range}}\n{{open_tasks}}";

/// Front matter with these prompts, and variables of the names that prompts have for themselves.
fn front(template: &str) -> Value {
    let text = |kind: &str| format!("{kind}\n{ALL}");
    json!({
        "template": template,
        "maxRetries": 8,
        "vars": {
            "range": {"default": "main..HEAD"},
            "evil": {"default": "{{detail}}{{run_id}}"},
            "open_tasks": {"default": "not these"},
            "detail": {"default": "not this"},
        },
        "prompts": {
            "nudge": text("NUDGE"),
            "afterTimeout": text("TIMEOUT"),
            "afterCrash": text("CRASH"),
            "afterInterrupt": text("INTERRUPT"),
        },
        "tasks": [{"id": "one", "title": "Do one"}, {"id": "two", "title": "Do two"}],
    })
}

/// What the worker was told in an attempt, from the word that each prompt begins with.
fn told(world: &World, attempt: u32, word: &str) -> String {
    let prompt = world.read(format!("prompt-{attempt}"));
    let start = prompt.find(word).unwrap_or_else(|| panic!("{word} is not in {prompt}"));
    assert!(prompt.contains("The work of this test."), "the brief comes first");
    prompt[start..].to_owned()
}

fn expected(word: &str, run: &str, detail: &str) -> String {
    format!(
        "{word}\nopen=1 of 2, done=1, limit=2\ndetail={detail}\nobjection=\nrange=main..HEAD run={run}\n\
         evil={{{{detail}}}}{{{{run_id}}}}\nunknown={{{{unknown}}}} {{{{#if range}}}}\n\
         - `two` Do two (pending: nothing was reported for it)\n"
    )
}

#[test]
fn each_is_told_when_its_time_has_come_with_what_is_known_then() {
    let world = World::new();
    let ready = world.fifo("ready");
    world.agent(
        "fake",
        r#"case $FENCE in
             1) complete one ;;
             2) exit 3 ;;
             3) sleep 100 ;;
             4) echo ready > "$W/ready"; sleep 100 ;;
             5) complete two ;;
           esac"#,
    );
    world.assigned(front("plain"));
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work", "--timeout-sec", "2"]);
    let resume = || world.command(&["run", "--resume-run", &run]).env("AGENT_RUNNER_STOP_GRACE_SEC", "1");
    let front = resume().spawn();
    ready.line();
    world.signal(world.driver_pid(&run), Signal::KILL);
    front.wait().expect_code(4);
    resume().run().expect_code(0);

    let manifest = world.manifest(&run);
    assert_eq!(manifest.prompts(), "brief nudge afterCrash afterTimeout afterInterrupt");
    let detail =
        |attempt: usize| manifest.attempt(attempt)["end"]["detail"].as_str().unwrap_or("").to_owned();
    assert_eq!(told(&world, 2, "NUDGE"), expected("NUDGE", &run, "the worker ended its turn"));
    assert!(detail(1).contains("exit code 3"), "{}", detail(1));
    assert_eq!(told(&world, 3, "CRASH"), expected("CRASH", &run, &detail(1)));
    let timeout = told(&world, 4, "TIMEOUT");
    assert!(timeout.starts_with("TIMEOUT\nopen=1 of 2, done=1, limit=2\ndetail="), "{timeout}");
    let interrupt = told(&world, 5, "INTERRUPT");
    assert!(interrupt.ends_with("- `two` Do two (pending: nothing was reported for it)\n"), "{interrupt}");
    world.assert_nothing_left();
}

#[test]
fn prompts_are_no_templates_even_where_other_texts_are() {
    let world = World::new();
    let mut front = front("handlebars");
    front["tasks"][0]["body"] = json!("{{#if range}}Of {{range}}{{/if}}");
    world.assigned(front);
    world.agent("fake", "if [ $FENCE = 1 ]; then complete one; else complete two; fi");
    let run = world.fake(&["--timeout-sec", "2"]).run().expect_code(0).run_id();
    world.ok(&["task", "show", &run, "one"]).expect_stdout("Of main..HEAD");
    assert_eq!(told(&world, 2, "NUDGE"), expected("NUDGE", &run, "the worker ended its turn"));
}

#[test]
fn a_hook_that_objects_is_heard_in_its_own_words() {
    let world = World::new();
    let mut front = front("plain");
    front["hooks"] = json!({"afterAttempt": [{"builtin": "files-exist", "with": {"paths": ["notes"]}}]});
    world.assigned(front);
    world.agent("fake", "complete one two; [ $FENCE = 1 ] || echo x > notes");
    world.fake(&[]).run().expect_code(0);
    let words = world.read("prompt-2");
    assert!(words.contains("these files are missing") && !words.contains("NUDGE"), "{words}");
}
