//! Runs to play with, and the ways to look at them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use agent_runner_model::budget::BudgetSpec;
use agent_runner_model::event::EventRecord;
use agent_runner_model::manifest::QueuedMessage;
use agent_runner_model::phase::{Phase, Stage};
use agent_runner_model::spec::{
    AgentSpec, BusyPolicy, LauncherSpec, LimitPolicy, Origin, PASSIVE_BACKEND, RunSpec, Template,
};
use agent_runner_model::task::TaskSpec;
use agent_runner_model::{ControlFact, Digest, Fact, Manifest, RunId, TaskId, Timestamp};
use agent_runner_store::{FileOptions, FileStore, ListQuery, NewRun, RunQuery, RunStore, Seeds};
use tempfile::TempDir;

pub const NOW: i64 = 1_790_000_000_000;

/// A store in a directory of its own.
pub struct Place {
    pub dir: TempDir,
    pub store: FileStore,
}

impl Place {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = store_at(dir.path());
        Self { dir, store }
    }

    pub fn with_run(name: &str) -> (Self, RunId) {
        let place = Self::new();
        let id = id(name);
        now(place.store.create(new_run(name, "repo"), time(0))).unwrap();
        // There is an index from here on.
        place.check_list();
        (place, id)
    }

    /// A listing shows what reading everything shows.
    pub fn check_list(&self) {
        let scope = RunQuery { include_archived: true, ..RunQuery::default() };
        let page = now(self.store.list(&ListQuery { scope: scope.clone(), ..ListQuery::default() })).unwrap();
        let listing = now(self.store.query(&scope)).unwrap();
        let shown: Vec<Digest> = page.rows.into_iter().map(|row| row.digest).collect();
        let there: Vec<Digest> = listing.runs.iter().map(|run| Digest::of(&run.manifest).0).collect();
        assert_eq!(shown, there);
        assert_eq!(page.problems, listing.problems);
    }

    pub fn run_dir(&self, id: &RunId) -> PathBuf {
        self.store.location(id).unwrap()
    }

    pub fn log(&self, id: &RunId) -> PathBuf {
        self.run_dir(id).join("run-events.jsonl")
    }
}

pub fn store_at(path: &Path) -> FileStore {
    let options = FileOptions { index_dir: Some(path.join("cache")), ..FileOptions::default() };
    FileStore::new(path.to_path_buf(), options)
}

/// The result of a future that never waits: file stores need no runtime.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a file store waited for a runtime"),
    }
}

pub fn id(name: &str) -> RunId {
    RunId::parse(name).unwrap()
}

pub fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW + millis)
}

pub fn new_run(name: &str, repo: &str) -> NewRun {
    new_run_of(spec(name, repo, "claude"))
}

pub fn passive_run(name: &str) -> NewRun {
    new_run_of(spec(name, "repo", PASSIVE_BACKEND))
}

pub fn new_run_of(spec: RunSpec) -> NewRun {
    let (mut manifest, events) = Manifest::new(spec, None);
    // Active runs take messages, which are what these tests commit.
    manifest.state.phase = Phase::Active { stage: Stage::Deciding };
    let seeds = Seeds { agent: Some("# Agent\n".to_owned()), assignment: None };
    NewRun { manifest, events, seeds }
}

pub fn spec(name: &str, repo: &str, backend: &str) -> RunSpec {
    let task = |number: usize| TaskSpec {
        id: TaskId::parse(&format!("task-{number}")).unwrap(),
        title: format!("Task {number}"),
        body: "Do what has to be done, and say how you know.\n".repeat(4),
    };
    RunSpec {
        run_id: id(name),
        repo: repo.to_owned(),
        cwd: "/home/somebody/repo".to_owned(),
        agent: AgentSpec {
            name: "coder".to_owned(),
            source_path: None,
            bases: Vec::new(),
            instructions: "You write code. You test it.\n".repeat(20),
        },
        assignment: None,
        backend: backend.to_owned(),
        backend_config: BTreeMap::new(),
        resolved_backend_args: Vec::new(),
        model: None,
        effort: None,
        unrestricted: false,
        timeout_sec: 3600,
        max_attempts_per_session: 4,
        stop_grace_sec: 5,
        on_limit: LimitPolicy::Wait,
        notify: None,
        locked_fields: Vec::new(),
        message: None,
        brief: "Work through the list.\n".repeat(40),
        caller_instructions: None,
        tasks: (1..=5).map(task).collect(),
        command: "agent-runner".to_owned(),
        created_at: time(0),
        parent_run_id: None,
        further_ancestors: Vec::new(),
        call_depth: 0,
        notify_parent: false,
        waits_for_dependencies: false,
        on_busy: BusyPolicy::Wait,
        may_write: true,
        backend_session_id: None,
        launcher: LauncherSpec::default(),
        template: Template::default(),
        vars: Vec::new(),
        runtime_vars: BTreeMap::new(),
        origin: Origin::Local,
        budget: BudgetSpec::default(),
        checks: Vec::new(),
        hooks: Vec::new(),
        prepared: false,
        prepared_state: BTreeMap::new(),
        prepared_tasks: Vec::new(),
        worktree: None,
        execution_environment: None,
        commit_as: None,
    }
}

/// A fact that is never refused, and that can be told from every other.
pub fn message(text: &str) -> Fact {
    let message =
        QueuedMessage { id: text.to_owned(), text: text.to_owned(), queued_at: time(0), from_run_id: None };
    Fact::Control(ControlFact::MessageQueued { message })
}

pub fn messages(manifest: &Manifest) -> Vec<String> {
    manifest.state.queued_resume_messages.iter().map(|message| message.id.clone()).collect()
}

/// The messages a history tells of.
pub fn told(events: &[EventRecord]) -> Vec<String> {
    let id = |event: &EventRecord| event.fields.get("messageId")?.as_str().map(str::to_owned);
    events.iter().filter_map(id).collect()
}

/// Checks a run from end to end and returns it with its whole history.
pub fn check_whole(store: &FileStore, id: &RunId) -> (Manifest, Vec<EventRecord>) {
    let tail = now(store.tail(id, 0, None)).unwrap();
    assert_eq!(tail.unreadable, 0);
    let cursors: Vec<u64> = tail.events.iter().map(|event| event.cursor).collect();
    let expected: Vec<u64> = (1..=tail.manifest.last_cursor).collect();
    assert_eq!(cursors, expected, "cursors have no gap and none is used twice");
    assert_eq!(told(&tail.events), messages(&tail.manifest), "the history tells what is so");
    (tail.manifest, tail.events)
}
