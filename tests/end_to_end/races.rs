//! Several commands at one run, and drivers that die under those who wait for them: every command returns, and what it
//! says of the run is true.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::harness::{Fifo, Manifest as _, Running, World};

/// What a command that has to wait for nothing takes at the very most.
const SOON: Duration = Duration::from_secs(20);

/// An agent that says which run it works on and hangs in its first attempt, deaf to TERM, and works in later ones.
fn deaf_first(world: &World) -> Fifo {
    world.work(&["one"]);
    world.agent(
        "fake",
        "if [ $FENCE = 1 ]; then trap '' TERM INT HUP; echo $RUN > \"$W/ready\"; while :; do sleep 1000; done; fi\n\
         complete one",
    );
    world.fifo("ready")
}

/// A detached run of that agent, with this much time to leave for its worker.
fn deaf_run(world: &World, grace_sec: &str) -> String {
    let ready = deaf_first(world);
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", grace_sec).run().run_id();
    assert_eq!(ready.line(), run);
    world.wait_worker(&run, 0);
    run
}

fn kill_driver(world: &World, run: &str) {
    let driver = world.driver_pid(run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
}

fn assert_aborted_without_its_driver(world: &World, run: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "aborted"));
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("interrupted", vec![0]));
    world.assert_nothing_left();
}

#[test]
fn an_abort_outlives_the_driver_it_was_asked_of() {
    let world = World::new();
    let run = deaf_run(&world, "5");
    let abort = world.command(&["run", "abort", &run, "--output-format", "json"]).spawn();
    // From now on the driver waits for the worker, which does not hear it.
    world.wait_manifest(&run, "an abort request", |manifest| manifest["state"]["abortRequest"].is_object());
    kill_driver(&world, &run);
    let aborted = abort.wait().expect_code(0);
    assert_eq!(aborted.json()["effectiveStatus"], "aborted", "{aborted}");
    assert_aborted_without_its_driver(&world, &run);
}

#[test]
fn an_abort_that_others_carry_out_has_worked_all_the_same() {
    let world = World::new();
    let run = deaf_run(&world, "2");
    let abort = |format| world.command(&["run", "abort", &run, "--output-format", format]).spawn();
    let aborts = [abort("json"), abort("json"), abort("json")];
    world.wait_manifest(&run, "an abort request", |manifest| manifest["state"]["abortRequest"].is_object());
    kill_driver(&world, &run);
    let recover = world.command(&["recover", &run]).spawn();
    for abort in aborts {
        let aborted = abort.wait().expect_code(0);
        assert_eq!(aborted.json()["effectiveStatus"], "aborted", "{aborted}");
    }
    recover.wait().expect_code(0);
    assert_aborted_without_its_driver(&world, &run);
}

#[test]
fn several_aborts_that_lose_their_driver_all_end_the_run() {
    for _ in 0..5 {
        let world = World::new();
        let run = deaf_run(&world, "60");
        let abort = || world.command(&["run", "abort", &run, "--output-format", "json"]).spawn();
        let aborts = [abort(), abort(), abort(), abort()];
        world.wait_manifest(&run, "an abort request", |manifest| {
            manifest["state"]["abortRequest"].is_object()
        });
        let worker = world.worker_pid(&run);
        kill_driver(&world, &run);
        kill_process_group(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
        for abort in aborts {
            let aborted = abort.wait();
            if aborted.code == Some(3) {
                // It came when everything was over.
                aborted.expect_stderr("is not running: it is aborted");
            } else {
                assert_eq!(aborted.expect_code(0).json()["effectiveStatus"], "aborted");
            }
        }
        assert_aborted_without_its_driver(&world, &run);
    }
}

#[test]
fn abort_now_does_not_give_the_worker_of_a_dead_driver_time() {
    let world = World::new();
    let run = deaf_run(&world, "600");
    kill_driver(&world, &run);
    let aborted = world.command(&["run", "abort", "--now", &run]).timeout(SOON).run();
    aborted.expect_code(0).expect_stdout("aborted");
    assert_aborted_without_its_driver(&world, &run);
}

#[test]
fn abort_now_hurries_an_abort_that_waits() {
    let world = World::new();
    let run = deaf_run(&world, "600");
    let abort = world.command(&["run", "abort", &run]).spawn();
    world.wait_manifest(&run, "an abort request", |manifest| manifest["state"]["abortRequest"].is_object());
    let aborted = world.command(&["run", "abort", "--now", &run]).timeout(SOON).run();
    aborted.expect_code(0).expect_stdout("aborted");
    abort.wait().expect_code(0);
    assert_eq!(
        (world.manifest(&run).outcome(), world.manifest(&run).ends().as_str()),
        ("aborted", "aborted")
    );
    world.assert_nothing_left();
}

#[test]
fn recovering_resuming_and_aborting_at_once_all_come_to_an_end() {
    for round in 0..6 {
        let world = World::new();
        let run = deaf_run(&world, "1");
        kill_driver(&world, &run);
        let command = |args: &[&str]| world.command(args).spawn();
        let commands = [
            command(&["recover", &run]),
            command(&["run", "--resume-run", &run, "--output-format", "json"]),
            command(&["run", "abort", &run, "--output-format", "json"]),
        ];
        let [recover, resume, abort] = commands.map(Running::wait);
        assert_eq!(recover.code, Some(0), "round {round}: {recover}");
        assert!(matches!(resume.code, Some(0 | 3 | 130)), "round {round}: {resume}");
        assert!(matches!(abort.code, Some(0 | 3)), "round {round}: {abort}");
        if abort.code == Some(0) {
            let status = abort.json()["effectiveStatus"].clone();
            assert!(status == "aborted" || status == "success", "round {round}: {abort}");
        } else {
            abort.expect_stderr("is not running: it is");
        }
        let manifest = world.manifest(&run);
        assert_eq!(manifest.phase(), "ended", "round {round}: {resume}");
        assert!(matches!(manifest.outcome(), "aborted" | "success"), "{}", world.everything_known());
        world.assert_nothing_left();
    }
}

#[test]
fn attach_says_that_the_driver_was_killed() {
    for has_socket in [true, false] {
        let world = World::new();
        let run = deaf_run(&world, "1");
        if !has_socket {
            std::fs::remove_dir_all(world.path("rt/agent-runner")).unwrap();
        }
        let attached = world.command(&["run", "attach", &run]).spawn();
        attached.wait_for_stdout("attempt 0 started");
        kill_driver(&world, &run);
        let died = Instant::now();
        let ended = attached.wait().expect_code(4).expect_stdout(": interrupted (0 of 1 tasks completed");
        assert!(died.elapsed() < SOON, "{ended}");
        ended.expect_stdout(&format!("Next: agent-runner run --resume-run {run}"));
        world.run(&["run", "--resume-run", &run]).expect_code(0);
        world.assert_nothing_left();
    }
}

#[test]
fn words_that_come_at_once_are_each_said_once() {
    const ROUNDS: usize = 5;
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let (mut said, mut refused) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let resumes: Vec<_> = (0..3)
            .map(|number| {
                let words = format!("<words {round}-{number}>");
                let resume = world.command(&["run", "--resume-run", &run, &words]).spawn();
                (words, resume)
            })
            .collect();
        let mut driven = 0;
        for (words, resume) in resumes {
            let ended = resume.wait();
            match ended.code {
                Some(0) => {
                    driven += 1;
                    said.push(words);
                }
                // Too late: the run was seen running, and nothing was recorded.
                Some(3) if ended.stderr.contains(&format!("run {run} is running")) => refused.push(words),
                // Who lost the race left its words to the winner.
                Some(3) => {
                    ended
                        .expect_stderr("hint: ")
                        .expect_stderr("kept in the run")
                        .expect_stderr("run attach");
                    said.push(words);
                }
                Some(_) | None => panic!("{ended}"),
            }
        }
        assert!(driven > 0, "nobody drove the run in round {round}");
        let manifest = world.manifest(&run);
        assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "success"));
        assert_eq!(manifest["state"]["queuedResumeMessages"], serde_json::json!([]));
    }
    let fences = world.manifest(&run).fences();
    let prompts: String = fences.iter().map(|fence| world.read(format!("prompt-{fence}"))).collect();
    let times = |words: &String| prompts.matches(words.as_str()).count();
    assert!(said.iter().all(|words| times(words) == 1), "{said:?}\n{}", world.everything_known());
    assert!(refused.iter().all(|words| times(words) == 0), "{refused:?}\n{}", world.everything_known());
    assert!(said.len() > ROUNDS, "no two commands ever met: {refused:?} were all refused");
    world.assert_nothing_left();
}

#[test]
fn several_recoveries_at_once_are_no_failure() {
    for more in [&["--output-format", "json"][..], &["--resume"]] {
        let world = World::new();
        let run = deaf_run(&world, "1");
        kill_driver(&world, &run);
        recover_together(&world, &run, more);
    }
}

#[test]
fn several_recoveries_of_a_run_that_left_nothing_are_no_failure() {
    for _ in 0..5 {
        let world = World::new();
        let run = deaf_run(&world, "1");
        let worker = world.worker_pid(&run);
        kill_driver(&world, &run);
        kill_process_group(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
        world.wait_gone(worker);
        recover_together(&world, &run, &["--resume"]);
    }
}

fn recover_together(world: &World, run: &str, more: &[&str]) {
    let args: Vec<&str> = ["recover"].iter().chain(more).copied().collect();
    let recoveries: Vec<_> = (0..5).map(|_| world.command(&args).spawn()).collect();
    for recovery in recoveries {
        recovery.wait().expect_code(0);
    }
    if more != ["--resume"] {
        world.run(&["run", "--resume-run", run]).expect_code(0);
    }
    let manifest = world.wait_ended(run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "interrupted reported"));
    world.assert_nothing_left();
}
