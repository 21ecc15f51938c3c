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

#[test]
fn a_deletion_killed_halfway_is_out_of_sight() {
    let (place, run) = Place::with_run("run");
    killed_at(place.dir.path(), &Job::Delete { run: "run".to_owned() }, "store.delete.moved");
    let listing = now(place.store.query(&RunQuery::default())).unwrap();
    assert!(listing.runs.is_empty() && listing.problems.is_empty());
    now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
    check_whole(&place.store, &run);
    now(place.store.delete(&run, &|_| Ok(()))).unwrap();
    assert_eq!(
        fs::read_dir(place.dir.path().join("runs/repo")).unwrap().count(),
        0,
        "what was left went too"
    );
    now(place.store.create(new_run("other", "repo"), time(0))).unwrap();
    check_whole(&place.store, &id("other"));
}
