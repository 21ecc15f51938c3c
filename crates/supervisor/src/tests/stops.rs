//! Tests of limits and stop requests against programs that do not cooperate.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Each, Lines, NO_LIMITS, block_on, is_alive, marker, run_into, run_with, shell};
use crate::{Exit, JobReport, Limits, Program, Source, StopReason, StopRequest};

const TERM: Exit = Exit::Signal(15);
const KILL: Exit = Exit::Signal(9);
/// Far less than any program here would take by itself.
const SOON: Duration = Duration::from_secs(20);

fn script(text: &str) -> Program {
    shell(text, Path::new("/"))
}

fn limited(program: &Program, limits: Limits) -> JobReport {
    let started = Instant::now();
    let report = block_on(run_into(program, &limits, &mut Each(|_, _: &[u8], _| ())));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    report
}

/// Asks for what stands in a line, as soon as the line arrives: `graceful` or `now`.
fn on_request(program: &Program, limits: Limits) -> (JobReport, Vec<String>) {
    let (ask, stop) = watch::channel(StopRequest::None);
    let mut texts = Vec::new();
    let mut sink = Each(|_, line: &[u8], _| {
        match line {
            b"graceful" => ask.send_replace(StopRequest::Graceful),
            b"now" => ask.send_replace(StopRequest::Now),
            _ => StopRequest::None,
        };
        if texts.len() < 100 {
            texts.push(String::from_utf8_lossy(line).into_owned());
        }
    });
    let started = Instant::now();
    let report = block_on(run_with(program, &marker(), &limits, stop, &mut sink));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    (report, texts)
}

#[test]
fn the_wall_limit_asks_first() {
    let limits = Limits { wall: Some(Duration::from_millis(200)), ..NO_LIMITS };
    let report = limited(&script("exec sleep 300"), limits);
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Wall)));
    assert!(report.elapsed >= Duration::from_millis(200));
}

#[test]
fn a_program_may_tidy_up_when_asked() {
    let limits = Limits { wall: Some(Duration::from_millis(200)), ..NO_LIMITS };
    let mut lines = Lines::default();
    let program = script("trap 'echo tidied; exit 9' TERM; while :; do sleep 0.01; done");
    let report = block_on(run_into(&program, &limits, &mut lines));
    assert_eq!((report.exit, report.stop), (Exit::Code(9), Some(StopReason::Wall)));
    assert!(lines.all.contains(&(Source::Stdout, b"tidied".to_vec(), false)));
}

#[test]
fn ignoring_the_request_is_fatal() {
    let limits =
        Limits { wall: Some(Duration::from_millis(100)), idle: None, grace: Duration::from_millis(100) };
    let report = limited(&script("trap '' TERM; sleep 300; sleep 300"), limits);
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Wall)));
    assert!(report.elapsed >= Duration::from_millis(200));
}

#[test]
fn a_stopped_program_hears_the_request() {
    let limits = Limits { wall: Some(Duration::from_millis(200)), ..NO_LIMITS };
    let report = limited(&script("trap 'exit 9' TERM; kill -STOP $$; sleep 300"), limits);
    assert_eq!((report.exit, report.stop), (Exit::Code(9), Some(StopReason::Wall)));
}

#[test]
fn silence_is_idle() {
    let limits = Limits { idle: Some(Duration::from_millis(300)), ..NO_LIMITS };
    let report = limited(&script("echo one; exec sleep 300"), limits);
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Idle)));
    assert_eq!(report.stdout_bytes, 4);
}

#[test]
fn output_on_either_stream_is_not_idle() {
    // Ten times the limit altogether, but never a silence of more than a fifth of it.
    let limits = Limits { idle: Some(Duration::from_millis(1000)), ..NO_LIMITS };
    let program =
        script("i=0; while [ $i -lt 15 ]; do printf x; sleep 0.1; printf y >&2; sleep 0.1; i=$((i+1)); done");
    let report = limited(&program, limits);
    assert_eq!((report.exit, report.stop), (Exit::Code(0), None));
}

#[test]
fn a_graceful_request_asks() {
    let (report, _) =
        on_request(&script("trap 'exit 4' TERM; echo graceful; while :; do sleep 0.01; done"), NO_LIMITS);
    assert_eq!((report.exit, report.stop), (Exit::Code(4), Some(StopReason::Requested)));
}

#[test]
fn an_urgent_request_does_not_ask() {
    let (report, _) =
        on_request(&script("trap 'exit 4' TERM; echo now; while :; do sleep 0.01; done"), NO_LIMITS);
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Requested)));
    assert!(report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn an_urgent_request_cuts_the_grace_short() {
    let limits = Limits { grace: Duration::from_secs(3600), ..NO_LIMITS };
    let program =
        script("exec 2>/dev/null; trap 'echo now' TERM; echo graceful; while :; do sleep 0.01; done");
    let (report, texts) = on_request(&program, limits);
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Requested)));
    assert_eq!(texts, ["graceful", "now"]);
}

#[test]
fn a_request_made_before_the_start_counts() {
    let (_keep, stop) = watch::channel(StopRequest::Now);
    let report = block_on(run_with(&script("sleep 300"), &marker(), &NO_LIMITS, stop, &mut Lines::default()));
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Requested)));
}

#[test]
fn the_first_reason_stands() {
    let limits =
        Limits { wall: Some(Duration::from_millis(100)), idle: None, grace: Duration::from_secs(3600) };
    let (report, _) =
        on_request(&script("exec 2>/dev/null; trap 'echo now' TERM; while :; do sleep 0.01; done"), limits);
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Wall)));
}

#[test]
fn nobody_to_ask_means_no_request() {
    let (ask, stop) = watch::channel(StopRequest::None);
    drop(ask);
    let report =
        block_on(run_with(&script("sleep 0.2; exit 6"), &marker(), &NO_LIMITS, stop, &mut Lines::default()));
    assert_eq!((report.exit, report.stop), (Exit::Code(6), None));
}

#[test]
fn a_flood_holds_up_neither_limits_nor_requests_nor_the_other_stream() {
    let limits = Limits { wall: Some(Duration::from_millis(300)), ..NO_LIMITS };
    let report = limited(&script("yes & yes >&2 & wait"), limits);
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Wall)));
    assert!(report.elapsed < Duration::from_secs(5), "{report:?}");

    let (report, _) = on_request(&script("yes & sleep 0.2; echo graceful >&2; wait"), NO_LIMITS);
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Requested)));
}

#[test]
fn a_flood_from_those_who_ignore_the_request_holds_nothing_up() {
    let limits =
        Limits { wall: Some(Duration::from_millis(100)), idle: None, grace: Duration::from_millis(200) };
    let report = limited(&script("trap '' TERM; yes & yes >&2 & yes"), limits);
    assert_eq!((report.exit, report.stop), (KILL, Some(StopReason::Wall)));
    assert!(report.elapsed < Duration::from_secs(5) && report.stdout_bytes > 1 << 20, "{report:?}");
}

#[test]
fn a_stop_reaches_the_whole_group() {
    let limits = Limits { wall: Some(Duration::from_millis(500)), ..NO_LIMITS };
    let mut lines = Lines::default();
    let program = script("sleep 300 & echo $!; (sleep 300 & echo $!; wait) & wait");
    let report = block_on(run_into(&program, &limits, &mut lines));
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Wall)));
    assert_eq!(lines.pids().len(), 2);
    assert!(lines.pids().iter().all(|pid| !is_alive(*pid)));
    // They were asked while the leader lived, and went.
    assert!(report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn members_that_ignore_the_request_die_after_their_leader() {
    let limits =
        Limits { wall: Some(Duration::from_millis(500)), idle: None, grace: Duration::from_millis(300) };
    let mut lines = Lines::default();
    let program = script("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & exec sleep 300");
    let report = block_on(run_into(&program, &limits, &mut lines));
    assert_eq!((report.exit, report.stop), (TERM, Some(StopReason::Wall)));
    let [stubborn] = lines.pids()[..] else { panic!("{:?}", lines.texts()) };
    assert!(
        !is_alive(stubborn) && report.leftovers.iter().any(|leftover| leftover.pid == stubborn),
        "{report:?}"
    );
}

#[test]
fn the_source_of_a_line_is_told() {
    let mut lines = Lines::default();
    block_on(run_into(&script("echo out; echo err >&2"), &NO_LIMITS, &mut lines));
    lines.all.sort_by_key(|(_, line, _)| line.clone());
    let expected = [(Source::Stderr, b"err".to_vec(), false), (Source::Stdout, b"out".to_vec(), false)];
    assert_eq!(lines.all, expected);
}
