//! What listings cost among many runs. Makes the state directory once, below `LISTING_BENCH_DIR` (else the system's directory
//! for temporary files), and keeps it. Run it with `cargo bench -p agent-runner-store --bench listing -- 10000`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot measure has nothing else to do than stop")]

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use agent_runner_model::phase::{Outcome, Phase};
use agent_runner_model::spec::RunSpec;
use agent_runner_model::{ControlFact, Fact, Manifest, RunId, TaskId, Timestamp};
use agent_runner_store::{FileOptions, FileStore, Kin, ListQuery, NewRun, RunQuery, RunStore as _, Seeds};

const ROUNDS: usize = 15;
const WORDS: [&str; 8] = ["parser", "release", "flaky", "migration", "login", "cache", "report", "typo"];

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(10_000);
    let base = std::env::var_os("LISTING_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let place = base.join(format!("listing-bench-{count}"));
    let state = place.join("state");
    if !place.join("complete").exists() {
        make(&state, count);
        fs::write(place.join("complete"), "").unwrap();
    }
    let cache = place.join("cache");
    let store = store(&state, Some(&cache));
    println!("{count} runs in {}", place.display());
    let rebuild = || {
        let _ = fs::remove_dir_all(&cache);
        ready(store.list(&limited(1))).unwrap();
    };
    print("index made anew", repeat(3, rebuild));
    print("list --limit 50", repeat(ROUNDS, || drop(ready(store.list(&limited(50))).unwrap())));
    print("whole list, rows only", repeat(ROUNDS, || drop(ready(store.list(&all())).unwrap())));
    let search = ListQuery { search: Some("flaky login".to_owned()), ..limited(50) };
    print("search, 50 shown", repeat(ROUNDS, || drop(ready(store.list(&search)).unwrap())));
    let id = RunId::parse("run000077").unwrap();
    let kin = Kin::WaitingFor { run: &id, group: "run000077" };
    print("who waits for a run", repeat(ROUNDS, || drop(ready(store.kin(kin)).unwrap())));
    let mut pinned = false;
    let now = Timestamp::from_millis(1_800_000_000_000);
    let mut commit = || {
        pinned = !pinned;
        ready(store.commit(&id, &[Fact::Control(ControlFact::Pinned { pinned })], now)).unwrap();
    };
    print("a commit, with its syncs", repeat(ROUNDS, &mut commit));
    let after_commit = || {
        commit();
        let start = Instant::now();
        ready(store.list(&limited(50))).unwrap();
        start.elapsed()
    };
    print("list --limit 50 after a commit", measured(ROUNDS, after_commit));
    let without = self::store(&state, None);
    print(
        "without an index: list --limit 50",
        repeat(3, || drop(ready(without.list(&limited(50))).unwrap())),
    );
    let scan = RunQuery { include_archived: true, ..RunQuery::default() };
    print("reading every manifest", repeat(3, || drop(ready(store.query(&scan)).unwrap())));
}

fn store(state: &Path, cache: Option<&Path>) -> FileStore {
    let options = FileOptions { index_dir: cache.map(Path::to_path_buf), ..FileOptions::default() };
    FileStore::new(state.to_path_buf(), options)
}

fn all() -> ListQuery {
    ListQuery::default()
}

fn limited(limit: usize) -> ListQuery {
    ListQuery { limit: Some(limit), ..all() }
}

fn repeat(rounds: usize, mut once: impl FnMut()) -> Duration {
    measured(rounds, || {
        let start = Instant::now();
        once();
        start.elapsed()
    })
}

/// The median.
fn measured(rounds: usize, mut once: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..rounds).map(|_| once()).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn print(what: &str, took: Duration) {
    println!("{what}: {:.2} ms", took.as_secs_f64() * 1000.0);
}

/// One run is made by the store; the others are written beside it, without its syncs.
fn make(state: &Path, count: usize) {
    let store = store(state, None);
    let spec: RunSpec = serde_json::from_str(include_str!("spec.json")).unwrap();
    let mut first = manifest(&spec, 0);
    let new = NewRun { manifest: first.clone(), events: Vec::new(), seeds: Seeds::default() };
    first = ready(store.create(new, Timestamp::from_millis(1_700_000_000_000))).unwrap();
    for number in 1..count {
        let mut manifest = manifest(&spec, number);
        (manifest.revision, manifest.events_len) = (first.revision, first.events_len);
        let dir = state.join("runs").join(&manifest.spec.repo).join(manifest.spec.run_id.as_str());
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("run.json"), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
        for empty in ["run-events.jsonl", "run.lock", "owner.lock"] {
            fs::write(dir.join(empty), "").unwrap();
        }
    }
}

fn manifest(spec: &RunSpec, number: usize) -> Manifest {
    let mut spec = spec.clone();
    spec.run_id = RunId::parse(&format!("run{number:06}")).unwrap();
    spec.repo = format!("repo{}", number % 5);
    spec.created_at = Timestamp::from_millis(1_700_000_000_000 + 60_000 * i64::try_from(number).unwrap());
    let word = |at: usize| WORDS[(number / at) % WORDS.len()];
    for (at, task) in spec.tasks.iter_mut().enumerate() {
        task.id = TaskId::parse(&format!("t{at}")).unwrap();
        task.title = format!("Look at the {} of part {at}", word(at + 1));
    }
    let (mut manifest, _) = Manifest::new(spec, Some(format!("{} {number}", word(1))));
    for task in manifest.state.final_tasks.values_mut() {
        task.notes = format!("Looked at the {}; nothing is left to do for {number}.", word(3));
    }
    manifest.state.phase = match number % 200 {
        0 => Phase::Initialized,
        _ => Phase::Ended { outcome: Outcome::Success },
    };
    manifest
}

/// The file store does its work inline: its futures are ready when they are first asked.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a file operation does not wait"),
    }
}
