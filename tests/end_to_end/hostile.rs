//! Surroundings that are not as they should be: directories others can write, readers that do not read, a full device,
//! an odd parent, a current directory that is gone.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, World, pidfd, wait_readable};

/// What a command that has to wait for nothing takes at the very most.
const SOON: Duration = Duration::from_secs(20);

/// An agent that says which run it works on and goes on when it is told to.
fn held(world: &World) -> (Fifo, Fifo) {
    world.work(&["one"]);
    world.agent("fake", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    (world.fifo("ready"), world.fifo("go"))
}

/// A detached run of that agent, with its worker at work.
fn detached(world: &World, ready: &Fifo) -> String {
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    world.wait_worker(&run, 0);
    run
}

fn sockets(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.path("rt/agent-runner")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn open_to_all(world: &World) -> PathBuf {
    let directory = world.path("rt/agent-runner");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777)).unwrap();
    directory
}

fn assert_aborted(world: &World, run: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "aborted"));
    assert_eq!(manifest.ends(), "aborted");
    world.assert_nothing_left();
}

#[test]
fn a_driver_does_not_listen_where_others_can_put_sockets() {
    let world = World::new();
    open_to_all(&world);
    let (ready, _go) = held(&world);
    let run = detached(&world, &ready);
    assert_eq!(sockets(&world), Vec::<PathBuf>::new());
    let log = world.read(world.run_dir(&run).join("driver.log"));
    assert!(log.contains("is not a directory for this user alone"), "{log}");
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    assert_aborted(&world, &run);
}

#[test]
fn a_driver_does_not_listen_in_a_directory_of_somebody_else() {
    // Only root can give a directory away; for others, one that root owns will do as well.
    let world = World::new();
    let directory = world.path("rt/agent-runner");
    if rustix::process::geteuid().is_root() {
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&directory, Some(4242), None).unwrap();
    } else {
        std::os::unix::fs::symlink("/", &directory).unwrap();
    }
    let (ready, _go) = held(&world);
    let run = detached(&world, &ready);
    let log = world.read(world.run_dir(&run).join("driver.log"));
    assert!(log.contains("is not a directory for this user alone"), "{log}");
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    assert_aborted(&world, &run);
}

#[test]
fn somebody_elses_socket_is_not_believed() {
    let world = World::new();
    let (ready, go) = held(&world);
    let run = detached(&world, &ready);
    let real = sockets(&world);
    assert_eq!(real.len(), 1, "{real:?}");
    open_to_all(&world);
    std::fs::remove_file(&real[0]).unwrap();
    let impostor = UnixListener::bind(&real[0]).unwrap();
    impostor.set_nonblocking(true).unwrap();
    world.ok(&["task", "set", &run, "one", "--notes", "a note"]);
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 0 started");
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    attached.wait().expect_code(130);
    assert_aborted(&world, &run);
    let visitor = impostor.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(visitor, Err(std::io::ErrorKind::WouldBlock), "somebody talked to the impostor");
    drop(go);
}

#[test]
fn a_report_does_not_wait_for_a_driver_that_does_not_listen() {
    let world = World::new();
    let (ready, go) = held(&world);
    let run = detached(&world, &ready);
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::STOP);
    let address = SocketAddrUnix::new(&sockets(&world)[0]).unwrap();
    let mut waiting = 0;
    // A connection that is closed again still waits to be accepted.
    let full = loop {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        match connect(&stream, &address) {
            Ok(()) => waiting += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, rustix::io::Errno::AGAIN, "after {waiting} connections");
    let set = world.command(&["task", "set", &run, "one", "--notes", "said in time"]).timeout(SOON).run();
    set.expect_code(0);
    assert_eq!(world.manifest(&run).notes("one"), "said in time");
    world.signal(driver, Signal::CONT);
    go.release();
    let manifest = world.wait_ended(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    world.assert_nothing_left();
}

#[test]
fn a_front_whose_output_nobody_reads_can_be_told_to_stop() {
    for format in ["text", "json"] {
        let world = World::new();
        world.work(&["one"]);
        let ready = world.fifo("ready");
        world.agent(
            "fake",
            r#"for i in 1 2 3 4 5 6 7 8 9 10; do "$AGENT_RUNNER_CMD" task add "$RUN" --title "more $i" >/dev/null; done
               echo $RUN > "$W/ready"
               while :; do sleep 1000 & wait; done"#,
        );
        let (reader, writer) = full_pipe();
        let args = ["run", "--agent", "fake", "--assignment", "work", "--output-format", format];
        let mut front = world.command(&args).build();
        let mut front = front.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
        let run = ready.line();
        let pid = i32::try_from(front.id()).unwrap();
        world.signal(pid, Signal::TERM);
        let gone = pidfd(pid).is_none_or(|fd| wait_readable(&fd, SOON));
        if !gone {
            front.kill().unwrap();
        }
        let code = front.wait().unwrap().code();
        assert_eq!((gone, code), (true, Some(130)), "{format}: {}", world.everything_known());
        assert_aborted(&world, &run);
        drop(reader);
    }
}

/// A pipe with no room left; its reading end has to be kept.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let room = rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
    writer.write_all(&vec![b'x'; room]).unwrap();
    (reader, writer)
}

#[test]
fn output_that_cannot_be_written_changes_nothing_about_the_run() {
    for (script, code, outcome) in [("complete one", 0, "success"), ("exit 0", 1, "exhausted")] {
        for format in ["text", "json"] {
            let world = World::new();
            world.work(&["one"]);
            world.agent("fake", script);
            let args = ["run", "--agent", "fake", "--assignment", "work", "--max-retries", "0"];
            let mut front = world.command(&args).arg("--output-format").arg(format).build();
            let full = File::options().write(true).open("/dev/full").unwrap();
            let output = front.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{format}: {stderr}");
            assert!(stderr.contains("cannot write to standard output"), "{format}: {stderr}");
            assert!(stderr.contains("No space left on device"), "{format}: {stderr}");
            let manifest = world.manifest(&world.only_run());
            assert_eq!((manifest.outcome(), manifest.ends().as_str()), (outcome, "reported"));
            world.assert_nothing_left();
        }
    }
}

#[test]
fn what_the_caller_holds_is_not_held_on_by_a_detached_run() {
    let world = World::new();
    let (ready, go) = held(&world);
    let lock = world.write("lock", "");
    let fifo = world.fifo("held");
    let launcher = format!("exec 8<>'{}' 9>>'{}'; flock 9; exec \"$@\"", fifo.path.display(), lock.display());
    let run = world.fake(&["--detach"]).through(&["sh", "-c", &launcher, "sh"]).run().expect_code(0).run_id();
    File::open(&lock).unwrap().try_lock().expect("somebody still holds the caller's lock");
    assert_eq!(ready.line(), run);
    let worker = world.wait_worker(&run, 0);
    for pid in [world.driver_pid(&run), worker] {
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let target = std::fs::read_link(entry.unwrap().path()).unwrap_or_default();
            assert!(target != lock && target != fifo.path, "process {pid} has {}", target.display());
        }
    }
    go.release();
    world.wait_ended(&run);
    world.assert_nothing_left();
}

#[test]
fn a_parent_that_ignores_its_children_does_not_change_results() {
    let launcher = ["env", "--ignore-signal=CHLD"];
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 2 ] && complete one; exit 0");
    let run = world.fake(&[]).through(&launcher).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported reported"));
    assert_eq!(manifest.attempt(0)["exitCode"], 0);

    world.agent("fake", "exit 7");
    let run = world.fake(&["--detach"]).through(&launcher).run().expect_code(0).run_id();
    let manifest = world.wait_ended(&run);
    assert_eq!(manifest.attempt(0)["exitCode"], 7, "{}", manifest.ends());

    world.assignment("work", &[("one", "```sh\necho from a block\n```"), ("two", "```sh\nexit 3\n```")]);
    let args = ["run", "--backend", "shell", "--assignment", "work", "--max-retries", "0"];
    let shell = world.command(&args).arg("--output-format").arg("json").through(&launcher).run();
    let run = shell.expect_code(1).run_id();
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.tasks().as_str(), manifest.ends().as_str()),
        ("one=completed two=in_progress", "reported")
    );
    assert!(manifest.notes("one").contains("exit code 0"), "{}", manifest.notes("one"));
    assert!(manifest.notes("two").contains("exit code 3"), "{}", manifest.notes("two"));
    world.assert_nothing_left();
}

#[test]
fn a_current_directory_that_is_gone_is_needed_only_where_paths_start() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let doomed = world.path("doomed");
    let in_doomed = |args: &[&str]| {
        std::fs::create_dir(&doomed).unwrap();
        let launcher = "rmdir \"$PWD\"; exec \"$@\"";
        world.command(args).cwd(&doomed).through(&["sh", "-c", launcher, "sh"]).run()
    };
    in_doomed(&["task", "set", &run, "one", "--status", "in_progress", "--notes", "n"]).expect_code(0);
    in_doomed(&["run", "status", &run]).expect_code(0).expect_stdout("in_progress");
    in_doomed(&["list", "runs", "--global"]).expect_code(0).expect_stdout(&run);
    for args in [
        &["run", "--agent", "fake", "--assignment", "work"][..],
        &["init", "--agent", "fake", "--assignment", "work"],
        &["list", "runs"],
    ] {
        let refused = in_doomed(args).expect_code(3).expect_stderr("error: the current directory is gone");
        refused.expect_stderr("hint: ");
    }
    assert_eq!(world.runs().len(), 1);
    // A run that is there already does not need the caller's directory.
    let ready = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    in_doomed(&["run", "--resume-run", &ready]).expect_code(0);
    assert_eq!(world.manifest(&ready).outcome(), "success");
}

#[test]
fn abort_now_needs_no_socket() {
    let world = World::new();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world.agent("fake", "trap '' TERM INT HUP\necho $RUN > \"$W/ready\"\nwhile :; do sleep 1000; done");
    let stubborn = || {
        let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "600").run().run_id();
        assert_eq!(ready.line(), run);
        world.wait_worker(&run, 0);
        std::fs::remove_file(&sockets(&world)[0]).unwrap();
        run
    };
    let run = stubborn();
    world.command(&["run", "abort", "--now", &run]).timeout(SOON).run().expect_code(0);
    assert_aborted(&world, &run);
    assert_eq!(world.manifest(&run).attempt(0)["signal"], Signal::KILL.as_raw());

    // Somebody who was patient before can be impatient now.
    let run = stubborn();
    let patient = world.command(&["run", "abort", &run]).spawn();
    world.wait_manifest(&run, "an abort request", |manifest| manifest["state"]["abortRequest"].is_object());
    world.command(&["run", "abort", "--now", &run]).timeout(SOON).run().expect_code(0);
    patient.wait().expect_code(0);
    assert_aborted(&world, &run);
}

#[test]
fn nothing_printed_steers_a_terminal() {
    let world = World::new();
    world.work(&["one"]);
    let clean = |what: &str, text: &str| {
        let found = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(found, None, "{what}: {text:?}");
    };
    let evil = "\u{1b}]0;title\u{7}\u{9b}31mred\r";
    world.agent("fake", "complete one");
    let run = world.init(&["--agent", "fake", "--assignment", "work", &format!("words {evil}")]);
    let brief = world.ok(&["run", "brief", &run]).expect_stdout("red");
    clean("brief", &brief.stdout);
    let path = format!("./{evil}");
    world
        .write(&format!("repo/{evil}.md"), format!("---\nschemaVersion: 1\nname: \"{evil}\"\n---\n{evil}\n"));
    let file = format!("./{evil}.md");
    for args in [
        &["run", "status", evil][..],
        &["run", "--agent", evil, "--assignment", "work"],
        &["run", "--agent", &path, "--assignment", "work"],
        &["run", "--agent", &file, "--assignment", "work"],
        &["run", "--agent", "fake", "--checklist", evil],
        &["run", "--agent", "fake", "--assignment", "work", "--cwd", evil],
        &["run", "--agent", "fake", "--assignment", "work", "--effort", evil],
        &["run", "--agent", "fake", "--assignment", "work", "--message-file", evil],
        &["task", "set", &run, evil, "--status", "completed"],
        &["task", "set", &run, "one", "--status", evil],
        &["task", "add", &run, "--title", evil],
        &["validate", &file],
        &["show", "agent", evil],
        &["run", evil],
        &[evil],
    ] {
        let refused = world.run(args).expect_code(3);
        assert!(!refused.stderr.is_empty() || args[0] == "validate", "{refused}");
        clean(&format!("{args:?}"), &format!("{}{}", refused.stderr, refused.stdout));
    }
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn recover_says_what_it_could_not_read() {
    let world = World::new();
    let (ready, go) = held(&world);
    let run = detached(&world, &ready);
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    let unreadable = world.run_dir(&run).parent().unwrap().join("aaaaaaaaaa");
    std::fs::create_dir(&unreadable).unwrap();
    std::fs::write(unreadable.join("run.json"), "{ not a manifest \u{1b}").unwrap();
    let shown = world.ok(&["recover", "--dry-run"]).expect_stdout(&run);
    let place = unreadable.to_str().unwrap();
    shown.expect_stderr("warning: ").expect_stderr(place);
    let recovery = world.ok(&["recover", "--output-format", "json"]).json();
    assert_eq!(recovery["runs"][0]["runId"], run);
    assert_eq!(
        recovery["runs"][0]["action"], "recovered",
        "one that cannot be read does not hide the others"
    );
    assert!(recovery["problems"][0]["path"].as_str().unwrap().starts_with(place), "{recovery}");
    assert_eq!(recovery["problems"].as_array().unwrap().len(), 1);
    go.release();
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    world.ok(&["recover"]).expect_stdout("Nothing to recover.").expect_stderr(place);
    world.assert_nothing_left();
}

#[test]
fn a_repository_may_be_called_as_the_store_calls_its_lock() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let odd = world.path(".create.lock");
    std::fs::create_dir(&odd).unwrap();
    let init = ["init", "--quiet", "--initial-branch=main"];
    let git = Command::new("git").args(init).current_dir(&odd).env("HOME", world.path("home")).status();
    assert!(git.unwrap().success());
    let runs: Vec<String> = (0..2).map(|_| world.fake(&[]).cwd(&odd).run().expect_code(0).run_id()).collect();
    let listed = world.command(&["list", "runs"]).cwd(&odd).run().expect_code(0);
    for run in &runs {
        assert_eq!(world.manifest(run).outcome(), "success");
        assert!(listed.stdout.contains(run), "{listed}");
    }
    world.assert_nothing_left();
}
