//! The owner lease: one holder at a time, free when it is gone, and never taken from whom nobody can see.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use agent_runner_model::{Lease, RunId};
use agent_runner_store::{AcquireError, Holder, OwnerLease, RunStore, Takeover};

use super::children::{Job, Worker, killed_at};
use super::support::{Place, id, now, store_at};

fn lock_file(place: &Place, run: &RunId) -> PathBuf {
    place.run_dir(run).join("owner.lock")
}

fn lease_of(place: &Place, run: &RunId) -> Lease {
    now(place.store.observe_owner(run)).unwrap().lease
}

#[test]
fn one_holds_it_and_others_see_who() {
    let (place, run) = Place::with_run("run");
    assert_eq!(lease_of(&place, &run), Lease::Free);
    let lease = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    let view = now(place.store.observe_owner(&run)).unwrap();
    assert_eq!((view.lease, view.holder.as_ref()), (Lease::Held, Some(lease.holder())));
    assert_eq!(lease.holder(), &Holder::current());
    for takeover in [Takeover::Never, Takeover::Unknown] {
        let error = now(place.store.acquire_owner(&run, Duration::ZERO, takeover)).unwrap_err();
        let AcquireError::Held { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(holder.as_ref(), Some(lease.holder()));
        assert!(error.to_string().contains(&format!("process {}", std::process::id())));
    }
    drop(lease);
    let view = now(place.store.observe_owner(&run)).unwrap();
    assert_eq!((view.lease, view.holder), (Lease::Free, None));
    assert!(lock_file(&place, &run).exists(), "the file stays");
    now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
}

#[test]
fn it_is_waited_for_as_long_as_patience_lasts() {
    let (place, run) = Place::with_run("run");
    let lease = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    let start = Instant::now();
    let patience = Duration::from_millis(30);
    assert!(now(place.store.acquire_owner(&run, patience, Takeover::Never)).is_err());
    assert!(start.elapsed() >= patience);
    thread::scope(|scope| {
        let (store, waited) = (place.store.clone(), run.clone());
        let waiting = scope.spawn(move || {
            now(store.acquire_owner(&waited, Duration::from_secs(20), Takeover::Never)).map(drop)
        });
        drop(lease);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn observers_disturb_nobody() {
    let (place, run) = Place::with_run("run");
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    lease_of(&place, &run);
                }
            });
        }
        for _ in 0..20 {
            let lease =
                now(place.store.acquire_owner(&run, Duration::from_secs(20), Takeover::Never)).unwrap();
            assert_eq!(lease_of(&place, &run), Lease::Held);
            drop(lease);
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}

#[test]
fn a_killed_holder_holds_nothing() {
    let (place, run) = Place::with_run("run");
    let mut worker = Worker::start(place.dir.path(), &Job::Own { run: "run".to_owned() }, None);
    assert_eq!(worker.next_done().as_deref(), Some("run"));
    let view = now(place.store.observe_owner(&run)).unwrap();
    assert_eq!(view.lease, Lease::Held);
    assert_ne!(view.holder.unwrap().pid, std::process::id());
    worker.kill();
    worker.finish();
    let view = now(place.store.observe_owner(&run)).unwrap();
    assert_eq!(view.lease, Lease::Free);
    assert!(view.holder.is_some(), "who it was stays on record");
    now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
}

#[test]
fn a_holder_killed_while_taking_it_holds_nothing() {
    for point in ["store.owner.locked", "store.owner.written"] {
        let (place, run) = Place::with_run("run");
        killed_at(place.dir.path(), &Job::Own { run: "run".to_owned() }, point);
        assert_eq!(lease_of(&place, &run), Lease::Free, "killed at {point}");
        now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    }
}

#[test]
fn a_record_that_says_nothing_is_no_holder() {
    let (place, run) = Place::with_run("run");
    for text in ["", "{\"pid\":12", "null", "[]", "\u{0}\u{0}\u{0}"] {
        fs::write(lock_file(&place, &run), text).unwrap();
        assert_eq!(lease_of(&place, &run), Lease::Free, "{text:?}");
        now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    }
    fs::remove_file(lock_file(&place, &run)).unwrap();
    assert_eq!(lease_of(&place, &run), Lease::Free);
    now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
}

#[test]
fn whom_nobody_can_see_is_not_robbed_without_a_word() {
    let (place, run) = Place::with_run("run");
    let here = Holder::current();
    let container = Holder { pid_namespace: "pid:[1]".to_owned(), ..here.clone() };
    let elsewhere = Holder { boot_id: "x".to_owned(), host: "other".to_owned(), ..here.clone() };
    let rebooted = Holder { boot_id: "x".to_owned(), ..here };
    for (holder, lease) in [(container, Lease::Unknown), (elsewhere, Lease::Unknown), (rebooted, Lease::Free)]
    {
        fs::write(lock_file(&place, &run), serde_json::to_vec(&holder).unwrap()).unwrap();
        let view = now(place.store.observe_owner(&run)).unwrap();
        assert_eq!((view.lease, view.holder.as_ref()), (lease, Some(&holder)));
        let timid = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never));
        match (lease, timid) {
            (Lease::Unknown, Err(error)) => {
                assert!(matches!(&error, AcquireError::Unknown { .. }) && error.hint().is_some(), "{error}");
                assert_eq!(lease_of(&place, &run), Lease::Unknown, "the record stays");
                let bold = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Unknown)).unwrap();
                assert_eq!(
                    now(place.store.observe_owner(&run)).unwrap().holder.as_ref(),
                    Some(bold.holder())
                );
            }
            (Lease::Free, Ok(_)) => {}
            (lease, timid) => panic!("{lease:?} {timid:?}"),
        }
    }
}

#[test]
fn a_missing_run_has_no_owner() {
    let place = Place::new();
    let store = store_at(place.dir.path());
    assert!(now(store.observe_owner(&id("run"))).is_err());
    assert!(now(store.acquire_owner(&id("run"), Duration::ZERO, Takeover::Never)).is_err());
    assert!(!place.dir.path().join("runs").exists(), "asking makes nothing");
}
