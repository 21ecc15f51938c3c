//! Manifests that this program cannot read, or must not write. They are named and left alone.

use std::error::Error;
use std::fs;

use agent_runner_model::RunId;
use agent_runner_store::{CommitError, ProblemKind, RunQuery, RunStore, StoreError};

use super::support::{Place, id, message, new_run, now, time};

const REFERENCE: &str = r#"{"schemaVersion": 25, "runId": "run", "status": "success", "tasks": []}"#;

fn spoil(place: &Place, run: &RunId, with: impl FnOnce(String) -> Vec<u8>) -> std::path::PathBuf {
    let path = place.run_dir(run).join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, with(text)).unwrap();
    path
}

#[test]
fn an_unreadable_manifest_is_named_with_the_place_and_left_alone() {
    type Spoil = fn(String) -> Vec<u8>;
    let cases: [(&str, Spoil, usize); 7] = [
        ("empty", |_| Vec::new(), 1),
        ("truncated", |text| text.as_bytes()[..text.len() / 2].to_vec(), 0),
        ("no JSON", |text| text.replacen("\"revision\": 1,", "\"revision\": ?,", 1).into_bytes(), 3),
        ("wrong type", |text| text.replacen("\"revision\": 1,", "\"revision\": \"1\",", 1).into_bytes(), 3),
        ("another document", |_| b"[1, 2]\n".to_vec(), 1),
        ("trailing bytes", |text| format!("{text}x").into_bytes(), 0),
        ("no text", |_| vec![0xff; 100], 1),
    ];
    for (name, with, line_wanted) in cases {
        let (place, run) = Place::with_run("run");
        let path = spoil(&place, &run, with);
        let bytes = fs::read(&path).unwrap();
        let error = now(place.store.snapshot(&run)).unwrap_err();
        let StoreError::Unreadable { path: named, line, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(named, &path);
        assert!(line_wanted == 0 || *line == line_wanted, "{name}: line {line}");
        assert!(error.source().is_some() && error.hint().unwrap().contains("nothing was changed"));
        let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
        assert!(matches!(error, CommitError::Store(StoreError::Unreadable { .. })), "{name}: {error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
        let listing = now(place.store.query(&RunQuery::default())).unwrap();
        assert_eq!((listing.runs.len(), listing.problems.len()), (0, 1));
        assert_eq!((listing.problems[0].kind, &listing.problems[0].path), (ProblemKind::Unreadable, &path));
    }
}

#[test]
fn a_run_of_the_reference_implementation_is_recognised() {
    let (place, run) = Place::with_run("run");
    let path = spoil(&place, &run, |_| REFERENCE.as_bytes().to_vec());
    let error = now(place.store.snapshot(&run)).unwrap_err();
    assert!(matches!(error, StoreError::Reference { schema_version: 25, .. }), "{error}");
    assert!(error.hint().unwrap().contains("import"));
    let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Reference { .. })), "{error}");
    assert_eq!(fs::read_to_string(path).unwrap(), REFERENCE);
    let other = place.dir.path().join("runs/repo/Not_One_Of_Our_Ids");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("run.json"), REFERENCE).unwrap();
    let listing = now(place.store.query(&RunQuery::default())).unwrap();
    let kinds: Vec<ProblemKind> = listing.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Reference, ProblemKind::Reference]);
    let taken = now(place.store.create(new_run("run", "elsewhere"), time(0)));
    assert!(matches!(taken, Err(StoreError::Exists { .. })));
}

#[test]
fn a_newer_manifest_is_read_where_possible_and_never_written() {
    let (place, run) = Place::with_run("run");
    let path = spoil(&place, &run, |text| {
        text.replacen("\"schemaVersion\": 1,", "\"schemaVersion\": 2,\n  \"novelty\": {},", 1).into_bytes()
    });
    let before = fs::read(&path).unwrap();
    assert_eq!(now(place.store.snapshot(&run)).unwrap().schema_version, 2);
    assert_eq!(now(place.store.query(&RunQuery::default())).unwrap().runs.len(), 1);
    let error = now(place.store.commit(&run, &[message("m")], time(0))).unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Newer { found: 2, known: 1, .. })), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    spoil(&place, &run, |_| br#"{"schemaVersion": 7, "spec": {"shape": "unheard of"}}"#.to_vec());
    let error = now(place.store.snapshot(&run)).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 7, .. }), "{error}");
    let listing = now(place.store.query(&RunQuery::default())).unwrap();
    assert_eq!(listing.problems[0].kind, ProblemKind::Newer);
}

#[test]
fn a_renamed_directory_is_not_another_run() {
    let (place, run) = Place::with_run("run");
    let dir = place.run_dir(&run);
    fs::rename(&dir, dir.with_file_name("copy")).unwrap();
    let error = now(place.store.commit(&id("copy"), &[message("m")], time(0))).unwrap_err();
    let CommitError::Store(StoreError::Misplaced { found, .. }) = error else { panic!("{error}") };
    assert_eq!(found, run);
    assert_eq!(now(place.store.query(&RunQuery::default())).unwrap().problems.len(), 1);
}

#[test]
fn what_is_not_found_is_said_with_what_may_be_meant() {
    let (place, _) = Place::with_run("brave-otter");
    let error = now(place.store.snapshot(&id("brave-oter"))).unwrap_err();
    let StoreError::NotFound { similar, state_dir, .. } = &error else { panic!("{error}") };
    assert_eq!((similar.as_slice(), state_dir.as_path()), ([id("brave-otter")].as_slice(), place.dir.path()));
    assert!(error.to_string().contains(&place.dir.path().display().to_string()));
    let hint = error.hint().unwrap();
    assert!(hint.contains("brave-otter") && hint.contains("agent-runner list runs --global"));
    let error = now(place.store.snapshot(&id("something-else"))).unwrap_err();
    assert!(matches!(&error, StoreError::NotFound { similar, .. } if similar.is_empty()), "{error}");
}

#[test]
fn what_is_no_file_is_named_and_waited_for_by_nobody() {
    let (place, run) = Place::with_run("run");
    let path = place.run_dir(&run).join("run.json");
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let error = now(place.store.snapshot(&run)).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("something else is where a file has to be"));
    place.check_list();
    let listing = now(place.store.query(&RunQuery::default())).unwrap();
    assert_eq!((listing.runs.len(), listing.problems.len()), (0, 1));
    let log = place.dir.path().join("runs/repo/other");
    fs::create_dir(&log).unwrap();
    fs::create_dir(log.join("run.json")).unwrap();
    place.check_list();
}
