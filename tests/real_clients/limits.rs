//! Limits of the model's vendor: waited out, or the end of the run if that is what was asked for.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Manifest as _, World};
use crate::model_server::{Refusal, Script};
use crate::stage::{Login, Stage, complete};

/// A model that is stopped by a limit between the two tasks.
fn limited(limit: Refusal) -> Stage {
    let script = Script::new("limited")
        .say("I begin.")
        .shell(&complete("one"))
        .refuse(limit)
        .say("I am back.")
        .shell(&complete("two"))
        .say("Done.")
        .end();
    Stage::new(World::new(), [script])
}

/// When the limit ends, in seconds of Unix time, as the model's vendor said.
fn reset(stage: &Stage) -> u64 {
    stage.model.turns("limited").iter().find_map(|seen| seen.reset).expect("nobody was refused")
}

/// A time in the program's words as seconds of Unix time.
fn seconds(time: &serde_json::Value) -> u64 {
    let text = time.as_str().unwrap_or_else(|| panic!("no time: {time}"));
    let output = std::process::Command::new("date").args(["-u", "-d", text, "+%s"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn a_limit_with_a_reset_is_waited_out_and_costs_nothing() {
    let stage = limited(Refusal::usage_limit(Duration::from_secs(8)));
    let run = stage.run_as("limited", Login::Token, &["--detach"]).run().expect_code(0).run_id();
    let waiting = stage
        .world
        .wait_manifest(&run, "a wait", |manifest| manifest["state"]["phase"]["stage"]["name"] == "waiting");
    assert_eq!(waiting.ends(), "limited");
    let reset = reset(&stage);

    let status = stage.world.status(&run);
    assert_eq!((&status["effectiveStatus"], &status["isLive"]), (&"running".into(), &true.into()));
    assert_eq!(status["wait"]["why"], "limit", "{}", status["wait"]);
    let until = status["wait"]["until"].as_str().unwrap().to_owned();
    assert!((reset..=reset + 5).contains(&seconds(&status["wait"]["until"])), "{until} {reset}");
    // People are shown the time of day, in the time zone of the test, which is UTC; seconds only where there are some.
    let shown = stage.world.ok(&["run", "status", &run]).expect_stdout(" UTC (usage or rate limit): ");
    shown.expect_stdout("Waiting: ").expect_stdout(&format!(", until {}", &until[11..16]));
    let listed = stage.world.ok(&["list", "runs", "--output-format", "json"]).json();
    assert_eq!(listed["runs"][0]["wait"]["until"], until.as_str(), "{listed}");
    let limit = stage.did_of(&run, 0, "limit");
    assert_eq!(seconds(&limit[0]["resetAt"]), reset, "{limit:?}");

    let manifest = stage.world.wait_ended(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "limited reported"));
    assert_eq!(manifest.spent(), [1], "a limit costs no retry");
    assert!(seconds(&manifest.attempt(1)["startedAt"]) >= reset, "{}", manifest.attempt(1));
    stage.assert_one_conversation(&run, 2);
    assert!(stage.last_sent("limited").contains("I begin."));
    stage.world.assert_nothing_left();
}

#[test]
fn a_wait_outlives_its_driver() {
    let stage = limited(Refusal::usage_limit(Duration::from_secs(8)));
    let run = stage.run_as("limited", Login::Token, &["--detach"]).run().expect_code(0).run_id();
    stage
        .world
        .wait_manifest(&run, "a wait", |manifest| manifest["state"]["phase"]["stage"]["name"] == "waiting");
    let driver = stage.world.driver_pid(&run);
    stage.world.signal(driver, Signal::KILL);
    stage.world.wait_gone(driver);
    stage.command("limited", Login::Token, &["run", "--resume-run", &run]).run().expect_code(0);
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "limited reported"));
    assert!(seconds(&manifest.attempt(1)["startedAt"]) >= reset(&stage), "{}", manifest.attempt(1));
    stage.assert_one_conversation(&run, 2);
    stage.world.assert_nothing_left();
}

#[test]
fn a_run_that_is_not_to_wait_stops_at_a_limit_and_can_go_on_later() {
    let stage = limited(Refusal::usage_limit(Duration::from_secs(7200)));
    let stopped = stage.run_as("limited", Login::Token, &["--on-limit", "stop"]).run().expect_code(75);
    let run = stopped.run_id();
    assert_eq!(stopped.json()["effectiveStatus"], "error");
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("limited", vec![0]));
    assert_eq!(manifest.tasks(), "one=completed two=pending");
    stage.world.assert_nothing_left();

    let args = ["run", "--resume-run", &run, "--output-format", "json"];
    stage.command("limited", Login::Token, &args).run().expect_code(0);
    assert_eq!(stage.world.manifest(&run).tasks(), "one=completed two=completed");
    stage.assert_one_conversation(&run, 2);
}

#[test]
fn what_the_client_gets_over_by_itself_is_shown_and_interrupts_nothing() {
    let stage = limited(Refusal::new(429, "Slow down").header("retry-after", "1"));
    let run = stage.run("limited", &[]).run().expect_code(0).run_id();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    let limit = stage.did_of(&run, 0, "limit");
    assert_eq!(limit.len(), 1, "{limit:?}");
    assert!(limit[0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{limit:?}");
}
