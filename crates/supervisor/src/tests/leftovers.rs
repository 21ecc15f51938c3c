//! Tests of what outlives its leader, without adoption: groups, markers, nested trees.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Lines, NO_LIMITS, block_on, fifo, is_alive, marker, program, run_with, shell, until_gone};
use crate::{Exit, JobReport, Limits, Marker, StopRequest, end_leftovers, identity_of};

/// Far less than any leftover here would live by itself.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Limits = Limits { wall: None, idle: None, grace: Duration::from_millis(200) };

/// Runs a script in a directory with two named pipes, `ready` and `ready2`.
fn leave_behind(script: &str, marker: &Marker, limits: &Limits) -> (JobReport, Lines) {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path(), "ready");
    fifo(directory.path(), "ready2");
    let mut lines = Lines::default();
    let started = Instant::now();
    let (_keep, stop) = watch::channel(StopRequest::None);
    let report = block_on(run_with(&shell(script, directory.path()), marker, limits, stop, &mut lines));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    (report, lines)
}

fn leftover_of(script: &str) -> (JobReport, u32) {
    let (report, lines) = leave_behind(script, &marker(), &SHORT);
    assert_eq!((report.exit, report.stop), (Exit::Code(3), None), "{:?}", lines.texts());
    let [pid] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
    assert!(!is_alive(pid), "{report:?}");
    (report, pid)
}

#[test]
fn a_background_member_of_the_group_is_ended() {
    let (report, pid) = leftover_of("sleep 300 & echo $!; exit 3");
    let [leftover] = &report.leftovers[..] else { panic!("{report:?}") };
    assert_eq!(leftover.pid, pid);
    assert!(["sleep", "sh"].contains(&&leftover.name[..]), "{report:?}");
    assert!(!report.undrained);
}

#[test]
fn a_member_of_the_group_without_a_marker_is_ended() {
    let (report, pid) = leftover_of("env -i sh -c 'echo $$ > ready; exec sleep 300' & cat ready; exit 3");
    assert!(report.leftovers.iter().any(|leftover| leftover.pid == pid) && !report.undrained, "{report:?}");
}

#[test]
fn a_member_that_left_the_session_is_found_by_its_marker() {
    let (report, pid) = leftover_of("setsid sh -c 'echo $$ > ready; exec sleep 300' & cat ready; exit 3");
    assert!(report.leftovers.iter().any(|leftover| leftover.pid == pid), "{report:?}");
    // It held the pipes.
    assert!(!report.undrained, "{report:?}");
}

#[test]
fn a_daemon_is_found_by_its_marker() {
    let daemon = "perl -MPOSIX -e 'fork and exit; setsid; fork and exit; $SIG{TERM} = q(IGNORE); \
                  open F, q(>), q(ready); print F qq($$\\n); close F; sleep 300'";
    let (report, pid) = leftover_of(&format!("{daemon} & cat ready; exit 3"));
    assert!(report.leftovers.iter().any(|leftover| leftover.pid == pid) && !report.undrained, "{report:?}");
}

#[test]
fn a_child_of_a_member_needs_no_marker() {
    let script =
        "setsid sh -c 'env -i setsid sh -c \"echo \\$\\$ > ready; exec sleep 300\"; :' & cat ready; exit 3";
    let (report, pid) = leftover_of(script);
    assert!(report.leftovers.iter().any(|leftover| leftover.pid == pid) && !report.undrained, "{report:?}");
}

#[test]
fn leftovers_are_asked_before_they_are_killed() {
    let script = "setsid sh -c 'trap \"echo tidied; exit\" TERM; echo $$ > ready; while :; do sleep 0.01; done' & \
                  cat ready; exit 3";
    let limits = Limits { grace: Duration::from_secs(30), ..SHORT };
    let (report, lines) = leave_behind(script, &marker(), &limits);
    assert!(lines.texts().contains(&"tidied".to_owned()) && !report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn the_tail_of_a_pipeline_is_not_left_over() {
    let script = "(cat ready; sleep 0.02; echo tail) & echo > ready; exit 3";
    let (report, lines) = leave_behind(script, &marker(), &SHORT);
    assert!(report.leftovers.is_empty() && lines.texts().contains(&"tail".to_owned()), "{report:?}");
}

#[test]
fn a_tree_that_keeps_forking_loses() {
    // Every generation leaves the session and ignores requests. It would end by itself after a minute.
    let chain = "perl -MPOSIX -e '$SIG{TERM} = q(IGNORE); my $end = time + 60; open F, q(>), q(ready); \
                 print F qq(go\\n); close F; while (time < $end) { fork and POSIX::_exit(0); setsid; }'";
    let mark = marker();
    let (report, lines) = leave_behind(&format!("{chain} & cat ready; exit 3"), &mark, &SHORT);
    assert_eq!((report.exit, lines.texts()), (Exit::Code(3), vec!["go".to_owned()]));
    assert!(crate::find_leftovers(&mark, None).is_empty() && !report.undrained, "{report:?}");
}

#[test]
fn a_crowd_is_ended_too() {
    let script = "perl -MPOSIX -e '$SIG{TERM} = q(IGNORE); for (1 .. 300) { fork or do { setsid if $_ % 2; sleep 300; \
                  exit } }' ; exit 3";
    let mark = marker();
    let (report, _) = leave_behind(script, &mark, &SHORT);
    assert!(crate::find_leftovers(&mark, None).is_empty(), "{}", report.leftovers.len());
    assert!((report.exit, report.leftovers.len()) == (Exit::Code(3), 300) && !report.undrained, "{report:?}");
}

#[test]
fn a_nested_tree_is_spared_with_what_it_started() {
    let (outer, inner) = (marker(), marker());
    let nested = format!(
        "{}={} setsid sh -c 'env -i sh -c \"echo \\$\\$ > ready; exec sleep 300\" & echo $$ > ready2; exec sleep 300'",
        inner.name, inner.value
    );
    let (report, lines) =
        leave_behind(&format!("{nested} > /dev/null 2>&1 & cat ready ready2; exit 3"), &outer, &SHORT);
    let spared = lines.pids();
    let alive: Vec<bool> = spared.iter().map(|pid| is_alive(*pid)).collect();
    let ended = block_on(end_leftovers(&inner, None, Duration::from_millis(200)));
    assert!(report.leftovers.is_empty() && !report.undrained, "{report:?}");
    assert!(spared.len() == 2 && alive.iter().all(|alive| *alive), "{spared:?} {alive:?}");
    assert!(
        spared.iter().all(|pid| ended.iter().any(|leftover| leftover.pid == *pid)),
        "{spared:?} {ended:?}"
    );
}

#[test]
fn a_nested_tree_in_the_same_group_is_spared() {
    let (outer, inner) = (marker(), marker());
    let nested = format!("{}={} sh -c 'echo $$ > ready; exec sleep 300'", inner.name, inner.value);
    let script =
        format!("{nested} > /dev/null 2>&1 & cat ready; sh -c 'trap \"\" TERM; sleep 300' & echo $!; exit 3");
    let (report, lines) = leave_behind(&script, &outer, &SHORT);
    let [spared, ended] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
    let alive = (is_alive(spared), is_alive(ended));
    block_on(end_leftovers(&inner, None, Duration::ZERO));
    assert_eq!(alive, (true, false), "{report:?}");
}

#[test]
fn a_stranger_who_holds_the_pipes_is_reported_but_not_waited_for() {
    let (outer, inner) = (marker(), marker());
    let nested = format!("{}={} setsid sh -c 'echo $$ > ready; exec sleep 300'", inner.name, inner.value);
    let (report, lines) = leave_behind(&format!("{nested} & cat ready; echo last; exit 3"), &outer, &SHORT);
    block_on(end_leftovers(&inner, None, Duration::ZERO));
    assert!(report.undrained && report.leftovers.is_empty(), "{report:?}");
    assert_eq!(lines.texts()[1], "last");
}

#[test]
fn nothing_left_over_means_no_waiting() {
    let quickest = (0..20).map(|_| {
        let started = Instant::now();
        let (_keep, stop) = watch::channel(StopRequest::None);
        let mut lines = Lines::default();
        let report =
            block_on(run_with(&program(&["true"], Path::new("/")), &marker(), &NO_LIMITS, stop, &mut lines));
        started.elapsed() - report.elapsed
    });
    let quickest = quickest.min().unwrap();
    // Less than anything that is ever waited for here; on an idle machine it takes less than one millisecond.
    assert!(quickest < Duration::from_millis(90), "{quickest:?}");
}

#[test]
fn the_leader_is_collected() {
    block_on(async {
        let job = crate::Job::spawn(&shell("exit 0", Path::new("/")), &marker()).unwrap();
        let identity = job.identity();
        let (_keep, stop) = watch::channel(StopRequest::None);
        job.run(&NO_LIMITS, stop, &mut Lines::default()).await;
        until_gone(identity.pid).await;
        assert_eq!(identity_of(identity.pid), None);
        assert!(!Path::new(&format!("/proc/{}/stat", identity.pid)).exists());
    });
}
