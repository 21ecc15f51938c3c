//! Runs that were made elsewhere: in place as a whole or not at all, and nobody sees any of it before.

use std::fs;
use std::io::Read;
use std::path::Path;

use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::{Import, ImportSource, Manifest};
use agent_runner_store::{
    AdoptedRun, Arrival, Bring, FileStore, ListQuery, RunQuery, RunStore, Seeds, StoreError, history_lines,
};
use agent_runner_store::{FileOptions, failpoint};

use super::children::{Job, killed_at};
use super::support::{Place, check_whole, id, message, new_run, now, store_at, time};

const RECORD: &[u8] = b"{\"attempt\": 0}\n";
const FILE: &[u8] = b"handed over";

fn import() -> EventBody {
    let from = Import {
        source: ImportSource::Archive,
        original_run_id: "there".to_owned(),
        original_repo: None,
        host: None,
        program_version: None,
        format: 1,
        as_of: time(1),
        imported_at: time(2),
        digest: None,
        worktree: None,
        earlier: Vec::new(),
    };
    EventBody::RunImported { from }
}

/// Three events, of which one is of a kind nobody here knows.
fn history() -> Vec<u8> {
    let line = |cursor: u64, kind: &str| {
        format!("{{\"type\":\"{kind}\",\"at\":\"{}\",\"cursor\":{cursor}}}\n", time(0))
    };
    [line(1, "run.ready"), line(2, "run.of_tomorrow"), line(5, "run.reset")].concat().into_bytes()
}

fn adopted(name: &str) -> AdoptedRun {
    let mut manifest = new_run(name, "repo").manifest;
    manifest.revision = 7;
    manifest.last_cursor = 5;
    let seeds = Seeds { agent: Some("A".to_owned()), assignment: Some("B".to_owned()) };
    AdoptedRun { manifest, history: history(), events: vec![import()], seeds }
}

fn bring(arrival: &mut dyn Arrival) -> Result<(), StoreError> {
    arrival.put("attempts/00.json", &mut &RECORD[..], 100)?;
    let stored = arrival.put("attachments/abc/file.txt", &mut &FILE[..], 100)?;
    assert_eq!(stored.size, FILE.len() as u64);
    Ok(())
}

pub async fn adopt(store: &FileStore, name: &str) -> Result<Manifest, StoreError> {
    store.adopt(adopted(name), time(9), &mut bring).await
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn bucket(place: &Place) -> Vec<String> {
    names(&place.dir.path().join("runs/repo"))
}

#[test]
fn a_run_is_as_it_was_brought() {
    let place = Place::new();
    let manifest = now(adopt(&place.store, "run")).unwrap();
    assert_eq!((manifest.revision, manifest.last_cursor), (8, 6));
    let tail = now(place.store.tail(&id("run"), 0, None)).unwrap();
    assert_eq!(tail.manifest, manifest);
    let seen: Vec<(u64, &str)> =
        tail.events.iter().map(|event| (event.cursor, event.kind.as_str())).collect();
    assert_eq!(seen, [(1, "run.ready"), (2, "run.of_tomorrow"), (5, "run.reset"), (6, "run.imported")]);
    let log = fs::read(place.log(&id("run"))).unwrap();
    assert!(log.starts_with(&history()), "what was brought is kept byte by byte");
    assert_eq!(manifest.events_len, log.len() as u64);
    assert_eq!(now(place.store.get_blob(&id("run"), "attempts/00.json")).unwrap().unwrap(), RECORD);
    assert_eq!(now(place.store.get_blob(&id("run"), "agent-seed.md")).unwrap().unwrap(), b"A");
    let mut out = Vec::new();
    now(place.store.copy_blob(&id("run"), "attachments/abc/file.txt", &mut out)).unwrap().unwrap();
    assert_eq!(out, FILE);
    assert_eq!(bucket(&place), ["run"]);
    // It goes on like any other.
    let after = now(place.store.commit(&id("run"), &[message("m")], time(10))).unwrap();
    assert_eq!((after.revision, after.last_cursor), (9, 7));
    let newest = now(place.store.tail(&id("run"), 5, None)).unwrap().events;
    assert_eq!(newest.len(), 2);
}

#[test]
fn records_become_the_lines_of_a_history() {
    let records: Vec<EventRecord> = history()
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let place = Place::new();
    let run = AdoptedRun { history: history_lines(&records).unwrap(), ..adopted("run") };
    now(place.store.adopt(run, time(9), &mut |_| Ok(()))).unwrap();
    let tail = now(place.store.tail(&id("run"), 0, Some(3))).unwrap();
    assert_eq!(tail.events, records);
}

#[test]
fn an_id_is_taken_once_wherever_it_is() {
    let (place, _) = Place::with_run("run");
    let mut asked = false;
    let run = AdoptedRun { manifest: new_run("run", "another").manifest, ..adopted("run") };
    let error = now(place.store.adopt(run, time(9), &mut |_| {
        asked = true;
        Ok(())
    }))
    .unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }) && !asked, "{error}");
    assert!(!place.dir.path().join("runs/another").exists());
    // One that is taken while the other one is on its way.
    let error = now(place.store.adopt(adopted("new"), time(9), &mut |arrival| {
        bring(arrival)?;
        now(place.store.create(new_run("new", "elsewhere"), time(3))).map(|_| ())
    }))
    .unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(bucket(&place), ["run"]);
    check_whole(&place.store, &id("new"));
}

#[test]
fn nobody_sees_it_nor_takes_it_away_before_it_is_a_run() {
    let place = Place::new();
    let other = store_at(place.dir.path());
    now(place.store.adopt(adopted("run"), time(9), &mut |arrival| {
        bring(arrival)?;
        let listing = now(other.query(&RunQuery::default())).unwrap();
        assert!(listing.runs.is_empty() && listing.problems.is_empty());
        assert!(matches!(now(other.snapshot(&id("run"))), Err(StoreError::NotFound { .. })));
        Ok(())
    }))
    .unwrap();
    assert_eq!(now(other.query(&RunQuery::default())).unwrap().runs.len(), 1);
}

#[test]
fn an_index_hears_of_it() {
    let index = tempfile::TempDir::new().unwrap();
    let place = Place::new();
    let options = FileOptions { index_dir: Some(index.path().to_path_buf()), ..FileOptions::default() };
    let listed = FileStore::new(place.dir.path().to_path_buf(), options);
    let rows = || now(listed.list(&ListQuery::default())).unwrap().rows.len();
    assert_eq!(rows(), 0);
    now(place.store.adopt(adopted("run"), time(9), &mut |arrival| {
        bring(arrival)?;
        assert_eq!(rows(), 0);
        Ok(())
    }))
    .unwrap();
    assert_eq!(rows(), 1);
}

#[test]
fn names_lead_nowhere_else() {
    let bad = [
        "run.json",
        "a.json",
        "../x",
        "attempts/../../x",
        "/etc/x",
        "attempts//x",
        "attempts/.x",
        "run.json/x",
        "owner.lock/x",
        "reserve/x",
        "driver.log/x",
        "attempts/ä",
        "attempts/x\0",
        "",
    ];
    for name in bad {
        let place = Place::new();
        let mut put = |arrival: &mut dyn Arrival| arrival.put(name, &mut &RECORD[..], 100).map(|_| ());
        let error = now(place.store.adopt(adopted("run"), time(9), &mut put)).unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{name:?}: {error}");
        assert_eq!(bucket(&place), Vec::<String>::new());
    }
    let twice = |arrival: &mut dyn Arrival| bring(arrival).and_then(|()| bring(arrival));
    let onto_a_file = |arrival: &mut dyn Arrival| {
        bring(arrival)?;
        arrival.put("attempts/00.json/x", &mut &RECORD[..], 100).map(|_| ())
    };
    let large = |arrival: &mut dyn Arrival| {
        arrival.put("attempts/x", &mut std::io::repeat(0).take(101), 100).map(|_| ())
    };
    let all: [&mut Bring<'_>; 3] = [&mut { twice }, &mut { onto_a_file }, &mut { large }];
    for bring in all {
        let place = Place::new();
        now(place.store.adopt(adopted("run"), time(9), bring)).unwrap_err();
        assert_eq!(bucket(&place), Vec::<String>::new());
    }
    let place = Place::new();
    let run = AdoptedRun { manifest: new_run("run", "../x").manifest, ..adopted("run") };
    assert!(matches!(now(place.store.adopt(run, time(9), &mut bring)), Err(StoreError::Name { .. })));
}

#[test]
fn what_is_no_history_is_refused() {
    let line = |cursor: u64| format!("{{\"type\":\"x\",\"at\":\"{}\",\"cursor\":{cursor}}}\n", time(0));
    let bad = [
        "x\n".to_owned(),
        "\n".to_owned(),
        line(0),
        [line(2), line(2)].concat(),
        [line(2), line(1)].concat(),
        line(1).trim_end().to_owned(),
        line(u64::MAX),
    ];
    for text in bad {
        let place = Place::new();
        let run = AdoptedRun { history: text.clone().into_bytes(), ..adopted("run") };
        let error = now(place.store.adopt(run, time(9), &mut bring)).unwrap_err();
        assert!(matches!(error, StoreError::History { .. }), "{text:?}: {error}");
        assert_eq!(names(place.dir.path()), Vec::<String>::new());
    }
    let mut run = adopted("run");
    run.manifest.revision = u64::MAX;
    let error = now(Place::new().store.adopt(run, time(9), &mut bring)).unwrap_err();
    assert!(matches!(error, StoreError::History { .. }), "{error}");
}

fn points() -> Vec<&'static str> {
    failpoint::ALL.iter().copied().filter(|name| name.starts_with("store.adopt.")).collect()
}

#[test]
fn killed_at_any_point_it_is_a_whole_run_or_nothing() {
    assert_eq!(points().len(), 7);
    for point in points().into_iter().chain(["store.blob.half_copied", "store.blob.copied#2"]) {
        let place = Place::new();
        let done = killed_at(place.dir.path(), &Job::Adopt { run: "run".to_owned() }, point);
        assert_eq!(done, Vec::<String>::new());
        let landed = ["store.adopt.renamed", "store.adopt.done"].contains(&point);
        let listing = now(place.store.query(&RunQuery::default())).unwrap();
        assert_eq!(
            (listing.runs.len(), listing.problems.len()),
            (usize::from(landed), 0),
            "killed at {point}"
        );
        assert_eq!(bucket(&place).len(), usize::from(landed), "killed at {point}: who lists clears up");
        match now(adopt(&place.store, "run")) {
            Ok(_) => assert!(!landed, "killed at {point}"),
            Err(error) => assert!(landed && matches!(error, StoreError::Exists { .. }), "{point}: {error}"),
        }
        let whole = now(place.store.tail(&id("run"), 0, None)).unwrap();
        assert_eq!((whole.events.len(), whole.manifest.last_cursor), (4, 6));
        assert_eq!(now(place.store.get_blob(&id("run"), "attempts/00.json")).unwrap().unwrap(), RECORD);
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    for point in points().into_iter().chain(["store.blob.half_copied", "store.blob.copied"]) {
        let place = Place::new();
        failpoint::fail_on_this_thread(point);
        let error = now(adopt(&place.store, "run")).unwrap_err();
        assert!(error.is_full(), "{point}: {error:?}");
        let landed = ["store.adopt.renamed", "store.adopt.done"].contains(&point);
        let expected: &[&str] = if landed { &["run"] } else { &[] };
        assert_eq!(bucket(&place), expected, "{point}");
    }
}

#[test]
fn of_two_at_once_one_wins() {
    for _ in 0..20 {
        let place = Place::new();
        let results: Vec<_> = std::thread::scope(|scope| {
            let one = || now(adopt(&store_at(place.dir.path()), "run"));
            let both = [scope.spawn(one), scope.spawn(one)];
            both.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let lost = results.into_iter().find_map(Result::err).unwrap();
        assert!(matches!(lost, StoreError::Exists { .. }), "{lost}");
        assert_eq!(bucket(&place), ["run"]);
    }
}

#[test]
fn what_somebody_of_the_same_number_left_is_not_taken_for_a_part_of_it() {
    let place = Place::new();
    let bucket = place.dir.path().join("runs/repo");
    for number in 0..3000 {
        let left = bucket.join(format!(".arriving-run.{}-{number}/attempts", std::process::id()));
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("stale.json"), "{}").unwrap();
    }
    now(adopt(&place.store, "run")).unwrap();
    assert_eq!(names(&place.run_dir(&id("run")).join("attempts")), ["00.json"]);
    now(place.store.query(&RunQuery::default())).unwrap();
    assert_eq!(names(&bucket), ["run"]);
}
