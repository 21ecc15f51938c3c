//! Drivers and commands that are killed around hooks, at every point there is: each hook's result counts once, whoever
//! comes next goes on where the run was, and nothing is left running.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::chaos::{Dice, FAILPOINT, at, driver_of, family, kill, play, victim_at};
use crate::harness::{Command, Manifest as _, World};

use super::scene::HOOK;

/// Variable that names the file processes leave their traces in.
const TRACE: &str = "AGENT_RUNNER_FAILPOINT_TRACE";
/// Phases that a driver runs.
pub const AROUND: [&str; 4] = ["prepare", "beforeAttempt", "afterAttempt", "afterExit"];

/// A world with hooks in every phase that count how often they counted, and write down each time that they ran. The
/// first one that finds `hang` in it hangs there, with a child in a session of its own.
pub fn scene() -> World {
    let world = World::new();
    world.hook(
        "count",
        r#"context=$(cat)
phase=$AGENT_RUNNER_HOOK_PHASE
echo $phase >> "$W/ran"
if [ "$(cat "$W/hang" 2>&1)" = $phase ]; then
  rm "$W/hang"
  setsid sleep 1000 &
  echo $phase > "$W/here"
  sleep 1000
fi
count=$(printf '%s' "$context" | sed -n "s/.*\"state\":{[^}]*\"$phase\":\([0-9]*\).*/\1/p")
[ $phase = taskTransition ] && answer='"accept":true' || answer='"action":"continue"'
echo "{$answer,\"mutate\":{\"state\":{\"$phase\":$((count + 1))}}}""#,
    );
    let mut hooks: serde_json::Map<String, Value> =
        AROUND.iter().map(|phase| ((*phase).to_owned(), json!([{"name": "count"}]))).collect();
    hooks.insert("taskTransition".to_owned(), json!([{"name": "count", "when": {"toStatus": "completed"}}]));
    world.hooked(Value::Object(hooks), &["one"]);
    world.agent("fake", "complete one");
    world
}

pub fn start(world: &World) -> Command<'_> {
    world.fake(&[]).env(TRACE, world.path("trace")).env("AGENT_RUNNER_STOP_GRACE_SEC", "1")
}

/// The points that processes of a role came by, and how often.
fn visits(world: &World, role: &str) -> BTreeMap<String, u8> {
    let mut visits = BTreeMap::new();
    for line in world.lines("trace") {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == role {
            *visits.entry(words[2].to_owned()).or_default() += 1;
        }
    }
    visits
}

/// Fails unless each result that a hook ever had counted once, and the run has come to the end it has undisturbed.
pub fn assert_whole(world: &World, run: &str, killed_at: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed"), "{killed_at}");
    let ran = world.lines("ran");
    let events = world.events_of(run, HOOK);
    let attempts = manifest.fences().len();
    // What was cut off before it came to anything has nothing that a hook could judge.
    let judged = manifest.ends().split(' ').filter(|end| *end != "interrupted").count().max(1);
    let expected = [("prepare", 1), ("beforeAttempt", attempts), ("afterExit", 1), ("taskTransition", 1)];
    let after = events.iter().filter(|event| event["phase"] == "afterAttempt").count();
    assert!((judged..=attempts).contains(&after), "{killed_at}: {after} of {}", manifest.ends());
    for (phase, expected) in expected.into_iter().chain([("afterAttempt", after)]) {
        // One that was ended together with the worker it was asked by has failed, and changed nothing.
        let agreed = |event: &&Value| event["phase"] == phase && event["outcome"] != "error";
        let recorded = events.iter().filter(agreed).count();
        let times = ran.iter().filter(|line| *line == phase).count();
        let counted = manifest["state"]["hookState"][phase].as_u64().unwrap_or(0);
        assert_eq!(counted, recorded as u64, "{killed_at}: {phase} counted, {recorded} times on record");
        // A worker whose change was accepted may have been ended before it was made.
        let most = if phase == "taskTransition" { attempts } else { expected };
        assert!((expected..=most).contains(&recorded), "{killed_at}: {phase}\n{}", world.everything_known());
        assert!((recorded..=recorded + 1).contains(&times), "{killed_at}: {phase} ran {times} times");
    }
    assert_eq!(world.events_of(run, "run.prepared").len(), 1, "{killed_at}");
    assert!(manifest.spent().iter().sum::<u64>() <= 1, "{killed_at}");
    world.assert_nothing_left();
}

/// What comes after a kill: what is left is cleared up, and the run goes on.
fn go_on(world: &World, run: &str, killed_at: &str) {
    world.ok(&["recover", run]);
    world.assert_nothing_left();
    match world.status(run)["effectiveStatus"].as_str().unwrap() {
        "success" => {}
        "interrupted" => {
            world.ok(&["run", "--resume-run", run]);
        }
        other => panic!("{killed_at}: {other}\n{}", world.everything_known()),
    }
    assert_whole(world, run, killed_at);
}

fn kill_driver_where(wanted: impl Fn(&str, u8) -> bool, at_least: usize) {
    let undisturbed = scene();
    let run = start(&undisturbed).run().expect_code(0).run_id();
    assert_whole(&undisturbed, &run, "nowhere");
    let mut kills = 0;
    for (point, count) in visits(&undisturbed, "driver") {
        for times in (1..=count).filter(|times| wanted(&point, *times)) {
            let world = scene();
            let front = start(&world).env(FAILPOINT, at("driver", &point, times)).run();
            assert_eq!(visits(&world, "driver").get(&point), Some(&times), "{front}");
            go_on(&world, &world.only_run(), &format!("{point}#{times}"));
            kills += 1;
        }
    }
    assert!(kills >= at_least, "{kills} kills are too few");
}

#[test]
fn drivers_killed_around_hooks_lose_no_result_and_count_none_twice() {
    kill_driver_where(|point, _| point.starts_with("driver.hook_"), 12);
}

#[test]
fn drivers_killed_anywhere_else_go_on_with_their_hooks() {
    kill_driver_where(|point, _| point.starts_with("driver.") && !point.starts_with("driver.hook_"), 8);
}

/// Every other point a driver comes by: the first, the middle and the last time.
#[test]
fn chaos_drivers_with_hooks_killed_at_every_point_of_the_store() {
    let undisturbed = scene();
    start(&undisturbed).run().expect_code(0);
    let counts = visits(&undisturbed, "driver");
    let some = |point: &str, times: u8| {
        let count = counts.get(point).copied().unwrap_or(0);
        point.starts_with("store.") && [1, count.div_ceil(2), count].contains(&times)
    };
    kill_driver_where(some, 30);
}

#[test]
fn drivers_killed_within_the_commit_of_a_hooks_result() {
    let half = ["store.commit.torn", "store.commit.renamed"];
    kill_driver_where(|point, _| half.contains(&point), 10);
}

#[test]
fn a_driver_killed_with_a_hook_that_runs_leaves_nothing_that_recover_does_not_find() {
    for phase in AROUND {
        let world = scene();
        world.write("hang", phase);
        let here = world.fifo("here");
        let front = start(&world).spawn();
        assert_eq!(here.line(), phase);
        let run = world.only_run();
        world.signal(world.driver_pid(&run), Signal::KILL);
        front.wait().expect_code(4);
        assert_eq!(world.status(&run)["effectiveStatus"], "interrupted");
        let plan = world.ok(&["recover", &run, "--dry-run", "--output-format", "json"]).json();
        assert!(!plan["runs"][0]["leftovers"].as_array().unwrap().is_empty(), "{phase}: {plan}");
        go_on(&world, &run, phase);
    }
}

#[test]
fn what_is_left_of_a_hook_is_found_although_a_second_driver_was_killed_before_it_looked() {
    for recovers in [true, false] {
        let world = scene();
        world.write("hang", "beforeAttempt");
        let here = world.fifo("here");
        let front = start(&world).spawn();
        assert_eq!(here.line(), "beforeAttempt");
        let run = world.only_run();
        world.signal(world.driver_pid(&run), Signal::KILL);
        front.wait().expect_code(4);
        let resume = || world.command(&["run", "--resume-run", &run]);
        resume().env(FAILPOINT, at("driver", "driver.took_lease", 1)).run().expect_code(4);
        if recovers {
            go_on(&world, &run, "twice");
        } else {
            resume().run().expect_code(0);
            assert_whole(&world, &run, "twice");
        }
    }
}

#[test]
fn the_next_driver_ends_what_is_left_of_a_hook_before_it_runs_again() {
    for phase in AROUND {
        let world = scene();
        world.write("hang", phase);
        let here = world.fifo("here");
        let front = start(&world).spawn();
        assert_eq!(here.line(), phase);
        let run = world.only_run();
        world.signal(world.driver_pid(&run), Signal::KILL);
        front.wait().expect_code(4);
        world.ok(&["run", "--resume-run", &run]);
        assert_whole(&world, &run, phase);
    }
}

#[test]
fn a_task_command_killed_around_its_hook_changes_all_or_nothing() {
    for point in [
        "task.hook_begins",
        "task.hook_ran",
        "task.before_commit#2",
        "store.commit.renamed",
        "task.after_commit",
    ] {
        let world = scene();
        let run = world.init(&["--backend", "passive", "--assignment", "work"]);
        let set = || world.command(&["task", "set", &run, "one", "--status", "completed"]);
        let trap = if point.contains('#') { format!("task:{point}") } else { at("task", point, 1) };
        let killed = set().env(FAILPOINT, trap).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        world.assert_nothing_left();
        let landed = point == "task.after_commit";
        let tasks = world.manifest(&run).tasks();
        assert_eq!(tasks, if landed { "one=completed" } else { "one=pending" }, "{point}");
        set().run().expect_code(0);
        let manifest = world.manifest(&run);
        assert_eq!(manifest.tasks(), "one=completed");
        let recorded = world.outcomes(&run).iter().filter(|line| line.contains("accepted")).count();
        assert_eq!(manifest["state"]["hookState"]["taskTransition"], json!(recorded), "{point}");
        world.assert_nothing_left();
    }
}

#[test]
fn a_task_command_killed_while_its_hook_runs_leaves_nothing() {
    let world = scene();
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.write("hang", "taskTransition");
    let here = world.fifo("here");
    let set = world.command(&["task", "set", &run, "one", "--status", "completed"]).spawn();
    assert_eq!(here.line(), "taskTransition");
    set.signal(Signal::KILL);
    world.wait_gone(set.pid());
    assert_eq!(world.manifest(&run).tasks(), "one=pending");
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    assert_eq!(world.manifest(&run)["state"]["hookState"]["taskTransition"], 1);
    world.assert_nothing_left();
}

#[test]
fn a_command_killed_while_a_run_is_prepared_leaves_a_run_that_can_go_on() {
    for point in [
        "command.created",
        "command.preparing",
        "command.driver_spawned",
        "command.lease_seen",
        "command.following",
    ] {
        let world = scene();
        let args = ["init", "--agent", "fake", "--assignment", "work", "--output-format", "json"];
        let command = world.command(&args).env(TRACE, world.path("trace"));
        let killed = command.env(FAILPOINT, at("command", point, 1)).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        world.assert_nothing_left();
        let run = world.only_run();
        world.ok(&["recover", &run]);
        let status = || world.status(&run)["effectiveStatus"].as_str().unwrap().to_owned();
        if status() == "interrupted" {
            // Going on with it is preparing it: that was all it was to do.
            world.ok(&["run", "--resume-run", &run]);
        }
        assert_eq!(status(), "initialized", "{point}");
        world.ok(&["run", "ready", &run]);
        world.ok(&["run", "--resume-run", &run]);
        assert_whole(&world, &run, point);
    }
}

#[test]
fn a_passive_run_whose_preparation_was_cut_off_is_prepared_by_whoever_goes_on_with_it() {
    let world = scene();
    world.write("hang", "prepare");
    let here = world.fifo("here");
    let front = world.command(&["init", "--backend", "passive", "--assignment", "work"]).spawn();
    assert_eq!(here.line(), "prepare");
    let run = world.only_run();
    world.signal(world.driver_pid(&run), Signal::KILL);
    front.wait().expect_code(4).expect_stdout(&format!("run --resume-run {run}"));
    assert_eq!(world.status(&run)["capabilities"]["canResume"], true);
    world.ok(&["run", "--resume-run", &run]);
    assert_eq!(world.manifest(&run).phase(), "initialized");
    assert_eq!(world.manifest(&run)["state"]["hookState"]["prepare"], 1);
    world.run(&["run", "--resume-run", &run]).expect_code(3);
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    assert_eq!(world.manifest(&run).outcome(), "success");
    world.assert_nothing_left();
}

#[test]
fn a_passive_run_whose_hook_has_failed_is_prepared_once_that_is_mended() {
    let world = World::new();
    world.hook("prepare", "exit 7");
    world.hooked(json!({"prepare": [{"name": "prepare"}]}), &["one"]);
    let args = ["init", "--backend", "passive", "--assignment", "work", "--output-format", "json"];
    let run = world.run(&args).expect_code(4).run_id();
    world.hook("prepare", r#"echo '{"action":"continue","mutate":{"note":"mended"}}'"#);
    world.ok(&["run", "--resume-run", &run]);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), &manifest["state"]["note"]), ("initialized", &json!("mended")));
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    world.run(&["run", "--resume-run", &run, "more"]).expect_code(3);
    world.assert_nothing_left();
}

#[test]
fn chaos_driver_of_a_run_with_hooks_killed_at_a_moment() {
    let calm = scene();
    let usual = start(&calm).run().expect_code(0).elapsed;
    play(|dice: &mut Dice| {
        let world = scene();
        let front = start(&world).spawn();
        if let Some(driver) = victim_at(&front, dice.moment(usual), driver_of) {
            // Alone, or with all that it has started.
            kill(&if dice.once_in(2) { vec![driver] } else { family(driver) });
        }
        front.wait();
        let run = world.only_run();
        go_on(&world, &run, "a moment");
    });
}
