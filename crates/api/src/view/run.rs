//! Views of runs.

use agent_runner_model::attempt::{AttemptEnd, AttemptRecord};
use agent_runner_model::capabilities::{Capabilities, Lease, capabilities};
use agent_runner_model::event::EventRecord;
use agent_runner_model::manifest::{GitHead, Manifest, QueuedMessage, Session};
use agent_runner_model::phase::{Cause, Failure, Outcome, Phase, PromptKind, RunStatus, Stage, Wait};
use agent_runner_model::spec::{Effort, LimitPolicy, LockableField, PASSIVE_BACKEND};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::turn::TurnRecord;
use agent_runner_model::usage::{Usage, UsageTotals, totals};
use agent_runner_model::{RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::task::{ActiveTask, TaskView};

/// What the reader of a manifest knows besides it.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Whether somebody drives the run.
    pub lease: Lease,
    /// The run's directory.
    pub workspace_dir: String,
    /// What people should know about the backend's own safety rules in this run.
    pub safety_note: Option<String>,
}

/// The agent of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub source_path: Option<String>,
}

/// The assignment of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub source_path: String,
}

/// A session of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// From 0.
    pub session_index: u32,
    /// Why it was opened.
    pub cause: Cause,
    /// Its status: `running` while it is open.
    pub status: RunStatus,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
    /// Exit code of the command that ran it.
    pub exit_code: Option<u8>,
    /// The words it was opened with.
    pub message: Option<String>,
    /// Its first attempt.
    pub first_attempt_number: Option<u32>,
    /// Its last attempt.
    pub last_attempt_number: Option<u32>,
    /// Attempts started.
    pub attempt_count: u32,
    /// Attempts that counted as a try.
    pub attempts_spent: u32,
    /// How many may count.
    pub max_attempts_per_session: u32,
    /// What the repository of the run's directory had checked out when it was opened.
    pub git_before: Option<GitHead>,
    /// The same when the run ended.
    pub git_after: Option<GitHead>,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        let status = match (&session.outcome, session.ended_at) {
            (Some(Outcome::Success) | None, Some(_)) => RunStatus::Success,
            (Some(Outcome::Blocked { .. }), _) => RunStatus::Blocked,
            (Some(Outcome::Exhausted), _) => RunStatus::Exhausted,
            (Some(Outcome::Failed { .. }), _) => RunStatus::Error,
            (Some(Outcome::Aborted), _) => RunStatus::Aborted,
            (Some(Outcome::Success) | None, None) => RunStatus::Running,
        };
        let last = session
            .first_attempt_number
            .filter(|_| session.attempt_count > 0)
            .map(|first| first.saturating_add(session.attempt_count - 1));
        Self {
            session_index: session.session_index,
            cause: session.cause.clone(),
            status,
            started_at: session.started_at,
            ended_at: session.ended_at,
            exit_code: session.outcome.as_ref().map(Outcome::exit_code),
            message: session.message.clone(),
            first_attempt_number: session.first_attempt_number,
            last_attempt_number: last,
            attempt_count: session.attempt_count,
            attempts_spent: session.attempts_spent,
            max_attempts_per_session: session.max_attempts_per_session,
            git_before: session.git_before.clone(),
            git_after: session.git_after.clone(),
        }
    }
}

/// An attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// From 0.
    pub attempt_number: u32,
    /// The session it belongs to.
    pub session_index: u32,
    /// What the worker was told.
    pub prompt: PromptKind,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; nothing while it runs.
    pub ended_at: Option<Timestamp>,
    /// How it ended; nothing while it runs.
    pub end: Option<AttemptEnd>,
    /// Exit code of the worker's program.
    pub exit_code: Option<i32>,
    /// Signal that ended the worker's program.
    pub signal: Option<i32>,
    /// The worker's process id while it runs.
    pub pid: Option<u32>,
    /// The end of what it printed.
    pub output_tail: String,
    /// Processes it left behind, which were ended.
    pub leftovers: u32,
    /// What it used; nothing while it runs.
    pub usage: Option<Usage>,
}

impl From<&AttemptRecord> for AttemptView {
    fn from(record: &AttemptRecord) -> Self {
        Self {
            attempt_number: record.attempt_number,
            session_index: record.session_index,
            prompt: record.prompt,
            started_at: record.started_at,
            ended_at: Some(record.ended_at),
            end: Some(record.end.clone()),
            exit_code: record.exit_code,
            signal: record.signal,
            pid: None,
            output_tail: record.output_tail.clone(),
            leftovers: record.leftovers,
            usage: Some(record.usage),
        }
    }
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Its name in commands.
    pub run_id: RunId,
    /// The run that started it.
    pub parent_run_id: Option<RunId>,
    /// Runs it belongs with.
    pub run_group_id: String,
    /// The bucket.
    pub repo: String,
    /// The status the manifest has.
    pub status: RunStatus,
    /// The status as things are: `interrupted` when nobody drives an active run.
    pub effective_status: RunStatus,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// Whether boards show it first.
    pub pinned: bool,
    /// The agent.
    pub agent_name: String,
    /// Display name.
    pub name: Option<String>,
    /// The assignment.
    pub assignment_name: Option<String>,
    /// The backend.
    pub backend: String,
    /// The model.
    pub model: Option<String>,
    /// Where it works.
    pub cwd: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Attempts that ended.
    pub total_attempt_count: usize,
    /// Sessions opened.
    pub total_session_count: usize,
    /// Retries + 1.
    pub max_attempts_per_session: u32,
    /// Completed tasks.
    pub tasks_completed: usize,
    /// All tasks.
    pub tasks_total: usize,
    /// The task that is being worked on.
    pub active_task: Option<ActiveTask>,
    /// What it waits for, and until when.
    pub wait: Option<Wait>,
    /// What its attempts used together.
    pub usage: UsageTotals,
    /// What may be done with it.
    pub capabilities: Capabilities,
}

/// A run, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    /// What lists show too.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Whether a driver is at work on it.
    pub is_live: bool,
    /// Whether somebody drives it, as far as can be told here.
    pub lease: Lease,
    /// Its directory; `run.json` there is the manifest.
    pub workspace_dir: String,
    /// Counts the commits.
    pub revision: u64,
    /// Cursor of its newest event.
    pub last_cursor: u64,
    /// The agent.
    pub agent: AgentView,
    /// The assignment.
    pub assignment: Option<AssignmentView>,
    /// Effort.
    pub effort: Option<Effort>,
    /// Note for people.
    pub note: Option<String>,
    /// The backend's own handle of its conversation.
    pub backend_session_id: Option<String>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// What people should know about the backend's own safety rules in this run.
    pub safety_note: Option<String>,
    /// What it does when a usage or rate limit is met.
    pub on_limit: LimitPolicy,
    /// Seconds one attempt may take.
    pub timeout_sec: u32,
    /// Exit code that goes with its end.
    pub exit_code: Option<u8>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Sessions, oldest first.
    pub sessions: Vec<SessionView>,
    /// The open session.
    pub current_session: Option<SessionView>,
    /// The newest session.
    pub last_session: Option<SessionView>,
    /// Attempts, oldest first; the last may be under way.
    pub attempts: Vec<AttemptView>,
    /// Messages for the next session.
    pub queued_resume_messages: Vec<QueuedMessage>,
    /// Tasks, in list order.
    pub tasks: Vec<TaskView>,
    /// The message it was created with.
    pub message: Option<String>,
    /// For whoever started it.
    pub caller_instructions: Option<String>,
    /// Fields that could not be overridden.
    pub locked_fields: Vec<LockableField>,
}

impl RunSummary {
    /// The view of a manifest.
    pub fn new(manifest: &Manifest, situation: &Situation) -> Self {
        let spec = &manifest.spec;
        let state = &manifest.state;
        let free = match situation.lease {
            Lease::Free => true,
            Lease::Held | Lease::Unknown => false,
        };
        Self {
            run_id: spec.run_id.clone(),
            parent_run_id: spec.parent_run_id.clone(),
            run_group_id: spec.run_group_id.clone(),
            repo: spec.repo.clone(),
            status: manifest.status(false),
            effective_status: manifest.status(free),
            archived_at: state.archived_at,
            pinned: state.pinned,
            agent_name: spec.agent.name.clone(),
            name: state.name.clone(),
            assignment_name: spec.assignment.as_ref().map(|assignment| assignment.name.clone()),
            backend: spec.backend.clone(),
            model: spec.model.clone(),
            cwd: spec.cwd.clone(),
            created_at: spec.created_at,
            started_at: state.started_at,
            updated_at: state.updated_at,
            ended_at: state.ended_at,
            total_attempt_count: state.attempt_records.len(),
            total_session_count: state.sessions.len(),
            max_attempts_per_session: spec.max_attempts_per_session,
            tasks_completed: manifest.tasks_completed(),
            tasks_total: state.final_tasks.len(),
            active_task: active_task(manifest),
            wait: wait_of(manifest),
            usage: totals(&state.attempt_records),
            capabilities: capabilities(manifest, situation.lease),
        }
    }
}

impl RunDetail {
    /// The view of a manifest.
    pub fn new(manifest: &Manifest, situation: &Situation) -> Self {
        let spec = &manifest.spec;
        let state = &manifest.state;
        let sessions: Vec<SessionView> = state.sessions.iter().map(SessionView::from).collect();
        let failure = match manifest.outcome() {
            Some(Outcome::Failed { failure }) => Some(failure.clone()),
            Some(Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Aborted)
            | None => None,
        };
        let is_live = match (&state.phase, situation.lease) {
            (Phase::Active { .. }, Lease::Held) => true,
            (Phase::Initialized | Phase::Ready | Phase::Active { .. } | Phase::Ended { .. }, _) => false,
        };
        Self {
            summary: RunSummary::new(manifest, situation),
            is_live,
            lease: situation.lease,
            workspace_dir: situation.workspace_dir.clone(),
            revision: manifest.revision,
            last_cursor: manifest.last_cursor,
            agent: AgentView { name: spec.agent.name.clone(), source_path: spec.agent.source_path.clone() },
            assignment: spec.assignment.as_ref().map(|assignment| AssignmentView {
                name: assignment.name.clone(),
                source_path: assignment.source_path.clone(),
            }),
            effort: spec.effort,
            note: state.note.clone(),
            backend_session_id: state.backend_session_id.clone(),
            unrestricted: spec.unrestricted,
            safety_note: situation.safety_note.clone(),
            on_limit: state.on_limit,
            timeout_sec: spec.timeout_sec,
            exit_code: manifest.outcome().map(Outcome::exit_code),
            failure,
            current_session: sessions.last().filter(|session| session.ended_at.is_none()).cloned(),
            last_session: sessions.last().cloned(),
            sessions,
            attempts: attempts_of(manifest),
            queued_resume_messages: state.queued_resume_messages.clone(),
            tasks: state.final_tasks.values().map(TaskView::from).collect(),
            message: spec.message.clone(),
            caller_instructions: spec.caller_instructions.clone(),
            locked_fields: spec.locked_fields.clone(),
        }
    }
}

impl RunDetail {
    /// People and tools drive it; it has no worker.
    pub fn is_passive(&self) -> bool {
        self.summary.backend == PASSIVE_BACKEND
    }
}

fn wait_of(manifest: &Manifest) -> Option<Wait> {
    match manifest.stage() {
        Some(Stage::Waiting { wait }) => Some(wait.clone()),
        Some(_) | None => None,
    }
}

fn attempts_of(manifest: &Manifest) -> Vec<AttemptView> {
    let mut attempts: Vec<AttemptView> =
        manifest.state.attempt_records.iter().map(AttemptView::from).collect();
    if let Some(Stage::Attempting { attempt }) = manifest.stage() {
        attempts.push(AttemptView {
            attempt_number: attempt.attempt_number,
            session_index: manifest.session().map_or(0, |session| session.session_index),
            prompt: attempt.prompt,
            started_at: attempt.started_at,
            ended_at: None,
            end: None,
            exit_code: None,
            signal: None,
            pid: attempt.process.as_ref().map(|process| process.pid),
            output_tail: String::new(),
            leftovers: 0,
            usage: None,
        });
    }
    attempts
}

/// The task that is being worked on: the first one in progress.
pub fn active_task(manifest: &Manifest) -> Option<ActiveTask> {
    let mut tasks = manifest.state.final_tasks.values();
    let task = tasks.find(|task| task.status == TaskStatus::InProgress)?;
    Some(ActiveTask { id: task.id.clone(), title: task.title.clone() })
}

/// A run and events of it, read as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReading {
    /// The run.
    pub run: RunDetail,
    /// Events in order.
    pub events: Vec<EventRecord>,
    /// Cursor of the newest event there is.
    pub last_cursor: u64,
}

/// Something that happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TimelineEntry {
    /// To the run.
    Run {
        /// The event, as `run audit` shows it.
        event: EventRecord,
    },
    /// In an attempt: what the worker did or said.
    Worker {
        /// Which attempt.
        attempt_number: u32,
        /// The event.
        record: TurnRecord,
    },
}

impl TimelineEntry {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Run { event } => event.at,
            Self::Worker { record, .. } => record.at,
        }
    }
}

/// What happened in a run and what its workers did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The run.
    pub run: RunDetail,
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// Attempts whose events cannot be read, and why.
    pub warnings: Vec<String>,
}

/// The handoff to the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    /// The run.
    pub run_id: RunId,
    /// Markdown.
    pub brief: String,
}

/// A run directory that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListProblem {
    /// The manifest's path.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// What could not be read.
    pub problems: Vec<ListProblem>,
}
