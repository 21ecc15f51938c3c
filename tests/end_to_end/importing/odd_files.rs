//! What lies in a run directory and is not as it should be: what can be left out is left out and named, the rest is imported.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use super::original::{copied, files, import};
use crate::harness::World;

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn changed(dir: &Path, change: impl Fn(&mut Value)) {
    let path = dir.join("run.json");
    let mut whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut whole);
    std::fs::write(path, serde_json::to_vec(&whole).unwrap()).unwrap();
}

/// A process that looks as if it were called so.
fn called(name: &str) -> (Child, u32) {
    let mut command = Command::new("sleep");
    let child = command.arg0(name).arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    (child, pid)
}

fn now() -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.000Z"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn only_who_can_be_its_daemon_keeps_a_run() {
    const LONG_AGO: &str = "2026-03-02T11:00:00.000Z";
    let (mut node, node_pid) = called("/usr/bin/node");
    let (mut other, other_pid) = called("postgres");
    let now = now();
    for (pid, updated, is_refused) in [
        (1, LONG_AGO, false),
        (node_pid, LONG_AGO, false),
        (other_pid, now.as_str(), false),
        (node_pid, now.as_str(), true),
    ] {
        let world = World::new();
        let dir = copied(&world, "reference-state", "old").join("runs/notes-app/a2f8gu");
        changed(&dir, |run| {
            run["execution"]["controller"]["daemonInstanceId"] = json!(format!("daemon-{pid}-x7"));
            run["updatedAt"] = json!(updated);
        });
        let runs = import(&world, &[&text(&dir)], if is_refused { 3 } else { 0 });
        let action = if is_refused { "refused" } else { "imported" };
        assert_eq!(runs[0]["action"], action, "{pid} {updated}: {runs:?}");
        if is_refused {
            let error = runs[0]["error"]["message"].as_str().unwrap();
            assert!(error.contains(&format!("process {pid}")), "{error}");
        }
    }
    for child in [&mut node, &mut other] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn strays_among_the_logs_are_left_out_and_named() {
    let world = World::new();
    let dir = copied(&world, "reference-state", "old").join("runs/webshop/k3v9xa");
    let attempts = dir.join("attempts");
    std::fs::create_dir(attempts.join("sub")).unwrap();
    mknodat(CWD, attempts.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", attempts.join("link")).unwrap();
    std::fs::remove_file(attempts.join("02.stdout.log")).ok();
    mknodat(CWD, attempts.join("02.stdout.log"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::fs::write(attempts.join("03.json"), "{").unwrap();
    let runs = import(&world, &[&text(&dir)], 0);
    let remarks: Vec<&str> =
        runs[0]["remarks"].as_array().unwrap().iter().map(|remark| remark.as_str().unwrap()).collect();
    for (name, why) in [
        ("sub", "no log of an attempt"),
        ("pipe", "no log of an attempt"),
        ("link", "no log of an attempt"),
        ("02.stdout.log", "no file of the run's own"),
        ("03.json", "no record of an attempt"),
    ] {
        let said =
            remarks.iter().filter(|remark| remark.starts_with(&format!("attempts/{name} is left out: ")));
        let said: Vec<_> = said.collect();
        assert!(said.len() == 1 && said[0].contains(why), "{name}: {remarks:?}");
    }
    // The rest is there, and none of these.
    assert!(world.run_dir("k3v9xa").join("attempts/01.stdout.log").exists());
    let here = files(&world.run_dir("k3v9xa"));
    assert!(
        !here
            .keys()
            .any(|name| ["sub", "pipe", "link", "02.stdout"].iter().any(|stray| name.contains(stray)))
    );
    // What has to be there is asked for in words that fit.
    let manifest = dir.with_file_name("m2p7qd").join("run.json");
    std::fs::remove_file(&manifest).unwrap();
    mknodat(CWD, &manifest, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    world
        .run(&["run", "import", &text(manifest.parent().unwrap())])
        .expect_code(4)
        .expect_stderr("run.json is no file of the run's own")
        .expect_stderr("hint: ");
}

#[test]
fn a_log_that_is_too_large_keeps_nothing_else_from_coming() {
    const MIB: u64 = 1024 * 1024;
    let world = World::new();
    let dir = copied(&world, "reference-state", "old").join("runs/webshop/k3v9xa");
    let grown = |name: &str, size: u64| {
        let path: PathBuf = dir.join(name);
        let mut known = File::options().append(true).create(true).open(path).unwrap();
        std::io::Write::write_all(&mut known, b"\n").unwrap();
        // It has holes: no disk is filled.
        known.set_len(size).unwrap();
    };
    grown("attempts/01.stdout.log", 40 * MIB);
    grown("attempts/02.stdout.log", 128 * MIB + 1);
    grown("attempts/03.json", 64 * MIB + 1);
    grown("agent-seed.md", 16 * MIB + 1);
    let runs = import(&world, &[&text(&dir)], 0);
    let remarks = runs[0]["remarks"].to_string();
    for said in [
        "attempts/02.stdout.log is left out: it has more than 128 MiB",
        "attempts/03.json is left out: it has more than 64 MiB",
        "agent-seed.md is left out: it has more than 16 MiB",
    ] {
        assert!(remarks.contains(said), "{remarks}");
    }
    assert!(!world.run_dir("k3v9xa").join("attempts/02.stdout.log").exists());
    let kept = std::fs::read(world.run_dir("k3v9xa").join("attempts/01.stdout.log")).unwrap();
    assert!(String::from_utf8_lossy(&kept[..4096]).contains("[redacted]") && kept.len() as u64 > 39 * MIB);
    // What came can go on.
    let archive = text(&world.path("k3v9xa.tar.gz"));
    world.ok(&["run", "export", "k3v9xa", "--output", &archive]);
}

#[test]
fn logs_are_not_held_all_at_once() {
    const MIB: u64 = 1024 * 1024;
    let world = World::new();
    let dir = copied(&world, "reference-state", "old").join("runs/webshop/k3v9xa");
    for number in 1..=3 {
        let log = File::create(dir.join(format!("attempts/{number:02}.stdout.log"))).unwrap();
        log.set_len(60 * MIB).unwrap();
    }
    changed(&dir, |run| {
        run["runtimeVars"] = json!({});
        run["runtimeVarSources"] = json!({});
    });
    // Less than the logs have together, and little more than one of them.
    let limited = ["sh", "-c", "ulimit -v 150000; exec \"$@\"", "sh"];
    let import = world.command(&["run", "import", &text(&dir)]).through(&limited);
    import.run().expect_code(0).expect_stdout("1 imported");
    assert_eq!(
        std::fs::metadata(world.run_dir("k3v9xa").join("attempts/03.stdout.log")).unwrap().len(),
        60 * MIB
    );
}

#[test]
fn an_exit_code_of_another_system_is_an_error_in_words() {
    let world = World::new();
    let dir = copied(&world, "reference-state", "old").join("runs/webshop/x8n4ra");
    changed(&dir, |run| {
        run["attemptRecords"][0]["exitCode"] = json!(3_221_225_786_u64);
        run["attemptRecords"][0]["signal"] = json!(null);
        run["attemptRecords"][0]["timedOut"] = json!(false);
    });
    assert_eq!(import(&world, &[&text(&dir)], 0)[0]["action"], "imported");
    let attempt = world.status("x8n4ra")["attempts"][0].clone();
    assert_eq!(attempt["exitCode"], Value::Null);
    assert!(attempt.to_string().contains("exit code 3221225786"), "{attempt}");
}

#[test]
fn what_changes_while_it_is_read_is_left_where_it_was() {
    let world = World::new();
    let state = copied(&world, "reference-state", "state");
    let dir = state.join("runs/webshop/t5h2we");
    let lock = File::create(state.join("runs/.create.lock")).unwrap();
    lock.lock().unwrap();
    let trace = world.fifo("trace");
    let importing = world
        .command(&["run", "import", &text(&dir)])
        .env("AGENT_RUNNER_FAILPOINT_TRACE", &trace.path)
        .spawn();
    while !trace.line().contains("store.aside.moved") {}
    // It was read, and nobody looked at it since.
    changed(&state.join("imported/webshop/t5h2we.unfinished"), |run| {
        run["note"] = json!("written meanwhile")
    });
    drop(lock);
    importing.wait().expect_code(3).expect_stderr("it changed while it was read").expect_stderr("hint: ");
    let back: Value = serde_json::from_slice(&std::fs::read(dir.join("run.json")).unwrap()).unwrap();
    assert_eq!(back["note"], "written meanwhile");
    assert_eq!(import(&world, &[&text(&dir)], 0)[0]["action"], "imported");
    assert_eq!(world.status("t5h2we")["note"], "written meanwhile");
}

#[test]
fn prose_in_a_brief_stays_as_it_was_written() {
    let world = World::new();
    let dir = copied(&world, "reference-state", "old").join("runs/webshop/t5h2we");
    let prose = "Improve the README of agent-runner (the npm package agent-runner, in /srv/agent-runner).";
    changed(&dir, |run| {
        run["brief"] =
            json!(format!("{prose}\n\nReport with `agent-runner task set t5h2we TASK --status completed`."));
    });
    import(&world, &[&text(&dir)], 0);
    let brief = world.ok(&["run", "brief", "t5h2we"]).stdout;
    assert!(brief.contains(prose), "{brief}");
    let command = world.manifest("t5h2we")["spec"]["command"].as_str().unwrap().to_owned();
    assert!(brief.contains(&format!("`{command} task set t5h2we TASK")), "{brief}");
}
