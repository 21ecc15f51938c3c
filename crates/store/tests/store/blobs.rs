//! Files of a run besides its manifest and its log.

use std::fs;
use std::thread;

use agent_runner_model::RunId;
use agent_runner_store::{RunStore, StoreError, Stored};

use super::support::{Place, id, now, store_at};

/// Leads the process that has no room to its state directory.
const CRAMPED: &str = "AGENT_RUNNER_STORE_TEST_CRAMPED";

#[test]
fn what_is_put_is_got_and_replaced_at_one_stroke() {
    let (place, run) = Place::with_run("run");
    assert_eq!(now(place.store.get_blob(&run, "attempts/01.json")).unwrap(), None);
    now(place.store.put_blob(&run, "attempts/01.json", b"one")).unwrap();
    now(place.store.put_blob(&run, "attempts/01.json", b"two")).unwrap();
    assert_eq!(now(place.store.get_blob(&run, "attempts/01.json")).unwrap().unwrap(), b"two");
    now(place.store.put_blob(&run, "attachments/a1/notes.txt", b"deep")).unwrap();
    assert_eq!(now(place.store.get_blob(&run, "attachments/a1/notes.txt")).unwrap().unwrap(), b"deep");
    let names: Vec<_> = fs::read_dir(place.run_dir(&run).join("attempts")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing else is left behind");
}

#[test]
fn puts_at_the_same_time_are_whole() {
    let (place, run) = Place::with_run("run");
    thread::scope(|scope| {
        for letter in b'a'..=b'h' {
            let (store, run) = (&place.store, &run);
            scope.spawn(move || {
                for _ in 0..10 {
                    now(store.put_blob(run, "attempts/01.json", &[letter; 5000])).unwrap();
                    let read = now(store.get_blob(run, "attempts/01.json")).unwrap().unwrap();
                    assert!(read.len() == 5000 && read.iter().all(|byte| *byte == read[0]));
                }
            });
        }
    });
}

#[test]
fn what_is_appended_adds_up() {
    let (place, run) = Place::with_run("run");
    now(place.store.append_blob(&run, "attempts/01.stderr.log", b"a\n")).unwrap();
    now(place.store.append_blob(&run, "attempts/01.stderr.log", b"b\n")).unwrap();
    assert_eq!(now(place.store.get_blob(&run, "attempts/01.stderr.log")).unwrap().unwrap(), b"a\nb\n");
}

#[test]
fn the_seeds_can_be_read_and_replaced_and_not_added_to() {
    let (place, run) = Place::with_run("run");
    assert_eq!(now(place.store.get_blob(&run, "agent-seed.md")).unwrap().unwrap(), b"# Agent\n");
    assert_eq!(now(place.store.get_blob(&run, "assignment-seed.md")).unwrap(), None);
    let error = now(place.store.append_blob(&run, "agent-seed.md", b"more")).unwrap_err();
    assert!(matches!(error, StoreError::Name { .. }), "{error}");
    now(place.store.put_blob(&run, "agent-seed.md", b"# Another\n")).unwrap();
    assert_eq!(now(place.store.get_blob(&run, "agent-seed.md")).unwrap().unwrap(), b"# Another\n");
    now(place.store.remove_blob(&run, "agent-seed.md")).unwrap();
    assert_eq!(now(place.store.get_blob(&run, "agent-seed.md")).unwrap(), None);
    assert!(now(place.store.snapshot(&run)).is_ok(), "nothing else goes with it");
}

#[test]
fn no_name_leads_elsewhere() {
    let (place, run) = Place::with_run("run");
    let long = format!("attempts/{}", "a".repeat(300));
    for name in [
        "",
        "/",
        "a",
        "run.json",
        "run.lock",
        "../x/y",
        "attempts/..",
        "attempts/../../x",
        "/etc/passwd",
        "a//b",
        "a/",
        "/a/b",
        "attempts/.hidden",
        ".git/config",
        "a/b c",
        "a/b\0",
        "a/b\n",
        "a\\b/c",
        "ä/b",
        &long,
    ] {
        for result in [
            now(place.store.put_blob(&run, name, b"x")),
            now(place.store.append_blob(&run, name, b"x")),
            now(place.store.get_blob(&run, name)).map(|_| ()),
        ] {
            assert!(matches!(result, Err(StoreError::Name { .. })), "{name:?}: {result:?}");
        }
    }
    let missing = now(place.store.put_blob(&id("other"), "attempts/01.json", b"x"));
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
}

/// Not a test of its own: [`what_did_not_fit_is_taken_back`] starts it where files cannot grow.
#[test]
fn as_a_process_whose_files_cannot_grow() {
    let Some(state) = std::env::var_os(CRAMPED) else { return };
    let store = store_at(std::path::Path::new(&state));
    let run = id("run");
    let log = "attempts/01.events.jsonl";
    now(store.append_blob(&run, log, &[b'a'; 1000])).unwrap();
    let refused = now(store.append_blob(&run, log, &[b'b'; 100_000]));
    assert!(matches!(refused, Err(StoreError::Write { .. })), "{refused:?}");
    now(store.append_blob(&run, log, b"c")).unwrap();
}

#[test]
fn what_did_not_fit_is_taken_back() {
    let (place, run) = Place::with_run("run");
    let status = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact blobs::as_a_process_whose_files_cannot_grow",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CRAMPED, place.dir.path())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let read = now(place.store.get_blob(&run, "attempts/01.events.jsonl")).unwrap().unwrap();
    assert_eq!(read.len(), 1001);
    assert!(!read.contains(&b'b') && read.ends_with(b"ac"));
}

#[test]
fn what_is_sealed_is_found_under_the_same_name() {
    let (place, run) = Place::with_run("run");
    let folder = place.run_dir(&run).join("attempts");
    let names = || {
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect::<Vec<_>>()
    };
    let log = "attempts/01.events.jsonl";
    now(place.store.seal_blob(&run, log)).unwrap();
    assert_eq!(now(place.store.get_blob(&run, log)).unwrap(), None, "nothing is made of nothing");
    now(place.store.append_blob(&run, log, b"short\n")).unwrap();
    now(place.store.seal_blob(&run, log)).unwrap();
    assert_eq!(names(), ["01.events.jsonl"], "not worth it");
    let long = b"a line that is said again and again\n".repeat(1000);
    now(place.store.append_blob(&run, log, &long)).unwrap();
    for _ in 0..2 {
        now(place.store.seal_blob(&run, log)).unwrap();
        assert_eq!(names(), ["01.events.jsonl.gz"], "once more changes nothing");
        let read = now(place.store.get_blob(&run, log)).unwrap().unwrap();
        assert!(read.starts_with(b"short\n") && read.len() == long.len() + 6);
    }
    assert!(fs::metadata(folder.join("01.events.jsonl.gz")).unwrap().len() < 4096);
    // A kill between the two steps leaves both; the original counts.
    fs::write(folder.join("01.events.jsonl"), b"the original").unwrap();
    assert_eq!(now(place.store.get_blob(&run, log)).unwrap().unwrap(), b"the original");
    assert!(matches!(now(place.store.seal_blob(&run, "../run.json")), Err(StoreError::Name { .. })));
}

#[test]
fn whoever_reads_while_it_is_sealed_finds_it_whole() {
    let (place, run) = Place::with_run("run");
    let line = b"the same words\n".repeat(2000);
    for number in 0..20 {
        let name = format!("attempts/{number:02}.events.jsonl");
        now(place.store.append_blob(&run, &name, &line)).unwrap();
        thread::scope(|scope| {
            let (store, run, name) = (&place.store, &run, &name);
            scope.spawn(move || now(store.seal_blob(run, name)).unwrap());
            for _ in 0..50 {
                assert!(now(store.get_blob(run, name)).unwrap().unwrap() == line);
            }
        });
    }
}

fn put_from(
    place: &Place,
    run: &RunId,
    name: &str,
    mut bytes: &[u8],
    limit: u64,
) -> Result<Stored, StoreError> {
    now(place.store.put_blob_from(run, name, &mut bytes, limit))
}

fn sweep(place: &Place, run: &RunId, known: &[&str]) -> usize {
    now(place.store.sweep_blobs(run, "files", &|_, name| known.contains(&name))).unwrap()
}

#[test]
fn what_is_put_from_a_reader_is_whole_or_not_there() {
    let (place, run) = Place::with_run("run");
    let stored = put_from(&place, &run, "files/a/one", b"abc", 3).unwrap();
    // FIPS 180-2, B.1.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((stored.size, stored.sha256.as_str()), (3, sha256));
    let mut out = Vec::new();
    assert_eq!(now(place.store.copy_blob(&run, "files/a/one", &mut out)).unwrap(), Some(stored));
    assert_eq!(out, b"abc");
    assert!(matches!(
        put_from(&place, &run, "files/b/two", b"abcd", 3),
        Err(StoreError::TooLarge { limit: 3 })
    ));
    assert!(!place.run_dir(&run).join("files/b").exists());
    assert_eq!(now(place.store.copy_blob(&run, "files/b/two", &mut out)).unwrap(), None);
}

#[test]
fn a_link_in_a_blobs_place_is_not_followed() {
    let (place, run) = Place::with_run("run");
    put_from(&place, &run, "files/a/one", b"abc", 3).unwrap();
    let path = place.run_dir(&run).join("files/a/one");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("../../run.json", &path).unwrap();
    let mut out = Vec::new();
    let error = now(place.store.copy_blob(&run, "files/a/one", &mut out)).unwrap_err();
    assert!(matches!(error, StoreError::Read { .. }), "{error}");
    assert_eq!(out, b"");
}

#[test]
fn unknown_folders_are_swept_unless_somebody_holds_them() {
    let (place, run) = Place::with_run("run");
    for name in ["known", "lost", "other"] {
        put_from(&place, &run, &format!("files/{name}/x"), b"x", 1).unwrap();
    }
    let holds = [(); 2].map(|()| now(place.store.hold_blobs(&run, "files")).unwrap());
    assert_eq!(sweep(&place, &run, &["known"]), 0, "two hold them");
    let [first, second] = holds;
    drop(first);
    assert_eq!(sweep(&place, &run, &["known"]), 0, "one still does");
    drop(second);
    assert_eq!(sweep(&place, &run, &["known"]), 2);
    let left: Vec<_> = fs::read_dir(place.run_dir(&run).join("files")).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(sweep(&place, &run, &["known"]), 0);
    assert_eq!(sweep(&place, &run, &[]), 1);
    assert!(!place.run_dir(&run).join("files").exists());
    assert!(matches!(now(place.store.hold_blobs(&run, "../x")), Err(StoreError::Name { .. })));
}

#[test]
fn only_what_a_killed_put_leaves_is_swept() {
    let (place, run) = Place::with_run("run");
    let files = place.run_dir(&run).join("files");
    let outside = place.dir.path().join("outside");
    fs::create_dir_all(outside.join("deep")).unwrap();
    fs::write(outside.join("deep/f"), b"mine").unwrap();
    for name in ["empty", "two", "nested", "linked", "one"] {
        fs::create_dir_all(files.join(name)).unwrap();
    }
    for name in ["two/a", "two/b", "one/a.123-0.tmp", "loose"] {
        fs::write(files.join(name), b"x").unwrap();
    }
    fs::create_dir(files.join("nested/in")).unwrap();
    std::os::unix::fs::symlink(&outside, files.join("linked/in")).unwrap();
    std::os::unix::fs::symlink(&outside, files.join("link")).unwrap();
    assert_eq!(sweep(&place, &run, &[]), 2, "the empty one, and the one with a single file");
    let mut left: Vec<_> = fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["link", "linked", "loose", "nested", "two"]);
    assert_eq!(fs::read(outside.join("deep/f")).unwrap(), b"mine");
}

#[test]
fn a_link_in_place_of_a_folder_is_refused_and_nothing_behind_it_touched() {
    for (linked, victim) in [("files", "victim/a"), ("files/a", "victim")] {
        let (place, run) = Place::with_run("run");
        put_from(&place, &run, "files/a/one", b"abc", 3).unwrap();
        let dir = place.run_dir(&run);
        let outside = place.dir.path().join(victim);
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("one"), b"mine").unwrap();
        fs::remove_dir_all(dir.join(linked)).unwrap();
        std::os::unix::fs::symlink(place.dir.path().join("victim"), dir.join(linked)).unwrap();
        let foreign = |result: Result<(), StoreError>| {
            assert!(matches!(result, Err(StoreError::Foreign { .. })), "{linked}: {result:?}");
        };
        foreign(put_from(&place, &run, "files/a/one", b"new", 3).map(drop));
        foreign(now(place.store.remove_blob(&run, "files/a/one")));
        foreign(now(place.store.has_blob(&run, "files/a/one")).map(drop));
        foreign(now(place.store.copy_blob(&run, "files/a/one", &mut Vec::new())).map(drop));
        match linked {
            "files" => foreign(now(place.store.sweep_blobs(&run, "files", &|_, _| false)).map(drop)),
            _ => assert_eq!(sweep(&place, &run, &[]), 0),
        }
        assert_eq!(fs::read(outside.join("one")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "nothing was put there");
    }
}

#[test]
fn a_run_that_is_deleted_while_files_come_and_go_is_not_found() {
    for _ in 0..40 {
        let (place, run) = Place::with_run("run");
        put_from(&place, &run, "files/first/one", b"abc", 3).unwrap();
        thread::scope(|scope| {
            let (place, run) = (&place, &run);
            for number in 0..3 {
                scope.spawn(move || {
                    for round in 0.. {
                        let name = format!("files/f{number}-{round}/one");
                        let all = now(place.store.hold_blobs(run, "files"))
                            .and_then(|_hold| put_from(place, run, &name, &[7; 2000], 2000))
                            .and_then(|_| {
                                now(place.store.sweep_blobs(run, "files", &|_, name| name == "first"))
                            })
                            .and_then(|_| now(place.store.remove_blob(run, &name)));
                        match all {
                            Ok(()) => {}
                            Err(StoreError::NotFound { .. }) => return,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                });
            }
            now(place.store.delete(run, &|_| Ok(()))).unwrap();
        });
        let left: Vec<_> = fs::read_dir(place.dir.path().join("runs/repo")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
