//! Requests about runs: make one, see it through, look at it.

use std::collections::BTreeMap;

use agent_runner_model::Timestamp;
use agent_runner_model::budget::{Amount, OnUnmeasured};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::{BusyPolicy, Effort, LimitPolicy, NotifySpec, OrphanPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A git worktree that a run is to have for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeRequest {
    /// The branch that is checked out there, made if there is none; else the assignment's, else one called after the run.
    pub branch: Option<String>,
}

/// Orders of runs in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunOrder {
    /// Newest first.
    #[default]
    Created,
    /// Changed last first.
    Updated,
}

impl ListRuns {
    /// Every run that was not put away.
    pub fn all() -> Self {
        Self {
            cwd: None,
            repo: None,
            run_group_id: None,
            include_archived: false,
            statuses: Vec::new(),
            agent: None,
            backend: None,
            since: None,
            until: None,
            pinned: false,
            search: None,
            sort: RunOrder::Created,
            limit: None,
            cursor: None,
        }
    }
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
        /// A git worktree of its own to work in.
        worktree: Option<WorktreeRequest>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
        /// Titles of tasks to add.
        add_tasks: Vec<String>,
        /// Words for the worker, instead of the assignment's.
        message: Option<String>,
        /// The run that creates this one.
        parent_run_id: Option<String>,
        /// Runs it belongs with, instead of those its parent belongs with.
        run_group_id: Option<String>,
        /// Whether it belongs with the runs its parent belongs with, unless told otherwise.
        inherit_run_group: bool,
        /// How many runs its creator is nested in, as far as that knows.
        call_depth: u32,
        /// Whether its parent is told of its end.
        notify_parent: bool,
        /// What it may use at most; missing kinds are as its definitions say.
        budget: Amount,
        /// The percentage of each ceiling from which on its worker is told, instead of its definitions'.
        budget_soft_percent: Option<u8>,
        /// What happens when its backend does not measure what is limited, instead of what its definitions say.
        on_unmeasured: Option<OnUnmeasured>,
        /// Runs that have to end well before it starts working; it waits for them.
        after: Vec<String>,
        /// Name of the launcher, instead of the agent's.
        #[serde(default)]
        launcher: Option<String>,
        /// Values of variables, from a command line.
        #[serde(default)]
        vars: BTreeMap<String, String>,
        /// Values of variables, from a form of a dashboard.
        #[serde(default)]
        web_vars: BTreeMap<String, String>,
        /// The backend's conversation that the run begins in, instead of a new one.
        #[serde(default)]
        backend_session_id: Option<String>,
        /// What to do when a usage or rate limit is met; waiting is the default.
        on_limit: Option<LimitPolicy>,
        /// What to do when another run works in its directory; waiting is the default.
        on_busy: Option<BusyPolicy>,
        /// Who is told when the run has ended.
        notify: Option<NotifySpec>,
        /// An initialized run that is made anew by this, instead of a new one.
        #[serde(default)]
        run_id: Option<String>,
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
        /// Whether the parent run is told when this one has ended; nothing leaves that as it was.
        #[serde(default)]
        tell_parent: Option<bool>,
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
        /// With the runs that depend on it: that takes a look at what all runs wait for.
        #[serde(default)]
        with_dependents: bool,
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
        /// With the runs that depend on it: that takes a look at what all runs wait for.
        #[serde(default)]
        with_dependents: bool,
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
        /// Only runs with one of these effective statuses; any where there is none.
        statuses: Vec<RunStatus>,
        /// Only runs of this agent.
        agent: Option<String>,
        /// Only runs with this backend.
        backend: Option<String>,
        /// Only runs created then or later.
        since: Option<Timestamp>,
        /// Only runs created then or earlier.
        until: Option<Timestamp>,
        /// Only runs that boards show first.
        pinned: bool,
        /// Only runs with all of these words in their name, task titles, notes or messages.
        search: Option<String>,
        /// In which order.
        sort: RunOrder,
        /// How many at most.
        limit: Option<u32>,
        /// The `nextCursor` of the page before.
        cursor: Option<String>,
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
}
