//! Workers that hang, flood, leave processes behind or die: each is ended whole, and the driver stays small.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Manifest as _, World};

/// What a driver may have resident at its worst besides its program, in KiB.
const RESIDENT_LIMIT: u64 = 6 * 1024;

#[test]
fn a_worker_that_ignores_term_is_ended_when_its_time_is_up() {
    let world = World::new();
    world.work(&["one"]);
    let pids = world.fifo("pids");
    world.agent(
        "fake",
        "trap '' TERM INT HUP\nsleep 1000 &\necho $! > \"$W/pids\"\necho $$ > \"$W/pids\"\nwait",
    );
    let run = world
        .fake(&["--timeout-sec", "1", "--max-retries", "0"])
        .env("AGENT_RUNNER_STOP_GRACE_SEC", "1")
        .spawn();
    let (child, worker): (i32, i32) = (pids.line().parse().unwrap(), pids.line().parse().unwrap());
    let ended = run.wait().expect_code(1);
    assert!(!world.is_alive(child) && !world.is_alive(worker), "{ended}");
    assert!(ended.elapsed >= Duration::from_secs(2), "the time and the grace were given: {ended}");
    let manifest = world.manifest(&ended.run_id());
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("exhausted", "timedOut"));
    assert_eq!(manifest.attempt(0)["end"]["limit"], "wall");
    assert_eq!(manifest.attempt(0)["signal"], Signal::KILL.as_raw());
    assert_eq!((manifest.fences(), manifest.spent()), (vec![1], vec![1]));
    world.assert_nothing_left();
}

#[test]
fn a_time_out_costs_a_retry_and_the_next_prompt_says_so() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] && exec sleep 1000; complete one");
    let run = world.fake(&["--timeout-sec", "1"]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("timedOut reported", vec![2]));
    assert_eq!(manifest.attempt(0)["signal"], Signal::TERM.as_raw());
    assert_eq!(manifest.prompts(), "brief afterTimeout");
    let prompt = world.read("prompt-2");
    assert!(prompt.contains("stopped because its time ran out (1 seconds)"), "{prompt}");
    world.assert_nothing_left();
}

#[test]
fn a_gigabyte_of_output_leaves_the_driver_small() {
    let world = World::new();
    let line = "0123456789abcdef".repeat(128);
    let flood = format!("yes {line} | head -c 1000000000");
    output_is_bounded(&world, &flood);
}

#[test]
fn a_line_of_100_megabytes_and_binary_garbage_are_taken() {
    let world = World::new();
    let flood = "head -c 100000000 /dev/zero | tr '\\0' x; echo; head -c 20000000 /dev/urandom; printf '\\377\\200\\033[2J'";
    output_is_bounded(&world, flood);
}

/// Runs a worker that prints much, looks at its driver's memory before it is gone, and at what is kept.
fn output_is_bounded(world: &World, flood: &str) {
    world.work(&["one"]);
    let (flooded, go) = (world.fifo("flooded"), world.fifo("go"));
    world.agent(
        "fake",
        &format!(
            "( {flood} ) 2>/dev/null | head -c 5000000 >&2\n{flood}\necho; echo end\n\
             echo $RUN > \"$W/flooded\"\nread x < \"$W/go\"\ncomplete one"
        ),
    );
    let running = world.fake(&[]).timeout(Duration::from_secs(120)).spawn();
    let run = flooded
        .line_within(Duration::from_secs(120))
        .unwrap_or_else(|| panic!("{}", world.everything_known()));
    let peak = world.peak_resident_kib(world.driver_pid(&run));
    go.release();
    running.wait().expect_code(0);
    assert!(peak < RESIDENT_LIMIT, "the driver had {peak} KiB resident");
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    let tail = manifest.attempt(0)["outputTail"].as_str().unwrap();
    assert!(tail.len() <= 8192, "{} bytes of output are kept", tail.len());
    assert!(tail.contains("\nend"), "{tail}");
    // Logs are compressed when the end is on record.
    world.assert_nothing_left();
    for (log, limit) in [("stderr.log", 2 << 20), ("events.jsonl", 9 << 20)] {
        let bytes = world.sealed(&run, &format!("attempts/00.{log}"));
        assert!(bytes.len() > 1 << 15 && bytes.len() < limit, "{log} has {} bytes", bytes.len());
        assert!(!world.run_dir(&run).join(format!("attempts/00.{log}")).exists(), "{log} is compressed");
    }
}

#[test]
fn a_grandchild_in_its_own_session_holding_the_pipes_is_ended() {
    let world = World::new();
    world.work(&["one"]);
    let pid = world.fifo("pid");
    world.agent(
        "fake",
        "setsid sh -c 'echo $$ > \"$0/pid\"; exec sleep 1000' \"$W\" &\ncomplete one\nread x < \"$W/go\"",
    );
    let go = world.fifo("go");
    let running = world.fake(&[]).spawn();
    let grandchild: i32 = pid.line().parse().unwrap();
    assert!(world.is_alive(grandchild));
    go.release();
    let ended = running.wait().expect_code(0);
    assert!(!world.is_alive(grandchild), "{ended}");
    let manifest = world.manifest(&ended.run_id());
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    assert_eq!(manifest.attempt(0)["leftovers"], 1);
    let audit = world.ok(&["run", "audit", &ended.run_id()]);
    audit.expect_stdout("1 process it left behind was ended");
    world.assert_nothing_left();
}

#[test]
fn a_daemon_that_cleared_its_environment_is_ended() {
    let world = World::new();
    world.work(&["one"]);
    let pid = world.fifo("pid");
    // Forked twice, in its own session, with nothing in its environment, its directory or its streams.
    world.agent(
        "fake",
        r#"(cd / && env -i /usr/bin/setsid /bin/sh -c '(sleep 1000 & echo $! > "$0/pid") </dev/null >/dev/null 2>&1 &' "$W")
           complete one
           read x < "$W/go""#,
    );
    let go = world.fifo("go");
    let running = world.fake(&[]).spawn();
    let daemon: i32 = pid.line().parse().unwrap();
    assert!(world.is_alive(daemon));
    go.release();
    let ended = running.wait().expect_code(0);
    assert!(!world.is_alive(daemon), "{ended}");
    assert_eq!(world.manifest(&ended.run_id()).attempt(0)["leftovers"], 1);
    world.assert_nothing_left();
}

#[test]
fn a_worker_that_dies_by_a_signal_has_failed() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] && kill -SEGV $$; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("crashed reported", vec![2]));
    assert_eq!(manifest.attempt(0)["signal"], Signal::SEGV.as_raw());
    assert_eq!(manifest.attempt(0)["exitCode"], serde_json::Value::Null);
    assert_eq!(manifest.prompts(), "brief afterCrash");
    let prompt = world.read("prompt-2");
    assert!(prompt.contains("Your last turn failed: the worker was ended by signal 11"), "{prompt}");
    world.assert_nothing_left();
}

#[test]
fn failing_three_times_in_a_row_ends_the_run_with_an_error() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", "echo 'the quota is gone' >&2; exit 7");
    let ended =
        world.command(&["run", "--agent", "fake", "--assignment", "work", "--max-retries", "9"]).run();
    let ended =
        ended.expect_code(4).expect_stdout("the worker failed 3 times in a row").expect_stdout("What to do:");
    let ended = ended.expect_stdout("The worker's last output:\n  the quota is gone");
    let manifest = world.manifest(&world.only_run());
    assert_eq!(
        (manifest.outcome(), manifest.ends().as_str()),
        ("failed", "crashed crashed crashed"),
        "{ended}"
    );
    assert_eq!((manifest.fences(), manifest.spent()), (vec![1, 2, 3], vec![3]));
    assert_eq!(manifest["state"]["phase"]["outcome"]["failure"]["kind"], "crashing");
    world.assert_nothing_left();
}

#[test]
fn progress_between_failures_starts_the_count_anew() {
    let world = World::new();
    world.work(&["one", "two", "three", "four"]);
    world.agent(
        "fake",
        "case $FENCE in 2) complete one ;; 4) complete two ;; 5) complete three ;; 6) complete four ;; esac; exit 7",
    );
    let run = world.fake(&["--max-retries", "9"]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.fences()), ("success", vec![1, 2, 3, 4, 5, 6]));
    world.assert_nothing_left();
}
