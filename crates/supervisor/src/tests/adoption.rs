//! Tests of adopted children. Each runs in a process of its own, because adoption concerns the whole process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::watch;

use super::{Lines, fifo, is_alive, isolated, marker, path, run_with, shell, until_gone};
use crate::procfs::own_children;
use crate::{
    Detached, EndSignal, Exit, JobReport, Limits, StopRequest, become_subreaper, end_leftovers,
    signal_process, spawn_detached,
};

const LIMITS: Limits = Limits { wall: None, idle: None, grace: Duration::from_millis(200) };
/// Prints its number, holds the pipes, and has neither group nor session nor marker in common with anybody.
const ESCAPED: &str = "env -i setsid sh -c 'echo $$ > ready; exec sleep 300'";

async fn leave_behind(script: &str) -> (JobReport, Lines) {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path(), "ready");
    let mut lines = Lines::default();
    let (_keep, stop) = watch::channel(StopRequest::None);
    let report = run_with(&shell(script, directory.path()), &marker(), &LIMITS, stop, &mut lines).await;
    assert_eq!(report.exit, Exit::Code(3), "{:?}", lines.texts());
    (report, lines)
}

#[test]
fn what_shed_every_trace_is_adopted_ended_and_collected() {
    isolated("tests::adoption::what_shed_every_trace_is_adopted_ended_and_collected", async {
        become_subreaper().unwrap();
        let (report, lines) = leave_behind(&format!("{ESCAPED} & cat ready; exit 3")).await;
        let [pid] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
        assert!(
            report.leftovers.iter().any(|leftover| leftover.pid == pid) && !report.undrained,
            "{report:?}"
        );
        assert_eq!(own_children(), [0; 0]);
    });
}

#[test]
fn without_adoption_it_escapes_but_holds_nothing_up() {
    isolated("tests::adoption::without_adoption_it_escapes_but_holds_nothing_up", async {
        let (report, lines) = leave_behind(&format!("({ESCAPED} & cat ready); exit 3")).await;
        let [pid] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
        let alive = is_alive(pid);
        signal_process(&crate::identity_of(pid).unwrap(), EndSignal::Kill).unwrap();
        assert!(alive && report.undrained && report.leftovers.is_empty(), "{report:?}");
    });
}

#[test]
fn a_daemon_that_ignores_requests_is_ended() {
    isolated("tests::adoption::a_daemon_that_ignores_requests_is_ended", async {
        become_subreaper().unwrap();
        let daemon = "env -i perl -MPOSIX -e 'fork and exit; setsid; fork and exit; $SIG{TERM} = q(IGNORE); \
                      open F, q(>), q(ready); print F qq($$\\n); close F; sleep 300'";
        let (report, lines) = leave_behind(&format!("{daemon} & cat ready; exit 3")).await;
        let [pid] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
        assert!(
            report.leftovers.iter().any(|leftover| leftover.pid == pid) && !report.undrained,
            "{report:?}"
        );
        assert_eq!(own_children(), [0; 0]);
    });
}

#[test]
fn a_chain_of_forks_without_a_trace_loses() {
    isolated("tests::adoption::a_chain_of_forks_without_a_trace_loses", async {
        become_subreaper().unwrap();
        // It would end by itself after a minute.
        let chain = "env -i perl -MPOSIX -e '$SIG{TERM} = q(IGNORE); my $end = time + 60; open F, q(>), q(ready); \
                     print F qq(go\\n); close F; while (time < $end) { fork and POSIX::_exit(0); setsid; }'";
        let (report, _) = leave_behind(&format!("{chain} & cat ready; exit 3")).await;
        assert_eq!(own_children(), [0; 0]);
        assert!(!report.undrained && !report.leftovers.is_empty(), "{report:?}");
    });
}

#[test]
fn zombies_of_the_tree_are_collected() {
    isolated("tests::adoption::zombies_of_the_tree_are_collected", async {
        become_subreaper().unwrap();
        // The orphan ends before the leader does, as the end of the named pipe's only writer tells.
        let script = "(setsid sh -c 'exec 3> ready; exec sh -c \"exit 0\"' &) ; cat ready; exit 3";
        let (report, _) = leave_behind(script).await;
        assert!(report.leftovers.is_empty(), "{report:?}");
        assert_eq!(own_children(), [0; 0]);
    });
}

#[test]
fn children_that_are_not_of_the_tree_are_left_alone() {
    isolated("tests::adoption::children_that_are_not_of_the_tree_are_left_alone", async {
        use std::os::unix::process::CommandExt;
        become_subreaper().unwrap();
        let sleeper = || {
            let mut command = Command::new("sleep");
            command.arg("300").stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let mut before = sleeper().process_group(0).spawn().unwrap();
        let detached = spawn_detached(Detached {
            argv: ["sleep", "300"].map(Into::into).into(),
            env: vec![path()],
            cwd: "/".into(),
            stdin: None,
            stdout: None,
            stderr: None,
        })
        .unwrap();

        let directory = tempfile::tempdir().unwrap();
        let ready = fifo(directory.path(), "ready");
        let inner = marker();
        let nested = format!("{}={} setsid sh -c 'echo $$ > ready; exec sleep 300'", inner.name, inner.value);
        let script = format!("{nested} > /dev/null 2>&1 & cat ready; echo started; cat ready; exit 3");
        let mut during = None;
        let mut lines = Lines::default();
        let mut sink = super::Each(|source, line: &[u8], truncated| {
            crate::LineSink::line(&mut lines, source, line, truncated);
            if line == b"started" {
                // Started directly while the job runs, as by other code of this process.
                during = Some(sleeper().spawn().unwrap());
                std::fs::write(&ready, "go on\n").unwrap();
            }
        });
        let (_keep, stop) = watch::channel(StopRequest::None);
        let report = run_with(&shell(&script, directory.path()), &marker(), &LIMITS, stop, &mut sink).await;
        let mut during = during.unwrap();
        let nested = lines.pids()[0];
        let all = [before.id(), detached.pid, nested, during.id()];
        let alive = all.map(is_alive);
        before.kill().and_then(|()| before.wait()).unwrap();
        during.kill().and_then(|()| during.wait()).unwrap();
        signal_process(&detached, EndSignal::Kill).unwrap();
        until_gone(detached.pid).await;
        end_leftovers(&inner, None, LIMITS.grace).await;
        assert_eq!((alive, report.leftovers), ([true; 4], vec![]));
        // The spared one was adopted; it is collected in passing, as is the detached one.
        leave_behind("exit 3").await;
        assert_eq!(own_children(), [0; 0]);
    });
}

#[test]
fn children_in_the_own_group_are_left_alone() {
    isolated("tests::adoption::children_in_the_own_group_are_left_alone", async {
        become_subreaper().unwrap();
        let mut child = Command::new("/bin/sh")
            .args(["-c", "echo ready; exec sleep 300"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        leave_behind("exit 3").await;
        assert!(is_alive(child.id()) && Path::new(&format!("/proc/{}", child.id())).exists());
        child.kill().and_then(|()| child.wait()).unwrap();
    });
}
