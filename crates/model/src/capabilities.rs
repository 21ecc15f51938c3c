//! What may be done with a run as it stands: one pure function, used to refuse and to show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::import::is_of_reference;
use crate::manifest::Manifest;
use crate::phase::Phase;
use crate::spec::LockableField;
use crate::vars::RuntimeVar;

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
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_reason: Option<AbortReason>,
    /// `run attach` has something to watch.
    pub can_attach: bool,
    /// `run archive`.
    pub can_archive: bool,
    /// `run unarchive`.
    pub can_unarchive: bool,
    /// `run reset`.
    pub can_reset: bool,
    /// `run delete`.
    pub can_delete: bool,
    /// `run reconfigure`.
    pub can_reconfigure: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconfigure_reason: Option<ReconfigureReason>,
    /// `run queue-message`.
    pub can_queue_message: bool,
    /// Changes of the task list.
    pub task_mutation: TaskCapabilities,
}

/// Why a run cannot be aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// It has ended.
    AlreadyTerminal,
    /// It was not started.
    NotStarted,
}

/// Why a run cannot be made from other variables or words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReconfigureReason {
    /// It is archived.
    Archived,
    /// It was approved or started already.
    NotInitialized,
    /// Its tasks were changed already.
    TasksChanged,
    /// Hooks have prepared it from the variables it has.
    Prepared,
    /// It came from the reference implementation, without the texts it was made from.
    Imported,
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
    // Until it is prepared, a driver is needed for any run.
    let needs_driver = !passive || manifest.state.preparation.is_some();
    let archived = manifest.state.archived_at.is_some();
    let whole = !manifest.spec.runtime_vars.values().any(RuntimeVar::is_lost);
    let free = match lease {
        Lease::Free => true,
        Lease::Held | Lease::Unknown => false,
    };
    let (can_ready, can_resume, can_abort, can_attach) = match &manifest.state.phase {
        Phase::Initialized => (true, false, false, false),
        Phase::Ready => (false, !passive, false, false),
        Phase::Active { .. } => (false, free && needs_driver, true, true),
        Phase::Ended { .. } => (false, needs_driver, false, false),
    };
    let abort_reason = match &manifest.state.phase {
        Phase::Active { .. } => None,
        Phase::Initialized | Phase::Ready => Some(AbortReason::NotStarted),
        Phase::Ended { .. } => Some(AbortReason::AlreadyTerminal),
    };
    let reconfigure_reason = reconfigure_reason(manifest);
    Capabilities {
        can_ready: can_ready && whole && !passive && !archived,
        // Its workers would be outside of the container they have to be in.
        can_resume: can_resume && whole && !archived && manifest.spec.execution_environment.is_none(),
        can_abort,
        abort_reason,
        can_attach,
        // What is active can be aborted; what is not can be put away and begun anew.
        can_archive: !can_abort && !archived,
        can_unarchive: archived,
        can_reset: !can_abort && !archived,
        can_delete: !can_abort && archived,
        can_reconfigure: reconfigure_reason.is_none(),
        reconfigure_reason,
        can_queue_message: can_abort && !free,
        task_mutation: task_capabilities(manifest),
    }
}

fn reconfigure_reason(manifest: &Manifest) -> Option<ReconfigureReason> {
    if manifest.state.archived_at.is_some() {
        return Some(ReconfigureReason::Archived);
    }
    match &manifest.state.phase {
        Phase::Initialized => {}
        Phase::Ready | Phase::Active { .. } | Phase::Ended { .. } => {
            return Some(ReconfigureReason::NotInitialized);
        }
    }
    if is_of_reference(&manifest.spec.origin) {
        return Some(ReconfigureReason::Imported);
    }
    if manifest.spec.prepared {
        return Some(ReconfigureReason::Prepared);
    }
    (!manifest.tasks_are_as_created()).then_some(ReconfigureReason::TasksChanged)
}

/// Which changes of the task list are possible. Does not depend on who drives.
pub fn task_capabilities(manifest: &Manifest) -> TaskCapabilities {
    if manifest.state.archived_at.is_some() {
        return TaskCapabilities {
            can_set_status: false,
            can_edit_notes: false,
            can_add: false,
            can_edit_pending: false,
            can_delete_pending: false,
        };
    }
    let unlocked = !manifest.spec.locked_fields.contains(&LockableField::Tasks);
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
            can_set_status: true,
            can_edit_notes: true,
            can_add: unlocked,
            can_edit_pending: false,
            can_delete_pending: false,
        },
    }
}

/// Why a change of the task list is denied, in words.
pub fn task_denial(manifest: &Manifest) -> String {
    if manifest.state.archived_at.is_some() {
        return "the run is archived; `run unarchive` takes it back out".to_owned();
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
