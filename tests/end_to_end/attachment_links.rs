//! Attachments where things are not as they were left: links in the place of folders, a state directory that cannot be
//! written to, a run that is deleted meanwhile. Nothing outside of the run is touched.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Finished, World};

fn run_with_file(world: &World) -> (String, String) {
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let file = world.write("data.txt", "what was handed over").display().to_string();
    let added = world.ok(&["attachment", "add", &run, &file, "--output-format", "json"]).json();
    (run, added["id"].as_str().unwrap().to_owned())
}

/// A tree of somebody's files that looks like one of ours.
fn victim(world: &World, id: &str) -> PathBuf {
    world.write("victim/precious/deep/f", "mine");
    world.write("victim/att-aaaaaaaaaa/f", "mine");
    world.write(&format!("victim/{id}/data.txt"), "mine");
    world.write("victim/data.txt", "mine");
    world.path("victim")
}

fn assert_whole(world: &World, id: &str) {
    for file in ["precious/deep/f", "att-aaaaaaaaaa/f", &format!("{id}/data.txt"), "data.txt"] {
        assert_eq!(world.read(format!("victim/{file}")), "mine");
    }
    assert_eq!(fs::read_dir(world.path("victim")).unwrap().count(), 4, "nothing was put there");
}

#[test]
fn a_link_in_place_of_the_attachments_is_refused() {
    let world = World::new();
    let (run, id) = run_with_file(&world);
    let victim = victim(&world, &id);
    let attachments = world.run_dir(&run).join("attachments");
    let away = world.path("away");
    fs::rename(&attachments, &away).unwrap();
    symlink(&victim, &attachments).unwrap();
    let file = world.path("data.txt").display().to_string();
    let copy = world.path("copy").display().to_string();
    for args in [
        &["attachment", "list", &run][..],
        &["attachment", "list", &run, "--scope", "run"],
        &["attachment", "add", &run, &file],
        &["attachment", "remove", &run, &id],
        &["attachment", "download", &run, &id, &copy],
    ] {
        let refused = world.run(args).expect_code(4);
        refused.expect_stderr("attachments is not a directory of the run's own").expect_stderr("hint: ");
        assert_whole(&world, &id);
    }
    assert!(!world.path("copy").exists());
    assert_eq!(world.manifest(&run)["state"]["attachments"].as_array().unwrap().len(), 1);
    // Deleting the run takes the link away, and not what it leads to.
    world.ok(&["run", "archive", &run]);
    world.ok(&["run", "delete", &run]);
    assert_whole(&world, &id);
}

#[test]
fn a_link_in_place_of_a_files_folder_is_refused_until_it_is_gone() {
    let world = World::new();
    let (run, id) = run_with_file(&world);
    let victim = victim(&world, &id);
    let folder = world.run_dir(&run).join("attachments").join(&id);
    fs::remove_dir_all(&folder).unwrap();
    symlink(&victim, &folder).unwrap();
    let refused = |ended: Finished| {
        ended.expect_code(4).expect_stderr("is not a directory of the run's own");
        assert_whole(&world, &id);
    };
    refused(world.run(&["attachment", "remove", &run, &id]));
    refused(world.run(&["attachment", "download", &run, &id, &world.path("copy").display().to_string()]));
    world.ok(&["attachment", "list", &run]).expect_stdout(&id);
    assert_whole(&world, &id);
    fs::remove_file(&folder).unwrap();
    world.ok(&["attachment", "remove", &run, &id]);
    world.ok(&["attachment", "list", &run]).expect_stdout("No run of group");
}

#[test]
fn what_others_put_there_is_not_swept() {
    let world = World::new();
    let (run, id) = run_with_file(&world);
    let attachments = world.run_dir(&run).join("attachments");
    for file in ["notes/mine", "att-aaaaaaaaaa/one", "att-aaaaaaaaaa/two", "att-bbbbbbbbbb/left.txt"] {
        fs::create_dir_all(attachments.join(file).parent().unwrap()).unwrap();
        fs::write(attachments.join(file), "x").unwrap();
    }
    world.ok(&["attachment", "list", &run]);
    let mut left: Vec<String> = fs::read_dir(&attachments)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let mut expected = vec!["att-aaaaaaaaaa".to_owned(), id, "notes".to_owned()];
    expected.sort();
    assert_eq!(left, expected, "only what an interrupted add leaves goes");
}

#[test]
fn files_are_listed_where_nothing_can_be_written() {
    let world = World::new();
    let (run, id) = run_with_file(&world);
    // Whoever is allowed everything can still not open this for writing.
    let lock = world.run_dir(&run).join("attachments.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    world.ok(&["attachment", "list", &run]).expect_stdout(&id);
    world.ok(&["attachment", "list", &run, "--scope", "run"]).expect_stdout(&id);
    world.ok(&["attachment", "download", &run, &id, &world.path("copy").display().to_string()]);
    assert_eq!(world.read("copy"), "what was handed over");
}

#[test]
fn a_file_for_a_run_that_is_deleted_meanwhile_finds_no_run() {
    let world = World::new();
    world.work(&["one"]);
    let large = world.write("large", vec![7u8; 4 * 1024 * 1024]).display().to_string();
    for verbs in [&["archive", "delete"][..], &["archive"]] {
        let run = world.init(&["--backend", "passive", "--assignment", "work"]);
        let trace = world.fifo("trace");
        let add = world.command(&["attachment", "add", &run, &large]);
        let add = add.env("AGENT_RUNNER_FAILPOINT_TRACE", &trace.path).spawn();
        // It is copying by now, and pauses there.
        while !trace.line().ends_with("store.blob.half_copied") {}
        world.signal(add.pid(), Signal::STOP);
        for verb in verbs {
            world.ok(&["run", verb, &run]);
        }
        world.signal(add.pid(), Signal::CONT);
        let ended = add.wait().expect_code(3);
        if verbs.contains(&"delete") {
            ended.expect_stderr(&format!("run \"{run}\" not found"));
            assert_eq!(world.runs().len(), 0, "nothing of it is left");
        } else {
            ended.expect_stderr(&format!("agent-runner run unarchive {run}"));
            let left = fs::read_dir(world.run_dir(&run).join("attachments")).unwrap();
            assert_eq!(left.count(), 0, "nothing of it is left");
        }
        fs::remove_file(world.path("trace")).unwrap();
    }
}

#[test]
fn a_directory_is_written_into_only_if_it_is_named_as_one() {
    let world = World::new();
    let (run, id) = run_with_file(&world);
    fs::create_dir(world.path("out")).unwrap();
    let out = world.path("out").display().to_string();
    let refused = world.run(&["attachment", "download", &run, &id, &out]).expect_code(3);
    refused.expect_stderr("is there already").expect_stderr("with a `/` at its end");
    let copied =
        world.ok(&["attachment", "download", &run, &id, &format!("{out}/"), "--output-format", "json"]);
    assert_eq!(copied.json()["path"], json!(format!("{out}/data.txt")));
}
