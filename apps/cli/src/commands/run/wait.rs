//! `run wait`: wait until runs that somebody else started have ended. Must not look at a run before something says so.

use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetRun;
use agent_runner_api::view::{RunDetail, RunSummary};
use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use agent_runner_store::{Changes as _, RunStore as _};
use anyhow::Context as _;
use serde::Serialize;
use tokio::time::Instant;

use crate::app::App;
use crate::args::{OutputFormat, WaitArgs};
use crate::exit::{Failure, Outcome};
use crate::output::{print, print_json};
use crate::pace::until;
use crate::prompts::Prompts;
use crate::render::{clean, exit_code};

/// How long a run without a driver is given another one.
const REPLACEMENT: Duration = Duration::from_secs(3);
/// Exit code when the time was up, as that of timeout(1).
const TIMED_OUT: u8 = 124;
/// Exit codes of runs, the worst first.
const WORST: [u8; 6] = [4, 75, 130, 2, 1, 0];

/// What is known of the runs at the end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waited {
    exit_code: u8,
    timed_out: bool,
    /// As they were named.
    runs: Vec<WaitedRun>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WaitedRun {
    /// Whether it was waited for to the end.
    over: bool,
    exit_code: Option<u8>,
    #[serde(flatten)]
    summary: RunSummary,
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<RunDetail, Failure>> + 'a>>;

pub(crate) async fn wait(app: &App, args: WaitArgs) -> Outcome {
    let WaitArgs { runs, any, timeout_sec, output } = args;
    let deadline = timeout_sec.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    // A name that means nothing is said before anything is waited for.
    let mut named: Vec<RunId> = Vec::new();
    for run in runs {
        let run_id = app.engine.call(GetRun { run }).await?.summary.run_id;
        if !named.contains(&run_id) {
            named.push(run_id);
        }
    }
    let mut waiting: Vec<(RunId, Waiting<'_>)> = Vec::new();
    for run_id in &named {
        waiting.push((run_id.clone(), Box::pin(ended(app, run_id.clone(), output.output_format))));
    }
    let mut over: Vec<RunDetail> = Vec::new();
    let mut timed_out = false;
    while !waiting.is_empty() && (!any || over.is_empty()) {
        let detail = tokio::select! {
            biased;
            detail = first(&mut waiting) => detail?,
            () = until(deadline) => {
                timed_out = true;
                break;
            }
        };
        if output.output_format == OutputFormat::Text {
            print(&line(&detail))?;
        }
        over.push(detail);
    }
    drop(waiting);
    let code = worst(&over, timed_out);
    match output.output_format {
        OutputFormat::Json => {
            print_json(&Waited { exit_code: code, timed_out, runs: all(app, &named, over).await? })?
        }
        OutputFormat::Text if timed_out => {
            let left = named.iter().filter(|run_id| over.iter().all(|run| run.summary.run_id != **run_id));
            let left: Vec<&str> = left.map(RunId::as_str).collect();
            say(&format!("the time is up; these have not ended: {}", left.join(", ")));
        }
        OutputFormat::Text => {}
    }
    Ok(code)
}

/// The first of these that is over; it is taken out.
async fn first(waiting: &mut Vec<(RunId, Waiting<'_>)>) -> Result<RunDetail, Failure> {
    let (index, detail) = poll_fn(|context| {
        for (index, (_, waiting)) in waiting.iter_mut().enumerate() {
            if let Poll::Ready(detail) = waiting.as_mut().poll(context) {
                return Poll::Ready((index, detail));
            }
        }
        Poll::Pending
    })
    .await;
    drop(waiting.remove(index));
    detail
}

/// Waits until a run is over, or was interrupted and nobody goes on with it.
async fn ended(app: &App, run_id: RunId, format: OutputFormat) -> Result<RunDetail, Failure> {
    // Watch first: what happens between a look and the wait must not be missed.
    let mut changes = app.store.changes(&run_id).await.context("cannot watch the run")?;
    let mut driven: Option<Prompts> = None;
    let (mut patience, mut told) = (None, None);
    loop {
        let detail = app.engine.call(GetRun { run: run_id.to_string() }).await?;
        let status = detail.summary.effective_status;
        match status {
            RunStatus::Success
            | RunStatus::Blocked
            | RunStatus::Exhausted
            | RunStatus::Aborted
            | RunStatus::Error => return Ok(detail),
            RunStatus::Running => {
                patience = None;
                match &mut driven {
                    Some(prompts) => {
                        prompts.next().await;
                    }
                    None => driven = Some(Prompts::files(app, &run_id).await?),
                }
            }
            RunStatus::Interrupted => {
                driven = None;
                let end = *patience.get_or_insert(Instant::now() + REPLACEMENT);
                tokio::select! {
                    () = changes.next() => {}
                    () = until(Some(end)) => return Ok(detail),
                }
            }
            RunStatus::Initialized | RunStatus::Ready => {
                if told.replace(status) != Some(status) && format == OutputFormat::Text {
                    say(&not_started(&detail));
                }
                changes.next().await;
            }
        }
    }
}

fn not_started(detail: &RunDetail) -> String {
    let run = &detail.summary.run_id;
    if detail.is_passive() {
        return format!("run {run} is passive: waiting until its tasks are done");
    }
    let status = detail.summary.effective_status.as_str();
    format!("run {run} is {status}: waiting until somebody starts it")
}

fn line(detail: &RunDetail) -> String {
    let RunSummary { run_id, effective_status, tasks_completed, tasks_total, .. } = &detail.summary;
    let mut text = format!(
        "Run {run_id}: {} ({tasks_completed} of {tasks_total} tasks completed)\n",
        effective_status.as_str()
    );
    if matches!(effective_status, RunStatus::Interrupted) {
        text.push_str(&format!(
            "Its driver is gone. Go on with it: agent-runner run --resume-run {run_id}\n"
        ));
    }
    clean(&text)
}

fn worst(over: &[RunDetail], timed_out: bool) -> u8 {
    let codes: Vec<u8> = over.iter().map(exit_code).collect();
    let worst = WORST.into_iter().find(|code| codes.contains(code)).unwrap_or(0);
    if timed_out { TIMED_OUT } else { worst }
}

/// All runs as they were named; those that are not over, as they are now.
async fn all(app: &App, named: &[RunId], over: Vec<RunDetail>) -> Result<Vec<WaitedRun>, Failure> {
    let mut over: Vec<Option<RunDetail>> = over.into_iter().map(Some).collect();
    let mut all = Vec::new();
    for run_id in named {
        let known = over.iter_mut().find(|run| run.as_ref().is_some_and(|run| run.summary.run_id == *run_id));
        let (detail, is_over) = match known.and_then(Option::take) {
            Some(detail) => (detail, true),
            None => (app.engine.call(GetRun { run: run_id.to_string() }).await?, false),
        };
        let exit_code = is_over.then(|| exit_code(&detail));
        all.push(WaitedRun { over: is_over, exit_code, summary: detail.summary });
    }
    Ok(all)
}

fn say(words: &str) {
    let _ = writeln!(std::io::stderr().lock(), "note: {}", clean(words));
}
