//! Deleting runs.

use std::fs;
use std::time::Duration;

use agent_runner_model::{Manifest, Refusal};
use agent_runner_store::{CommitError, RunQuery, RunStore, StoreError, Takeover};

use super::children::{Job, killed_at};
use super::support::{Place, check_whole, id, message, new_run, now, time};

#[test]
fn a_deleted_run_is_gone_and_its_name_free() {
    let (place, run) = Place::with_run("run");
    now(place.store.put_blob(&run, "attempts/01.json", b"{}")).unwrap();
    let dir = place.run_dir(&run);
    now(place.store.delete(&run, &|_| Ok(()))).unwrap();
    assert!(!dir.exists());
    assert_eq!(fs::read_dir(dir.parent().unwrap()).unwrap().count(), 0);
    let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::NotFound { .. })), "{error}");
    assert!(matches!(
        now(place.store.delete(&run, &|_| Ok(()))),
        Err(CommitError::Store(StoreError::NotFound { .. }))
    ));
    now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
}

#[test]
fn an_owned_run_is_not_deleted() {
    let (place, run) = Place::with_run("run");
    let lease = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    let error = now(place.store.delete(&run, &|_| Ok(()))).unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Owned { .. })), "{error}");
    check_whole(&place.store, &run);
    drop(lease);
    now(place.store.delete(&run, &|_| Ok(()))).unwrap();
}

#[test]
fn a_run_that_must_not_be_deleted_stays_whole() {
    let (place, run) = Place::with_run("run");
    let refusal = |_: &Manifest| Err(Refusal::Invalid("not yet".to_owned()));
    let error = now(place.store.delete(&run, &refusal)).unwrap_err();
    assert!(matches!(error, CommitError::Refused(Refusal::Invalid(_))), "{error}");
    check_whole(&place.store, &run);
}

/// What is left in the bucket of the runs these tests make.
fn left(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.dir.path().join("runs/repo")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A run whose deletion was killed once it was out of sight.
fn half_deleted() -> Place {
    let (place, run) = Place::with_run("run");
    now(place.store.put_blob(&run, "attempts/01.json", b"{}")).unwrap();
    killed_at(place.dir.path(), &Job::Delete { run: "run".to_owned() }, "store.delete.moved");
    assert_eq!(left(&place), [".deleted-run"]);
    assert!(matches!(now(place.store.snapshot(&run)), Err(StoreError::NotFound { .. })));
    place
}

#[test]
fn a_deletion_killed_at_any_point_has_happened_or_not() {
    for (point, gone) in [("store.delete.announced", false), ("store.delete.moved", true)] {
        let (place, run) = Place::with_run("run");
        killed_at(place.dir.path(), &Job::Delete { run: "run".to_owned() }, point);
        place.check_list();
        assert_eq!(now(place.store.snapshot(&run)).is_err(), gone, "killed at {point}");
    }
}

#[test]
fn a_deletion_killed_halfway_is_finished_by_the_next_listing() {
    let place = half_deleted();
    let listing = now(place.store.query(&RunQuery::default())).unwrap();
    assert!(listing.runs.is_empty() && listing.problems.is_empty());
    assert_eq!(left(&place), Vec::<String>::new());
}

#[test]
fn a_deletion_killed_halfway_is_finished_by_deleting_again() {
    let place = half_deleted();
    let run = id("run");
    let manifest = now(place.store.finish_deletion(&run)).unwrap().unwrap();
    assert_eq!(manifest.spec.run_id, run);
    assert_eq!(left(&place), Vec::<String>::new());
    assert!(now(place.store.finish_deletion(&run)).unwrap().is_none());
    // Nobody finishes what was not begun.
    now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
    assert!(now(place.store.finish_deletion(&run)).unwrap().is_none());
    check_whole(&place.store, &run);
}

#[test]
fn a_name_whose_deletion_was_not_finished_is_free() {
    let place = half_deleted();
    let run = id("run");
    now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
    check_whole(&place.store, &run);
    now(place.store.delete(&run, &|_| Ok(()))).unwrap();
    assert_eq!(left(&place), Vec::<String>::new(), "what was left went too");
    now(place.store.create(new_run("other", "repo"), time(0))).unwrap();
    check_whole(&place.store, &id("other"));
}

#[test]
fn who_lists_does_not_wait_for_who_deletes_and_takes_nothing_else() {
    let place = half_deleted();
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), b"mine").unwrap();
    let bucket = place.dir.path().join("runs/repo");
    std::os::unix::fs::symlink(&outside, bucket.join(".deleted-link")).unwrap();
    fs::create_dir(bucket.join(".deleted-Not an id")).unwrap();
    let lock = fs::File::create(place.dir.path().join("runs/.create.lock")).unwrap();
    lock.lock().unwrap();
    now(place.store.query(&RunQuery::default())).unwrap();
    assert_eq!(left(&place).len(), 3, "somebody is at it");
    lock.unlock().unwrap();
    now(place.store.query(&RunQuery::default())).unwrap();
    let mut left = left(&place);
    left.sort();
    assert_eq!(left, [".deleted-Not an id", ".deleted-link"]);
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"mine");
}

#[test]
fn a_run_behind_a_link_stays_where_it_is_seen() {
    let (place, run) = Place::with_run("run");
    let (dir, elsewhere) = (place.run_dir(&run), place.dir.path().join("elsewhere"));
    std::fs::rename(&dir, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &dir).unwrap();
    let refused = now(place.store.delete(&run, &|_| Ok(()))).unwrap_err();
    assert!(
        matches!(&refused, CommitError::Store(StoreError::Foreign { path }) if *path == dir),
        "{refused}"
    );
    assert_eq!(now(place.store.snapshot(&run)).unwrap().spec.run_id, run);
    assert_eq!(left(&place), ["run"]);
}
