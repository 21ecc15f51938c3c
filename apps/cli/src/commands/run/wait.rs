//! `run wait`: wait until runs that somebody else started have ended. Must not look at a run before something says so.

use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use agent_runner_api::operations::GetRun;
use agent_runner_api::view::{RunDetail, RunSummary};
use agent_runner_api::{ApiError, ErrorCode, Handle as _};
use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use agent_runner_store::{Changes as _, RunStore as _};
use anyhow::Context as _;
use serde::Serialize;
use tokio::time::Instant;

use crate::app::App;
use crate::args::{OutputFormat, WaitArgs};
use crate::exit::{Failure, Outcome, USAGE, tell};
use crate::output::{print, print_json};
use crate::pace::until;
use crate::prompts::Prompts;
use crate::render::{clean, exit_code};

/// How long a run without a driver is given another one.
const REPLACEMENT: Duration = Duration::from_secs(3);
/// Exit code when the time was up, as that of timeout(1).
const TIMED_OUT: u8 = 124;
/// Exit codes of runs, the worst first. Of a run that is gone nobody can say how it did, only that it was named.
const WORST: [u8; 7] = [4, USAGE, 75, 130, 2, 1, 0];

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
#[serde(untagged, rename_all_fields = "camelCase")]
enum WaitedRun {
    Known {
        /// Whether it was waited for to the end.
        over: bool,
        exit_code: Option<u8>,
        #[serde(flatten)]
        summary: Box<RunSummary>,
    },
    Lost {
        run_id: RunId,
        over: bool,
        exit_code: u8,
        error: ApiError,
    },
}

/// What waiting for a run came to.
enum Over {
    /// It has ended, or was interrupted and nobody goes on with it.
    Ended(Box<RunDetail>),
    /// It is not there, or cannot be read.
    Lost(RunId, ApiError),
}

impl Over {
    fn run_id(&self) -> &RunId {
        match self {
            Self::Ended(detail) => &detail.summary.run_id,
            Self::Lost(run_id, _) => run_id,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Ended(detail) => exit_code(detail),
            Self::Lost(_, error) => error.code.exit_code(),
        }
    }

    fn is_end(&self) -> bool {
        match self {
            Self::Ended(_) => true,
            Self::Lost(..) => false,
        }
    }

    /// Said at once: the others may take long.
    fn say(&self, format: OutputFormat) -> Result<(), Failure> {
        match (self, format) {
            (Self::Ended(detail), OutputFormat::Text) => print(&line(detail)),
            (Self::Ended(_), OutputFormat::Json) => Ok(()),
            (Self::Lost(run_id, error), format) => {
                tell(error);
                match format {
                    OutputFormat::Text => print(&format!("Run {run_id}: {}\n", lost_words(error))),
                    OutputFormat::Json => Ok(()),
                }
            }
        }
    }
}

fn lost_words(error: &ApiError) -> &'static str {
    if error.code == ErrorCode::NotFound { "not found" } else { "unreadable" }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Over, Failure>> + 'a>>;

pub(crate) async fn wait(app: &App, args: WaitArgs) -> Outcome {
    let WaitArgs { runs, any, timeout_sec, output } = args;
    let deadline = timeout_sec.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    // What cannot be a run is said before anything is waited for. A run that is gone is no reason to let go of others.
    let mut named: Vec<RunId> = Vec::new();
    for run in runs {
        let run_id = match (
            app.engine.call(GetRun { run: run.clone(), with_dependents: false }).await,
            RunId::parse(&run),
        ) {
            (Ok(detail), _) => detail.summary.run_id,
            (Err(error), Ok(run_id)) if is_lost(&error) => run_id,
            (Err(error), _) => return Err(error.into()),
        };
        if !named.contains(&run_id) {
            named.push(run_id);
        }
    }
    let mut waiting: Vec<(RunId, Waiting<'_>)> = Vec::new();
    for run_id in &named {
        waiting.push((run_id.clone(), Box::pin(over(app, run_id.clone(), output.output_format))));
    }
    let mut done: Vec<Over> = Vec::new();
    let mut timed_out = false;
    while !waiting.is_empty() && (!any || !done.iter().any(Over::is_end)) {
        let over = tokio::select! {
            biased;
            over = first(&mut waiting) => over?,
            () = until(deadline) => {
                timed_out = true;
                break;
            }
        };
        over.say(output.output_format)?;
        done.push(over);
    }
    drop(waiting);
    let code = worst(&done, any, timed_out);
    match output.output_format {
        OutputFormat::Json => {
            print_json(&Waited { exit_code: code, timed_out, runs: all(app, &named, done).await? })?
        }
        OutputFormat::Text if timed_out => {
            let left = named.iter().filter(|run_id| done.iter().all(|over| over.run_id() != *run_id));
            let left: Vec<&str> = left.map(RunId::as_str).collect();
            say(&format!("the time is up; these have not ended: {}", left.join(", ")));
        }
        OutputFormat::Text => {}
    }
    Ok(code)
}

/// The first of these that is over; it is taken out.
async fn first(waiting: &mut Vec<(RunId, Waiting<'_>)>) -> Result<Over, Failure> {
    let (index, over) = poll_fn(|context| {
        for (index, (_, waiting)) in waiting.iter_mut().enumerate() {
            if let Poll::Ready(over) = waiting.as_mut().poll(context) {
                return Poll::Ready((index, over));
            }
        }
        Poll::Pending
    })
    .await;
    drop(waiting.remove(index));
    over
}

fn is_lost(error: &ApiError) -> bool {
    matches!(error.code, ErrorCode::NotFound | ErrorCode::Unreadable)
}

/// Waits for a run that may be deleted meanwhile.
async fn over(app: &App, run_id: RunId, format: OutputFormat) -> Result<Over, Failure> {
    let failure = match ended(app, run_id.clone(), format).await {
        Ok(detail) => return Ok(Over::Ended(Box::new(detail))),
        Err(failure) => failure,
    };
    match app.engine.call(GetRun { run: run_id.to_string(), with_dependents: false }).await {
        Err(error) if is_lost(&error) => Ok(Over::Lost(run_id, error)),
        Ok(_) | Err(_) => Err(failure),
    }
}

/// Waits until a run is over, or was interrupted and nobody goes on with it.
async fn ended(app: &App, run_id: RunId, format: OutputFormat) -> Result<RunDetail, Failure> {
    // Watch first: what happens between a look and the wait must not be missed.
    let mut changes = app.store.changes(&run_id).await.context("cannot watch the run")?;
    let mut driven: Option<Prompts> = None;
    let (mut patience, mut told) = (None, String::new());
    loop {
        let detail = app.engine.call(GetRun { run: run_id.to_string(), with_dependents: false }).await?;
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
                let words = not_started(&detail);
                if told != words && format == OutputFormat::Text {
                    say(&words);
                }
                told = words;
                changes.next().await;
            }
        }
    }
}

fn not_started(detail: &RunDetail) -> String {
    let run = &detail.summary.run_id;
    if detail.summary.archived_at.is_some() {
        return format!(
            "run {run} is archived: waiting until `agent-runner run unarchive {run}` takes it back out"
        );
    }
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

/// Who waits for any of them has what it wants as soon as one has ended: then those that are gone do not count.
fn worst(done: &[Over], any: bool, timed_out: bool) -> u8 {
    let one_ended = any && done.iter().any(Over::is_end);
    let counted = done.iter().filter(|over| !one_ended || over.is_end());
    let codes: Vec<u8> = counted.map(Over::exit_code).collect();
    let worst = WORST.into_iter().find(|code| codes.contains(code)).unwrap_or(0);
    if timed_out { TIMED_OUT } else { worst }
}

/// All runs as they were named; those that are not over, as they are now.
async fn all(app: &App, named: &[RunId], done: Vec<Over>) -> Result<Vec<WaitedRun>, Failure> {
    let mut done: Vec<Option<Over>> = done.into_iter().map(Some).collect();
    let mut all = Vec::new();
    for run_id in named {
        let known = done.iter_mut().find(|over| over.as_ref().is_some_and(|over| over.run_id() == run_id));
        all.push(match known.and_then(Option::take) {
            Some(Over::Ended(detail)) => {
                let exit_code = Some(exit_code(&detail));
                WaitedRun::Known { over: true, exit_code, summary: Box::new(detail.summary) }
            }
            Some(Over::Lost(run_id, error)) => lost(run_id, error),
            None => match app.engine.call(GetRun { run: run_id.to_string(), with_dependents: false }).await {
                Ok(detail) => {
                    WaitedRun::Known { over: false, exit_code: None, summary: Box::new(detail.summary) }
                }
                Err(error) if is_lost(&error) => lost(run_id.clone(), error),
                Err(error) => return Err(error.into()),
            },
        });
    }
    Ok(all)
}

fn lost(run_id: RunId, error: ApiError) -> WaitedRun {
    WaitedRun::Lost { run_id, over: false, exit_code: error.code.exit_code(), error }
}

fn say(words: &str) {
    let _ = writeln!(std::io::stderr().lock(), "note: {}", clean(words));
}
