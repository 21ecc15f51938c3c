//! What lists show of a run, and the words it is found by: taken from what may be shown of it, and small enough to be
//! kept beside the manifest. Must not hold anything that `redacted` hides, nor what only a lease can tell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capabilities::{Capabilities, Lease, capabilities};
use crate::ids::{RunId, TaskId};
use crate::manifest::{Dependency, Manifest};
use crate::phase::RunStatus;
use crate::redact::redacted;
use crate::task::TaskStatus;
use crate::time::Timestamp;
use crate::usage::{UsageTotals, totals};

/// What lists show of a run. Of an active run only its manifest and its lease can tell how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The run.
    pub run_id: RunId,
    /// The commit it was taken from.
    pub revision: u64,
    /// The bucket.
    pub repo: String,
    /// Where it works.
    pub cwd: String,
    /// Where it was made, if it works in a worktree of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_in: Option<String>,
    /// Runs it belongs with.
    pub group: String,
    /// The run it descends from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// The agent's name.
    pub agent: String,
    /// The assignment's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<String>,
    /// The backend.
    pub backend: String,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether boards show it first.
    pub pinned: bool,
    /// When it was put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    /// The status the manifest has.
    pub status: RunStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was first started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Attempts that ended.
    pub attempts: usize,
    /// Sessions opened.
    pub sessions: usize,
    /// Retries + 1.
    pub max_attempts_per_session: u32,
    /// Completed tasks.
    pub tasks_completed: usize,
    /// All tasks.
    pub tasks_total: usize,
    /// The task that is being worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_task: Option<ActiveTask>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// What its attempts used together.
    pub usage: UsageTotals,
    /// What may be done with it while nobody drives it.
    pub capabilities: Capabilities,
}

/// The task that is being worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveTask {
    /// Its id.
    pub id: TaskId,
    /// Its title.
    pub title: String,
}

/// The words a run is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Its display name.
    pub name: String,
    /// The titles of its tasks.
    pub tasks: String,
    /// Its note and the notes of its tasks.
    pub notes: String,
    /// What it was told, and what waits to be told.
    pub messages: String,
}

impl Digest {
    /// The digest of a run and the words it is found by, without what is shown to nobody.
    pub fn of(manifest: &Manifest) -> (Self, Words) {
        let shown = redacted(manifest);
        (digest(&shown), words(&shown))
    }

    /// Whether only the manifest and the lease can tell how it stands.
    pub fn is_active(&self) -> bool {
        match self.status {
            RunStatus::Running | RunStatus::Interrupted => true,
            RunStatus::Initialized
            | RunStatus::Ready
            | RunStatus::Success
            | RunStatus::Blocked
            | RunStatus::Exhausted
            | RunStatus::Aborted
            | RunStatus::Error => false,
        }
    }
}

fn digest(shown: &Manifest) -> Digest {
    let (spec, state) = (&shown.spec, &shown.state);
    Digest {
        run_id: spec.run_id.clone(),
        revision: shown.revision,
        repo: spec.repo.clone(),
        cwd: spec.cwd.clone(),
        made_in: spec.worktree.as_ref().map(|_| spec.template.caller_dir.clone()),
        group: state.run_group_id.clone(),
        parent: spec.parent_run_id.clone(),
        agent: spec.agent.name.clone(),
        assignment: spec.assignment.as_ref().map(|assignment| assignment.name.clone()),
        backend: spec.backend.clone(),
        model: spec.model.clone(),
        name: state.name.clone(),
        pinned: state.pinned,
        archived_at: state.archived_at,
        status: shown.status(false),
        created_at: spec.created_at,
        started_at: state.started_at,
        updated_at: state.updated_at,
        ended_at: state.ended_at,
        attempts: state.attempt_records.len(),
        sessions: state.sessions.len(),
        max_attempts_per_session: spec.max_attempts_per_session,
        tasks_completed: shown.tasks_completed(),
        tasks_total: state.final_tasks.len(),
        active_task: active_task(shown),
        dependencies: state.dependencies.clone(),
        usage: totals(&state.attempt_records),
        capabilities: capabilities(shown, Lease::Free),
    }
}

/// The task that is being worked on: the first one in progress.
pub fn active_task(manifest: &Manifest) -> Option<ActiveTask> {
    let mut tasks = manifest.state.final_tasks.values();
    let task = tasks.find(|task| task.status == TaskStatus::InProgress)?;
    Some(ActiveTask { id: task.id.clone(), title: task.title.clone() })
}

fn words(shown: &Manifest) -> Words {
    let (spec, state) = (&shown.spec, &shown.state);
    let tasks = state.final_tasks.values();
    let notes = state.note.iter().chain(tasks.clone().map(|task| &task.notes));
    let sessions = state.sessions.iter().filter_map(|session| session.message.as_ref());
    let waiting = state.queued_resume_messages.iter().map(|message| &message.text);
    Words {
        name: state.name.clone().unwrap_or_default(),
        tasks: joined(tasks.map(|task| &task.title)),
        notes: joined(notes),
        messages: joined(spec.message.iter().chain(sessions).chain(waiting)),
    }
}

fn joined<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    let mut all = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        all.push_str(text);
        all.push('\n');
    }
    all
}
