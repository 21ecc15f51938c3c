//! Runs carried from one machine to another: another home, another state directory, another repository. What was exported is
//! what is imported, nobody is at work on it there, and whoever dies or has no space on the way leaves nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Finished, Manifest as _, World};

const KILL: &str = "AGENT_RUNNER_FAILPOINT";
const ERROR: &str = "AGENT_RUNNER_FAILPOINT_ERROR";

/// What an archive is called if nobody says otherwise.
fn archive(world: &World, run: &str) -> PathBuf {
    world.repo().join(format!("{run}.agent-run.tar.gz"))
}

fn export(world: &World, run: &str) -> PathBuf {
    world.ok(&["run", "export", run]);
    archive(world, run)
}

fn import(world: &World, archive: &Path) -> Finished {
    world.run(&["run", "import", archive.to_str().unwrap()])
}

/// The files of an archive, as `tar` unpacks them.
fn unpacked(archive: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let output =
        std::process::Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(dir.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    dir
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A world with a run that came to success and has some of everything.
fn with_run() -> (World, String) {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent(
        "fake",
        "echo said; seq 1 3000 | tr '\\n' ' '; echo; set_task one --notes 'How it was.' ; complete one two",
    );
    let run = world.fake(&["--name", "A run", "--notify", "true"]).run().expect_code(0).run_id();
    world.write("notes.txt", "handed over");
    world.ok(&["attachment", "add", &run, world.path("notes.txt").to_str().unwrap()]);
    world.ok(&["run", "set-note", &run, "remember this"]);
    (world, run)
}

/// What a command prints about a run, without what is different wherever it is.
fn seen(world: &World, args: &[&str]) -> Value {
    let mut json = world.ok(&[args, &["--output-format", "json"]].concat()).json();
    let place = json.pointer_mut("/run").filter(|run| run.is_object());
    let place = if place.is_some() { json.pointer_mut("/run").unwrap() } else { &mut json };
    if let Some(fields) = place.as_object_mut() {
        for field in ["workspaceDir", "revision", "lastCursor", "updatedAt", "imported"] {
            fields.remove(field);
        }
    }
    // When somebody looked, and that it came here.
    for field in ["seenAt", "incidents", "changes"] {
        json.as_object_mut().unwrap().remove(field);
    }
    json
}

/// No run, and nothing that wants to become one.
fn assert_nothing_imported(world: &World, what: &str) {
    let listed = world.ok(&["list", "runs", "--global", "--output-format", "json"]).json();
    assert_eq!((&listed["runs"], &listed["problems"]), (&json!([]), &json!([])), "{what}");
    for bucket in std::fs::read_dir(world.path("state/runs")).into_iter().flatten() {
        let path = bucket.unwrap().path();
        if path.is_dir() {
            let left: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(left.is_empty(), "{what}: {left:?}");
        }
    }
}

#[test]
fn a_run_is_elsewhere_what_it_was_here() {
    let (here, run) = with_run();
    let wrote = here.ok(&["run", "export", &run]);
    wrote.expect_stdout(&format!("Wrote run {run} (success) to {run}.agent-run.tar.gz"));
    let there = World::new();
    there
        .ok(&["run", "import", archive(&here, &run).to_str().unwrap()])
        .expect_stdout(&format!("Imported run {run} (success) from "));
    for command in ["status", "report", "tree", "queued-messages", "brief"] {
        assert_eq!(seen(&here, &["run", command, &run]), seen(&there, &["run", command, &run]), "{command}");
    }
    for command in ["list", "show"] {
        let more: &[&str] = if command == "show" { &["one"] } else { &[] };
        let args = [&["task", command, &run], more].concat();
        assert_eq!(seen(&here, &args), seen(&there, &args), "{command}");
    }
    let history = |world: &World| seen(world, &["run", "audit", &run])["events"].as_array().unwrap().clone();
    let (was, mut is) = (history(&here), history(&there));
    let last = is.pop().unwrap();
    assert_eq!(was, is);
    assert_eq!((&last["type"], &last["from"]["source"]), (&json!("run.imported"), &json!("archive")));
    assert_eq!(last["from"]["originalRunId"], json!(run));
    let entries = |world: &World| {
        let timeline = seen(world, &["run", "timeline", &run]);
        timeline["entries"].as_array().unwrap().len()
    };
    assert_eq!(entries(&here) + 1, entries(&there));
    let file = here.manifest(&run)["state"]["attachments"][0]["id"].as_str().unwrap().to_owned();
    let copy = there.path("copy");
    there.ok(&["attachment", "download", &run, &file, copy.to_str().unwrap()]);
    assert_eq!(there.read("copy"), "handed over");
    there.ok(&["run", "status", &run]).expect_stdout("Imported").expect_stdout(&format!("run {run} as of"));
    there.ok(&["run", "audit", &run]).expect_stdout("imported from an archive");
    let found =
        there.ok(&["list", "runs", "--global", "--search", "how it was", "--output-format", "json"]).json();
    assert_eq!(found["runs"][0]["runId"], json!(run));
    there.ok(&["recover"]).expect_stdout("Nothing to recover.");
    there.ok(&["workspace", "list"]);
    // It can be changed and put away like any other.
    there.ok(&["task", "append-notes", &run, "one", "--text", "Seen elsewhere."]);
    there.ok(&["run", "archive", &run]);
    there.ok(&["run", "delete", &run]);
    import(&there, &archive(&here, &run)).expect_code(0);
    there.assert_nothing_left();
}

#[test]
fn what_was_imported_is_exported_as_it_was() {
    let (here, run) = with_run();
    let first = export(&here, &run);
    let bytes = std::fs::read(&first).unwrap();
    here.ok(&["run", "export", &run, "--force"]);
    assert_eq!(std::fs::read(&first).unwrap(), bytes, "the same run makes the same bytes");
    let there = World::new();
    import(&there, &first).expect_code(0);
    let second = export(&there, &run);
    let (first, second) = (unpacked(&first), unpacked(&second));
    let at = |dir: &tempfile::TempDir, name: &str| dir.path().join(&run).join(name);
    let names = |dir: &tempfile::TempDir| {
        let head = read_json(&at(dir, "archive.json"));
        let members = head["members"].as_array().unwrap();
        members.iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), names(&second));
    for name in names(&first) {
        let (was, is) = (at(&first, &name), at(&second, &name));
        if name == "run.json" {
            let (was, mut is) = (read_json(&was), read_json(&is));
            assert_eq!(is["spec"]["origin"]["kind"], "imported");
            is["spec"]["origin"] = was["spec"]["origin"].clone();
            for count in ["revision", "lastCursor", "eventsLen"] {
                is[count] = was[count].clone();
            }
            for field in ["updatedAt", "driver", "tellParent"] {
                is["state"][field] = was["state"][field].clone();
            }
            let gone = ["driver", "tellParent"].iter().filter(|field| was["state"].get(*field).is_none());
            for field in gone {
                is["state"].as_object_mut().unwrap().remove(*field);
            }
            assert_eq!(was, is);
        } else if name == "run-events.jsonl" {
            let (was, mut is) = (read_lines(&was), read_lines(&is));
            assert_eq!(is.pop().unwrap()["type"], "run.imported");
            assert_eq!(was, is);
        } else {
            assert_eq!(std::fs::read(was).unwrap(), std::fs::read(is).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_run_at_work_is_a_snapshot_or_nothing() {
    let here = World::new();
    here.work(&["one"]);
    let (ready, go) = (here.fifo("ready"), here.fifo("go"));
    here.agent("fake", "echo working; echo x > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let watched = here.fake(&[]).spawn();
    ready.line();
    let run = here.only_run();
    here.run(&["run", "export", &run]).expect_code(3).expect_stderr("is running").expect_stderr("--snapshot");
    assert!(!archive(&here, &run).exists());
    here.ok(&["run", "export", &run, "--snapshot"]).expect_stdout("(running, as it stands now)");
    let head = read_json(&unpacked(&archive(&here, &run)).path().join(&run).join("archive.json"));
    assert_eq!((&head["status"], &head["isSnapshot"]), (&json!("running"), &json!(true)));

    let there = World::new();
    import(&there, &archive(&here, &run)).expect_code(0).expect_stdout("there it was running at that time");
    let manifest = there.manifest(&run);
    assert_eq!(
        (manifest.phase(), manifest.outcome(), manifest.ends().as_str()),
        ("ended", "aborted", "interrupted")
    );
    assert_eq!(manifest["state"]["driver"], Value::Null);
    let kinds: Vec<String> =
        there.events(&run).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let expected = ["run.imported", "run.abort_requested", "run.attempt_recorded", "run.finished"];
    assert_eq!(kinds[kinds.len() - 4..], expected);
    there.ok(&["recover"]).expect_stdout("Nothing to recover.");
    there.ok(&["run", "status", &run]).expect_stdout("aborted");
    there.run(&["run", "abort", &run]).expect_code(3);
    go.release();
    watched.wait().expect_code(0);
    assert_eq!(here.manifest(&run).outcome(), "success", "nothing of that has touched it");
    here.assert_nothing_left();
    there.assert_nothing_left();
}

#[test]
fn an_imported_run_goes_on_here() {
    let here = World::new();
    here.work(&["one", "two"]);
    here.agent("fake", "complete one; exit 3");
    let run = here.fake(&["--max-retries", "0"]).run().expect_code(1).run_id();
    let file = export(&here, &run);
    let there = World::new();
    let cwd = there.repo();
    there.ok(&["run", "import", file.to_str().unwrap(), "--cwd", cwd.to_str().unwrap()]);
    here.agent("fake", "pwd > \"$W/where\"; complete two");
    there.run(&["run", "--resume-run", &run]).expect_code(0);
    let manifest = there.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed two=completed"));
    assert_eq!(here.read("where").trim(), cwd.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(here.manifest(&run).outcome(), "exhausted", "the other one is another one");
    // Where its directory is not, it says so.
    let elsewhere = World::new();
    std::fs::remove_dir_all(here.repo()).unwrap();
    let file = there.write("archive", std::fs::read(export(&there, &run)).unwrap());
    import(&elsewhere, &file).expect_code(0);
    let nowhere = there.path("nowhere").display().to_string();
    elsewhere
        .run(&["run", "import", file.to_str().unwrap(), "--cwd", &nowhere])
        .expect_code(3)
        .expect_stderr("--cwd");
    there.assert_nothing_left();
}

#[test]
fn values_of_the_environment_stay_behind_and_are_asked_for() {
    const TOKEN: &str = "canary-\"quoted\"/08q15w";
    let here = World::new();
    let vars = "vars:\n  token: {sources: [env], envName: TOKEN, required: true}\n";
    let text = format!(
        "---\nschemaVersion: 1\nname: work\n{vars}tasks:\n  - id: one\n    title: Use it\n---\nUse {{{{token}}}}.\n"
    );
    here.write("config/assignments/work/assignment.md", &text);
    here.agent(
        "fake",
        "cat \"$PROMPT\"; echo \"$TOKEN\" > \"$W/file\"; set_task one --status blocked --notes \"$TOKEN\"",
    );
    let run = here.fake(&[]).env("TOKEN", TOKEN).env("AGENT_RUNNER_CAPTURE_BACKEND_STDOUT", "1").run();
    let run = run.expect_code(2).run_id();
    // What a person hands over is not looked into by the store, but it is before it goes anywhere.
    here.write("leak.txt", format!("It is {TOKEN}."));
    here.write("fine.txt", "It is fine.");
    for file in ["leak.txt", "fine.txt"] {
        here.ok(&["attachment", "add", &run, here.path(file).to_str().unwrap()]);
    }
    let told = here.ok(&["run", "export", &run]);
    told.expect_stdout("without the values of: token").expect_stdout("leak.txt: it holds a value");
    let dir = unpacked(&archive(&here, &run));
    let mut names = Vec::new();
    scan(dir.path(), &mut names);
    assert!(names.iter().any(|name| name.ends_with("fine.txt")), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("leak.txt")), "{names:?}");

    let there = World::new();
    import(&there, &archive(&here, &run)).expect_code(0).expect_stdout("without the value of token");
    let shown = there.status(&run);
    assert_eq!(shown["capabilities"]["canResume"], false);
    let resume = || there.command(&["run", "--resume-run", &run, "Go on."]).env("TOKEN", TOKEN).run();
    let refused = resume().expect_code(3).expect_stderr("`token` (environment variable TOKEN)");
    refused.expect_stderr("run reset");
    there.run(&["run", "--resume-run", &run, "--add-task", "More"]).expect_code(3);
    // As it says.
    there.write("config/assignments/work/assignment.md", &text);
    there.agent("fake", "grep -q canary \"$PROMPT\" && complete one");
    there.ok(&["run", "reset", &run]);
    there.run(&["run", "ready", &run]).expect_code(3).expect_stderr("TOKEN");
    let again = ["init", "--run-id", &run, "--agent", "fake", "--assignment", "work"];
    there.command(&again).env("TOKEN", TOKEN).run().expect_code(0);
    there.ok(&["run", "ready", &run]);
    there.command(&["run", "--resume-run", &run]).env("TOKEN", TOKEN).run().expect_code(0);
    there.assert_nothing_left();
}

/// No file of a directory has a part of the value, nor has its name; compressed ones are unpacked.
fn scan(dir: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.display().to_string());
        if path.is_dir() {
            scan(&path, names);
            continue;
        }
        let bytes = match path.extension().is_some_and(|ending| ending == "gz") {
            true => std::process::Command::new("gzip").arg("-cd").arg(&path).output().unwrap().stdout,
            false => std::fs::read(&path).unwrap(),
        };
        for part in ["canary", "08q15w"] {
            assert!(!String::from_utf8_lossy(&bytes).contains(part), "{} has {part}", path.display());
            assert!(!path.display().to_string().contains(part), "{}", path.display());
        }
    }
}

#[test]
fn an_id_is_taken_once_and_another_one_can_be_had() {
    let (here, run) = with_run();
    let file = export(&here, &run);
    import(&here, &file).expect_code(3).expect_stderr("there is a run").expect_stderr("--as-new-id");
    let there = World::new();
    import(&there, &file).expect_code(0);
    import(&there, &file).expect_code(3).expect_stderr("this archive was imported already");
    let new = ["run", "import", file.to_str().unwrap(), "--as-new-id", "--output-format", "json"];
    let reply = here.ok(&new).json();
    let id = reply["runs"][0]["runId"].as_str().unwrap();
    assert_ne!(id, run);
    assert_eq!(reply["runs"][0]["imported"]["originalRunId"], json!(run));
    assert_eq!(reply["failed"], json!([]));
    let manifest = here.manifest(id);
    assert_eq!(manifest["state"]["runGroupId"], json!(id));
    assert!(
        !manifest["spec"]["brief"].as_str().unwrap().contains(&run),
        "its worker is told of no other run"
    );
    // Of several, those that can be are taken over.
    let bad = there.write("bad", "no archive");
    let both = there.run(&[
        "run",
        "import",
        bad.to_str().unwrap(),
        file.to_str().unwrap(),
        "--as-new-id",
        "--output-format",
        "json",
    ]);
    let both = both.expect_code(3).expect_stderr("not compressed with gzip");
    assert_eq!(both.json()["runs"].as_array().unwrap().len(), 1);
    assert_eq!(both.json()["failed"][0]["code"], "invalid");
}

#[test]
fn of_two_that_import_one_archive_at_once_one_does() {
    let (here, run) = with_run();
    let file = export(&here, &run);
    for _ in 0..5 {
        let there = World::new();
        let start = || there.command(&["run", "import", file.to_str().unwrap()]).spawn();
        let both = [start(), start()].map(|running| running.wait());
        let mut codes: Vec<_> = both.iter().map(|finished| finished.code).collect();
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(3)], "{} {}", both[0], both[1]);
        there.ok(&["run", "status", &run]);
    }
}

/// The points an import comes by, with the times.
const POINTS: [(&str, bool); 9] = [
    ("store.adopt.claimed", false),
    ("store.adopt.wrote_log", false),
    ("store.blob.half_copied", false),
    ("store.blob.copied", false),
    ("store.adopt.wrote_blobs", false),
    ("store.adopt.wrote_manifest", false),
    ("store.adopt.synced", false),
    ("store.adopt.renamed", true),
    ("store.adopt.done", true),
];

#[test]
fn an_import_that_is_killed_has_happened_or_has_not() {
    let (here, run) = with_run();
    let file = export(&here, &run);
    for (point, landed) in POINTS {
        let there = World::new();
        let killed =
            there.command(&["run", "import", file.to_str().unwrap()]).env(KILL, format!("command:{point}"));
        assert_eq!(killed.run().signal, Some(9), "{point}");
        if landed {
            there.ok(&["run", "status", &run]);
            import(&there, &file).expect_code(3).expect_stderr("imported already");
        } else {
            assert_nothing_imported(&there, point);
            import(&there, &file).expect_code(0);
        }
        assert_eq!(there.events_of(&run, "run.imported").len(), 1);
    }
}

#[test]
fn a_full_disk_leaves_nothing_of_an_import() {
    let (here, run) = with_run();
    let file = export(&here, &run);
    for (point, landed) in POINTS {
        let there = World::new();
        let full =
            there.command(&["run", "import", file.to_str().unwrap()]).env(ERROR, format!("command:{point}"));
        let full = full.run().expect_code(4).expect_stderr("No space left on device");
        full.expect_stderr("hint: ");
        if !landed {
            assert_nothing_imported(&there, point);
        }
    }
    // And of an export.
    let full = World::new();
    let target = Path::new("/dev/full");
    here.run(&["run", "export", &run, "--output", "/dev/full", "--force"]).expect_code(3);
    let mut command = here.command(&["run", "export", &run, "--output", "-"]).build();
    let stdout = std::fs::OpenOptions::new().write(true).open(target).unwrap();
    let output = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    drop(full);
}

#[test]
fn archives_go_through_pipes_and_replace_nothing() {
    let (here, run) = with_run();
    let there = World::new();
    let piped = |args: &[&str]| {
        let mut command = here.command(args).build();
        command.stdin(Stdio::null()).stderr(Stdio::piped()).output().unwrap()
    };
    let output = piped(&["run", "export", &run, "--output", "-"]);
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stderr).contains("to standard output")
    );
    there.command(&["run", "import", "-"]).stdin(output.stdout.clone()).run().expect_code(0);
    here.ok(&["run", "export", &run]);
    assert_eq!(std::fs::read(archive(&here, &run)).unwrap(), output.stdout);
    here.run(&["run", "export", &run, "--output", "-", "--output-format", "json"]).expect_code(3);
    here.run(&["run", "export", &run])
        .expect_code(3)
        .expect_stderr("is there already")
        .expect_stderr("--force");
    here.run(&["run", "export", &run, "--output", "no/where"]).expect_code(3);
    here.run(&["run", "export", &run, "--output", "../repo", "--force"]).expect_code(3);
    here.run(&["run", "export", "none"]).expect_code(3);
    let terminal = here.command(&["run", "export", &run, "--output", "-"]).at_terminal(80, 24);
    let (code, shown) = terminal.wait();
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("is not written to a terminal"), "{shown}");
    there.run(&["run", "import", "."]).expect_code(3).expect_stderr("there is no run directory");
    there.run(&["run", "import", "none"]).expect_code(3).expect_stderr("cannot read none");
    there
        .command(&["run", "import", "-"])
        .stdin("hello")
        .run()
        .expect_code(3)
        .expect_stderr("not an archive of a run");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(archive(&here, &run)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "it is nobody else's business");
}

#[test]
fn an_archive_that_cannot_be_written_or_read_there_is_said_so() {
    let (here, run) = with_run();
    let to = |out: Stdio| {
        let mut command = here.command(&["run", "export", &run, "--output", "-"]).build();
        let output = command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(to(writer.into()), (Some(0), String::new()), "whoever stops reading has had enough");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, said) = to(full.into());
    assert_eq!(code, Some(4), "{said}");
    for words in
        ["cannot write the archive to standard output", "No space left on device", "hint: make room there"]
    {
        assert!(said.contains(words), "{said}");
    }
    let (code, shown) = here.command(&["run", "import", "-"]).at_terminal(80, 24).wait();
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("is not read from a terminal"), "{shown}");
    let mut command = here.command(&["run", "import", "-"]).build();
    let directory = std::fs::File::open(here.root()).unwrap();
    let output = command.stdin(directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("standard input is a directory") && said.contains("name the directory itself"),
        "{said}"
    );
    here.run(&["run", "import", "-", "-"]).expect_code(3).expect_stderr("standard input is there once");
}

#[test]
fn whom_a_run_has_to_do_with_need_not_come_along() {
    let here = World::new();
    here.work(&["one"]);
    here.agent("inner", "complete one");
    here.agent(
        "fake",
        "\"$AGENT_RUNNER_CMD\" run --agent inner --assignment work > \"$W/child\" || exit 90\ncomplete one",
    );
    let parent = here.fake(&[]).run().expect_code(0).run_id();
    let child = here.runs().into_iter().find(|path| !path.ends_with(&parent)).unwrap();
    let child = child.file_name().unwrap().to_str().unwrap().to_owned();
    let waits = here.init(&["--backend", "passive", "--assignment", "work", "--after", &child]);
    let there = World::new();
    for run in [&child, &waits] {
        import(&there, &export(&here, run)).expect_code(0);
    }
    there.ok(&["run", "tree", &child]).expect_stdout(&parent);
    let tree = there.ok(&["run", "tree", &child, "--output-format", "json"]).json();
    assert_eq!(tree["missingParentRunId"], json!(parent));
    let depends = there.status(&waits);
    assert_eq!(depends["dependencies"][0]["runId"], json!(child));
    there.ok(&["recover"]).expect_stdout("Nothing to recover.");
    for command in ["status", "report", "audit"] {
        there.ok(&["run", command, &child]);
    }
}

#[test]
fn what_a_parent_was_not_told_there_is_not_told_here() {
    let here = World::new();
    here.work(&["one"]);
    here.agent("inner", "complete one");
    here.agent("fake", "\"$AGENT_RUNNER_CMD\" run --agent inner --assignment work --detach > \"$W/child\" || exit 90\ncomplete one");
    let killed = here.fake(&[]).env(KILL, "driver:driver.notice_pending");
    let parent = killed.run().expect_code(0).run_id();
    let child = here.runs().into_iter().find(|path| !path.ends_with(&parent)).unwrap();
    let child = child.file_name().unwrap().to_str().unwrap().to_owned();
    here.wait_manifest(&child, "ended", |manifest| manifest.phase() == "ended");
    let archives = [export(&here, &parent), export(&here, &child)];
    let there = World::new();
    for archive in &archives {
        import(&there, archive).expect_code(0);
    }
    assert_eq!(there.manifest(&child)["state"]["parentNotice"]["delivered"], true);
    there.ok(&["recover"]).expect_stdout("Nothing to recover.");
    assert_eq!(there.events_of(&parent, "run.child_ended").len(), 0);
}

#[test]
fn a_worktree_stays_where_it_is() {
    let here = World::new();
    here.write("repo/first", "1\n");
    here.git(&["add", "."]);
    here.git(&["commit", "--quiet", "-m", "First"]);
    let run = here.init(&["--backend", "passive", "--add-task", "One", "--worktree"]);
    let tree = PathBuf::from(here.status(&run)["worktree"]["path"].as_str().unwrap());
    let file = export(&here, &run);
    let there = World::new();
    import(&there, &file).expect_code(0).expect_stdout("a git worktree of its own there");
    let status = there.status(&run);
    assert_eq!((&status["worktree"], &status["imported"]["worktree"]["path"]), (&Value::Null, &json!(tree)));
    for verb in ["snapshots", "restore", "remove"] {
        there.run(&["workspace", verb, &run]).expect_code(3).expect_stderr("is not here");
    }
    there.run(&["run", "reset", &run, "--workspace"]).expect_code(3);
    there.ok(&["run", "reset", &run]);
    there.ok(&["run", "archive", &run]);
    there.ok(&["run", "delete", &run]);
    assert!(tree.join("first").exists(), "nothing was done to it");
    here.ok(&["workspace", "list"]).expect_stdout(&run);
}
