//! What may be done with a run as it stands: one pure function, used to refuse and to show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;
use crate::phase::Phase;
use crate::spec::LockableField;

/// Whether somebody drives the run, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Lease {
    /// A driver holds it.
    Held,
    /// Nobody holds it.
    Free,
    /// It was taken on another host or in another process namespace: nobody here can tell.
    Unknown,
}

/// What may be done with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// `run ready`.
    pub can_ready: bool,
    /// `run --resume-run`.
    pub can_resume: bool,
    /// `run abort`.
    pub can_abort: bool,
    /// `run attach` has something to watch.
    pub can_attach: bool,
    /// Changes of the task list.
    pub task_mutation: TaskCapabilities,
}

/// Which changes of the task list are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskCapabilities {
    /// Setting a status.
    pub can_set_status: bool,
    /// Replacing or appending notes.
    pub can_edit_notes: bool,
    /// Adding a task.
    pub can_add: bool,
    /// Changing title and body of a pending task.
    pub can_edit_pending: bool,
    /// Deleting a pending task.
    pub can_delete_pending: bool,
}

/// What may be done with a run as it stands.
pub fn capabilities(manifest: &Manifest, lease: Lease) -> Capabilities {
    let passive = manifest.spec.is_passive();
    let archived = manifest.state.archived_at.is_some();
    let free = match lease {
        Lease::Free => true,
        Lease::Held | Lease::Unknown => false,
    };
    let (can_ready, can_resume, can_abort, can_attach) = match &manifest.state.phase {
        Phase::Initialized => (true, false, false, false),
        Phase::Ready => (false, true, false, false),
        Phase::Active { .. } => (false, free, true, true),
        Phase::Ended { .. } => (false, true, false, false),
    };
    Capabilities {
        can_ready: can_ready && !passive && !archived,
        can_resume: can_resume && !passive && !archived,
        can_abort,
        can_attach,
        task_mutation: task_capabilities(manifest),
    }
}

/// Which changes of the task list are possible. Does not depend on who drives.
pub fn task_capabilities(manifest: &Manifest) -> TaskCapabilities {
    let unlocked =
        !manifest.spec.locked_fields.contains(&LockableField::Tasks) && manifest.state.archived_at.is_none();
    let passive = manifest.spec.is_passive();
    match &manifest.state.phase {
        Phase::Initialized | Phase::Ended { .. } => TaskCapabilities {
            can_set_status: true,
            can_edit_notes: true,
            can_add: unlocked,
            can_edit_pending: unlocked,
            can_delete_pending: unlocked,
        },
        Phase::Ready => TaskCapabilities {
            can_set_status: passive,
            can_edit_notes: true,
            can_add: passive && unlocked,
            can_edit_pending: passive && unlocked,
            can_delete_pending: passive && unlocked,
        },
        Phase::Active { .. } => TaskCapabilities {
            can_set_status: !passive,
            can_edit_notes: !passive,
            can_add: !passive && unlocked,
            can_edit_pending: false,
            can_delete_pending: false,
        },
    }
}

/// Why a change of the task list is denied, in words.
pub fn task_denial(manifest: &Manifest) -> String {
    if manifest.state.archived_at.is_some() {
        return "the run is archived".to_owned();
    }
    match &manifest.state.phase {
        Phase::Ready => "the run is ready and its handoff is frozen".to_owned(),
        Phase::Active { .. } if !manifest.spec.locked_fields.contains(&LockableField::Tasks) => {
            "the run is running".to_owned()
        }
        Phase::Initialized | Phase::Active { .. } | Phase::Ended { .. } => {
            "the run's `tasks` field is locked".to_owned()
        }
    }
}
