//! Two callers at once: what they leave, their exit codes and the run's history are those of one order or the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::scene::{
    archived, essence, exhausted, init, passive, ready, running, success, wait_blocked, world,
};
use crate::harness::{Finished, Manifest as _, World};

const ROUNDS: usize = 4;

/// What was written to so far: nothing is written over.
static OUTPUTS: AtomicUsize = AtomicUsize::new(0);

type Prepare = fn(&World) -> String;

/// What two callers say; `@` stands for the run, `@other` for one that is always there, `@file` for a file,
/// `@out` for one that is not there yet.
type Pair = (Prepare, &'static str, &'static str);

fn words(world: &World, text: &str, run: &str, other: &str) -> Vec<String> {
    let file = world.path("file.txt").display().to_string();
    let word = |word: &str| match word {
        "@" => run.to_owned(),
        "@other" => other.to_owned(),
        "@file" => file.clone(),
        "@out" => {
            let number = OUTPUTS.fetch_add(1, Ordering::Relaxed);
            world.path(format!("out-{number}.txt")).display().to_string()
        }
        "@message" => {
            world.manifest(run)["state"]["queuedResumeMessages"][0]["id"].as_str().unwrap().to_owned()
        }
        "@attachment" => world.manifest(run)["state"]["attachments"][0]["id"].as_str().unwrap().to_owned(),
        word => word.to_owned(),
    };
    text.split_whitespace().map(word).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// What came of it: the codes of both, and the run.
type Came = (Option<i32>, Option<i32>, Value);

fn in_order(world: &World, pair: &Pair, other: &str, reversed: bool) -> Came {
    let (prepare, first, second) = pair;
    let run = prepare(world);
    let (first, second) = (words(world, first, &run, other), words(world, second, &run, other));
    let see_through = |words: &[String]| {
        let code = world.run(&strs(words)).code;
        wait_worked(world, pair, &run);
        code
    };
    let (first, second) = match reversed {
        false => {
            let first = see_through(&first);
            (first, see_through(&second))
        }
        true => {
            let second = see_through(&second);
            (see_through(&first), second)
        }
    };
    (first, second, essence(world, &run))
}

/// A run that goes on in the background is worked off when nobody is at it any more.
fn wait_worked(world: &World, pair: &Pair, run: &str) {
    let is_there = world.runs().iter().any(|path| path.ends_with(run));
    if pair.1.contains("--resume") && is_there && world.manifest(run).phase() == "active" {
        world.wait_ended(run);
    }
}

/// One of them alone: what is left where the other was refused because this one was still at it.
fn alone(world: &World, pair: &Pair, other: &str, which: usize) -> Value {
    let run = (pair.0)(world);
    let text = [pair.1, pair.2][which];
    match world.run(&strs(&words(world, text, &run, other))).code {
        Some(0) => {
            wait_worked(world, pair, &run);
            essence(world, &run)
        }
        _ => Value::Null,
    }
}

fn at_once(world: &World, pair: &Pair, other: &str, round: usize) -> ([Finished; 2], Value) {
    let (prepare, first, second) = pair;
    let run = prepare(world);
    let (first, second) = (words(world, first, &run, other), words(world, second, &run, other));
    // In half of the rounds both have looked at the run and are about to change it before either of them can.
    let lock = std::fs::File::options().write(true).open(world.run_dir(&run).join("run.lock")).unwrap();
    let holds = round.is_multiple_of(2);
    if holds {
        lock.lock().unwrap();
    }
    let racing = match round % 4 < 2 {
        true => {
            let first = world.command(&strs(&first)).spawn();
            [first, world.command(&strs(&second)).spawn()]
        }
        false => {
            let second = world.command(&strs(&second)).spawn();
            [world.command(&strs(&first)).spawn(), second]
        }
    };
    if holds {
        wait_blocked(&[&racing[0], &racing[1]]);
        lock.unlock().unwrap();
    }
    let ended = racing.map(|command| command.wait());
    wait_worked(world, pair, &run);
    (ended, essence(world, &run))
}

fn race(pairs: &[Pair]) {
    for pair in pairs {
        let world = world();
        world.write("file.txt", "x");
        let other = passive(&world);
        let orders = [in_order(&world, pair, &other, false), in_order(&world, pair, &other, true)];
        // A resume is not over when it has begun, and a run is made anew from how it was when somebody looked.
        let starts = pair.1.contains("--resume");
        let looks = |text: &str| text.starts_with("init ") || text.contains("reconfigure");
        let takes_time = starts || looks(pair.1) || looks(pair.2);
        let left_alone =
            takes_time.then(|| {
                [0, 1].map(|which| {
                    if which == 1 && starts { Value::Null } else { alone(&world, pair, &other, which) }
                })
            });
        for round in 0..ROUNDS {
            let ([first, second], left) = at_once(&world, pair, &other, round);
            for ended in [&first, &second] {
                assert!(matches!(ended.code, Some(0 | 3)), "{pair:?} {round}: {ended}");
                let says = ended.code == Some(0) || ended.stderr.contains("\nhint: ");
                assert!(says, "{pair:?} {round}: what to do? {ended}");
            }
            let came = (first.code, second.code, left);
            let is_left_by = |which: usize| left_alone.as_ref().is_some_and(|left| left[which] == came.2);
            let is_between = match (came.0, came.1) {
                (Some(0), Some(3)) => is_left_by(0),
                (Some(3), Some(0)) => !starts && is_left_by(1),
                // Two that go on with a run that has ended: what one began is over before the other drives it.
                (Some(0), Some(0)) => pair.1 == pair.2 && is_left_by(0),
                _ => false,
            };
            assert!(
                orders.contains(&came) || is_between,
                "{:?} at once, round {round}: {came:#?}\nis neither order: {orders:#?}\n{first}\n{second}",
                (pair.1, pair.2)
            );
        }
        for run in world.runs().iter().filter_map(|path| path.file_name()?.to_str()) {
            if world.manifest(run).phase() == "active" {
                world.ok(&["run", "abort", run]);
            }
        }
        world.assert_nothing_left();
    }
}

fn with_dependency(world: &World) -> String {
    let run = init(world);
    world.ok(&["run", "add-dep", &run, "--group", "others"]);
    run
}

fn with_attachment(world: &World) -> String {
    let run = init(world);
    world.ok(&["attachment", "add", &run, &world.path("file.txt").display().to_string()]);
    run
}

fn touched(world: &World) -> String {
    let run = init(world);
    world.ok(&["task", "set", &run, "one", "--status", "in_progress"]);
    run
}

fn archived_init(world: &World) -> String {
    let run = with_attachment(world);
    world.ok(&["run", "archive", &run]);
    run
}

#[test]
fn approving_and_making_anew() {
    race(&[
        (init, "run ready @", "run ready @"),
        (init, "run ready @", "run archive @"),
        (init, "run ready @", "run reset @"),
        (init, "run ready @", "run reconfigure @ Other"),
        (init, "run ready @", "init --run-id @ --agent fake --assignment work Again"),
        (init, "run reconfigure @ First", "run archive @"),
        (init, "init --run-id @ --agent fake --assignment work Again", "run archive @"),
        (init, "run reconfigure @ First", "run reconfigure @ Second"),
        (
            init,
            "init --run-id @ --agent fake --assignment work First",
            "init --run-id @ --agent fake --assignment work Second",
        ),
        (init, "run reconfigure @ First", "init --run-id @ --agent fake --assignment work Second"),
        (init, "run ready @", "task set @ one --status completed"),
        (init, "init --run-id @ --agent fake --assignment work Again", "run reset @"),
        (touched, "init --run-id @ --agent fake --assignment work Again", "run reset @"),
        (touched, "run reconfigure @ Again", "run reset @"),
        (
            passive,
            "init --run-id @ --backend passive --assignment work Again",
            "run set-backend-session @ abc",
        ),
    ]);
}

#[test]
fn ceilings() {
    race(&[
        (exhausted, "run extend @ --attempts 1", "run extend @ --attempts 2"),
        (exhausted, "run extend @ --attempts 1", "run reset @"),
        (exhausted, "run extend @ --attempts 1", "run archive @"),
        (archived, "run extend @ --attempts 1", "run unarchive @"),
        (archived, "run delete @", "run extend @ --attempts 1"),
        (init, "run extend @ --attempts 1", "run ready @"),
        (init, "init --run-id @ --agent fake --assignment work Again", "run extend @ --attempts 1"),
        (running, "run extend @ --attempts 1", "run extend @ --attempts 2"),
    ]);
}

#[test]
fn ceilings_of_runs_that_go_on() {
    race(&[
        (exhausted, "run extend @ --attempts 1 --resume", "run reset @"),
        (exhausted, "run extend @ --attempts 1 --resume", "run archive @"),
        (ready, "run extend @ --attempts 1 --resume", "run reset @"),
        (exhausted, "run extend @ --attempts 1 --resume Words", "run archive @"),
        (archived, "run delete @", "run extend @ --attempts 1 --resume"),
    ]);
}

#[test]
fn extensions_that_go_on_at_once_raise_as_often_as_they_say() {
    let world = world();
    for round in 0..6 {
        let run = exhausted(&world);
        let lock = std::fs::File::options().write(true).open(world.run_dir(&run).join("run.lock")).unwrap();
        let args = ["run", "extend", &run, "--attempts", "1", "--resume"];
        lock.lock().unwrap();
        let racing = [world.command(&args).spawn(), world.command(&args).spawn()];
        wait_blocked(&[&racing[0], &racing[1]]);
        lock.unlock().unwrap();
        let ended = racing.map(|command| command.wait());
        let done = ended.iter().filter(|ended| ended.code == Some(0)).count();
        for ended in &ended {
            let says = ended.code == Some(0) || ended.code == Some(3) && ended.stderr.contains("\nhint: ");
            assert!(says, "round {round}: what to do? {ended}");
        }
        assert!(done > 0, "round {round}: {}\n{}", ended[0], ended[1]);
        let manifest = world.wait_ended(&run);
        let raised = manifest["state"]["budget"]["extended"]["attempts"].as_u64();
        let all = format!("round {round}: {}\n{}", ended[0], ended[1]);
        assert_eq!(raised, u64::try_from(done).ok(), "{all}");
        assert_eq!(manifest.outcome(), "success", "{all}");
        assert_eq!(manifest["state"]["sessions"].as_array().map(Vec::len), Some(2), "{all}");
    }
    world.assert_nothing_left();
}

#[test]
fn putting_away_taking_out_and_deleting() {
    race(&[
        (success, "run reset @", "run reset @"),
        (success, "run reset @", "run archive @"),
        (success, "run archive @", "run archive @"),
        (archived, "run unarchive @", "run unarchive @"),
        (archived, "run delete @", "run delete @"),
        (archived, "run delete @", "run unarchive @"),
        (archived, "run delete @", "run set-name @ name"),
        (archived, "run delete @", "run set-note @ note"),
        (archived, "run delete @", "run pin @"),
        (archived, "run delete @", "run set-group @ g"),
        (archived, "run delete @", "run clear-group @"),
        (archived, "run delete @", "run reset @"),
        (archived, "run delete @", "run status @"),
        (archived, "run delete @", "run tree @"),
        (archived, "run delete @", "run queued-messages @"),
    ]);
}

#[test]
fn names_notes_pins_and_groups() {
    race(&[
        (success, "run set-name @ first", "run set-name @ second"),
        (success, "run set-name @ first", "run set-name @ --clear"),
        (success, "run set-note @ first", "run set-note @ second"),
        (success, "run set-note @ first", "run clear-note @"),
        (success, "run pin @", "run unpin @"),
        (success, "run pin @", "run pin @"),
        (success, "run set-group @ first", "run set-group @ second"),
        (success, "run set-group @ first", "run clear-group @"),
        (passive, "run set-backend-session @ first", "run set-backend-session @ second"),
        (passive, "run set-backend-session @ first", "run clear-backend-session @"),
    ]);
}

#[test]
fn dependencies() {
    race(&[
        (init, "run add-dep @ --run @other", "run add-dep @ --run @other"),
        (init, "run add-dep @ --run @other", "run add-dep @ --group g"),
        (init, "run add-dep @ --run @other", "run ready @"),
        (init, "run add-dep @ --group g", "run set-group @ g"),
        (with_dependency, "run remove-dep @ --group others", "run remove-dep @ --group others"),
        (with_dependency, "run remove-dep @ --group others", "run clear-deps @"),
        (with_dependency, "run clear-deps @", "run clear-deps @"),
        (with_dependency, "run clear-deps @", "run ready @"),
    ]);
}

#[test]
fn files() {
    race(&[
        (init, "attachment add @ @file", "attachment add @ @file"),
        (init, "attachment add @ @file", "run archive @"),
        (with_attachment, "attachment remove @ @attachment", "attachment remove @ @attachment"),
        (with_attachment, "attachment remove @ @attachment", "attachment add @ @file"),
        (with_attachment, "attachment remove @ @attachment", "run archive @"),
        (with_attachment, "attachment download @ @attachment @out", "attachment remove @ @attachment"),
        (with_attachment, "attachment download @ @attachment @out", "run archive @"),
        (archived_init, "run delete @", "attachment list @"),
        (archived_init, "run delete @", "attachment add @ @file"),
        (archived_init, "run delete @", "attachment remove @ @attachment"),
    ]);
}

#[test]
fn starting() {
    race(&[
        (ready, "run --resume-run @", "run --resume-run @"),
        (ready, "run --resume-run @", "run archive @"),
        (ready, "run --resume-run @", "run reset @"),
        (ready, "run --resume-run @", "run set-group @ g"),
        (ready, "run --resume-run @", "run clear-group @"),
        (exhausted, "run --resume-run @", "run archive @"),
        (exhausted, "run --resume-run @", "run reset @"),
        (exhausted, "run --resume-run @", "run --resume-run @"),
        (exhausted, "run --resume-run @ Words", "run archive @"),
        (exhausted, "run --resume-run @ Words", "run reset @"),
        (archived, "run delete @", "run --resume-run @ Words"),
        (archived, "run delete @", "run --resume-run @"),
        (archived, "run unarchive @", "run --resume-run @"),
    ]);
}

#[test]
fn new_runs_are_each_their_own() {
    let world = world();
    let args =
        ["init", "--agent", "fake", "--assignment", "work", "--group-id", "g", "--output-format", "json"];
    let racing: Vec<_> = (0..6).map(|_| world.command(&args).spawn()).collect();
    let mut runs: Vec<String> = racing.into_iter().map(|init| init.wait().expect_code(0).run_id()).collect();
    runs.sort();
    runs.dedup();
    assert_eq!((runs.len(), world.runs().len()), (6, 6));
    for run in &runs {
        assert_eq!(world.events_of(run, "run.created").len(), 1);
    }
}

#[test]
fn two_changes_that_close_a_circle_together_do_not_both_happen() {
    // Each alone is fine: one run is to wait for a group, a member of which waits for it, or joins while it does.
    let changes: [(&str, &str); 3] = [
        ("run add-dep A --run B", "run add-dep B --run A"),
        ("run add-dep A --group gb", "run add-dep B --run A"),
        ("run add-dep A --group joined", "run set-group B joined"),
    ];
    let world = world();
    let new = |group: &str| world.init(&["--agent", "fake", "--assignment", "work", "--group-id", group]);
    for (first, second) in changes {
        for round in 0..6 {
            let (a, b) = (new("ga"), new("gb"));
            // The member that joins is one that waits already.
            if second.contains("set-group") {
                world.ok(&["run", "add-dep", &b, "--run", &a]);
            }
            let mut racing = [first, second].map(|text| {
                let text = text.replace('A', &a).replace('B', &b);
                let words: Vec<&str> = text.split_whitespace().collect();
                world.command(&words)
            });
            if round % 2 == 1 {
                racing.reverse();
            }
            let ended = racing.map(|command| command.spawn()).map(|command| command.wait());
            let mut codes: Vec<_> = ended.iter().map(|ended| ended.code).collect();
            codes.sort_unstable();
            assert_eq!(codes, [Some(0), Some(3)], "{first}, {second}: {}\n{}", ended[0], ended[1]);
            let refused = ended.into_iter().find(|ended| ended.code == Some(3)).unwrap();
            refused.expect_stderr("would wait for itself").expect_stderr("hint: ");
            for run in [&a, &b] {
                world.ok(&["run", "archive", run]);
                world.ok(&["run", "delete", run]);
            }
        }
    }
}

fn with_message(world: &World) -> String {
    let run = running(world);
    world.ok(&["run", "queue-message", &run, "Take this"]);
    run
}

#[test]
fn messages() {
    race(&[
        (with_message, "run remove-queued-message @ @message", "run remove-queued-message @ @message"),
        (with_message, "run remove-queued-message @ @message", "run queue-message @ More"),
        (running, "run queue-message @ First", "run queue-message @ Second"),
    ]);
}
