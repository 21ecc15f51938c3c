//! What workers do is kept, bounded, compressed when it is over, and read back in one order with the run's history.

use crate::harness::World;

#[test]
fn the_timeline_has_what_happened_and_what_was_said_in_order() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "echo first words; [ $FENCE = 1 ] && exit 0; echo careful >&2; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let text = world.ok(&["run", "timeline", &run]).stdout;
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in\n{text}"));
    let order = [
        "created:",
        "attempt 0 started",
        "first words",
        "attempt 0 ended",
        "attempt 1 started",
        "ended: success",
    ];
    for pair in order.windows(2) {
        assert!(place(pair[0]) < place(pair[1]), "{pair:?} in\n{text}");
    }
    place("careful");

    let json = world.ok(&["run", "timeline", &run, "--output-format", "json"]).json();
    let entries = json["entries"].as_array().unwrap();
    let times: Vec<&str> = entries
        .iter()
        .map(|entry| entry["event"]["at"].as_str().or(entry["record"]["at"].as_str()).unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(json["warnings"].as_array().unwrap().len(), 0);

    let only = world.ok(&["run", "timeline", &run, "--attempt", "1", "--output-format", "json"]).json();
    let only = only["entries"].as_array().unwrap();
    assert!(
        !only.is_empty()
            && only.iter().all(|entry| entry["source"] == "worker" && entry["attemptNumber"] == 1)
    );
    let newest = world.ok(&["run", "timeline", &run, "--limit", "2", "--output-format", "json"]).json();
    assert_eq!(newest["entries"].as_array().unwrap()[..], entries[entries.len() - 2..]);
    let missing = world.run(&["run", "timeline", &run, "--attempt", "9"]).expect_code(3);
    missing.expect_stderr("there is no attempt 9; there are attempts 0 to 1");
    world.agent("fake", "complete one");
    let silent = world.fake(&[]).run().expect_code(0).run_id();
    let said = world.ok(&["run", "timeline", &silent, "--attempt", "0"]).stdout;
    assert!(said.ends_with("\nNothing was recorded of what the worker of attempt 0 did.\n"), "{said}");
}

#[test]
fn small_logs_stay_readable_and_large_ones_are_compressed() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "if [ $FENCE = 1 ]; then echo small; else seq 1 20000; complete one; fi");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let attempts = world.run_dir(&run).join("attempts");
    assert!(attempts.join("00.events.jsonl").exists() && !attempts.join("00.events.jsonl.gz").exists());
    assert!(attempts.join("01.events.jsonl.gz").exists() && !attempts.join("01.events.jsonl").exists());
    let log = String::from_utf8(world.sealed(&run, "attempts/01.events.jsonl")).unwrap();
    let said = log.lines().filter(|line| line.contains(r#""type":"message""#)).count();
    assert_eq!(said, 20_000, "every line is kept while there is room");
    let timeline = world.ok(&["run", "timeline", &run, "--attempt", "1"]).stdout;
    assert!(timeline.contains("19999") && timeline.contains("20000"));
    // Nobody asked for it.
    assert!(!attempts.join("00.stdout.log").exists() && !attempts.join("01.stdout.log.gz").exists());
}

#[test]
fn a_compressed_log_that_is_damaged_is_read_as_far_as_it_goes_and_that_is_said() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "seq 1 20000; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let log = world.run_dir(&run).join("attempts/00.events.jsonl.gz");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    for command in ["timeline", "report"] {
        let seen = world.ok(&["run", command, &run, "--output-format", "json"]).json();
        assert!(seen["warnings"].to_string().contains("attempt 0 are damaged"), "{command}");
    }
    let timeline = world.ok(&["run", "timeline", &run, "--attempt", "0"]).stdout;
    assert!(timeline.contains(" 17") && !timeline.contains("19999"));
}

#[test]
fn what_a_killed_driver_had_not_compressed_is_compressed_on_resuming() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] || complete one");
    let run = world.fake(&["--max-retries", "0"]).run().expect_code(1).run_id();
    let attempts = world.run_dir(&run).join("attempts");
    let leave = |name: &str| std::fs::write(attempts.join(name), vec![b'x'; 10_000]).unwrap();
    leave("00.stdout.log");
    leave("00.stdout.log.gz.tmp");
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert!(!attempts.join("00.stdout.log").exists() && !attempts.join("00.stdout.log.gz.tmp").exists());
    assert_eq!(world.sealed(&run, "attempts/00.stdout.log"), vec![b'x'; 10_000]);
}

#[test]
fn standard_output_is_captured_as_it_is_when_asked_for() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "printf 'raw \\033[31m\\000 words\\nno newline'; complete one");
    for (value, captured) in [("1", true), ("0", false), ("", false)] {
        let run =
            world.fake(&[]).env("AGENT_RUNNER_CAPTURE_BACKEND_STDOUT", value).run().expect_code(0).run_id();
        let log = std::fs::read(world.run_dir(&run).join("attempts/00.stdout.log"));
        assert_eq!(log.ok(), captured.then(|| b"raw \x1b[31m\0 words\nno newline\n".to_vec()), "{value:?}");
    }
}

#[test]
fn what_a_worker_says_cannot_steer_a_terminal_that_reads_it_back() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "printf '\\033]0;title\\007\\033[2Jgone\\n'; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let printed = world.ok(&["run", "timeline", &run]).stdout;
    assert!(
        printed.contains("gone") && !printed.contains('\x1b') && !printed.contains('\x07'),
        "{printed:?}"
    );
}

#[test]
fn a_log_that_somebody_broke_is_read_as_far_as_it_goes() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "seq 1 5000; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let path = world.run_dir(&run).join("attempts/00.events.jsonl.gz");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let printed = world.ok(&["run", "timeline", &run]).stdout;
    assert!(printed.contains("ended: success"), "the history is there all the same\n{printed}");
    std::fs::write(&path, "this is not gzip").unwrap();
    let finished = world.ok(&["run", "timeline", &run]);
    finished.expect_stderr("warning: the events of attempt 0 cannot be read");
}

#[test]
fn the_logs_of_a_killed_drivers_attempt_are_there_and_compressed_by_whoever_recovers() {
    let world = World::new();
    world.work(&["one"]);
    let (said, go) = (world.fifo("said"), world.fifo("go"));
    world.agent("fake", "[ $FENCE = 1 ] || { complete one; exit 0; }\nseq 1 3000\n             until find \"$AGENT_RUNNER_STATE_DIR\" -name 00.events.jsonl -size +64k | grep -q .; do :; done\n             echo done > \"$W/said\"; read x < \"$W/go\"");
    let running = world.fake(&["--on-orphan", "continue"]).spawn();
    said.line();
    let run = world.only_run();
    world.signal(world.driver_pid(&run), rustix::process::Signal::KILL);
    running.wait().expect_code(4);
    world.ok(&["recover", &run]);
    let attempts = world.run_dir(&run).join("attempts");
    assert!(attempts.join("00.events.jsonl.gz").exists() && !attempts.join("00.events.jsonl").exists());
    drop(go);
    world.ok(&["run", "--resume-run", &run]);
    world.assert_nothing_left();
}
