//! Tests of ending what is left of a tree whose supervisor died, and of telling processes apart.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::{Each, NO_LIMITS, ROLE, block_on, in_role, is_alive, marker, run_with, shell, until_gone};
use crate::{
    EndSignal, Identity, Marker, StopRequest, beginning_of, end_leftovers, find_leftovers, identity_of,
    is_same_process, signal_process,
};

const GRACE: Duration = Duration::from_millis(200);

/// A child of this test that prints one line when it is ready.
struct Ready {
    child: Child,
    line: String,
}

impl Ready {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        // The test harness prints first, when it is one.
        while !line.starts_with("ready") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
        }
        Self { child, line }
    }

    fn numbers(&self) -> Vec<u64> {
        self.line.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

#[test]
fn what_a_killed_supervisor_leaves_is_found_and_ended() {
    const TEST: &str = "tests::recovery::what_a_killed_supervisor_leaves_is_found_and_ended";
    const SCRIPT: &str = "trap '' TERM; setsid sh -c 'echo $$ > ready; exec sleep 300' & cat ready; \
                          env -i sh -c 'echo $$ > ready2; exec sleep 300' & cat ready2; echo $$; sleep 300; sleep 300";
    let mark = |value: String| Marker { name: "SUPERVISOR_TEST_VICTIM".to_owned(), value };
    if std::env::var(ROLE).is_ok_and(|role| role == TEST) {
        // The supervisor, which will be killed: it prints the members of its tree, the leader last.
        let directory = std::env::current_dir().unwrap();
        let mut pids = Vec::new();
        let mut sink = Each(|_, line: &[u8], _| {
            pids.push(String::from_utf8(line.to_vec()).unwrap());
            if let [_, _, leader] = &pids[..] {
                let start_time = identity_of(leader.parse().unwrap()).unwrap().start_time;
                println!("\nready {} {start_time}", pids.join(" "));
            }
        });
        let (_keep, stop) = watch::channel(StopRequest::None);
        let value = std::env::var("VICTIM").unwrap();
        block_on(run_with(&shell(SCRIPT, &directory), &mark(value), &NO_LIMITS, stop, &mut sink));
        panic!("the tree ended before its supervisor was killed");
    }
    let directory = tempfile::tempdir().unwrap();
    super::fifo(directory.path(), "ready");
    super::fifo(directory.path(), "ready2");
    let mark = mark(marker().value);
    let supervisor = Ready::start(in_role(TEST).current_dir(directory.path()).env("VICTIM", &mark.value));
    let [escaped, unmarked, leader, start_time] = supervisor.numbers()[..] else {
        panic!("{}", supervisor.line)
    };
    drop(supervisor);

    let pid = |pid: u64| u32::try_from(pid).unwrap();
    let known = Identity { pid: pid(leader), pgid: pid(leader), start_time };
    let found: Vec<u32> = find_leftovers(&mark, Some(known)).iter().map(|leftover| leftover.pid).collect();
    let all = [escaped, unmarked, leader].map(pid);
    assert!(all.iter().all(|pid| found.contains(pid) && is_alive(*pid)), "{all:?} {found:?}");
    let ended: Vec<u32> =
        block_on(end_leftovers(&mark, Some(known), GRACE)).iter().map(|it| it.pid).collect();
    assert!(all.iter().all(|pid| ended.contains(pid) && !is_alive(*pid)), "{all:?} {ended:?}");
    assert!(find_leftovers(&mark, Some(known)).is_empty());
    assert!(block_on(end_leftovers(&mark, Some(known), GRACE)).is_empty());
}

#[test]
fn a_recycled_number_is_not_mistaken_for_a_leader() {
    use std::os::unix::process::CommandExt;
    let ready = Ready::start(sh("sleep 300 & echo ready; wait").process_group(0));
    let real = identity_of(ready.child.id()).unwrap();
    assert_eq!((real.pid, real.pgid), (ready.child.id(), ready.child.id()));
    let former = Identity { start_time: real.start_time - 1, ..real };
    let mark = marker();
    assert!(find_leftovers(&mark, Some(former)).is_empty());
    assert!(block_on(end_leftovers(&mark, Some(former), GRACE)).is_empty());
    assert!(!signal_process(&former, EndSignal::Kill).unwrap());
    assert!(is_same_process(&real) && !is_same_process(&former));
    assert_eq!(find_leftovers(&mark, Some(real)).len(), 2);
    // The shell may end by itself when its child does.
    assert!(!block_on(end_leftovers(&mark, Some(real), GRACE)).is_empty());
    assert!(!is_same_process(&real) && find_leftovers(&mark, Some(real)).is_empty());
}

#[test]
fn one_process_is_signalled_by_its_identity() {
    let ready = Ready::start(&mut sh("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    let identity = identity_of(ready.child.id()).unwrap();
    assert!(signal_process(&identity, EndSignal::Terminate).unwrap());
    assert!(is_same_process(&identity));
    assert!(signal_process(&identity, EndSignal::Kill).unwrap());
    block_on(until_gone(identity.pid));
    // It is a zombie now: this test did not collect it yet.
    assert!(Path::new(&format!("/proc/{}/stat", identity.pid)).exists());
    assert!(!is_same_process(&identity) && !signal_process(&identity, EndSignal::Kill).unwrap());
}

#[test]
fn a_marker_is_compared_whole() {
    let mark = marker();
    let longer = format!("{}0", mark.value);
    let mut command = sh("echo ready; exec sleep 300");
    let prefixed = format!("X{}", mark.name);
    let ready = Ready::start(command.env(&mark.name, &longer).env(prefixed, &mark.value));
    assert!(find_leftovers(&mark, None).is_empty());
    let theirs = Marker { value: longer, ..mark };
    assert_eq!(find_leftovers(&theirs, None).iter().map(|it| it.pid).collect::<Vec<_>>(), [ready.child.id()]);
}

#[test]
fn a_large_environment_hides_nobody() {
    let mark = marker();
    let mut command = sh("echo ready; exec sleep 300");
    command.env_clear().envs((0..15).map(|n| (format!("A{n}"), "x".repeat(100 << 10))));
    let ready = Ready::start(command.env("PATH", super::path().1).env(&mark.name, &mark.value));
    assert_eq!(find_leftovers(&mark, None).iter().map(|it| it.pid).collect::<Vec<_>>(), [ready.child.id()]);
}

#[test]
fn nobody_has_no_identity() {
    assert_eq!(identity_of(0), None);
    assert_eq!(identity_of(u32::MAX), None);
    let own = identity_of(std::process::id()).unwrap();
    assert_eq!(own.pgid, rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs());
    assert!(is_same_process(&own));
}

#[test]
fn a_process_says_when_it_began_and_with_which_words() {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let before = now();
    let words = ["/bin/sh", "-c", "echo ready; kill -STOP $$", "a b", ""];
    let mut ready = Ready::start(Command::new(words[0]).args(&words[1..]));
    let after = now();
    let beginning = beginning_of(ready.child.id()).unwrap();
    assert_eq!(beginning.command_line, words);
    // Times of the kernel are exact to a second here.
    let at = u128::from(beginning.at_ms);
    assert!(before.saturating_sub(2000) <= at && at <= after + 2000, "{before} {at} {after}");
    ready.child.kill().unwrap();
    ready.child.wait().unwrap();
    assert_eq!(beginning_of(ready.child.id()), None, "it is over");
}
