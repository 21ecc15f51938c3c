//! Which runs make sense for a command: those that it would not refuse, as far as lists and manifests tell. Must not ask
//! the disk by itself.

use agent_runner_model::budget::{Amount, own_ceilings};
use agent_runner_model::capabilities::{Capabilities, capabilities};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::PASSIVE_BACKEND;
use agent_runner_model::{Lease, Manifest};
use agent_runner_store::{ListQuery, PageRow, RunQuery};

use super::topic::Runs;

impl Runs {
    /// Asks for those that may make sense, and for few others.
    pub(super) fn query(self) -> ListQuery {
        let statuses = match self {
            Self::Initialized | Self::Dependent | Self::Ready | Self::Reconfigure => {
                vec![RunStatus::Initialized]
            }
            Self::Active => vec![RunStatus::Running, RunStatus::Interrupted],
            Self::Listening => vec![RunStatus::Running],
            Self::Unended => {
                vec![RunStatus::Initialized, RunStatus::Ready, RunStatus::Running, RunStatus::Interrupted]
            }
            Self::Interrupted => vec![RunStatus::Interrupted],
            Self::Any
            | Self::Resume
            | Self::Archive
            | Self::Reset
            | Self::Archived
            | Self::Passive
            | Self::Limited
            | Self::Told
            | Self::Worktree
            | Self::Pinned
            | Self::TaskSet
            | Self::TaskNotes
            | Self::TaskAdd
            | Self::TaskEdit
            | Self::TaskDelete => Vec::new(),
        };
        let archived = self == Self::Archived;
        let scope = RunQuery { include_archived: archived, ..RunQuery::default() };
        ListQuery { scope, statuses, archived, pinned: self == Self::Pinned, ..ListQuery::default() }
    }

    /// Whether a run makes sense, as far as a list tells.
    pub(super) fn wants(self, row: &PageRow) -> bool {
        let query = self.query();
        let digest = &row.digest;
        let archived = digest.archived_at.is_some();
        (archived == query.archived || self == Self::Any)
            && (query.statuses.is_empty() || query.statuses.contains(&status(row)))
            && self.may(row)
    }

    fn may(self, row: &PageRow) -> bool {
        let can = can(row);
        let tasks = &can.task_mutation;
        match self {
            Self::Any
            | Self::Initialized
            | Self::Unended
            | Self::Interrupted
            | Self::Archived
            // Only the manifest tells; `is_told_by` asks it.
            | Self::Limited
            | Self::Told => true,
            Self::Dependent => !row.digest.dependencies.is_empty(),
            Self::Ready => can.can_ready,
            Self::Resume => can.can_resume,
            Self::Reconfigure => can.can_reconfigure,
            Self::Active => can.can_abort,
            Self::Listening => can.can_queue_message,
            Self::Archive => can.can_archive,
            Self::Reset => can.can_reset,
            Self::Passive => row.digest.backend == PASSIVE_BACKEND,
            Self::Worktree => row.digest.made_in.is_some(),
            Self::Pinned => row.digest.pinned,
            Self::TaskSet => tasks.can_set_status,
            Self::TaskNotes => tasks.can_edit_notes,
            Self::TaskAdd => tasks.can_add,
            Self::TaskEdit => tasks.can_edit_pending,
            Self::TaskDelete => tasks.can_delete_pending,
        }
    }

    /// What only the manifest tells of a run, where that decides.
    pub(super) fn is_told_by(self) -> Option<fn(&Manifest) -> bool> {
        match self {
            Self::Limited => Some(|manifest| own_ceilings(manifest) != Amount::default()),
            Self::Told => Some(|manifest| !manifest.state.queued_resume_messages.is_empty()),
            Self::Any
            | Self::Initialized
            | Self::Dependent
            | Self::Ready
            | Self::Resume
            | Self::Reconfigure
            | Self::Active
            | Self::Listening
            | Self::Unended
            | Self::Interrupted
            | Self::Archive
            | Self::Reset
            | Self::Archived
            | Self::Passive
            | Self::Worktree
            | Self::Pinned
            | Self::TaskSet
            | Self::TaskNotes
            | Self::TaskAdd
            | Self::TaskEdit
            | Self::TaskDelete => None,
        }
    }
}

/// What may be done with a run as it stands.
fn can(row: &PageRow) -> Capabilities {
    match &row.active {
        Some(active) => capabilities(&active.manifest, active.lease),
        None => row.digest.capabilities,
    }
}

/// How a run stands.
pub(super) fn status(row: &PageRow) -> RunStatus {
    match &row.active {
        Some(active) => active.manifest.status(active.lease == Lease::Free),
        None => row.digest.status,
    }
}
