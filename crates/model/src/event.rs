//! The audit events a run's history is made of. They tell what happened; they are never replayed to find out how
//! things are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptEnd, Misconfiguration, TimeoutKind};
use crate::budget::Amount;
use crate::hook::{HookOutcome, HookPhase};
use crate::ids::{Fence, RunId, TaskId};
use crate::import::Import;
use crate::manifest::Dependency;
use crate::phase::{Cause, PromptKind, RunStatus, Wait};
use crate::task::TaskStatus;
use crate::time::Timestamp;
use crate::usage::Usage;

/// One thing that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum EventBody {
    /// The run was created.
    #[serde(rename = "run.created")]
    RunCreated {
        /// The agent's name.
        agent: String,
        /// The assignment's name.
        assignment: Option<String>,
        /// The backend.
        backend: String,
        /// Tasks it starts with.
        tasks_total: usize,
    },
    /// It was made elsewhere and came here with all that is above.
    #[serde(rename = "run.imported")]
    RunImported {
        /// From where.
        from: Import,
    },
    /// It was approved for its first start.
    #[serde(rename = "run.ready")]
    RunReady {},
    /// A session was opened: the run works.
    #[serde(rename = "run.started")]
    RunStarted {
        /// From 0.
        session_index: u32,
        /// Why.
        cause: Cause,
    },
    /// A driver took the owner lease.
    #[serde(rename = "run.driver_started")]
    DriverStarted {
        /// Its process id.
        pid: u32,
        /// Its host.
        host: String,
    },
    /// A driver left before the run ended.
    #[serde(rename = "run.driver_left")]
    DriverLeft {
        /// Why, in words.
        why: String,
    },
    /// The terminal or program that started the run went away.
    #[serde(rename = "run.starter_lost")]
    StarterLost {
        /// What happened to it and what follows, in words.
        detail: String,
    },
    /// A worker is about to be started.
    #[serde(rename = "run.attempt_started")]
    AttemptStarted {
        /// From 0.
        attempt_number: u32,
        /// Its fence.
        fence: Fence,
        /// What the worker is told.
        prompt: PromptKind,
    },
    /// An attempt ended.
    #[serde(rename = "run.attempt_recorded")]
    AttemptRecorded {
        /// From 0.
        attempt_number: u32,
        /// How it ended.
        end: AttemptEnd,
        /// Exit code of the worker's program.
        exit_code: Option<i32>,
        /// Signal that ended the worker's program.
        signal: Option<i32>,
        /// Processes it left behind, which were ended.
        leftovers: u32,
        /// What it used, as far as it was measured.
        #[serde(default)]
        usage: Usage,
    },
    /// The backend named its conversation.
    #[serde(rename = "run.backend_session_updated")]
    BackendSessionUpdated {
        /// The handle.
        backend_session_id: String,
    },
    /// The backend no longer knows its conversation; the next attempt begins another one.
    #[serde(rename = "run.backend_session_lost")]
    BackendSessionLost {
        /// The handle.
        backend_session_id: String,
    },
    /// The run waits.
    #[serde(rename = "run.waiting")]
    Waiting {
        /// For what.
        wait: Wait,
    },
    /// The wait is over.
    #[serde(rename = "run.wait_ended")]
    WaitEnded {},
    /// A hook has run.
    #[serde(rename = "run.hook_recorded")]
    HookRecorded {
        /// When it runs.
        phase: HookPhase,
        /// Which.
        hook_id: String,
        /// What came of it.
        outcome: HookOutcome,
        /// When it was started.
        started_at: Timestamp,
        /// When it had ended.
        ended_at: Timestamp,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// The session; nothing outside of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_index: Option<u32>,
        /// The attempt that comes or that has ended; nothing where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt_number: Option<u32>,
        /// The task it was asked about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task_id: Option<TaskId>,
        /// What it said, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// Names of what it changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mutated: Vec<String>,
        /// The end of its standard error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stderr: Option<String>,
        /// Whether its file is another one than when the run was created.
        #[serde(default, skip_serializing_if = "is_false")]
        source_changed: bool,
    },
    /// Hooks begin to prepare the run.
    #[serde(rename = "run.preparing")]
    PreparationStarted {},
    /// Hooks have prepared the run.
    #[serde(rename = "run.prepared")]
    Prepared {},
    /// A check was run.
    #[serde(rename = "run.check_recorded")]
    CheckRecorded {
        /// Which.
        check: String,
        /// What is wrong; nothing if it passed.
        objection: Option<String>,
    },
    /// A message that waited was taken back.
    #[serde(rename = "run.queued_resume_message_removed")]
    MessageRemoved {
        /// Its id.
        message_id: String,
    },
    /// Everything that was executed was forgotten.
    #[serde(rename = "run.reset")]
    RunReset {},
    /// What was not committed in its worktree was put aside.
    #[serde(rename = "run.snapshot_taken")]
    SnapshotTaken {
        /// Its name in the repository.
        #[serde(rename = "ref")]
        name: String,
        /// Its commit.
        commit: String,
        /// How many files differ from what was checked out.
        files: u64,
    },
    /// An initialized run was made from other variables or words.
    #[serde(rename = "run.reconfigured")]
    RunReconfigured {
        /// Names of what changed: variables, and `message`. Never values.
        changed: Vec<String>,
    },
    /// Put away.
    #[serde(rename = "run.archived")]
    RunArchived {},
    /// Taken back out.
    #[serde(rename = "run.unarchived")]
    RunUnarchived {},
    /// Name, note, pin or group changed.
    #[serde(rename = "run.metadata_changed")]
    MetadataChanged {
        /// Which: `name`, `note`, `pinned`, `runGroupId`.
        field: String,
    },
    /// What has to end well first has changed.
    #[serde(rename = "run.dependencies_changed")]
    DependenciesChanged {
        /// All of them now.
        dependencies: Vec<Dependency>,
    },
    /// A file was handed over with it.
    #[serde(rename = "run.attachment_added")]
    AttachmentAdded {
        /// Its id.
        attachment_id: String,
        /// Its name.
        name: String,
    },
    /// It no longer is.
    #[serde(rename = "run.attachment_removed")]
    AttachmentRemoved {
        /// Its id.
        attachment_id: String,
    },
    /// A run it started has ended.
    #[serde(rename = "run.child_ended")]
    ChildEnded {
        /// The child.
        run_id: RunId,
    },
    /// Its parent has heard of its end.
    #[serde(rename = "run.parent_notified")]
    ParentNotified {},
    /// A part of its budget was set aside for a run it starts.
    #[serde(rename = "run.budget_reserved")]
    BudgetReserved {
        /// The child.
        run_id: RunId,
        /// How much.
        amount: Amount,
    },
    /// A run it started has ended; this is what it used.
    #[serde(rename = "run.budget_settled")]
    BudgetSettled {
        /// The child.
        run_id: RunId,
        /// How much.
        used: Amount,
    },
    /// Its ceilings were raised.
    #[serde(rename = "run.extended")]
    RunExtended {
        /// By how much.
        by: Amount,
    },
    /// A message waits for the next session.
    #[serde(rename = "run.queued_resume_message_added")]
    MessageQueued {
        /// Its id.
        message_id: String,
    },
    /// Somebody wants the run to end.
    #[serde(rename = "run.abort_requested")]
    AbortRequested {
        /// Who or what, in words.
        by: String,
    },
    /// The run ended.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// With what result.
        status: RunStatus,
        /// Exit code that goes with it.
        exit_code: u8,
        /// Why, in words, where the status does not say it.
        detail: Option<String>,
    },
    /// A passive run's tasks were opened again.
    #[serde(rename = "run.reopened")]
    RunReopened {},
    /// The event log was shorter than the manifest says; older events are gone.
    #[serde(rename = "run.history_lost")]
    HistoryLost {
        /// Bytes the manifest counted on.
        expected_bytes: u64,
        /// Bytes there were.
        found_bytes: u64,
    },
    /// Something that happened while the run belonged to the reference implementation, and that this one has no word for.
    #[serde(rename = "run.reference_event")]
    ReferenceEvent {
        /// What it is called there.
        event: String,
        /// What it says, as it stands there.
        details: serde_json::Map<String, serde_json::Value>,
    },
    /// A task changed.
    #[serde(rename = "task.updated")]
    TaskUpdated {
        /// Which.
        task_id: TaskId,
        /// Its status before, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<TaskStatus>,
        /// Its status now.
        status: TaskStatus,
        /// What changed besides: `notes`, `title`, `body`, `passedBlocks`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
        /// The attempt that changed it; nothing for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fence: Option<Fence>,
    },
    /// A task was added.
    #[serde(rename = "task.added")]
    TaskAdded {
        /// Its id.
        task_id: TaskId,
        /// Its title.
        title: String,
        /// The attempt that added it; nothing for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fence: Option<Fence>,
    },
    /// A task was deleted.
    #[serde(rename = "task.deleted")]
    TaskDeleted {
        /// Its id.
        task_id: TaskId,
    },
}

/// An event as it is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// 1, 2, 3 … within the run, without gaps.
    pub cursor: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// An event as it is read back: events of newer versions are shown, not refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// 1, 2, 3 … within the run, without gaps.
    pub cursor: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened: the `type` of [`EventBody`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Its fields.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

impl EventRecord {
    /// The event, if this version knows its kind.
    pub fn body(&self) -> Option<EventBody> {
        let mut fields = self.fields.clone();
        fields.insert("type".to_owned(), serde_json::Value::String(self.kind.clone()));
        serde_json::from_value(serde_json::Value::Object(fields)).ok()
    }
}

// Asked for by serde, which hands out references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(yes: &bool) -> bool {
    !*yes
}

/// A failure in an attempt's words, for people: what to do about a set-up that cannot work.
pub fn misconfiguration_hint(what: Misconfiguration) -> &'static str {
    match what {
        // Only the backend knows the program: its words are in the detail.
        Misconfiguration::BinaryMissing => "see to it, then resume the run",
        Misconfiguration::DirectoryMissing => {
            "make the directory again, or make it usable, then resume the run"
        }
        Misconfiguration::Authentication => "log in with the backend's own command, then resume the run",
        Misconfiguration::Configuration => "correct the agent or the command line, then start a new run",
    }
}

/// A limit in words.
pub fn limit_words(limit: TimeoutKind) -> &'static str {
    match limit {
        TimeoutKind::Wall => "time limit",
        TimeoutKind::Idle => "silence limit",
    }
}
