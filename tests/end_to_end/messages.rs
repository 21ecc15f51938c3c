//! Words for a run that is at work: they open its next session, or are refused; none is lost.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::chaos::{FAILPOINT, at};
use crate::harness::{Fifo, Manifest as _, World};

/// The agent `fake`, that says which run it works on and waits to be let go in its first attempt, and does the one task.
fn held_once(world: &World) -> (Fifo, Fifo) {
    world.work(&["one"]);
    let pipes = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "[ $FENCE = 1 ] && { echo $RUN > \"$W/ready\"; read x < \"$W/go\"; }; complete one");
    pipes
}

#[test]
fn words_for_a_running_run_open_its_next_session() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "echo $RUN > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    world.ok(&["run", "queued-messages", &run]).expect_stdout("No message waits");
    let first = world.ok(&["run", "queue-message", &run, "First", "words", "--output-format", "json"]).json();
    let file = world.write("message.md", "Second\nwords\n");
    world
        .ok(&["run", "queue-message", &run, "--message-file", file.to_str().unwrap()])
        .expect_stdout("Queued msg-");
    let third =
        world.command(&["run", "queue-message", &run, "--message-file", "-", "--output-format", "json"]);
    let third = third.stdin("Third words").run().expect_code(0).json();
    let id = third["messageId"].as_str().unwrap();
    let list = world.ok(&["run", "queued-messages", &run, "--output-format", "json"]).json();
    let texts: Vec<&Value> =
        list["queuedResumeMessages"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["First words", "Second\nwords", "Third words"]);
    assert_eq!(list["queuedResumeMessages"][0]["id"], first["messageId"]);
    assert_eq!((&list["runId"], &list["effectiveStatus"]), (&json!(run), &json!("running")));
    world.ok(&["run", "queued-messages", &run]).expect_stdout("Second").expect_stdout(id);
    world.ok(&["run", "remove-queued-message", &run, id]).expect_stdout(&format!("Removed {id}"));
    let refused = world.run(&["run", "remove-queued-message", &run, id]).expect_code(3);
    refused.expect_stderr("no message with this id waits").expect_stderr("run queued-messages");
    world.run(&["run", "queue-message", &run, " "]).expect_code(3).expect_stderr("the message is empty");
    world.run(&["run", "queue-message", &run]).expect_code(3);
    go.release();
    assert_eq!(ready.line(), run, "the second session");
    go.release();
    front.wait().expect_code(0);
    let manifest = world.manifest(&run);
    let sessions = manifest["state"]["sessions"].as_array().unwrap();
    assert_eq!((sessions.len(), &sessions[1]["cause"]["kind"]), (2, &json!("queued")));
    assert_eq!(sessions[1]["message"], "First words\n\nSecond\nwords");
    assert!(world.read("prompt-2").contains("First words\n\nSecond\nwords"));
    assert_eq!(manifest["state"]["queuedResumeMessages"], json!([]));
    world.assert_nothing_left();
}

#[test]
fn who_is_not_running_is_resumed_with_the_words_instead() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    let queue = |words: &str| {
        let refused = world.run(&["run", "queue-message", &run, "hello"]).expect_code(3);
        refused.expect_stderr("is not running").expect_stderr(words);
    };
    queue("run ready");
    world.ok(&["run", "ready", &run]);
    queue("start it first");
    world.ok(&["run", "--resume-run", &run]);
    queue(&format!("resume it with this message: `agent-runner run --resume-run {run} MESSAGE`"));
    assert_eq!(world.manifest(&run)["state"]["queuedResumeMessages"], json!([]));
}

#[test]
fn words_that_an_abort_left_waiting_are_what_the_run_goes_on_with() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "echo $RUN > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    world.ok(&["run", "queue-message", &run, "Mind the gap"]);
    world.ok(&["run", "abort", &run]).expect_stdout("1 message waits for the next session");
    front.wait().expect_code(130);
    let resumed = world.command(&["run", "--resume-run", &run]).spawn();
    assert_eq!(ready.line(), run);
    go.release();
    resumed.wait().expect_code(0);
    assert!(world.read("prompt-2").contains("Mind the gap"));
    assert_eq!(world.manifest(&run)["state"]["sessions"].as_array().unwrap().len(), 2);
    world.assert_nothing_left();
}

#[test]
fn words_that_are_taken_back_while_the_driver_opens_a_session_are_said_or_taken_back() {
    const ROUNDS: usize = 8;
    let world = World::new();
    let (ready, go) = held_once(&world);
    for round in 0..ROUNDS {
        let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
        let front = world.command(&["run", "--resume-run", &run]).spawn();
        assert_eq!(ready.line(), run);
        let queued = world.ok(&["run", "queue-message", &run, "Withdrawn", "--output-format", "json"]).json();
        let id = queued["messageId"].as_str().unwrap();
        let remove = || world.command(&["run", "remove-queued-message", &run, id]).spawn();
        let removal = if round % 2 == 0 {
            go.release();
            remove()
        } else {
            let removal = remove();
            go.release();
            removal
        };
        let removal = removal.wait();
        front.wait().expect_code(0);
        let manifest = world.manifest(&run);
        let sessions = manifest["state"]["sessions"].as_array().unwrap();
        let said = sessions.iter().any(|session| session["message"] == "Withdrawn");
        match removal.code {
            Some(0) => assert_eq!((sessions.len(), said), (1, false), "{removal}"),
            Some(3) => {
                assert_eq!((sessions.len(), said), (2, true), "{removal}");
                removal.expect_stderr("hint: ").expect_stderr("was worked off");
            }
            _ => panic!("{removal}"),
        }
        assert_eq!(manifest["state"]["queuedResumeMessages"], json!([]));
    }
    world.assert_nothing_left();
}

#[test]
fn messages_that_wait_have_a_limit_together() {
    let world = World::new();
    let (ready, go) = held_once(&world);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    let queue = |size: usize| {
        let words = "x".repeat(size);
        world.command(&["run", "queue-message", &run, "--message-file", "-"]).stdin(words).run()
    };
    const MIB: usize = 1024 * 1024;
    queue(MIB + 1).expect_code(3).expect_stderr("at most 1 MiB together");
    queue(MIB - 10).expect_code(0);
    queue(11).expect_code(3).expect_stderr("run remove-queued-message").expect_stderr("hint: ");
    // Two that fit alone and not together.
    let words = world.write("words", "x".repeat(6)).display().to_string();
    let racing =
        [0, 1].map(|_| world.command(&["run", "queue-message", &run, "--message-file", &words]).spawn());
    let mut codes = racing.map(|racing| racing.wait().code);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)]);
    queue(4).expect_code(0);
    go.release();
    front.wait().expect_code(0);
    assert_eq!(world.manifest(&run)["state"]["queuedResumeMessages"], json!([]));
    world.assert_nothing_left();
}

#[test]
fn words_that_meet_the_end_of_a_run_are_worked_off_or_refused() {
    const ROUNDS: usize = 10;
    let world = World::new();
    let (ready, go) = held_once(&world);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
        let front = world.command(&["run", "--resume-run", &run]).spawn();
        assert_eq!(ready.line(), run);
        if round % 2 == 0 {
            go.release();
        }
        let queues: Vec<_> = (0..3)
            .map(|number| {
                let words = format!("<words {round}-{number}>");
                let queue = world.command(&["run", "queue-message", &run, &words]).spawn();
                (words, queue)
            })
            .collect();
        if round % 2 == 1 {
            go.release();
        }
        let queued: Vec<_> = queues.into_iter().map(|(words, queue)| (words, queue.wait())).collect();
        front.wait().expect_code(0);
        let manifest = world.manifest(&run);
        assert_eq!((manifest.outcome(), &manifest["state"]["queuedResumeMessages"]), ("success", &json!([])));
        let said: String = manifest["state"]["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|session| session["message"].as_str())
            .collect();
        for (words, queued) in queued {
            let times = said.matches(words.as_str()).count();
            match queued.code {
                Some(0) => {
                    assert_eq!(times, 1, "{words}: {}", world.everything_known());
                    taken += 1;
                }
                Some(3) => {
                    assert_eq!(times, 0, "{words}: {}", world.everything_known());
                    refused += 1;
                }
                _ => panic!("{queued}"),
            }
        }
    }
    assert_eq!(taken + refused, 3 * ROUNDS);
    assert!(taken > 0, "no message ever met a running run");
    world.assert_nothing_left();
}

#[test]
fn words_that_no_worker_heard_wait_for_the_next_session() {
    let world = World::new();
    world.work(&["one"]);
    let script = world.script("fake", "complete one");
    let tool = world.write("tool", format!("#!/bin/sh\nexec sh {}\n", script.display()));
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.agent_argv("fake", &[tool.to_str().unwrap()]);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let hidden = world.path("hidden");
    std::fs::rename(&tool, &hidden).unwrap();
    world.run(&["run", "--resume-run", &run, "Mind the gap"]).expect_code(4);
    let waits = |run: &str| world.manifest(run)["state"]["queuedResumeMessages"][0]["text"].clone();
    assert_eq!(waits(&run), "Mind the gap");
    world.ok(&["run", "status", &run]).expect_stdout("1 waits for the next session");
    world.run(&["run", "--resume-run", &run]).expect_code(4);
    assert_eq!(waits(&run), "Mind the gap", "nobody has heard it yet");
    std::fs::rename(&hidden, &tool).unwrap();
    world.ok(&["run", "--resume-run", &run]);
    assert!(world.read("prompt-4").contains("Mind the gap"), "{}", world.read("prompt-4"));
    assert_eq!(waits(&run), Value::Null);
    world.assert_nothing_left();
}

#[test]
fn a_message_that_a_session_is_being_opened_with_cannot_be_taken_back() {
    let world = World::new();
    let (ready, _go) = held_once(&world);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    let queued = world.ok(&["run", "queue-message", &run, "Mind the gap", "--output-format", "json"]).json();
    let id = queued["messageId"].as_str().unwrap();
    world.ok(&["run", "abort", &run]);
    front.wait().expect_code(130);
    let killed =
        world.command(&["run", "--resume-run", &run]).env(FAILPOINT, at("driver", "driver.started", 1));
    killed.run().expect_code(4);
    let refused = world.run(&["run", "remove-queued-message", &run, id]).expect_code(3);
    refused.expect_stderr("a session is being opened with it");
    world.ok(&["run", "--resume-run", &run]);
    assert!(world.read("prompt-2").contains("Mind the gap"));
    world.assert_nothing_left();
}

#[test]
fn words_that_say_nothing_are_refused() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "\"$AGENT_RUNNER_CMD\" task set $RUN one --status blocked --notes why");
    let run = world.fake(&[]).run().expect_code(2).run_id();
    for words in [&["", " "][..], &["  "], &["--message-file", "/dev/null"]] {
        let args = [&["run", "--resume-run", &run], words].concat();
        world.run(&args).expect_code(3).expect_stderr("the message is empty");
        let args = [&["run", "--agent", "fake", "--assignment", "work"], words].concat();
        world.run(&args).expect_code(3).expect_stderr("the message is empty");
    }
    assert_eq!(world.manifest(&run)["state"]["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(world.runs().len(), 1);
}
