//! Files that are handed over with runs: whole or not at all, within limits, and nothing of others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::harness::World;

const MIB: usize = 1024 * 1024;

fn passive(world: &World) -> String {
    world.work(&["one"]);
    world.init(&["--backend", "passive", "--assignment", "work"])
}

fn add(world: &World, run: &str, file: &str, more: &[&str]) -> Value {
    let args = ["attachment", "add", run, file, "--output-format", "json"];
    world.ok(&args.iter().chain(more).copied().collect::<Vec<_>>()).json()
}

fn list(world: &World, run: &str, scope: &str) -> Vec<Value> {
    let listed = world.ok(&["attachment", "list", run, "--scope", scope, "--output-format", "json"]).json();
    listed["attachments"].as_array().unwrap().clone()
}

/// What is below the run's folder of attachments, however deep.
fn kept(world: &World, run: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![world.run_dir(run).join("attachments")];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_file_is_handed_over_listed_handed_out_and_taken_away() {
    let world = World::new();
    let run = passive(&world);
    let text = "# Findings\n".repeat(20_000);
    let file = world.write("report.md", &text);
    let added = add(&world, &run, file.to_str().unwrap(), &[]);
    let id = added["id"].as_str().unwrap();
    assert!(id.starts_with("att-"));
    assert_eq!((&added["name"], &added["mimeType"]), (&json!("report.md"), &json!("text/markdown")));
    assert_eq!((&added["size"], &added["ownerRunId"]), (&json!(text.len()), &json!(run)));
    let expected = std::process::Command::new("sha256sum").arg(&file).output().unwrap();
    let expected = String::from_utf8(expected.stdout).unwrap();
    assert_eq!(added["sha256"].as_str().unwrap(), &expected[..64]);
    let at = world.run_dir(&run).join(added["relativePath"].as_str().unwrap());
    assert_eq!(fs::read_to_string(&at).unwrap(), text);
    assert_eq!(list(&world, &run, "run"), std::slice::from_ref(&added));
    world.ok(&["attachment", "list", &run]).expect_stdout(id).expect_stdout("report.md");
    assert_eq!(world.events_of(&run, "run.attachment_added")[0]["attachmentId"], json!(id));

    let copy = world.path("copy.md");
    let copied = world.ok(&["attachment", "download", &run, id, copy.to_str().unwrap()]);
    copied.expect_stdout("copy.md");
    assert_eq!(fs::read_to_string(&copy).unwrap(), text);
    let again = world.run(&["attachment", "download", &run, id, copy.to_str().unwrap()]).expect_code(3);
    again.expect_stderr("is there already");
    fs::create_dir(world.path("out")).unwrap();
    let out = format!("{}/", world.path("out").display());
    let copied = world.ok(&["attachment", "download", &run, id, &out, "--output-format", "json"]).json();
    assert_eq!((&copied["path"], &copied["id"]), (&json!(format!("{out}report.md")), &json!(id)));
    assert_eq!(world.read("out/report.md"), text);
    let missing = world.path("missing/copy.md");
    world
        .run(&["attachment", "download", &run, id, missing.to_str().unwrap()])
        .expect_code(3)
        .expect_stderr("not a directory");
    symlink("nowhere", world.path("dangling")).unwrap();
    let dangling = world.path("dangling");
    world
        .run(&["attachment", "download", &run, id, dangling.to_str().unwrap()])
        .expect_code(3)
        .expect_stderr("is there already");
    world
        .run(&["attachment", "download", &run, "att-none", "x"])
        .expect_code(3)
        .expect_stderr("attachment list");

    world.ok(&["attachment", "remove", &run, id]).expect_stdout("report.md");
    assert_eq!((list(&world, &run, "run"), kept(&world, &run)), (vec![], vec![]));
    assert!(!world.run_dir(&run).join("attachments").exists(), "the folder goes with the last one");
    world.run(&["attachment", "remove", &run, id]).expect_code(3).expect_stderr("no attachment");
    world.ok(&["attachment", "list", &run]).expect_stdout("attachments");
}

#[test]
fn names_and_types_are_what_people_say_and_lead_nowhere() {
    let world = World::new();
    let run = passive(&world);
    let file = world.write("plain", "x");
    let file = file.to_str().unwrap();
    for (name, at, mime) in [
        ("../x", None, ""),
        ("a/b", None, ""),
        ("a\\b", None, ""),
        (".", None, ""),
        ("..", None, ""),
        (" ", None, ""),
        ("two\nlines", None, ""),
        (".bashrc", Some("bashrc"), "application/octet-stream"),
        ("...", Some("file"), "application/octet-stream"),
        ("Für Anna; rm -rf.PDF", Some("F-r-Anna--rm--rf.PDF"), "application/pdf"),
        ("-rf", Some("-rf"), "application/octet-stream"),
        ("notes.tar.gz", Some("notes.tar.gz"), "application/gzip"),
    ] {
        match at {
            None => {
                let refused = world.run(&["attachment", "add", &run, file, &format!("--name={name}")]);
                refused.expect_code(3).expect_stderr("give it another name with --name");
            }
            Some(at) => {
                let added = add(&world, &run, file, &[&format!("--name={name}")]);
                let id = added["id"].as_str().unwrap();
                assert_eq!(added["relativePath"], format!("attachments/{id}/{at}"), "{name}");
                assert_eq!((&added["name"], &added["mimeType"]), (&json!(name), &json!(mime)));
            }
        }
    }
    let long = format!("--name={}", "x".repeat(201));
    world.run(&["attachment", "add", &run, file, &long]).expect_code(3).expect_stderr("200 bytes");
    let long = format!("--name={}.txt", "ü".repeat(90));
    let added = add(&world, &run, file, &[&long]);
    let at = added["relativePath"].as_str().unwrap();
    assert!(at.ends_with(".txt") && at.len() < 150, "{at}");
    let typed = add(&world, &run, file, &["--mime-type", "application/x-thing"]);
    assert_eq!(typed["mimeType"], "application/x-thing");
    let refused = world.run(&["attachment", "add", &run, file, "--mime-type", "text"]).expect_code(3);
    refused.expect_stderr("a media type looks like");
    // A hidden name is not made hidden in somebody's directory.
    let hidden = list(&world, &run, "run").into_iter().find(|entry| entry["name"] == ".bashrc").unwrap();
    fs::create_dir(world.path("home/in")).unwrap();
    let out = format!("{}/", world.path("home/in").display());
    world.ok(&["attachment", "download", &run, hidden["id"].as_str().unwrap(), &out]);
    assert_eq!(world.read("home/in/bashrc"), "x");
}

#[test]
fn only_regular_files_are_handed_over_and_nothing_is_waited_for() {
    let world = World::new();
    let run = passive(&world);
    let fifo = world.path("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    symlink(&fifo, world.path("to-fifo")).unwrap();
    let directory = world.path("repo");
    for path in
        [fifo.as_path(), &world.path("to-fifo"), &directory, "/dev/zero".as_ref(), "/dev/tty".as_ref()]
    {
        let refused = world.run(&["attachment", "add", &run, path.to_str().unwrap()]).expect_code(3);
        refused.expect_stderr("is not a regular file").expect_stderr("hint:");
    }
    world.run(&["attachment", "add", &run, "nowhere"]).expect_code(3).expect_stderr("cannot read nowhere");
    let file = world.write("real.txt", "through a link");
    symlink(&file, world.path("link.txt")).unwrap();
    let added = add(&world, &run, world.path("link.txt").to_str().unwrap(), &[]);
    assert_eq!((&added["name"], &added["size"]), (&json!("link.txt"), &json!(14)));
    let at = world.run_dir(&run).join(added["relativePath"].as_str().unwrap());
    assert!(fs::symlink_metadata(&at).unwrap().is_file(), "the bytes, not the link");
    let empty = world.write("empty", "");
    assert_eq!(add(&world, &run, empty.to_str().unwrap(), &[])["size"], 0);
    assert_eq!(list(&world, &run, "run").len(), 2);
}

#[test]
fn what_somebody_changed_is_not_handed_out() {
    let world = World::new();
    let run = passive(&world);
    let file = world.write("data.txt", "what was handed over");
    let added = add(&world, &run, file.to_str().unwrap(), &[]);
    let id = added["id"].as_str().unwrap();
    let at = world.run_dir(&run).join(added["relativePath"].as_str().unwrap());
    let copy = world.path("copy");
    let refused = |words: &str| {
        world
            .run(&["attachment", "download", &run, id, copy.to_str().unwrap()])
            .expect_code(4)
            .expect_stderr(words);
        assert!(!copy.exists(), "nothing is left of it");
    };
    fs::write(&at, "what was handed Over").unwrap();
    refused("somebody changed its file");
    let secret = world.write("secret", "what was handed over");
    fs::remove_file(&at).unwrap();
    symlink(&secret, &at).unwrap();
    refused("cannot read");
    fs::remove_file(&at).unwrap();
    refused("has no file any more");
    world.ok(&["attachment", "remove", &run, id]);
    assert_eq!(list(&world, &run, "run"), Vec::<Value>::new());
}

#[test]
fn files_of_a_group_are_listed_together() {
    let world = World::new();
    let run = passive(&world);
    let other = world.init(&["--backend", "passive", "--assignment", "work", "--group-id", &run]);
    let stranger = world.init(&["--backend", "passive", "--assignment", "work"]);
    let file = world.write("file.txt", "x");
    let file = file.to_str().unwrap();
    let theirs = add(&world, &other, file, &["--name", "theirs.txt"]);
    let ours = add(&world, &run, file, &["--name", "ours.txt"]);
    add(&world, &stranger, file, &[]);
    assert_eq!(list(&world, &run, "run"), std::slice::from_ref(&ours));
    assert_eq!(list(&world, &run, "group"), [ours.clone(), theirs.clone()]);
    let default = world.ok(&["attachment", "list", &run, "--output-format", "json"]).json();
    assert_eq!((&default["scope"], &default["runGroupId"]), (&json!("group"), &json!(run)));
    assert_eq!(default["attachments"][1]["ownerRunId"], json!(other));
    // It belongs to its run: only that one gives it away.
    let id = theirs["id"].as_str().unwrap();
    world.run(&["attachment", "remove", &run, id]).expect_code(3).expect_stderr("no attachment");
}

#[test]
fn an_archived_run_keeps_its_files_as_they_are() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let file = world.write("file.txt", "x");
    let file = file.to_str().unwrap();
    let added = add(&world, &run, file, &[]);
    let id = added["id"].as_str().unwrap();
    world.ok(&["run", "reset", &run]);
    assert_eq!(list(&world, &run, "run").len(), 1, "a reset keeps what was handed over");
    world.ok(&["run", "archive", &run]);
    world.run(&["attachment", "add", &run, file]).expect_code(3).expect_stderr("run unarchive");
    world.run(&["attachment", "remove", &run, id]).expect_code(3).expect_stderr("run unarchive");
    world.ok(&["attachment", "download", &run, id, world.path("copy").to_str().unwrap()]);
    assert_eq!(kept(&world, &run).len(), 1);
}

#[test]
fn limits_hold_whoever_adds_at_the_same_time() {
    let world = World::new();
    let run = passive(&world);
    let large = world.write("large", vec![7u8; 25 * MIB + 1]);
    let refused = world.run(&["attachment", "add", &run, large.to_str().unwrap()]).expect_code(3);
    refused.expect_stderr("at most 25 MiB").expect_stderr("hint: ");
    assert_eq!(kept(&world, &run), Vec::<PathBuf>::new());
    let full = world.write("full", vec![7u8; 25 * MIB]);
    add(&world, &run, full.to_str().unwrap(), &[]);
    add(&world, &run, full.to_str().unwrap(), &[]);
    // Room for two more; six want in.
    let racing: Vec<_> =
        (0..6).map(|_| world.command(&["attachment", "add", &run, full.to_str().unwrap()]).spawn()).collect();
    let codes: Vec<_> = racing.into_iter().map(|racing| racing.wait().code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 2, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == Some(3)).count(), 4, "{codes:?}");
    assert_eq!((list(&world, &run, "run").len(), kept(&world, &run).len()), (4, 4));
    let tiny = world.write("tiny", "x");
    let refused = world.run(&["attachment", "add", &run, tiny.to_str().unwrap()]).expect_code(3);
    refused.expect_stderr("100 MiB together").expect_stderr("remove one first").expect_stderr("hint: ");
}

#[test]
fn a_run_has_at_most_a_hundred_files() {
    let world = World::new();
    let run = passive(&world);
    let tiny = world.write("tiny", "x");
    for _ in 0..97 {
        world.ok(&["attachment", "add", &run, tiny.to_str().unwrap()]);
    }
    let racing: Vec<_> =
        (0..8).map(|_| world.command(&["attachment", "add", &run, tiny.to_str().unwrap()]).spawn()).collect();
    let codes: Vec<_> = racing.into_iter().map(|racing| racing.wait().code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 3, "{codes:?}");
    assert_eq!((list(&world, &run, "run").len(), kept(&world, &run).len()), (100, 100));
    let refused = world.run(&["attachment", "add", &run, tiny.to_str().unwrap()]).expect_code(3);
    refused.expect_stderr("at most 100 attachments").expect_stderr("hint: ");
}

#[test]
fn of_two_who_take_a_file_away_one_does() {
    let world = World::new();
    let run = passive(&world);
    let tiny = world.write("tiny", "x");
    for _ in 0..5 {
        let added = add(&world, &run, tiny.to_str().unwrap(), &[]);
        let id = added["id"].as_str().unwrap();
        let racing = [0, 1].map(|_| world.command(&["attachment", "remove", &run, id]).spawn());
        let mut codes = racing.map(|racing| racing.wait().code);
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(3)]);
        assert_eq!(kept(&world, &run), Vec::<PathBuf>::new());
    }
}

#[test]
fn what_a_killed_add_left_is_swept() {
    let world = World::new();
    let run = passive(&world);
    let file = world.write("data", vec![1u8; 300 * 1024]);
    let file = file.to_str().unwrap();
    for (point, sweep) in [
        ("store.blob.half_copied#2", "list"),
        ("store.blob.copied", "add"),
        ("command.attachment_kept", "remove"),
        ("command.attachment_kept", "list"),
    ] {
        let other = add(&world, &run, file, &["--name", "other"]);
        let killed = world.command(&["attachment", "add", &run, file]);
        let killed = killed.env("AGENT_RUNNER_FAILPOINT", format!("command:{point}")).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        let count = list_in_manifest(&world, &run);
        assert_eq!(kept(&world, &run).len(), count + 1, "{point} leaves something");
        match sweep {
            "list" => drop(list(&world, &run, "run")),
            "add" => drop(add(&world, &run, file, &["--name", "more"])),
            _ => drop(world.ok(&["attachment", "remove", &run, other["id"].as_str().unwrap()])),
        }
        assert_eq!(kept(&world, &run).len(), list_in_manifest(&world, &run), "{point}, {sweep}");
    }
}

fn list_in_manifest(world: &World, run: &str) -> usize {
    world.manifest(run)["state"]["attachments"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_is_just_being_added_is_not_swept() {
    let world = World::new();
    let run = passive(&world);
    let file = world.write("data.txt", "being added");
    // Whoever adds has to wait here before it counts.
    let lock = fs::File::options().read(true).write(true).open(world.run_dir(&run).join("run.lock")).unwrap();
    lock.lock().unwrap();
    let trace = world.fifo("trace");
    let adding =
        world.command(&["attachment", "add", &run, file.to_str().unwrap(), "--output-format", "json"]);
    let adding = adding.env("AGENT_RUNNER_FAILPOINT_TRACE", &trace.path).spawn();
    while !trace.line().ends_with("command.attachment_kept") {}
    assert_eq!(list(&world, &run, "group"), Vec::<Value>::new());
    assert_eq!(kept(&world, &run).len(), 1, "it is not somebody's leftover");
    lock.unlock().unwrap();
    let added = adding.wait().expect_code(0).json();
    assert_eq!(list(&world, &run, "run"), std::slice::from_ref(&added));
    let copy = world.path("copy");
    world.ok(&["attachment", "download", &run, added["id"].as_str().unwrap(), copy.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(copy).unwrap(), "being added");
}
