//! The requests. Each is plain data; what it does is the engine's business.

use agent_runner_model::spec::{Effort, LimitPolicy, NotifySpec, OrphanPolicy};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{Fence, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty),* })+
    };
}

/// What happens to a run once it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Start {
    /// It stays initialized.
    Later,
    /// A driver is started for it.
    Now {
        /// What the driver does when the command that started it is killed outright.
        on_orphan: OrphanPolicy,
    },
}

/// Who changes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TaskAuthor {
    /// A person, or a program outside the run.
    Person,
    /// The worker of the attempt with this fence.
    Worker {
        /// From the worker's environment.
        fence: Fence,
    },
}

/// Which kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefinitionKind {
    /// Who works.
    Agent,
    /// What there is to do.
    Assignment,
    /// One reusable task.
    Task,
}

impl DefinitionKind {
    /// The singular, as in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Assignment => "assignment",
            Self::Task => "task",
        }
    }
}

/// What happens to a definition that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Writing {
    /// It is only shown.
    Nothing,
    /// It is written; a file that is there already and says something else is an error.
    IfAbsent,
    /// It is written; a file that is there already is kept under another name.
    Replace,
}

requests! {
    /// Creates a run from definitions and overrides.
    CreateRun {
        /// Name or path of the agent; without one `backend` is required.
        agent: Option<String>,
        /// Name or path of the assignment.
        assignment: Option<String>,
        /// Path of a Markdown checklist, instead of an assignment.
        checklist: Option<String>,
        /// Backend instead of the agent's.
        backend: Option<String>,
        /// Model instead of the agent's.
        model: Option<String>,
        /// Effort instead of the agent's.
        effort: Option<Effort>,
        /// Seconds one attempt may take, instead of the agent's.
        timeout_sec: Option<u32>,
        /// Retries after the first attempt, instead of the assignment's.
        max_retries: Option<u32>,
        /// Bypass the backend's own safety prompts, instead of the agent's choice.
        unrestricted: Option<bool>,
        /// Display name.
        name: Option<String>,
        /// Directory to work in, instead of the assignment's or the caller's.
        cwd: Option<String>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
        /// Titles of tasks to add.
        add_tasks: Vec<String>,
        /// Words for the worker, instead of the assignment's.
        message: Option<String>,
        /// The run that creates this one.
        parent_run_id: Option<String>,
        /// Runs it belongs with.
        run_group_id: Option<String>,
        /// What to do when a usage or rate limit is met; waiting is the default.
        on_limit: Option<LimitPolicy>,
        /// Who is told when the run has ended.
        notify: Option<NotifySpec>,
        /// Whether it starts at once.
        start: Start,
    }
    /// Approves an initialized run for its first start.
    ReadyRun {
        /// Id or path.
        run: String,
    }
    /// Starts a ready run, or goes on with one that ended or was interrupted.
    ResumeRun {
        /// Id or path.
        run: String,
        /// Words for the worker.
        message: Option<String>,
        /// Titles of tasks to add first.
        add_tasks: Vec<String>,
        /// What to do from now on when a usage or rate limit is met.
        on_limit: Option<LimitPolicy>,
        /// What the driver does when the command that started it is killed outright.
        on_orphan: OrphanPolicy,
        /// Take the run over even if nobody here can tell whether its driver lives.
        take_over: bool,
    }
    /// Ends a running run.
    AbortRun {
        /// Id or path.
        run: String,
        /// Without giving the worker time to leave.
        at_once: bool,
        /// Who asks, in words.
        by: String,
    }
    /// Looks at a run.
    GetRun {
        /// Id or path.
        run: String,
    }
    /// Looks at a run and its events, as one consistent reading.
    ReadRun {
        /// Id or path.
        run: String,
        /// Only events after this cursor.
        after: u64,
        /// Only the newest so many.
        limit: Option<u32>,
    }
    /// Reads what happened in a run and what its workers did, in one order.
    ReadTimeline {
        /// Id or path.
        run: String,
        /// Only this attempt.
        attempt: Option<u32>,
        /// Only the newest so many entries.
        limit: Option<u32>,
    }
    /// Looks at what a run came to: what its history and its workers' events say in the end.
    ReadReport {
        /// Id or path.
        run: String,
    }
    /// Looks at what changed in the git repository of a run's directory.
    GetChanges {
        /// Id or path.
        run: String,
    }
    /// Reads the handoff to the worker.
    GetBrief {
        /// Id or path.
        run: String,
    }
    /// Lists runs, newest first.
    ListRuns {
        /// Only runs of exactly this directory.
        cwd: Option<String>,
        /// Only runs of this bucket.
        repo: Option<String>,
        /// Only runs of this group.
        run_group_id: Option<String>,
        /// Also runs that were put away.
        include_archived: bool,
    }
    /// Clears up after drivers that died.
    RecoverRuns {
        /// Only this run; else every run.
        run: Option<String>,
        /// Say what would be done, and do nothing.
        dry_run: bool,
        /// Start new drivers for what was recovered.
        resume: bool,
        /// Also runs of which nobody here can tell whether their driver lives.
        take_over: bool,
    }
    /// Lists a run's tasks.
    ListTasks {
        /// Id or path.
        run: String,
    }
    /// Shows one task.
    ShowTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
    }
    /// Sets a task's status, its notes, or both.
    SetTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// The new status.
        status: Option<TaskStatus>,
        /// The new notes, in place of the old ones.
        notes: Option<String>,
    }
    /// Adds a paragraph to a task's notes.
    AppendNotes {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// The paragraph.
        text: String,
        /// Made up by the caller; the operation counts once however often it is repeated with it.
        request_id: Option<String>,
    }
    /// Records that a command block of a task's body passed.
    PassBlock {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// Index of the block, from 0.
        block: u32,
        /// A paragraph for the notes.
        note: String,
    }
    /// Adds a task at the end of the list.
    AddTask {
        /// Id or path.
        run: String,
        /// Who adds it.
        author: TaskAuthor,
        /// One line.
        title: String,
        /// Markdown.
        body: String,
        /// Made up by the caller; the operation counts once however often it is repeated with it.
        request_id: Option<String>,
    }
    /// Changes title or body of a pending task.
    EditTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who changes it.
        author: TaskAuthor,
        /// The new title.
        title: Option<String>,
        /// The new body.
        body: Option<String>,
    }
    /// Deletes a pending task.
    DeleteTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who deletes it.
        author: TaskAuthor,
    }
    /// Lists definitions.
    ListDefinitions {
        /// Which kind.
        kind: DefinitionKind,
    }
    /// Shows one definition.
    ShowDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Checks definition files.
    ValidateDefinitions {
        /// Files and directories; the configuration directory without any.
        paths: Vec<String>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Reads the text of a definition as it was authored, whatever is wrong with it.
    ReadDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Makes a new definition.
    NewDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Its name; a task's id.
        name: String,
        /// An agent's backend.
        backend: Option<String>,
        /// Name or path of the definition to start from.
        from: Option<String>,
        /// Directory that holds `agents`, `assignments` and `tasks`, instead of the configuration directory.
        dir: Option<String>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
        /// What happens to it.
        writing: Writing,
    }
    /// Describes the front matter of a kind of definition.
    GetSchema {
        /// Which kind.
        kind: DefinitionKind,
    }
    /// Looks at the installation.
    GetStatus {}
}
