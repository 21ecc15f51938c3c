//! Each verb in each state: what capabilities say is what happens, and a refusal says what to do and changes nothing.

use serde_json::Value;

use super::scene::{
    aborted, archived, archived_ready, blocked, exhausted, init, interrupted, passive, ready, running,
    success, world,
};
use crate::harness::{Manifest as _, World};

type Prepare = fn(&World) -> String;

const STATES: &[(&str, Prepare)] = &[
    ("initialized", init),
    ("ready", ready),
    ("running", running),
    ("interrupted", interrupted),
    ("success", success),
    ("blocked", blocked),
    ("exhausted", exhausted),
    ("aborted", aborted),
    ("archived", archived),
    ("archived ready", archived_ready),
    ("passive", passive),
];

/// How it is known whether a verb is possible.
enum Possible {
    /// The view says so.
    Capability(&'static str),
    /// In these states only.
    In(&'static [&'static str]),
    /// In all states but these.
    NotIn(&'static [&'static str]),
}

use Possible::{Capability, In, NotIn};

const ACTIVE: &[&str] = &["running", "interrupted"];
const ARCHIVED: &[&str] = &["archived", "archived ready"];
const NEVER_STARTED: &[&str] = &["initialized", "passive"];

/// A verb, its arguments after the run, what decides, and where it is repeated without effect.
type Verb = (&'static [&'static str], &'static [&'static str], Possible, &'static [&'static str]);

const VERBS: &[Verb] = &[
    (&["run", "ready"], &[], Capability("canReady"), &["ready"]),
    (&["run", "abort"], &[], Capability("canAbort"), &[]),
    (&["run", "archive"], &[], Capability("canArchive"), ARCHIVED),
    (
        &["run", "unarchive"],
        &[],
        Capability("canUnarchive"),
        &["initialized", "ready", "success", "blocked", "exhausted", "aborted", "passive"],
    ),
    (&["run", "reset"], &[], Capability("canReset"), &[]),
    (&["run", "delete"], &[], Capability("canDelete"), &[]),
    (&["run", "reconfigure"], &["Other words"], Capability("canReconfigure"), &[]),
    (&["run", "queue-message"], &["Words"], Capability("canQueueMessage"), &[]),
    (&["task", "set"], &["one", "--status", "in_progress"], Capability("taskMutation.canSetStatus"), &[]),
    (&["task", "append-notes"], &["one", "--text", "x"], Capability("taskMutation.canEditNotes"), &[]),
    (&["task", "add"], &["--title", "Two"], Capability("taskMutation.canAdd"), &[]),
    (&["run", "extend"], &["--attempts", "1"], NotIn(&["archived", "archived ready", "passive"]), &[]),
    (
        &["run", "extend"],
        &["--attempts", "1", "--resume"],
        In(&["ready", "interrupted", "exhausted", "aborted"]),
        &[],
    ),
    (
        &["run", "extend"],
        &["--attempts", "1", "--resume", "Go on"],
        In(&["interrupted", "success", "blocked", "exhausted", "aborted"]),
        &[],
    ),
    (&["run", "set-name"], &["Name"], NotIn(&[]), &[]),
    (&["run", "set-name"], &["--clear"], NotIn(&[]), &[]),
    (&["run", "set-note"], &["Note"], NotIn(&[]), &[]),
    (&["run", "clear-note"], &[], NotIn(&[]), &[]),
    (&["run", "pin"], &[], NotIn(&[]), &[]),
    (&["run", "unpin"], &[], NotIn(&[]), &[]),
    (&["run", "set-group"], &["other"], NotIn(ACTIVE), &[]),
    (&["run", "clear-group"], &[], NotIn(ACTIVE), &[]),
    (&["run", "set-backend-session"], &["abc"], In(&["passive"]), &[]),
    (&["run", "clear-backend-session"], &[], In(&["passive"]), &[]),
    (&["run", "add-dep"], &["--group", "others"], In(NEVER_STARTED), &[]),
    (&["run", "remove-dep"], &["--group", "others"], In(&[]), &[]),
    (&["run", "clear-deps"], &[], In(&[]), &[]),
    (&["run", "remove-queued-message"], &["msg-none"], In(&[]), &[]),
    (&["attachment", "remove"], &["att-none"], In(&[]), &[]),
    (&["attachment", "list"], &[], NotIn(&[]), &[]),
    (&["run", "queued-messages"], &[], NotIn(&[]), &[]),
    (&["run", "tree"], &[], NotIn(&[]), &[]),
];

fn capability(status: &Value, path: &str) -> bool {
    let found = path.split('.').fold(&status["capabilities"], |value, name| &value[name]);
    found.as_bool().unwrap_or_else(|| panic!("{path}: {status}"))
}

fn try_verb(world: &World, state: &str, run: &str, verb: &Verb) {
    let (names, more, possible, repeated) = verb;
    let may = match possible {
        Capability(path) => capability(&world.status(run), path),
        In(states) => states.contains(&state),
        NotIn(states) => !states.contains(&state),
    };
    let args = [*names, &[run], *more].concat();
    let before = world.manifest(run);
    let ended = world.run(&args);
    let what = format!("{names:?} of a run that is {state}");
    if may {
        assert_eq!(ended.code, Some(0), "{what} is said to be possible: {ended}");
        if more.contains(&"--attempts") {
            let raised = |manifest: &Value| manifest["state"]["budget"]["extended"]["attempts"].as_u64();
            let by = raised(&world.manifest(run)).unwrap() - raised(&before).unwrap_or(0);
            assert_eq!(by, 1, "{what} raises it: {ended}");
        }
        if more.contains(&"--resume") {
            let done = world.wait_ended(run);
            assert_eq!(done.outcome(), "success", "{what}: {done}");
        }
    } else if repeated.contains(&state) {
        assert_eq!(ended.code, Some(0), "{what}, once more: {ended}");
        assert_eq!(world.manifest(run), before, "{what}, once more, changes nothing");
    } else {
        assert_eq!(ended.code, Some(3), "{what} is said to be impossible: {ended}");
        assert!(ended.stderr.contains("\nhint: "), "{what}: what to do? {ended}");
        assert_eq!(world.manifest(run), before, "{what}: a refusal changes nothing");
    }
}

fn every_verb(states: &[&str]) {
    let mut tried = 0;
    for (state, prepare) in STATES.iter().filter(|(state, _)| states.contains(state)) {
        let world = world();
        let mut fresh: Option<String> = None;
        for verb in VERBS {
            let run = fresh.take().unwrap_or_else(|| prepare(&world));
            let before = world.manifest(&run);
            try_verb(&world, state, &run, verb);
            tried += 1;
            // What nobody has changed can be used once more; making it takes a while.
            let is_there = world.runs().iter().any(|path| path.ends_with(&run));
            fresh = (is_there && world.manifest(&run) == before).then_some(run);
        }
    }
    assert_eq!(tried, states.len() * VERBS.len());
}

#[test]
fn verbs_of_runs_that_were_not_started() {
    every_verb(&["initialized", "ready", "passive", "archived ready"]);
}

#[test]
fn verbs_of_runs_that_are_at_work() {
    every_verb(&["running"]);
}

#[test]
fn verbs_of_runs_that_were_interrupted() {
    every_verb(&["interrupted"]);
}

#[test]
fn verbs_of_runs_that_have_ended() {
    every_verb(&["success", "blocked", "exhausted", "aborted", "archived"]);
}

#[test]
fn who_can_be_resumed_is_resumed_with_words() {
    for (state, prepare) in STATES {
        let world = world();
        let run = prepare(&world);
        let may = capability(&world.status(&run), "canResume");
        let before = world.manifest(&run);
        let words: &[&str] = if *state == "ready" { &[] } else { &["Go on"] };
        let resumed = world.run(&[&["run", "--resume-run", &run], words].concat());
        if may {
            assert_eq!(resumed.code, Some(0), "{state}: {resumed}");
        } else {
            assert_eq!(resumed.code, Some(3), "{state}: {resumed}");
            assert!(resumed.stderr.contains("\nhint: "), "{state}: what to do? {resumed}");
            assert_eq!(world.manifest(&run), before, "{state}: a refusal changes nothing");
        }
        if *state == "running" {
            resumed.expect_stderr(&format!("agent-runner run queue-message {run}"));
        }
    }
}

#[test]
fn an_archived_run_is_taken_back_out_before_anything_else_is_done() {
    let world = world();
    let run = archived_ready(&world);
    let refused = world.run(&["run", "queue-message", &run, "hello"]).expect_code(3);
    let refused = refused
        .expect_stderr(&format!("`agent-runner run unarchive {run}` takes it back out; then start it first"));
    assert!(!refused.stderr.contains("resume it with this message"), "{refused}");
    let run = archived(&world);
    let refused = world.run(&["run", "queue-message", &run, "hello"]).expect_code(3);
    refused.expect_stderr("takes it back out; then resume it with this message");
}

/// What is refused wherever a run stands, and what is to be done instead.
#[test]
fn extensions_that_mean_nothing_are_refused_and_raise_nothing() {
    let world = world();
    let run = exhausted(&world);
    let refused = |run: &str, words: &[&str], said: &str, hint: &str| {
        let before = world.manifest(run);
        let ended = world.run(&[&["run", "extend", run], words].concat()).expect_code(3);
        let ended = ended.expect_stderr(said).expect_stderr("\nhint: ");
        assert!(ended.stderr.contains(hint), "{hint}: {ended}");
        assert_eq!(world.manifest(run), before, "{words:?}: a refusal changes nothing");
    };
    let most = "9007199254740991";
    refused(&run, &["--attempts", most], "the largest there is", "");
    refused(&run, &["--attempts", most, "--resume"], "the largest there is", "");
    refused(&run, &["--attempts", "0"], "has to add something", "--attempts");
    refused(&run, &["--tokens", "5"], "no ceiling of `tokens`", "run status");
    let put_away = archived(&world);
    let back = format!("run unarchive {put_away}");
    refused(&put_away, &["--attempts", "1"], "is archived", &back);
    refused(&put_away, &["--attempts", "1", "--resume", "Go on"], "is archived", &back);
    let by_hand = passive(&world);
    refused(&by_hand, &["--attempts", "1"], "no ceiling of `attempts`", "run status");
    refused(&by_hand, &["--attempts", "1", "--resume"], "no ceiling of `attempts`", "run status");
    let new = init(&world);
    refused(&new, &["--attempts", "1", "--resume"], "approve it with", &format!("run ready {new}"));
    let approved = ready(&world);
    refused(&approved, &["--attempts", "1", "--resume", "Words"], "frozen", "without them");
}

#[test]
fn values_and_workers_that_a_run_cannot_be_made_with_are_refused() {
    let world = world();
    let text = "---\nschemaVersion: 1\nname: valued\nvars:\n  where: {}\n  inherited: {sources: [parent, env], \
                envName: SOME_VARIABLE}\ntasks:\n  - id: one\n    title: Look at {{where}}\n---\nDo it.\n";
    world.write("config/assignments/valued/assignment.md", text);
    let make = |words: &[&str]| {
        let args = [&["init", "--agent", "fake", "--assignment", "valued"], words].concat();
        world.run(&args).expect_code(3)
    };
    make(&["--var", "where=a", "--var", "where=b"])
        .expect_stderr("--var where is given twice")
        .expect_stderr("hint: keep one of them");
    make(&["--var", "inherited=a"])
        .expect_stderr("variable `inherited` is not taken from `cli`")
        .expect_stderr("hint: its sources are ");
    world
        .run(&["init", "--assignment", "valued"])
        .expect_code(3)
        .expect_stderr("a run needs an agent or a backend")
        .expect_stderr("--agent")
        .expect_stderr("--backend");
    assert_eq!(world.runs().len(), 0, "nothing was made");
}
