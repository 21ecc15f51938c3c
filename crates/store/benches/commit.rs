//! What a commit costs: its time, its syncs, and the same syncs alone on the same file system. The ratio is what
//! counts; machines are noisy. Run it with `cargo bench -p agent-runner-store`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot measure has nothing else to do than stop")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use agent_runner_model::budget::BudgetSpec;
use agent_runner_model::spec::{AgentSpec, BusyPolicy, LauncherSpec, LimitPolicy, Origin, RunSpec, Template};
use agent_runner_model::task::TaskSpec;
use agent_runner_model::{Author, Fact, Manifest, RunId, TaskFact, TaskId, Timestamp};
use agent_runner_store::{FileOptions, FileStore, NewRun, RunStore as _, Seeds, syncs};

const ROUNDS: usize = 200;

fn main() {
    let directory = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    let store = FileStore::new(directory.path().join("state"), FileOptions::default());
    let id = RunId::parse("bench").unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    let (manifest, events) = Manifest::new(spec(&id, now), None);
    let before = syncs();
    ready(store.create(NewRun { manifest, events, seeds: Seeds::default() }, now)).unwrap();
    println!("syncs to create a run: {}", syncs() - before);

    let before = syncs();
    let mut commits = Vec::with_capacity(ROUNDS);
    let mut alone = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let task = TaskId::parse(&format!("t{}", round % 5)).unwrap();
        let fact = TaskFact::NotesAppended { id: task, text: format!("note {round}") };
        let start = Instant::now();
        ready(store.commit(&id, &[Fact::Task { author: Author::Person, fact }], now)).unwrap();
        commits.push(start.elapsed());
        // In turn, so that a busy disk is busy for both.
        alone.push(three_syncs(directory.path()));
    }
    let (commit, alone) = (median(commits), median(alone));
    println!("syncs per commit: {:.2}", (syncs() - before) as f64 / ROUNDS as f64);
    println!("commit: {} us median of {ROUNDS}", commit.as_micros());
    println!("the same three syncs alone: {} us", alone.as_micros());
    println!("commit / syncs alone: {:.2}", commit.as_secs_f64() / alone.as_secs_f64());
}

/// What a commit asks of the disk, without anything else: append, sync, write, sync, rename, sync.
fn three_syncs(directory: &Path) -> Duration {
    let manifest = vec![b'x'; 6 * 1024];
    let start = Instant::now();
    let mut log = OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    log.write_all(&manifest[..150]).unwrap();
    log.sync_data().unwrap();
    let mut temporary = File::create(directory.join("run.tmp")).unwrap();
    temporary.write_all(&manifest).unwrap();
    temporary.sync_all().unwrap();
    fs::rename(directory.join("run.tmp"), directory.join("run")).unwrap();
    File::open(directory).unwrap().sync_all().unwrap();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The file store does its work inline: its futures are ready when they are first asked.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a file operation does not wait"),
    }
}

fn spec(id: &RunId, now: Timestamp) -> RunSpec {
    let tasks = (0..5).map(|index| TaskSpec {
        id: TaskId::parse(&format!("t{index}")).unwrap(),
        title: format!("Task {index}"),
        body: "Look at the source and say what it does.".to_owned(),
    });
    RunSpec {
        run_id: id.clone(),
        repo: "bench".to_owned(),
        cwd: "/".to_owned(),
        agent: AgentSpec {
            name: "bench".to_owned(),
            source_path: None,
            bases: Vec::new(),
            instructions: String::new(),
        },
        assignment: None,
        backend: "passive".to_owned(),
        backend_config: Default::default(),
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
        brief: "Do the tasks.".to_owned(),
        caller_instructions: None,
        tasks: tasks.collect(),
        command: "agent-runner".to_owned(),
        created_at: now,
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
        runtime_vars: Default::default(),
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
