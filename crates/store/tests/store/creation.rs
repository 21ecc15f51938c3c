//! Creating runs: whole or not at all, one id once, and nobody else's business.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_runner_store::{RunQuery, RunStore, Seeds, StoreError, failpoint};

use super::children::{Job, killed_at};
use super::support::{Place, check_whole, id, new_run, now, time};

#[test]
fn a_run_is_as_it_was_given() {
    let place = Place::new();
    let mut new = new_run("run", "repo");
    new.seeds = Seeds { agent: Some("A".to_owned()), assignment: Some("B".to_owned()) };
    let given = new.manifest.clone();
    let manifest = now(place.store.create(new, time(5))).unwrap();
    assert_eq!((&manifest.spec, &manifest.state.final_tasks), (&given.spec, &given.state.final_tasks));
    assert_eq!((manifest.revision, manifest.last_cursor), (1, 1));
    let (read, events) = check_whole(&place.store, &id("run"));
    assert_eq!(read, manifest);
    assert_eq!((events[0].kind.as_str(), events[0].at), ("run.created", time(5)));
    let dir = place.dir.path().join("runs/repo/run");
    assert_eq!(place.run_dir(&id("run")), dir);
    assert_eq!(fs::read_to_string(dir.join("agent-seed.md")).unwrap(), "A");
    assert_eq!(fs::read_to_string(dir.join("assignment-seed.md")).unwrap(), "B");
    let text = fs::read_to_string(dir.join("run.json")).unwrap();
    assert!(text.starts_with("{\n  \"schemaVersion\": 1,\n  \"revision\": 1,\n") && text.ends_with("}\n"));
}

#[test]
fn nobody_else_can_look_into_it() {
    let (place, run) = Place::with_run("run");
    now(place.store.put_blob(&run, "attempts/01.json", b"{}")).unwrap();
    now(place.store.append_blob(&run, "attempts/01.stderr.log", b"x")).unwrap();
    place.store.diagnostics_log(&run).unwrap();
    let lease =
        now(place.store.acquire_owner(&run, std::time::Duration::ZERO, agent_runner_store::Takeover::Never))
            .unwrap();
    fs::OpenOptions::new().append(true).open(place.log(&run)).unwrap().set_len(9999).unwrap();
    now(place.store.commit(&run, &[super::support::message("m")], time(0))).unwrap();
    let mut seen = Vec::new();
    check_rights(&place.dir.path().join("runs"), &mut seen);
    for name in [
        "run.json",
        "run-events.jsonl",
        "run-events.quarantine.jsonl",
        "run.lock",
        "owner.lock",
        "reserve",
        "agent-seed.md",
        "driver.log",
        "01.json",
        "01.stderr.log",
        ".create.lock",
    ] {
        assert!(seen.iter().any(|found| found == name), "{name} is missing");
    }
    drop(lease);
}

fn check_rights(path: &Path, seen: &mut Vec<String>) {
    let data = fs::symlink_metadata(path).unwrap();
    let rights = if data.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(data.permissions().mode() & 0o777, rights, "{}", path.display());
    seen.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    if data.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check_rights(&entry.unwrap().path(), seen);
        }
    }
}

#[test]
fn an_id_is_taken_in_every_bucket() {
    let (place, run) = Place::with_run("run");
    for repo in ["repo", "another"] {
        let error = now(place.store.create(new_run("run", repo), time(0))).unwrap_err();
        let StoreError::Exists { path, .. } = error else { panic!("{error}") };
        assert_eq!(path, place.run_dir(&run));
    }
    assert!(!place.dir.path().join("runs/another").exists());
}

#[test]
fn a_bucket_cannot_lead_elsewhere() {
    let place = Place::new();
    for repo in ["", "..", ".", "a/b", "../x", "ä", "a\0"] {
        let error = now(place.store.create(new_run("run", repo), time(0))).unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{repo:?}: {error}");
    }
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0);
}

#[test]
fn a_copied_run_is_ambiguous_not_chosen_between() {
    let (place, run) = Place::with_run("run");
    let copy = place.dir.path().join("runs/copy/run");
    fs::create_dir_all(&copy).unwrap();
    fs::copy(place.run_dir(&run).join("run.json"), copy.join("run.json")).unwrap();
    let error = now(place.store.snapshot(&run)).unwrap_err();
    let StoreError::Ambiguous { paths, .. } = &error else { panic!("{error}") };
    assert_eq!(paths.len(), 2);
    assert!(error.hint().is_some());
}

#[test]
fn creation_killed_at_any_point_leaves_a_whole_run_or_none() {
    let points: Vec<_> = failpoint::ALL.iter().filter(|name| name.starts_with("store.create.")).collect();
    assert_eq!(points.len(), 8);
    for point in points {
        let place = Place::new();
        place.check_list();
        let done = killed_at(place.dir.path(), &Job::Create { run: "run".to_owned() }, point);
        assert_eq!(done, Vec::<String>::new());
        place.check_list();
        let listing = now(place.store.query(&RunQuery::default())).unwrap();
        assert_eq!(listing.problems, []);
        let landed = ["store.create.renamed", "store.create.synced"].contains(point);
        assert_eq!(listing.runs.len(), usize::from(landed), "killed at {point}");
        if landed {
            check_whole(&place.store, &id("run"));
        } else {
            let error = now(place.store.snapshot(&id("run"))).unwrap_err();
            assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        }
        let staged = ["store.create.wrote_tmp", "store.create.announced"].contains(point);
        if staged {
            let dir = place.dir.path().join("runs/repo/run");
            assert!(!dir.exists(), "a manifest that never counted holds what is in no other file");
        }
        let again = now(place.store.create(new_run("run", "elsewhere"), time(0)));
        if staged || *point == "store.create.locked" {
            again.expect("the name is not taken");
        } else {
            assert!(matches!(again, Err(StoreError::Exists { .. })), "killed at {point}: {again:?}");
        }
        now(place.store.create(new_run("other", "repo"), time(0))).unwrap();
        check_whole(&place.store, &id("other"));
        place.check_list();
    }
}

#[test]
fn what_is_left_of_a_run_that_never_was_goes_when_somebody_asks_for_it() {
    let place = Place::new();
    killed_at(place.dir.path(), &Job::Create { run: "run".to_owned() }, "store.create.wrote_tmp");
    let dir = place.dir.path().join("runs/repo/run");
    assert!(dir.join("run.json.tmp").exists());
    let error = place.store.resolve("run").unwrap_err();
    assert!(matches!(&error, StoreError::NotFound { similar, .. } if similar.is_empty()), "{error}");
    assert!(!dir.exists());
}

#[test]
fn what_is_left_is_not_taken_from_who_is_at_work_nor_from_what_was_a_run() {
    let (place, run) = Place::with_run("run");
    let dir = place.run_dir(&run);
    let tmp = dir.join("run.json.tmp");
    fs::write(&tmp, "{}").unwrap();
    let lock = fs::File::open(dir.join("run.lock")).unwrap();
    lock.lock().unwrap();
    now(place.store.snapshot(&run)).unwrap();
    now(place.store.query(&RunQuery::default())).unwrap();
    assert!(tmp.exists(), "somebody is writing it");
    lock.unlock().unwrap();
    now(place.store.tail(&run, 0, None)).unwrap();
    assert!(!tmp.exists());
    // Its manifest was taken away by hand: what there is besides is not ours to throw away.
    now(place.store.put_blob(&run, "attempts/00.json", b"{}")).unwrap();
    fs::remove_file(dir.join("run.json")).unwrap();
    fs::write(&tmp, "{}").unwrap();
    now(place.store.query(&RunQuery::default())).unwrap();
    assert!(!tmp.exists() && dir.join("attempts/00.json").exists() && dir.join("run-events.jsonl").exists());
}
