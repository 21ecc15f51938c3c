//! A disk that fills up: the old manifest stays valid, the error says so, and going on is possible.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use agent_runner_store::{CommitError, OwnerLease, RESERVE_BYTES, RunStore, Takeover, failpoint};

use super::children::{Job, Worker};
use super::support::{Place, check_whole, id, message, messages, new_run, now, time};

#[test]
fn a_failed_commit_leaves_the_run_as_it_was_or_as_it_was_to_be() {
    let points = failpoint::ALL.iter().copied().filter(|name| name.starts_with("store.commit."));
    for point in points.filter(|name| !["store.commit.quarantined", "store.commit.repaired"].contains(name)) {
        let (place, run) = Place::with_run("run");
        let (before, _) = check_whole(&place.store, &run);
        failpoint::fail_on_this_thread(point);
        let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
        let CommitError::Store(error) = error else { panic!("{error}") };
        assert!(error.is_full(), "{point}: {error:?}");
        assert!(error.hint().unwrap().contains("full"));
        let (after, _) = check_whole(&place.store, &run);
        let landed = ["store.commit.renamed", "store.commit.dir_synced"].contains(&point);
        assert_eq!(messages(&after).len(), usize::from(landed), "{point}");
        if !landed {
            assert_eq!(after, before);
            let len = fs::metadata(place.log(&run)).unwrap().len();
            assert_eq!(len, after.events_len, "{point}: what does not count takes no space");
            assert!(!place.run_dir(&run).join("run.json.tmp").exists(), "{point}");
        }
        now(place.store.commit(&run, &[message("again")], time(0))).unwrap();
        let (last, _) = check_whole(&place.store, &run);
        assert_eq!(last.revision, after.revision + 1);
        assert!(!place.run_dir(&run).join("run-events.quarantine.jsonl").exists());
    }
}

#[test]
fn a_program_can_be_made_to_fail_from_outside() {
    let (place, run) = Place::with_run("run");
    let job = Job::Commit { prefix: "m".to_owned(), count: 3 };
    let variable = ("AGENT_RUNNER_FAILPOINT_ERROR", "*:store.commit.tmp_written#2");
    let (done, status) = Worker::start_with(place.dir.path(), &job, Some(variable)).finish();
    assert!(!status.success());
    assert_eq!(done, ["2 m-1"]);
    assert_eq!(messages(&check_whole(&place.store, &run).0), ["m-1"]);
}

#[test]
fn a_failed_quarantine_or_repair_is_done_again() {
    for (point, len) in [("store.commit.quarantined", 5_000), ("store.commit.repaired", 0)] {
        let (place, run) = Place::with_run("run");
        fs::OpenOptions::new().write(true).open(place.log(&run)).unwrap().set_len(len).unwrap();
        failpoint::fail_on_this_thread(point);
        let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
        assert!(matches!(&error, CommitError::Store(error) if error.is_full()), "{point}: {error}");
        now(place.store.commit(&run, &[message("again")], time(0))).unwrap();
        let tail = now(place.store.tail(&run, 1, None)).unwrap();
        assert_eq!((messages(&tail.manifest), tail.unreadable), (vec!["again".to_owned()], 0), "{point}");
        assert_eq!(tail.last_cursor, tail.manifest.last_cursor);
    }
}

#[test]
fn a_failed_creation_takes_neither_the_name_nor_the_space() {
    for point in ["locked", "wrote_seeds", "wrote_log", "wrote_tmp"] {
        let place = Place::new();
        let name =
            failpoint::ALL.iter().copied().find(|name| *name == format!("store.create.{point}")).unwrap();
        failpoint::fail_on_this_thread(name);
        let error = now(place.store.create(new_run("run", "repo"), time(0))).unwrap_err();
        assert!(error.is_full(), "{point}: {error}");
        assert!(!place.dir.path().join("runs/repo/run").exists(), "{point}");
        now(place.store.create(new_run("run", "repo"), time(0))).unwrap();
        check_whole(&place.store, &id("run"));
    }
}

#[test]
fn the_reserve_takes_space_and_gives_it_back() {
    let (place, run) = Place::with_run("run");
    let reserve = place.run_dir(&run).join("reserve");
    let lease = now(place.store.acquire_owner(&run, Duration::ZERO, Takeover::Never)).unwrap();
    let data = fs::metadata(&reserve).unwrap();
    assert_eq!(data.len(), RESERVE_BYTES);
    assert!(data.blocks() * 512 >= RESERVE_BYTES, "it takes space on the disk");
    lease.release_reserve().unwrap();
    assert!(!reserve.exists());
    lease.release_reserve().expect("there is nothing left to do");
    lease.hold_reserve().unwrap();
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES);
    now(place.store.commit(&run, &[message(&"long ".repeat(20_000))], time(0))).unwrap();
    lease.hold_reserve().unwrap();
    let manifest = fs::metadata(place.run_dir(&run).join("run.json")).unwrap().len();
    assert!(
        manifest > 100_000 && fs::metadata(&reserve).unwrap().len() == 2 * manifest,
        "it grows with the run"
    );
    drop(lease);
    assert!(!reserve.exists(), "an ended run takes no space for nothing");
}
