//! Lists of runs: right whatever becomes of the index, whoever writes meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::harness::World;

const LIST: [&str; 6] = ["list", "runs", "--global", "--include-archived", "--output-format", "json"];
const WRITERS: usize = 16;
const ROUNDS: usize = 3;

fn runs(world: &World, args: &[&str]) -> BTreeMap<String, Value> {
    let list = world.ok(&LIST.iter().chain(args).copied().collect::<Vec<_>>()).json();
    assert_eq!(list["problems"], Value::Array(Vec::new()));
    let runs = list["runs"].as_array().unwrap().iter();
    runs.map(|run| (run["runId"].as_str().unwrap().to_owned(), run.clone())).collect()
}

/// What a command says that has no place for an index, and so reads every run.
fn scanned(world: &World) -> Value {
    world.command(&LIST).env("XDG_CACHE_HOME", "/dev/null/nowhere").run().expect_code(0).json()
}

/// Of each run what can be told without the program: name, completed tasks, when it was archived.
type Facts = BTreeMap<String, (Value, usize, Value)>;

fn told(list: &Value) -> Facts {
    let facts = |run: &Value| {
        let completed = usize::try_from(run["tasksCompleted"].as_u64().unwrap()).unwrap();
        (
            run["runId"].as_str().unwrap().to_owned(),
            (run["name"].clone(), completed, run["archivedAt"].clone()),
        )
    };
    list["runs"].as_array().unwrap().iter().map(facts).collect()
}

/// The same from every manifest there is.
fn on_disk(world: &World) -> Facts {
    let inside =
        |dir: &Path| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let buckets = inside(&world.path("state/runs")).into_iter().filter(|path| path.is_dir());
    let runs =
        buckets.flat_map(|bucket| inside(&bucket)).filter_map(|run| fs::read(run.join("run.json")).ok());
    let facts = |text: Vec<u8>| {
        let run: Value = serde_json::from_slice(&text).unwrap();
        let state = &run["state"];
        let tasks = state["finalTasks"].as_object().unwrap().values();
        let completed = tasks.filter(|task| task["status"] == "completed").count();
        let id = run["spec"]["runId"].as_str().unwrap().to_owned();
        (id, (state["name"].clone(), completed, state["archivedAt"].clone()))
    };
    runs.map(facts).collect()
}

/// Where the index of this world's runs is, once there is one.
fn index(world: &World) -> Option<PathBuf> {
    let inside = fs::read_dir(world.path("home/.cache/agent-runner/index")).ok()?;
    inside
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_none() && path.is_dir())
}

/// Does something bad to the index, in turn. What is returned keeps others from it for as long as it is held.
fn spoil(world: &World, turn: usize) -> Vec<fs::File> {
    let Some(index) = index(world) else { return Vec::new() };
    let file = index.join("runs.sqlite");
    // Each of these may come too late: somebody else has just done away with it.
    let _ = match turn % 6 {
        0 => fs::remove_dir_all(&index),
        1 => fs::write(&file, "this is no database"),
        2 => fs::OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(4096)),
        3 => fs::remove_file(&file),
        4 => return locked(&index.with_extension("lock"), |file| file.lock()),
        _ => {
            // As SQLite locks it, from another process.
            let exclusively = |file: &fs::File| {
                rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
                Ok(())
            };
            return locked(&file, exclusively);
        }
    };
    Vec::new()
}

fn locked(path: &Path, lock: impl Fn(&fs::File) -> io::Result<()>) -> Vec<fs::File> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path);
    file.and_then(|file| lock(&file).map(|()| file)).into_iter().collect()
}

/// A run's life; after each step a list says what this writer knows to be so.
fn write(world: &World, writer: usize, round: usize) {
    let run = world.init(&["--backend", "passive", "--checklist", "list.md"]);
    let seen = |args: &[&str]| runs(world, args).remove(&run);
    assert!(seen(&[]).is_some(), "{run} was made");
    let name = format!("writer {writer} round {round}");
    world.ok(&["run", "set-name", &run, &name]);
    assert_eq!(seen(&["--search", &name]).unwrap()["name"], name.as_str());
    world.ok(&["task", "set", &run, "one", "--status", "completed", "--notes", "finished"]);
    assert_eq!(seen(&["--status", "success"]).unwrap()["tasksCompleted"], 1);
    assert!(seen(&["--status", "initialized"]).is_none());
    world.ok(&["run", "archive", &run]);
    assert!(seen(&[]).unwrap()["archivedAt"].is_string());
    if writer % 2 == 1 && round == 0 {
        world.ok(&["run", "delete", &run]);
        assert!(seen(&[]).is_none(), "{run} is gone");
    }
}

#[test]
fn lists_are_right_while_many_write_and_the_index_is_spoiled() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] One\n");
    let writing = AtomicUsize::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (world, writing) = (&world, &writing);
            scope.spawn(move || {
                // Also when it fails: the others must not go on for ever.
                let _done = Done(writing);
                for round in 0..ROUNDS {
                    write(world, writer, round);
                }
            });
        }
        let mut turn = 0;
        while writing.load(Ordering::SeqCst) > 0 {
            let _held = spoil(&world, turn);
            runs(&world, &["--limit", "5"]);
            turn += 1;
        }
    });
    let by_index = world.ok(&LIST).json();
    assert_eq!(by_index, scanned(&world));
    assert_eq!(told(&by_index), on_disk(&world), "what is listed is what this test reads itself");
    let deleted = WRITERS / 2;
    assert_eq!(by_index["runs"].as_array().unwrap().len(), WRITERS * ROUNDS - deleted);
    assert!(index(&world).is_some(), "there is an index in the end");
}

struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn an_index_that_somebody_locks_is_done_without() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] One\n");
    let first = world.init(&["--backend", "passive", "--checklist", "list.md"]);
    assert_eq!(runs(&world, &[]).len(), 1);
    let mut known = vec![first];
    for turn in [4, 5] {
        let held = spoil(&world, turn);
        assert_eq!(held.len(), 1);
        known.push(world.init(&["--backend", "passive", "--checklist", "list.md"]));
        known.sort();
        assert_eq!(runs(&world, &[]).into_keys().collect::<Vec<_>>(), known);
        drop(held);
        assert_eq!(runs(&world, &[]).len(), known.len());
    }
}

#[test]
fn pages_and_filters_are_as_asked_for() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] Feed the parser\n");
    let init = || world.init(&["--backend", "passive", "--checklist", "list.md"]);
    let made = [init(), init(), init()];
    world.ok(&["run", "pin", &made[0]]);
    world.ok(&["run", "set-note", &made[1], "Überall geprüft"]);
    let ids = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> =
            ["list", "runs", "--output-format", "json"].iter().chain(args).copied().collect();
        let list = world.ok(&args).json();
        list["runs"].as_array().unwrap().iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--pinned"]), [made[0].clone()]);
    assert_eq!(ids(&["--search", "uberall gepr"]), [made[1].clone()]);
    assert_eq!(ids(&["--search", "parser", "--limit", "1"]), [made[2].clone()]);
    assert_eq!(ids(&["--sort", "updated", "--limit", "1"]), [made[1].clone()]);
    assert_eq!(ids(&["--since", "1h", "--backend", "passive"]).len(), 3);
    assert_eq!(ids(&["--until", "2020-01-31"]), Vec::<String>::new());
    assert_eq!(ids(&["--agent", "nobody"]), Vec::<String>::new());
    let page = world.ok(&["list", "runs", "--limit", "2", "--output-format", "json"]).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&["--cursor", cursor]), [made[0].clone()]);
    let text = world.ok(&["list", "runs", "--limit", "2"]);
    assert!(text.stderr.contains(cursor), "{text}");
    let wrong = world.run(&["list", "runs", "--since", "soon"]).expect_code(3);
    assert!(wrong.stderr.contains("neither a time nor a span"), "{wrong}");
    let wrong = world.run(&["list", "runs", "--cursor", "soon"]).expect_code(3);
    assert!(wrong.stderr.contains("nextCursor"), "{wrong}");
}

#[test]
fn a_run_is_meant_by_a_beginning_an_age_or_a_name() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] One\n");
    let run = world.init(&["--backend", "passive", "--checklist", "list.md"]);
    world.ok(&["run", "set-name", &run[..5], "the one"]);
    for words in ["@last", "@-1", "@the one"] {
        assert_eq!(world.ok(&["run", "status", words, "--output-format", "json"]).run_id(), run, "{words}");
    }
    world.run(&["run", "status", "@-2"]).expect_code(3);
}
