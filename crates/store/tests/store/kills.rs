//! Writers are killed at every point and at any moment. What they acknowledged is there, the rest is whole or absent,
//! nobody else is held up, and a follower never saw what is not so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use agent_runner_model::event::EventRecord;
use agent_runner_store::{RunStore, failpoint};

use super::children::{Job, Worker, killed_at};
use super::support::{Place, check_whole, id, message, messages, now, store_at, time};

/// Reads a run's history while others write it, starting again where it stopped.
struct Follower {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<EventRecord>>,
}

impl Follower {
    fn start(place: &Place) -> Self {
        let store = store_at(place.dir.path());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen: Vec<EventRecord> = Vec::new();
            let mut cursor = 0;
            let mut revision = 0;
            let mut last_round = false;
            while !last_round {
                last_round = stopped.load(Ordering::SeqCst);
                let tail = now(store.tail(&id("run"), cursor, None)).unwrap();
                assert!(tail.manifest.revision >= revision, "a run went back");
                assert_eq!(tail.unreadable, 0);
                revision = tail.manifest.revision;
                cursor = tail.last_cursor;
                assert_eq!(cursor, tail.manifest.last_cursor, "a reader saw less than the manifest counts");
                seen.extend(tail.events);
                thread::yield_now();
            }
            seen
        });
        Self { stop, thread }
    }

    fn finish(self) -> Vec<EventRecord> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// The state of affairs after a kill: acknowledged writes are there, and at most one that was not acknowledged.
fn check(place: &Place, done: &[String], writers: usize) {
    let start = Instant::now();
    place.check_list();
    let (before, _) = check_whole(&place.store, &id("run"));
    let tmp = place.run_dir(&id("run")).join("run.json.tmp");
    assert!(!tmp.exists(), "whoever looks at the run clears up after who was killed");
    let there = messages(&before);
    for line in done {
        let (_, text) = line.split_once(' ').unwrap();
        assert!(there.contains(&text.to_owned()), "{text} was acknowledged and is gone");
    }
    assert!(there.len() <= done.len() + writers, "{} came out of nothing", there.len());
    let after = now(place.store.commit(&id("run"), &[message("after")], time(1))).unwrap();
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(after.last_cursor, before.last_cursor + 1);
    let (_, events) = check_whole(&place.store, &id("run"));
    assert_eq!(events.last().unwrap().cursor, after.last_cursor);
    assert!(start.elapsed() < Duration::from_secs(5), "somebody's death held up the next");
}

fn commit_points() -> impl Iterator<Item = &'static str> {
    let special = ["store.commit.quarantined", "store.commit.repaired"];
    let points = failpoint::ALL.iter().copied().filter(|name| name.starts_with("store.commit."));
    points.filter(move |name| !special.contains(name))
}

#[test]
fn a_commit_killed_at_any_point_is_whole_or_absent() {
    assert!(commit_points().count() >= 9);
    for point in commit_points() {
        for time in [1, 3] {
            let (place, _) = Place::with_run("run");
            let follower = Follower::start(&place);
            let job = Job::Commit { prefix: "m".to_owned(), count: 5 };
            let done = killed_at(place.dir.path(), &job, &format!("{point}#{time}"));
            assert_eq!(done.len(), time - 1, "killed at {point} for the {time}. time");
            check(&place, &done, 1);
            let seen = follower.finish();
            let (_, events) = check_whole(&place.store, &id("run"));
            assert_eq!(seen, events, "a follower saw something else, killed at {point}");
        }
    }
}

#[test]
fn a_half_written_line_is_moved_aside() {
    let (place, run) = Place::with_run("run");
    let job = Job::Commit { prefix: "m".to_owned(), count: 5 };
    killed_at(place.dir.path(), &job, "store.commit.torn");
    let counted = now(place.store.snapshot(&run)).unwrap().events_len;
    let torn = std::fs::read(place.log(&run)).unwrap().split_off(usize::try_from(counted).unwrap());
    assert!(!torn.is_empty() && !torn.contains(&b'\n'), "the point tears a line");
    check(&place, &[], 1);
    let mut kept = std::fs::read(place.run_dir(&run).join("run-events.quarantine.jsonl")).unwrap();
    assert_eq!(kept.pop(), Some(b'\n'));
    assert_eq!(kept, torn);
}

#[test]
fn a_quarantine_killed_halfway_is_done_again() {
    let (place, run) = Place::with_run("run");
    let job = Job::Commit { prefix: "m".to_owned(), count: 5 };
    killed_at(place.dir.path(), &job, "store.commit.appended");
    let done = killed_at(place.dir.path(), &job, "store.commit.quarantined");
    assert_eq!(done, Vec::<String>::new());
    check(&place, &[], 0);
    let kept = std::fs::read_to_string(place.run_dir(&run).join("run-events.quarantine.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 2, "kept twice rather than not at all");
}

#[test]
fn a_repair_killed_halfway_shows_nothing_that_is_not_so() {
    for point in
        ["store.commit.repaired", "store.commit.guarded", "store.commit.appended", "store.commit.torn"]
    {
        let (place, run) = Place::with_run("run");
        for number in 0..4 {
            now(place.store.commit(&run, &[message(&format!("m-{number}"))], time(0))).unwrap();
        }
        let log = std::fs::OpenOptions::new().write(true).open(place.log(&run)).unwrap();
        log.set_len(log.metadata().unwrap().len() / 2).unwrap();
        let job = Job::Commit { prefix: "n".to_owned(), count: 1 };
        killed_at(place.dir.path(), &job, point);
        let tail = now(place.store.tail(&run, 0, None)).unwrap();
        assert_eq!(messages(&tail.manifest).len(), 4, "killed at {point}");
        assert!(tail.events.iter().all(|event| event.cursor <= tail.manifest.last_cursor));
        assert!(tail.events.len() < 5, "half of the log is gone");
        let after = now(place.store.commit(&run, &[message("after")], time(1))).unwrap();
        let tail = now(place.store.tail(&run, 5, None)).unwrap();
        assert_eq!(tail.last_cursor, after.last_cursor);
        assert_eq!(super::support::told(&tail.events), ["after"], "killed at {point}");
        let history = now(place.store.tail(&run, 0, None)).unwrap().events;
        let lost = history.iter().filter(|event| event.kind == "run.history_lost").count();
        assert_eq!(lost, 1, "killed at {point}: the loss is said, once");
    }
}

/// Numbers without a pattern, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_and_holds_up_nobody() {
    let rounds =
        std::env::var("AGENT_RUNNER_CHAOS_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut dice = Dice(seed);
    for _ in 0..rounds {
        let (place, _) = Place::with_run("run");
        let follower = Follower::start(&place);
        let endless = Job::Commit { prefix: "killed".to_owned(), count: u32::MAX };
        let mut victim = Worker::start(place.dir.path(), &endless, None);
        let steady = Job::Commit { prefix: "steady".to_owned(), count: 8 };
        let survivor = Worker::start(place.dir.path(), &steady, None);
        let mut done: Vec<String> = (0..dice.below(6)).filter_map(|_| victim.next_done()).collect();
        let moment = Instant::now() + Duration::from_micros(dice.below(3000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        victim.kill();
        done.extend(victim.finish().0);
        let (survived, status) = survivor.finish();
        assert!(status.success() && survived.len() == 8, "{status}");
        done.extend(survived);
        check(&place, &done, 1);
        let seen = follower.finish();
        let (_, events) = check_whole(&place.store, &id("run"));
        assert_eq!(seen, events, "a follower saw something else");
    }
}
