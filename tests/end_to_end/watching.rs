//! Watching a run in lines: what its workers do is told once, in order, and never as a flood; `run attach` joins in the
//! middle and misses nothing, whatever becomes of the driver.

use rustix::process::Signal;

use crate::harness::{Fifo, Finished, Running, World};

/// A worker that says numbers, waiting for a word before each but the first, and completes its task on the word `done`.
fn speaking(world: &World) -> (Fifo, Fifo) {
    world.work(&["one"]);
    world.agent(
        "fake",
        "n=0\nwhile :; do\n  n=$((n + 1))\n  echo \"attempt $FENCE says $n\"\n  echo $RUN > \"$W/said\"\n  read x < \"$W/go\"
         case $x in done) complete one; exit 0 ;; leave) exit 0 ;; esac\ndone",
    );
    (world.fifo("said"), world.fifo("go"))
}

/// The lines about what the worker said, and those about attempts.
fn told(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("  | ") || line.starts_with("attempt "));
    lines.collect()
}

/// How an attempt ended, as lines have it.
const LEFT: &str = "ended: the worker ended its turn";

#[test]
fn attach_tells_what_happened_so_far_and_goes_on_without_a_gap() {
    let world = World::new();
    let (said, go) = speaking(&world);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    said.line();
    go.say("leave");
    said.line();
    go.release();
    said.line();
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 2 says 2");
    for _ in 0..3 {
        go.release();
        said.line();
    }
    attached.wait_for_stdout("attempt 2 says 5");
    go.say("leave");
    said.line();
    go.say("done");
    let attached = attached.wait().expect_code(0);
    let expected = [
        // The first attempt was over.
        "attempt 1 started: tasks are still open",
        "  | attempt 2 says 1",
        "  | attempt 2 says 2",
        "  | attempt 2 says 3",
        "  | attempt 2 says 4",
        "  | attempt 2 says 5",
        &format!("attempt 1 {LEFT}"),
        "attempt 2 started: tasks are still open",
        "  | attempt 3 says 1",
        &format!("attempt 2 {LEFT}"),
    ];
    assert_eq!(told(&attached.stdout), expected, "{attached}");
    world.assert_nothing_left();
}

#[test]
fn a_resumed_run_tells_nothing_of_what_was_over() {
    let world = World::new();
    let (said, go) = speaking(&world);
    let run = world.fake(&["--detach", "--max-retries", "0"]).run().expect_code(0).run_id();
    said.line();
    go.say("leave");
    world.wait_ended(&run);
    let resumed = world.command(&["run", "--resume-run", &run]).spawn();
    said.line();
    go.release();
    said.line();
    resumed.wait_for_stdout("attempt 2 says 2");
    // Killed in the middle of an attempt, the run is resumed once more.
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    let resumed = resumed.wait().expect_code(4);
    let expected = ["attempt 1 started", "  | attempt 2 says 1", "  | attempt 2 says 2"];
    assert_eq!(told(&resumed.stdout), expected, "{resumed}");
    let again = world.command(&["run", "--resume-run", &run]).spawn();
    said.line();
    again.wait_for_stdout("attempt 3 says 1");
    go.say("done");
    let again = again.wait().expect_code(0);
    let expected = [
        "attempt 1 ended: the driver was interrupted; 1 process it left behind was ended",
        "attempt 2 started: going on after an interruption",
        "  | attempt 3 says 1",
        &format!("attempt 2 {LEFT}"),
    ];
    assert_eq!(told(&again.stdout), expected, "{again}");
    world.assert_nothing_left();
}

/// Watches a run whose driver is killed and replaced while the watcher does not look.
fn replaced<'a>(world: &'a World, said: &Fifo, go: &Fifo) -> (String, Running<'a>) {
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    said.line();
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 1 says 1");
    go.release();
    said.line();
    attached.wait_for_stdout("attempt 1 says 2");
    attached.signal(Signal::STOP);
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    world.ok(&["recover", &run, "--resume"]);
    said.line();
    attached.signal(Signal::CONT);
    (run, attached)
}

#[test]
fn attach_goes_on_with_the_driver_that_takes_another_ones_place() {
    let world = World::new();
    let (said, go) = speaking(&world);
    let (_, attached) = replaced(&world, &said, &go);
    attached.wait_for_stdout("attempt 2 says 1");
    go.release();
    said.line();
    // Heard from the new driver as it happens: nothing is committed meanwhile.
    attached.wait_for_stdout("attempt 2 says 2");
    go.say("done");
    let attached = attached.wait().expect_code(0);
    let expected = [
        "attempt 0 started",
        "  | attempt 1 says 1",
        "  | attempt 1 says 2",
        "attempt 0 ended: the driver was interrupted; 1 process it left behind was ended",
        "attempt 1 started: going on after an interruption",
        "  | attempt 2 says 1",
        "  | attempt 2 says 2",
        &format!("attempt 1 {LEFT}"),
    ];
    assert_eq!(told(&attached.stdout), expected, "{attached}");
    world.assert_nothing_left();
}

#[test]
fn what_workers_do_is_told_without_a_socket_too() {
    let world = World::new();
    let (said, go) = speaking(&world);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    said.line();
    go.release();
    said.line();
    std::fs::remove_dir_all(world.path("rt/agent-runner")).unwrap();
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 1 says 2");
    go.release();
    said.line();
    go.say("done");
    let attached = attached.wait().expect_code(0);
    let expected = [
        "attempt 0 started",
        "  | attempt 1 says 1",
        "  | attempt 1 says 2",
        "  | attempt 1 says 3",
        &format!("attempt 0 {LEFT}"),
    ];
    assert_eq!(told(&attached.stdout), expected, "{attached}");
    world.assert_nothing_left();
}

/// A worker that prints as many lines as it can for as long as it takes to write so many.
fn flooded(lines: u32, more: &[&str]) -> Finished {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        &format!("yes 'a line of a program that prints very much' | head -n {lines}\ncomplete one"),
    );
    let args = [&["run", "--agent", "fake", "--assignment", "work"], more].concat();
    world.run(&args).expect_code(0)
}

#[test]
fn a_worker_that_prints_very_much_does_not_flood_the_log() {
    let ended = flooded(300_000, &[]);
    let shown = ended.stdout.lines().filter(|line| line.starts_with("  | a line of a program")).count();
    // Thirty in each ten seconds.
    let stretches = usize::try_from(ended.elapsed.as_secs() / 10 + 1).unwrap();
    assert!((30..=30 * stretches).contains(&shown), "{shown} lines in {:?}\n{ended}", ended.elapsed);
    let held_back = ended.stdout.lines().filter(|line| line.starts_with("  … "));
    let counts = held_back.map(|line| {
        assert!(
            line.contains(" more lines (agent-runner run timeline ") && line.ends_with(" --attempt 0)"),
            "{line}"
        );
        let count = line.trim_start_matches("  … ").split(' ').next().unwrap().replace(',', "");
        count.parse::<usize>().unwrap()
    });
    // Nobody counted what came before the watcher was there; the log of the attempt says once that it is full.
    let known = shown + counts.sum::<usize>();
    assert!((shown + 1..=300_001).contains(&known), "{known} lines were shown or counted\n{ended}");
}

#[test]
fn a_program_that_reads_json_is_not_disturbed() {
    let ended = flooded(10_000, &["--output-format", "json"]);
    assert_eq!(ended.json()["tasks"][0]["status"], "completed");
}

#[test]
fn what_people_should_know_about_safety_is_said_once_and_to_people() {
    let world = World::new();
    world.work(&["one"]);
    world.write(
        "config/agents/real/agent.md",
        "---\nschemaVersion: 1\nname: real\nbackend: claude\n---\nYou work.\n",
    );
    let args = ["init", "--agent", "real", "--assignment", "work"];
    let said = world.ok(&args);
    assert!(said.stderr.starts_with("note: ") && said.stderr.lines().count() == 1, "{said}");
    let json = world.ok(&[&args[..], &["--output-format", "json"]].concat());
    assert_eq!(json.stderr, "");
    assert_eq!(format!("note: {}\n", json.json()["safetyNote"].as_str().unwrap()), said.stderr);
    let ad_hoc = world.ok(&["init", "--backend", "claude", "--unrestricted", "look around"]);
    ad_hoc.expect_stderr("without `--unrestricted` it is restricted");
    // A client that is not there fails the run; what is said about it is said before.
    let missing = |args: &[&str]| {
        world.command(args).env("AGENT_RUNNER_CLAUDE_BIN", "/nonexistent/claude").run().expect_code(4)
    };
    let started = missing(&["run", "--agent", "real", "--assignment", "work"]);
    assert_eq!(started.stderr, said.stderr);
    let run = json.run_id();
    world.ok(&["run", "ready", &run]);
    assert_eq!(missing(&["run", "--resume-run", &run]).stderr, "");
}

#[test]
fn a_resumed_run_does_not_tell_again_what_was_said_before() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "echo \"attempt $FENCE speaks\"\n[ $FENCE = 3 ] && complete one; exit 0");
    let args = ["run", "--agent", "fake", "--assignment", "work", "--max-retries", "1"];
    world.run(&args).expect_code(1).expect_stdout("  | attempt 2 speaks");
    let run = world.only_run();
    let resumed = world.run(&["run", "--resume-run", &run]).expect_code(0);
    let expected =
        ["attempt 2 started", "  | attempt 3 speaks", "attempt 2 ended: the worker ended its turn"];
    assert_eq!(told(&resumed.stdout), expected, "{resumed}");
}

#[test]
fn a_run_resumed_after_its_driver_died_tells_only_what_comes_now() {
    let world = World::new();
    let (said, go) = speaking(&world);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    said.line();
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    let resumed = world.command(&["run", "--resume-run", &run]).spawn();
    said.line();
    resumed.wait_for_stdout("attempt 2 says 1");
    go.say("done");
    let resumed = resumed.wait().expect_code(0);
    assert!(!resumed.stdout.contains("attempt 1 says"), "{resumed}");
}

#[test]
fn a_flood_is_drawn_at_a_pace() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "yes 'a line of a program that prints very much' | head -n 300000\ncomplete one");
    let started = std::time::Instant::now();
    let terminal = world.command(&["run", "--agent", "fake", "--assignment", "work"]).at_terminal(80, 24);
    let (code, shown) = terminal.wait();
    assert_eq!(code, Some(0), "{shown}");
    let pictures = shown.matches("\x1b[?2026h").count();
    let most = 5 + 15 * usize::try_from(started.elapsed().as_secs() + 1).unwrap();
    assert!((2..=most).contains(&pictures), "{pictures} pictures in {:?}", started.elapsed());
    assert!(
        shown.contains("| a line of a program") && shown.ends_with(">   (notes and evidence)\r\n"),
        "{shown}"
    );
}
