//! Facts: everything that can be reported to have happened to a run. `apply` turns them into state and events, or
//! refuses them.

use std::collections::BTreeMap;

use crate::attachment::Attachment;
use crate::attempt::{AttemptEnd, ProcessRef};
use crate::budget::{Amount, BudgetKind};
use crate::hook::{HookReport, TransitionSource};
use crate::ids::{Epoch, Fence, RunId, TaskId};
use crate::manifest::{Dependency, DriverRef, GitHead, QueuedMessage, Urgency};
use crate::phase::{Cause, HookRef, Outcome, PromptKind, Wait};
use crate::spec::{LimitPolicy, RunSpec};
use crate::task::TaskStatus;
use crate::usage::{Meter, Usage};

/// Something that happened, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The driver reports the result of a step. Refused unless `epoch` is the current driver's.
    Driver {
        /// The reporting driver.
        epoch: Epoch,
        /// What happened.
        fact: DriverFact,
    },
    /// Somebody changes tasks.
    Task {
        /// Who.
        author: Author,
        /// What changes.
        fact: TaskFact,
    },
    /// Somebody changes tasks, and the hooks that are asked about such a change have accepted it.
    Judged {
        /// Who.
        author: Author,
        /// What changes.
        fact: TaskFact,
        /// The status of the task when they were asked; nothing for a task that is added.
        from: Option<TaskStatus>,
    },
    /// Somebody steers the run.
    Control(ControlFact),
    /// Something that must count once, however often it is said: whoever says it does not know whether it landed
    /// before. Known requests change nothing.
    Once {
        /// Made up by the caller; the same each time it says the same.
        request: String,
        /// What happened.
        fact: Box<Fact>,
    },
}

/// Who changes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A person, or a program outside the run.
    Person,
    /// The worker of the attempt with this fence. Refused unless that attempt is the current one.
    Worker(Fence),
}

impl Author {
    /// The worker's fence.
    pub fn fence(self) -> Option<Fence> {
        match self {
            Self::Person => None,
            Self::Worker(fence) => Some(fence),
        }
    }
}

/// How an attempt ended, as the driver saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndReport {
    /// The judgement.
    pub end: AttemptEnd,
    /// Exit code of the worker's program.
    pub exit_code: Option<i32>,
    /// Signal that ended the worker's program.
    pub signal: Option<i32>,
    /// The end of its output.
    pub output_tail: String,
    /// Processes it left behind, which were ended.
    pub leftovers: u32,
    /// What it used, as far as it was measured for this attempt alone.
    pub usage: Usage,
    /// What the backend's own counter over the whole conversation stands at, if it keeps one.
    pub meter: Option<Meter>,
    /// The backend no longer knows the conversation it was asked to go on with.
    pub session_lost: bool,
    /// Why its log of events has gaps, if it has.
    pub events_missing: Option<String>,
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum DriverFact {
    /// A driver took the lease; its epoch must be the successor of the current one.
    Took {
        /// The driver.
        driver: DriverRef,
    },
    /// The driver leaves an active run to a later one.
    Left {
        /// Why, in words.
        why: String,
    },
    /// What the driver knows of the command that started it.
    StarterLost {
        /// In words.
        detail: String,
    },
    /// A session was opened.
    SessionOpened {
        /// Why.
        cause: Cause,
        /// Names of the environment variables of its workers.
        environment: Vec<String>,
    },
    /// A hook has run.
    HookEnded {
        /// Which.
        hook: HookRef,
        /// What came of it.
        report: Box<HookReport>,
    },
    /// A worker is about to be spawned.
    AttemptStarting {
        /// Random mark of its processes.
        marker: String,
        /// What it is told.
        prompt: PromptKind,
    },
    /// The worker was spawned.
    AttemptSpawned {
        /// Of which attempt.
        fence: Fence,
        /// Its process.
        process: ProcessRef,
    },
    /// What the attempt used so far.
    AttemptUsed {
        /// Which.
        fence: Fence,
        /// How much.
        usage: Usage,
    },
    /// What the working directory's repository stood at: when a session was opened, and when the run ended.
    WorkspaceSeen {
        /// Nothing outside a git repository, or where its state cannot be told.
        head: Option<GitHead>,
    },
    /// The backend named its conversation.
    BackendSession {
        /// The handle.
        id: String,
    },
    /// The attempt is over and nothing of it is left running.
    AttemptEnded {
        /// Which.
        fence: Fence,
        /// How.
        report: EndReport,
    },
    /// A check passed.
    CheckPassed {
        /// Its index.
        check: u32,
    },
    /// A check failed.
    CheckFailed {
        /// Its index.
        check: u32,
        /// In words.
        detail: String,
    },
    /// A wait begins.
    WaitStarted {
        /// For what.
        wait: Wait,
    },
    /// The wait is over.
    WaitEnded,
    /// The run is over.
    Finished {
        /// With what result.
        outcome: Outcome,
    },
}

/// A change of the task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskFact {
    /// Status, notes or both; notes replace what was there.
    Set {
        /// Which task.
        id: TaskId,
        /// The new status.
        status: Option<TaskStatus>,
        /// The new notes.
        notes: Option<String>,
    },
    /// A paragraph is added to the notes.
    NotesAppended {
        /// Which task.
        id: TaskId,
        /// The paragraph.
        text: String,
    },
    /// A command block of the body passed.
    BlockPassed {
        /// Which task.
        id: TaskId,
        /// Index of the block.
        block: u32,
        /// A paragraph for the notes.
        note: String,
    },
    /// A task is added at the end of the list.
    Added {
        /// Unused id.
        id: TaskId,
        /// One line.
        title: String,
        /// Markdown.
        body: String,
    },
    /// Title, body or both of a pending task change.
    Edited {
        /// Which task.
        id: TaskId,
        /// The new title.
        title: Option<String>,
        /// The new body.
        body: Option<String>,
    },
    /// A pending task is deleted.
    Deleted {
        /// Which task.
        id: TaskId,
    },
}

impl TaskFact {
    /// Which task it is about.
    pub fn task_id(&self) -> &TaskId {
        match self {
            Self::Set { id, .. }
            | Self::NotesAppended { id, .. }
            | Self::BlockPassed { id, .. }
            | Self::Added { id, .. }
            | Self::Edited { id, .. }
            | Self::Deleted { id } => id,
        }
    }

    /// What hooks are told changes it.
    pub fn source(&self) -> TransitionSource {
        match self {
            Self::Set { .. } => TransitionSource::TaskSet,
            Self::NotesAppended { .. } | Self::BlockPassed { .. } => TransitionSource::TaskAppendNotes,
            Self::Added { .. } => TransitionSource::TaskAdd,
            Self::Edited { .. } => TransitionSource::TaskEdit,
            Self::Deleted { .. } => TransitionSource::TaskDelete,
        }
    }
}

/// A change of where the run is going.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlFact {
    /// Hooks are to prepare it, without a start after that.
    PreparationStarted,
    /// A hook was asked about a change of a task.
    TransitionHookEnded {
        /// Its id.
        hook_id: String,
        /// The task.
        task_id: TaskId,
        /// What came of it.
        report: Box<HookReport>,
    },
    /// Approved for its first start.
    Readied,
    /// To be driven: a first start, or a resume.
    Started {
        /// Why.
        cause: Cause,
        /// The newest driver when the caller saw that nobody drives the run. A later one has come first: then this
        /// does not steer it, but the words that come with it are kept for it.
        seen: Option<Epoch>,
        /// What to do from now on when a limit is met, if that is to change.
        on_limit: Option<LimitPolicy>,
    },
    /// To be ended.
    AbortRequested {
        /// Who or what, in words.
        by: String,
        /// How fast.
        urgency: Urgency,
    },
    /// A message for the next session.
    MessageQueued {
        /// The message.
        message: QueuedMessage,
    },
    /// A message that waits is taken back.
    MessageRemoved {
        /// Its id.
        id: String,
    },
    /// Everything that was executed is forgotten: the run is as it was created.
    Reset,
    /// An initialized run is made from other variables or words.
    Respecified {
        /// The revision the new spec was made from.
        revision: u64,
        /// The new spec.
        spec: Box<RunSpec>,
        /// Names of the variables that changed, and whether the message did.
        changed: Vec<String>,
        /// Whether it is made from other definitions: then what it was besides those goes too.
        anew: bool,
    },
    /// Put away.
    Archived,
    /// Taken back out.
    Unarchived,
    /// Another display name, or none.
    Named {
        /// The name.
        name: Option<String>,
    },
    /// Another note for people, or none.
    Noted {
        /// Markdown.
        note: Option<String>,
    },
    /// Whether boards show it first.
    Pinned {
        /// Whether.
        pinned: bool,
    },
    /// It joins a group.
    Grouped {
        /// Which; its own id to stand alone.
        group_id: String,
    },
    /// The backend's conversation of a passive run, tracked by hand.
    BackendSessionSet {
        /// The handle; nothing to forget it.
        id: Option<String>,
    },
    /// Something has to end well before it may start.
    DependencyAdded {
        /// What.
        dependency: Dependency,
    },
    /// That no longer has to.
    DependencyRemoved {
        /// What.
        dependency: Dependency,
    },
    /// Nothing has to any more.
    DependenciesCleared,
    /// A file is handed over with it.
    AttachmentAdded {
        /// The file.
        attachment: Attachment,
    },
    /// It no longer is.
    AttachmentRemoved {
        /// Its id.
        id: String,
    },
    /// Whether its parent is to be told when this run ends the next time.
    TellParent {
        /// It is.
        tell: bool,
    },
    /// A run it started has ended.
    ChildEnded {
        /// The notice's id: heard again, it changes nothing.
        notice: String,
        /// The child.
        child: RunId,
        /// The words.
        text: String,
    },
    /// The parent has heard of the end of this run.
    NoticeDelivered {
        /// The notice's id.
        notice: String,
    },
    /// A part of its budget is set aside for a run below it, which is about to start.
    BudgetReserved {
        /// The child.
        child: RunId,
        /// What the child may use over its whole life from now on.
        amount: Amount,
        /// What of that is not counted here.
        base: Amount,
        /// Whether the account was reckoned with a run that is active, whose share is set aside above it: one that has
        /// ended since has given back what it had.
        is_active: bool,
    },
    /// That run is not active; this is what it has used.
    BudgetSettled {
        /// The child.
        child: RunId,
        /// How much, over its whole life.
        used: Amount,
        /// Whether runs below it may still use some of that, or more.
        open: bool,
    },
    /// What the runs above it let it use, over its whole life.
    BudgetGranted {
        /// How much.
        amount: Amount,
        /// Who had least left of each kind.
        by: BTreeMap<BudgetKind, RunId>,
    },
    /// What was not committed in its worktree was put aside.
    SnapshotTaken {
        /// Its name in the repository.
        name: String,
        /// Its commit.
        commit: String,
        /// How many files differ from what was checked out.
        files: u64,
    },
    /// Its ceilings are raised.
    Extended {
        /// By how much.
        by: Amount,
    },
}

/// Why a fact was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The task does not exist.
    #[error("task \"{id}\" not found")]
    TaskNotFound {
        /// As given.
        id: TaskId,
        /// The ids there are.
        known: Vec<TaskId>,
    },
    /// The task id is taken.
    #[error("task \"{id}\" exists already")]
    TaskExists {
        /// As given.
        id: TaskId,
    },
    /// Hooks have to be asked first.
    #[error("this change of task \"{id}\" has to pass hooks first: {}", hooks.join(", "))]
    HooksFirst {
        /// The task.
        id: TaskId,
        /// Their ids.
        hooks: Vec<String>,
    },
    /// The task is no longer what the hooks were asked about.
    #[error("task \"{id}\" was changed while hooks were asked about it")]
    JudgedBefore {
        /// The task.
        id: TaskId,
    },
    /// Another attempt, or none, is current.
    #[error("attempt {fence} of run {run_id} is over; its changes no longer count")]
    StaleFence {
        /// The run.
        run_id: RunId,
        /// The fence the worker carries.
        fence: Fence,
    },
    /// Another driver took over.
    #[error("another driver has taken over this run")]
    StaleDriver,
    /// Not allowed as the run stands.
    #[error("{what} is not possible: {why}")]
    NotAllowed {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The value is not acceptable.
    #[error("{0}")]
    Invalid(String),
}
