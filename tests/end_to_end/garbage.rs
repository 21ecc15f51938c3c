//! Runs that a policy does not keep: what is said goes and nothing else does, whoever is killed, and whoever else is at work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Finished, World};

const ALL: [&str; 4] = ["gc", "--global", "--older-than", "0m"];
const KILL: &str = "AGENT_RUNNER_FAILPOINT";
const ERROR: &str = "AGENT_RUNNER_FAILPOINT_ERROR";

/// A passive run with one task.
fn open(world: &World, more: &[&str]) -> String {
    if !world.path("config/assignments/work/assignment.md").exists() {
        world.work(&["one"]);
    }
    world.init(&[&["--backend", "passive", "--assignment", "work"], more].concat())
}

fn complete(world: &World, run: &str) {
    world.ok(&["task", "set", run, "one", "--status", "completed"]);
}

/// A passive run that is over.
fn over(world: &World, more: &[&str]) -> String {
    let run = open(world, more);
    complete(world, &run);
    run
}

fn gc(world: &World, args: &[&str]) -> Value {
    world.ok(&[&ALL[..], args, &["--output-format", "json"]].concat()).json()
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect()
}

fn kept(done: &Value) -> BTreeMap<String, String> {
    let kept = done["kept"].as_array().unwrap().iter();
    kept.map(|run| (run["runId"].as_str().unwrap().to_owned(), run["kept"].as_str().unwrap().to_owned()))
        .collect()
}

/// The names of what is where runs are.
fn there(world: &World) -> BTreeSet<String> {
    let names = world.runs().into_iter().map(|dir| dir.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

fn set<const N: usize>(runs: [&String; N]) -> BTreeSet<String> {
    runs.into_iter().cloned().collect()
}

#[test]
fn what_would_go_is_what_goes() {
    let world = World::new();
    let [one, two] = [0; 2].map(|_| over(&world, &[]));
    world.ok(&["run", "set-name", &one, "First"]);
    world.ok(&["run", "archive", &two]);
    let pinned = over(&world, &[]);
    world.ok(&["run", "pin", &pinned]);
    let started = open(&world, &[]);
    world.ok(&["task", "set", &started, "one", "--status", "in_progress"]);
    let needed = over(&world, &[]);
    let waiting = open(&world, &["--after", &needed]);
    let grouped = over(&world, &["--group-id", "team"]);
    let waiting_for_all = open(&world, &[]);
    world.ok(&["run", "add-dep", &waiting_for_all, "--group", "team"]);
    let go = world.fifo("go");
    world.agent("fake", "read x < \"$W/go\"; complete one");
    let active = world.fake(&["--detach"]).run().expect_code(0).run_id();
    let before = there(&world);

    let said = gc(&world, &["--dry-run"]);
    assert_eq!(there(&world), before, "nothing was done");
    assert_eq!(ids(&said["deleted"]), [one.clone(), two.clone()]);
    assert_eq!(said["deleted"][0]["name"], "First");
    assert_eq!(said["deleted"][0]["reason"], "age");
    let expected = [
        (&pinned, "pinned"),
        (&started, "notStarted"),
        (&needed, "needed"),
        (&waiting, "notStarted"),
        (&grouped, "needed"),
        (&waiting_for_all, "notStarted"),
        (&active, "active"),
    ];
    let reasons = kept(&said);
    for (run, reason) in expected {
        assert_eq!(reasons[run], reason, "{said}");
    }
    assert_eq!(reasons.len(), expected.len());
    let text = world.ok(&[&ALL[..], &["--dry-run"]].concat());
    text.expect_stdout("Would delete 2 runs").expect_stdout("2  that a run depends on");

    let done = gc(&world, &[]);
    assert_eq!((&done["deleted"], kept(&done)), (&said["deleted"], reasons));
    assert_eq!(done["bytesFreed"], said["bytesFreed"]);
    let gone = set([&one, &two]);
    assert_eq!(there(&world), before.difference(&gone).cloned().collect());
    assert_eq!(ids(&gc(&world, &[])["deleted"]), Vec::<String>::new());
    world.run(&["run", "status", &one]).expect_code(3);
    go.release();
    world.ok(&["run", "wait", &active]);
    world.assert_nothing_left();
    let done = gc(&world, &[]);
    assert_eq!(ids(&done["deleted"]), [active]);
    let taken = world.ok(&["du", "--global", "--output-format", "json"]).json();
    assert_eq!(taken["repos"][0]["space"]["total"]["allocated"], done["bytesLeft"]);
}

#[test]
fn a_policy_comes_from_flags_and_variables() {
    let world = World::new();
    let runs: Vec<String> = (0..4).map(|_| over(&world, &[])).collect();
    world.run(&["gc", "--global"]).expect_code(3).expect_stderr("nothing says which runs are to go");
    let dry = |args: &[&str], env: &[(&str, &str)]| {
        let args = [&["gc", "--global", "--dry-run", "--output-format", "json"], args].concat();
        let command = world.command(&args);
        let command = env.iter().fold(command, |command, (name, value)| command.env(name, *value));
        command.run().expect_code(0).json()
    };
    let counted = dry(&["--keep", "1"], &[]);
    assert_eq!(ids(&counted["deleted"]), runs[..3]);
    assert_eq!(
        (&counted["deleted"][0]["reason"], kept(&counted)[&runs[3]].as_str()),
        (&json!("count"), "newest")
    );
    let from_variables = [("AGENT_RUNNER_GC_KEEP", "2"), ("AGENT_RUNNER_GC_OLDER_THAN", "0m")];
    assert_eq!(ids(&dry(&[], &from_variables)["deleted"]), runs[..2]);
    assert_eq!(ids(&dry(&["--keep", "3"], &from_variables)["deleted"]), runs[..1], "a flag counts more");
    assert_eq!(ids(&dry(&["--older-than", "1h"], &from_variables)["deleted"]), Vec::<String>::new());
    let policy = dry(&["--max-size", "1G"], &from_variables)["policy"].clone();
    assert_eq!(policy, json!({"olderThanSec": 0, "keep": 2, "maxBytes": 1 << 30}));
    let one = counted["deleted"][0]["bytes"].as_u64().unwrap();
    let sized = dry(&["--max-size", &(one * 3).to_string()], &[]);
    assert_eq!(ids(&sized["deleted"]), runs[..1]);
    assert_eq!(sized["deleted"][0]["reason"], "size");
    assert_eq!(ids(&dry(&["--max-size", "0"], &[])["deleted"]).len(), 4);
    let other = world.ok(&["gc", "--max-size", "0", "--repo", "other"]);
    other.expect_stdout("Nothing was given back");
    let elsewhere = world.command(&["gc", "--keep", "0"]).cwd(world.path("home")).run().expect_code(0);
    elsewhere.expect_stdout("Nothing was given back");
    for wrong in [&["--older-than", "soon"][..], &["--max-size", "much"], &["--keep", "-1"]] {
        world.run(&[&["gc"], wrong].concat()).expect_code(3);
    }
    world.run(&["gc", "--compress-only", "--keep", "1"]).expect_code(3);
    let wrong = world.command(&["gc"]).env("AGENT_RUNNER_GC_MAX_SIZE", "much").run().expect_code(3);
    wrong.expect_stderr("AGENT_RUNNER_GC_MAX_SIZE is no size");
    assert_eq!(there(&world).len(), 4);
}

#[test]
fn families_go_from_their_leaves_and_never_leave_a_child_alone() {
    let world = World::new();
    let parent = over(&world, &[]);
    let child = over(&world, &["--parent-run", &parent]);
    let leaf = over(&world, &["--parent-run", &child]);
    let other = over(&world, &["--parent-run", &child]);
    world.ok(&["run", "pin", &other]);
    let done = gc(&world, &[]);
    assert_eq!(ids(&done["deleted"]), [leaf]);
    assert_eq!(done["kept"][0]["by"], json!(child));
    let tree = world.ok(&["run", "tree", &parent, "--output-format", "json"]).json();
    assert_eq!(tree["missingParentRunId"], Value::Null);
    world.ok(&["run", "unpin", &other]);
    assert_eq!(ids(&gc(&world, &[])["deleted"]), [other, child, parent]);
    let parent = open(&world, &[]);
    let child = over(&world, &["--parent-run", &parent]);
    assert_eq!(kept(&gc(&world, &[]))[&child], "family");
}

#[test]
fn what_cannot_be_read_stays_and_so_does_what_it_names() {
    let world = World::new();
    let [named, free, damaged, newer, foreign] = [0; 5].map(|_| over(&world, &[]));
    let write = |run: &str, text: String| fs::write(world.run_dir(run).join("run.json"), text).unwrap();
    write(&newer, format!("{{\"schemaVersion\": 99, \"spec\": {{\"dependsOn\": \"{named}\"}}}}"));
    write(&damaged, "{ \"schemaVersion\": 1, ".to_owned());
    write(
        &foreign,
        format!("{{\"schemaVersion\": 25, \"runId\": \"{foreign}\", \"parentRunId\": \"{free}\"}}"),
    );
    let done = gc(&world, &["--max-size", "0"]);
    assert_eq!((ids(&done["deleted"]), kept(&done)[&named].as_str()), (vec![free], "named"));
    assert_eq!(done["problems"].as_array().unwrap().len(), 3);
    assert_eq!(there(&world), set([&named, &damaged, &newer, &foreign]));
    let text = world.ok(&ALL);
    text.expect_stderr(&format!("{damaged}/run.json stays: "));
}

#[test]
fn a_worktree_keeps_its_run() {
    let world = World::new();
    world.work(&["one"]);
    world.write("repo/file", "x");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "--message", "x"]);
    world.agent("fake", "complete one");
    let run = world.fake(&["--worktree"]).run().expect_code(0).run_id();
    assert_eq!(kept(&gc(&world, &[]))[&run], "worktree");
    world.ok(&["workspace", "remove", &run]);
    assert_eq!(ids(&gc(&world, &[])["deleted"]), [run]);
    world.assert_nothing_left();
}

/// A run of an agent that said much, whose log a driver that was killed would have left as it is.
fn uncompressed(world: &World) -> String {
    world.work(&["one"]);
    world.agent(
        "fake",
        "i=0; while [ $i -lt 400 ]; do echo \"line $i of what was said\"; i=$((i+1)); done; complete one",
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let name = "attempts/00.events.jsonl";
    let text = world.sealed(&run, name);
    let packed = world.run_dir(&run).join(format!("{name}.gz"));
    assert!(packed.is_file() && text.len() > 4096);
    fs::remove_file(packed).unwrap();
    fs::write(world.run_dir(&run).join(name), text).unwrap();
    run
}

#[test]
fn logs_that_were_never_compressed_are() {
    let world = World::new();
    let run = uncompressed(&world);
    let name = "attempts/00.events.jsonl";
    let plain = world.run_dir(&run).join(name);
    let packed = plain.with_extension("jsonl.gz");
    let timeline = || world.ok(&["run", "timeline", &run, "--output-format", "json"]).stdout;
    let (before, text) = (timeline(), fs::read(&plain).unwrap());
    let only = ["gc", "--compress-only", "--output-format", "json"];
    let said = world.ok(&[&only[..], &["--dry-run"]].concat()).json();
    assert_eq!(said["compressed"], json!([{"runId": run, "files": [name], "bytes": 0}]));
    assert!(plain.exists());
    for point in ["store.blob.sealing", "store.blob.sealed"] {
        let killed = world.command(&only).env(KILL, format!("command:{point}")).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        assert_eq!(
            (timeline(), world.sealed(&run, name)),
            (before.clone(), text.clone()),
            "killed at {point}"
        );
    }
    let full = world.command(&only).env(ERROR, "command:store.blob.sealing").run().expect_code(4).json();
    assert_eq!(full["failed"][0]["runId"], json!(run));
    assert_eq!(timeline(), before);
    let both: Vec<Finished> = [0; 2].map(|_| world.command(&only).spawn()).map(|gc| gc.wait()).into();
    let saved: u64 = both.iter().map(|done| done.json()["bytesFreed"].as_u64().unwrap()).sum();
    assert!(both.iter().all(|done| done.code == Some(0)) && saved > 0, "{} {}", both[0], both[1]);
    assert!(!plain.exists() && packed.exists());
    assert_eq!((timeline(), world.sealed(&run, name)), (before, text));
    let names = fs::read_dir(plain.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().ends_with(".tmp")));
    assert_eq!(world.ok(&only).json()["compressed"], json!([]));
}

#[test]
fn whoever_is_killed_leaves_whole_runs_only() {
    for point in ["gc.decided", "store.delete.checked", "store.delete.moved", "store.delete.emptied"] {
        let world = World::new();
        let runs: Vec<String> = (0..4).map(|_| over(&world, &[])).collect();
        for time in 1..=3 {
            let killed = world.command(&ALL).env(KILL, format!("command:{point}#{time}")).run();
            if killed.signal != Some(9) {
                assert!(time > 1 && killed.code == Some(0), "{killed}");
                break;
            }
            for run in there(&world) {
                world.ok(&["run", "status", &run]);
            }
        }
        let done = gc(&world, &[]);
        assert_eq!(done["failed"], json!([]));
        assert!(there(&world).is_empty(), "{point}: {:?}", there(&world));
        let list = world.ok(&["list", "runs", "--global", "--output-format", "json"]).json();
        assert_eq!((&list["runs"], &list["problems"]), (&json!([]), &json!([])), "{point}");
        world.run(&["run", "status", &runs[0]]).expect_code(3);
    }
}

#[test]
fn deletions_that_were_not_finished_are() {
    let world = World::new();
    let run = over(&world, &[]);
    let left = world.run_dir(&run).with_file_name(format!(".deleted-{run}"));
    let killed = world.command(&ALL).env(KILL, "command:store.delete.moved").run();
    assert!(killed.signal == Some(9) && left.is_dir(), "{killed}");
    let done = gc(&world, &[]);
    assert_eq!(done["cleared"][0]["kind"], "deletion");
    assert!(done["bytesFreed"].as_u64().unwrap() > 0 && !left.exists(), "{done}");
}

#[test]
fn what_cannot_be_deleted_is_named_and_the_rest_goes() {
    let world = World::new();
    let [parent, other] = [0; 2].map(|_| over(&world, &[]));
    let child = over(&world, &["--parent-run", &parent]);
    let in_the_way = world.run_dir(&child).with_file_name(format!(".deleted-{child}"));
    fs::write(&in_the_way, "somebody else's").unwrap();
    let failed = world.run(&[&ALL[..], &["--output-format", "json"]].concat()).expect_code(4).json();
    assert_eq!(ids(&failed["deleted"]), [other]);
    assert_eq!(ids(&failed["failed"]), std::slice::from_ref(&child));
    assert_eq!(failed["kept"][0]["by"], json!(child), "the one above it stays: {failed}");
    assert_eq!(there(&world), set([&parent, &child]));
    let text = world.run(&ALL).expect_code(4).expect_stderr(&format!("error: run {child}: "));
    text.expect_stderr("hint: ");
    fs::remove_file(in_the_way).unwrap();
    assert_eq!(ids(&gc(&world, &[])["deleted"]), [child, parent]);
}

#[test]
fn a_deletion_that_met_a_full_disk_is_tried_again_when_others_are_gone() {
    let world = World::new();
    let runs: Vec<String> = (0..3).map(|_| over(&world, &[])).collect();
    let done = world.command(&[&ALL[..], &["--output-format", "json"]].concat());
    let done = done.env(ERROR, "command:store.delete.checked").run().expect_code(0).json();
    assert_eq!(ids(&done["deleted"]), [runs[1].clone(), runs[2].clone(), runs[0].clone()]);
    assert_eq!(done["failed"], json!([]));
}

/// Runs a command in a mount namespace of its own, where a shell has done something before. What is printed on standard
/// error by the shell itself begins with `state: `. Nothing where the machine allows nobody such a namespace.
fn where_mounted(world: &World, prepare: &str, args: &[&str]) -> Option<Finished> {
    let allowed = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    let script = format!(
        "set -e; cd \"$W\"; {prepare}; set +e; \"$@\"; code=$?; \
         echo state: $(ls state/runs/repo) >&2; exit $code"
    );
    let command = world.command(args).env("W", world.root());
    Some(command.through(&["unshare", "-rm", "sh", "-c", &script, "sh"]).run())
}

#[test]
fn space_is_made_on_a_disk_that_is_really_full() {
    let world = World::new();
    let [one, two] = [0; 2].map(|_| over(&world, &[]));
    let pinned = over(&world, &[]);
    world.ok(&["run", "pin", &pinned]);
    let full = "cp -a state before; mount -t tmpfs -o size=2m none state; cp -a before/. state; \
                rm -f state/runs/.graph.lock; dd if=/dev/zero of=state/filler bs=4096 2>/dev/null || true; \
                (echo x > state/more) 2>/dev/null || true; if [ -s state/more ]; then exit 99; fi";
    let args = [&ALL[..], &["--output-format", "json"]].concat();
    let Some(done) = where_mounted(&world, full, &args) else { return };
    let done = done.expect_code(0).expect_stderr(&format!("state: {pinned}"));
    assert_eq!(ids(&done.json()["deleted"]).into_iter().collect::<BTreeSet<_>>(), set([&one, &two]));
}

#[test]
fn a_state_directory_that_cannot_be_written_is_said_to_be_so() {
    let world = World::new();
    let run = over(&world, &[]);
    let read_only = "mount --bind state state; mount -o remount,bind,ro state";
    let Some(refused) = where_mounted(&world, read_only, &ALL) else { return };
    let refused = refused.expect_code(4).expect_stderr("Read-only file system");
    refused
        .expect_stderr("hint: the state directory must be writable")
        .expect_stderr(&format!("state: {run}"));
    let dry = where_mounted(&world, read_only, &[&ALL[..], &["--dry-run"]].concat()).unwrap();
    dry.expect_code(0).expect_stdout("Would delete 1 run");
    where_mounted(&world, read_only, &["du", "--global"]).unwrap().expect_code(0);
}

#[test]
fn two_at_once_share_the_work() {
    let world = World::new();
    let runs: BTreeSet<String> = (0..12).map(|_| over(&world, &[])).collect();
    let args = [&ALL[..], &["--output-format", "json"]].concat();
    let both = [0; 3].map(|_| world.command(&args).spawn()).map(|gc| gc.wait().expect_code(0).json());
    let mut deleted: Vec<String> = both.iter().flat_map(|done| ids(&done["deleted"])).collect();
    deleted.sort();
    assert_eq!(deleted, runs.into_iter().collect::<Vec<_>>(), "each was deleted by one of them");
    assert!(both.iter().all(|done| done["failed"] == json!([])));
    assert!(there(&world).is_empty());
}

/// Makes runs and says which of them must be there in the end, because somebody was told so.
fn write(world: &World, writer: usize) -> Vec<String> {
    let mut promised = Vec::new();
    for round in 0..4 {
        let kept = open(world, &[]);
        world.ok(&["run", "pin", &kept]);
        complete(world, &kept);
        world.ok(&["run", "set-name", &kept, &format!("writer {writer} round {round}")]);
        promised.push(kept);
        // From here on it may go at any time; but not when somebody was told that it is pinned, or waited for.
        let loose = open(world, &[]);
        world.run(&["task", "set", &loose, "one", "--status", "completed"]);
        if round % 2 == 0 {
            if world.run(&["run", "pin", &loose]).code == Some(0) {
                promised.push(loose);
            }
        } else {
            let waiting = open(world, &[]);
            if world.run(&["run", "add-dep", &waiting, "--run", &loose]).code == Some(0) {
                promised.push(loose);
            }
            promised.push(waiting);
        }
    }
    promised
}

#[test]
fn whoever_writes_meanwhile_loses_nothing_that_was_promised() {
    let world = World::new();
    world.work(&["one"]);
    let promised: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                scope.spawn({
                    let world = &world;
                    move || write(world, writer)
                })
            })
            .collect();
        let mut deleted = 0;
        while !writers.iter().all(|writer| writer.is_finished()) {
            let done = gc(&world, &[]);
            assert_eq!(done["failed"], json!([]), "{done}");
            deleted += ids(&done["deleted"]).len();
        }
        println!("{deleted} runs were deleted meanwhile");
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    gc(&world, &[]);
    assert_eq!(there(&world), promised.iter().cloned().collect::<BTreeSet<_>>());
    for run in &promised {
        world.ok(&["run", "status", run]);
    }
}

#[test]
fn copies_of_what_is_gone_are_cleared_and_no_others() {
    let world = World::new();
    over(&world, &[]);
    let list = ["list", "runs", "--global"];
    world.ok(&list);
    let below = world.path("home/.cache/agent-runner/index");
    let names = || -> BTreeSet<String> {
        let names = fs::read_dir(&below).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    };
    let own = names();
    let index = own.iter().find(|name| !name.contains('.')).unwrap().clone();
    for other in ["gone", "there"] {
        let other = world.path(format!("states/{other}"));
        fs::create_dir_all(&other).unwrap();
        world.command(&list).env("AGENT_RUNNER_STATE_DIR", &other).run().expect_code(0);
    }
    fs::remove_dir_all(world.path("states/gone")).unwrap();
    let with_others = names();
    assert_eq!(with_others.len(), 6);
    fs::create_dir(below.join(format!("{index}.away-1"))).unwrap();
    fs::write(below.join(format!("{index}.away-1/runs.sqlite")), vec![b'x'; 10_000]).unwrap();
    fs::create_dir(below.join("somebody-elses")).unwrap();

    // Somebody is about to throw it away at this moment, or opens it.
    let guard = fs::File::open(below.join(format!("{index}.lock"))).unwrap();
    guard.lock().unwrap();
    let week = ["gc", "--global", "--older-than", "1w", "--output-format", "json"];
    let kinds = |done: &Value| -> Vec<String> {
        let cleared = done["cleared"].as_array().unwrap().iter();
        cleared.map(|cleared| cleared["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&world.ok(&[&week[..], &["--dry-run"]].concat()).json()), ["stateDirGone"]);
    assert_eq!(kinds(&world.ok(&week).json()), ["stateDirGone"]);
    drop(guard);
    assert_eq!(kinds(&world.ok(&week).json()), ["thrownAway"]);
    let left = names();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(own.is_subset(&left) && left.contains("somebody-elses"));
    fs::write(below.join(&index).join("boot"), "another").unwrap();
    assert_eq!(kinds(&world.ok(&week).json()), ["otherBoot"]);
    world.ok(&list);
    assert!(names().contains(&index), "it is made anew");
}
