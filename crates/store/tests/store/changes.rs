//! Waking whoever watches a run.

use std::thread;
use std::time::Duration;

use agent_runner_store::{Changes, RunStore};
use tokio::time::{error::Elapsed, timeout};

use super::children::{Job, Worker};
use super::support::{Place, id, message, messages, new_run, now, store_at, time};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Long enough for any machine; only a failing test takes so long.
async fn woken(changes: &mut impl Changes) -> Result<(), Elapsed> {
    timeout(Duration::from_secs(20), changes.next()).await
}

#[test]
fn a_change_after_the_watch_began_is_never_missed() {
    let (place, run) = Place::with_run("run");
    runtime().block_on(async {
        let mut changes = place.store.changes(&run).await.unwrap();
        // Before anybody waits for it.
        place.store.commit(&run, &[message("m")], time(0)).await.unwrap();
        woken(&mut changes).await.unwrap();
        assert_eq!(messages(&place.store.snapshot(&run).await.unwrap()), ["m"]);
    });
}

#[test]
fn every_commit_of_another_writer_is_seen_in_the_end() {
    let (place, run) = Place::with_run("run");
    let (store, written) = (store_at(place.dir.path()), run.clone());
    runtime().block_on(async {
        let mut changes = place.store.changes(&run).await.unwrap();
        let writer = thread::spawn(move || {
            for number in 0..50 {
                now(store.commit(&written, &[message(&format!("m{number}"))], time(0))).unwrap();
            }
        });
        let (mut cursor, mut looks) = (0, 0);
        while cursor < 51 {
            cursor = place.store.tail(&run, cursor, None).await.unwrap().last_cursor;
            looks += 1;
            if cursor < 51 {
                woken(&mut changes).await.unwrap();
            }
        }
        assert!(looks <= 110, "{looks} looks for 50 commits");
        writer.join().unwrap();
    });
}

#[test]
fn reading_other_runs_and_blobs_wake_nobody() {
    let (place, run) = Place::with_run("run");
    now(place.store.create(new_run("other", "repo"), time(0))).unwrap();
    runtime().block_on(async {
        place.store.put_blob(&run, "attempts/00.json", b"{}").await.unwrap();
        let mut changes = place.store.changes(&run).await.unwrap();
        let mut other = place.store.changes(&id("other")).await.unwrap();
        place.store.tail(&run, 0, None).await.unwrap();
        place.store.observe_owner(&run).await.unwrap();
        place.store.put_blob(&run, "attempts/01.json", b"{}").await.unwrap();
        place.store.append_blob(&run, "attempts/01.stderr.log", b"x").await.unwrap();
        place.store.commit(&id("other"), &[message("m")], time(0)).await.unwrap();
        // The other watch is served by the same watcher, after everything that came before.
        woken(&mut other).await.unwrap();
        assert!(timeout(Duration::ZERO, changes.next()).await.is_err());
    });
}

#[test]
fn two_watch_and_one_leaves() {
    let (place, run) = Place::with_run("run");
    runtime().block_on(async {
        let first = place.store.changes(&run).await.unwrap();
        let mut second = place.store.changes(&run).await.unwrap();
        drop(first);
        place.store.commit(&run, &[message("m")], time(0)).await.unwrap();
        woken(&mut second).await.unwrap();
    });
}

#[test]
fn deleting_a_run_wakes_who_watches_it_and_its_name_can_be_watched_anew() {
    let (place, run) = Place::with_run("run");
    runtime().block_on(async {
        let mut changes = place.store.changes(&run).await.unwrap();
        place.store.delete(&run, &|_| Ok(())).await.unwrap();
        woken(&mut changes).await.unwrap();
        place.store.create(new_run("run", "repo"), time(0)).await.unwrap();
        let mut anew = place.store.changes(&run).await.unwrap();
        place.store.commit(&run, &[message("m")], time(0)).await.unwrap();
        woken(&mut anew).await.unwrap();
    });
}

#[test]
fn where_the_system_cannot_watch_a_change_is_still_seen() {
    let (place, run) = Place::with_run("run");
    let (done, status) =
        Worker::start(place.dir.path(), &Job::Watch { run: "run".to_owned() }, None).finish();
    assert!(status.success(), "{status}");
    assert_eq!(done, ["waited", "woken"]);
    assert_eq!(messages(&now(place.store.snapshot(&run)).unwrap()), ["m"]);
}
