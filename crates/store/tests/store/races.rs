//! Many writers at once: nothing is lost, nothing is doubled, and whoever is stopped holds up the others only so long.

use std::collections::BTreeSet;
use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use agent_runner_store::{CommitError, FileOptions, FileStore, RunStore, StoreError};

use super::children::{Job, Worker};
use super::support::{Place, check_whole, id, message, messages, new_run, now, store_at, time};

#[test]
fn sixteen_processes_lose_no_commit() {
    let (place, run) = Place::with_run("run");
    let job = |number| Job::Commit { prefix: format!("w{number}"), count: 10 };
    let workers: Vec<Worker> =
        (0..16).map(|number| Worker::start(place.dir.path(), &job(number), None)).collect();
    let mut revisions = BTreeSet::new();
    let mut texts = BTreeSet::new();
    for worker in workers {
        let (done, status) = worker.finish();
        assert!(status.success(), "{status}");
        for line in done {
            let (revision, text) = line.split_once(' ').unwrap();
            assert!(revisions.insert(revision.parse::<u64>().unwrap()), "a revision was given twice");
            texts.insert(text.to_owned());
        }
    }
    let (manifest, _) = check_whole(&place.store, &run);
    assert_eq!(messages(&manifest).into_iter().collect::<BTreeSet<_>>(), texts);
    assert_eq!(revisions, (2..=161).collect());
}

#[test]
fn sixteen_threads_lose_no_commit() {
    let (place, run) = Place::with_run("run");
    thread::scope(|scope| {
        for writer in 0..16 {
            let (store, run) = (place.store.clone(), run.clone());
            scope.spawn(move || {
                for number in 0..5 {
                    now(store.commit(&run, &[message(&format!("{writer}-{number}"))], time(0))).unwrap();
                }
            });
        }
    });
    let (manifest, _) = check_whole(&place.store, &run);
    assert_eq!(manifest.revision, 81);
    assert_eq!(messages(&manifest).len(), 80);
}

#[test]
fn of_many_that_create_one_id_one_does() {
    let place = Place::new();
    let results: Vec<bool> = thread::scope(|scope| {
        let create = |number: usize| {
            let store = store_at(place.dir.path());
            scope.spawn(
                move || match now(store.create(new_run("same", &format!("repo-{number}")), time(0))) {
                    Ok(_) => true,
                    Err(StoreError::Exists { .. }) => false,
                    Err(error) => panic!("{error}"),
                },
            )
        };
        let threads: Vec<_> = (0..12).map(create).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.into_iter().filter(|created| *created).count(), 1);
    check_whole(&place.store, &id("same"));
}

#[test]
fn a_writer_that_does_not_go_on_is_named_after_a_while() {
    let (place, run) = Place::with_run("run");
    let path = place.run_dir(&run).join("run.lock");
    let stuck = File::open(&path).unwrap();
    stuck.lock().unwrap();
    let options = FileOptions { lock_patience: Duration::from_millis(30), ..FileOptions::default() };
    let store = FileStore::new(place.dir.path().to_path_buf(), options);
    let start = Instant::now();
    let error = now(store.commit(&run, &[message("m")], time(0))).unwrap_err();
    let CommitError::Store(StoreError::Busy { path: named, .. }) = error else { panic!("{error}") };
    assert_eq!(named, path);
    assert!(start.elapsed() >= Duration::from_millis(30));
    now(store.snapshot(&run)).expect("readers take no lock");
    drop(stuck);
    now(store.commit(&run, &[message("m")], time(0))).expect("who waited in vain keeps no lock");
}

#[test]
fn whoever_has_the_turn_commits_to_several_runs_and_nobody_comes_in_between() {
    let (place, run) = Place::with_run("run");
    let options = FileOptions { lock_patience: Duration::from_millis(30), ..FileOptions::default() };
    let other = FileStore::new(place.dir.path().to_path_buf(), options);
    let fits = |_: &[agent_runner_model::Manifest], _: &[agent_runner_store::Problem]| Ok(());
    let turn = now(place.store.hold_graph()).unwrap();
    let refused = now(other.commit_among(&run, &[message("between")], time(0), &fits)).unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Busy { .. })), "{refused}");
    now(place.store.commit(&run, &[message("first")], time(0))).unwrap();
    now(place.store.commit_within(&turn, &run, &[message("second")], time(0), &fits)).unwrap();
    drop(turn);
    now(other.commit_among(&run, &[message("after")], time(0), &fits)).unwrap();
    let (manifest, _) = check_whole(&place.store, &run);
    assert_eq!(messages(&manifest), ["first", "second", "after"]);
}

/// Whether somebody waits in the kernel's queue for a lock on that file.
#[cfg(target_os = "linux")]
fn is_awaited(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", file.metadata().unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("->") && line.contains(&inode))
}

#[cfg(target_os = "linux")]
#[test]
fn a_lock_of_a_run_that_was_replaced_is_no_lock() {
    let (place, run) = Place::with_run("run");
    let dir = place.run_dir(&run);
    let old = File::open(dir.join("run.lock")).unwrap();
    old.lock().unwrap();
    let options = FileOptions { lock_patience: Duration::from_secs(1), ..FileOptions::default() };
    let store = FileStore::new(place.dir.path().to_path_buf(), options);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| now(store.commit(&run, &[message("m")], time(0))));
        while !is_awaited(&old) {
            assert!(!waiting.is_finished(), "it did not wait");
            thread::yield_now();
        }
        std::fs::rename(&dir, dir.with_file_name(".away")).unwrap();
        now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
        let new = File::open(dir.join("run.lock")).unwrap();
        new.lock().unwrap();
        drop(old);
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error, CommitError::Store(StoreError::Busy { .. })), "{error}");
    });
    assert_eq!(messages(&now(place.store.snapshot(&run)).unwrap()), Vec::<String>::new());
}
