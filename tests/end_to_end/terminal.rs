//! The live view in a real terminal, as a person sees it.

use rustix::process::Signal;

use crate::harness::{Manifest as _, Tmux, World};

/// What a person types.
const RUN: &str = "agent-runner run --agent fake --assignment work --name 'Nightly checks'";

/// A terminal with this in it.
fn terminal<'a>(world: &'a World, size: (u16, u16), variables: &[(&str, &str)], script: &str) -> Tmux<'a> {
    let command =
        variables.iter().fold(world.command(&[]), |command, (name, value)| command.env(name, *value));
    command.in_tmux(size.0, size.1, script)
}

/// A worker that goes on step by step, a word at a time. It waits at `gate` between its steps.
fn stepping(world: &World) {
    world.assignment("work", &[("fetch", ""), ("build", ""), ("publish", "")]);
    world.agent(
        "fake",
        "step() { echo \"$1\" > \"$W/at\"; read x < \"$W/gate\"; }
         set_task fetch --status in_progress
         echo 'Fetching what has changed since yesterday'
         step fetching
         complete fetch
         set_task build --status in_progress --notes 'needs the new compiler'
         echo 'Building with a line that is far too long for any narrow terminal and goes on and on and on'
         step building
         complete build
         set_task publish --status blocked --notes 'no key for the registry'
         step blocked
         set_task publish --status completed",
    );
}

/// Whether no line of a picture was wrapped: each of them begins as lines of the picture do.
#[track_caller]
fn assert_unwrapped(shown: &str) {
    for line in shown.lines().filter(|line| !line.is_empty()) {
        let known = [
            "Run ", "fake (", "attempt ", "[", "    - ", "    … ", "now ", "waits ", "used ", "Ctrl-C ",
            "| ", "* ", "> ", "! ",
        ];
        let timed = line.len() > 10 && line.as_bytes()[2] == b':' && line.as_bytes()[5] == b':';
        assert!(
            timed || line.contains('│') || known.iter().any(|start| line.starts_with(start)),
            "{line:?} in\n{shown}"
        );
    }
}

#[test]
fn a_run_is_watched_in_terminals_of_every_width() {
    for (columns, rows) in [(80, 24), (40, 20), (200, 24)] {
        let world = World::new();
        stepping(&world);
        let (at, gate) = (world.fifo("at"), world.fifo("gate"));
        let pane = terminal(&world, (columns, rows), &[], RUN);
        assert_eq!(at.line(), "fetching");
        let shown = pane.wait_until("the first step", |shown| {
            shown.contains("[~] fetch    Do fetch") && shown.contains("| Fetching what has changed")
        });
        assert!(!pane.has_cursor(), "the cursor is hidden while the picture changes");
        assert_unwrapped(&shown);
        assert!(shown.starts_with(&format!("Run {} · running · 0", world.only_run())), "{shown}");
        assert!(
            shown.contains("attempt 0 · try 1 of ") && shown.contains("[ ] build    Do build"),
            "{shown}"
        );

        gate.release();
        assert_eq!(at.line(), "building");
        let shown = pane.wait_until("the second step", |shown| {
            shown.contains("[x] fetch    Do fetch") && shown.contains("| Building with a line")
        });
        assert_unwrapped(&shown);
        assert!(shown.contains("- needs the new compiler"), "{shown}");
        // The whole of the long line fits into the widest terminal only.
        assert_eq!(shown.contains("and goes on and on and on"), columns == 200, "{shown}");
        assert!(shown.contains("│ ") == (columns == 200), "side by side where there is room\n{shown}");
        keep(&format!("watching-{columns}"), &shown);

        gate.release();
        assert_eq!(at.line(), "blocked");
        let shown = pane.wait_for("[!] publish  Do publish");
        assert!(shown.contains("- no key for the registry"), "{shown}");
        gate.release();
        let shown = pane.wait_for("ended with 0");
        // What is said at the end is not drawn, so it is folded where the terminal is too narrow: between words.
        assert!(in_words(&shown).contains("success (3 of 3 tasks completed, 1 attempt"), "{shown}");
        assert!(!shown.contains("[x]") && !shown.contains("attempt 0 ·"), "the picture is gone\n{shown}");
        assert!(pane.has_cursor(), "the cursor is back");
        keep(&format!("ended-{columns}"), &shown);
    }
}

/// What is shown, however it is folded.
fn in_words(shown: &str) -> String {
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn runs_are_listed_and_shown_in_terminals_of_every_width() {
    for columns in [40, 80, 160] {
        let world = World::new();
        world.work(&["one"]);
        world.agent("fake", "[ \"$AGENT_RUNNER_RUN_GROUP_ID\" = waits ] && exit 75; complete one");
        let done = world.fake(&["--name", "Nightly checks"]).run().expect_code(0).run_id();
        let waits = world.fake(&["--detach", "--group-id", "waits"]).run().expect_code(0).run_id();
        world.wait_manifest(&waits, "a wait", |manifest| {
            manifest["state"]["phase"]["stage"]["name"] == "waiting"
        });
        let script = format!("agent-runner list runs; echo; agent-runner run status {waits}");
        let pane = terminal(&world, (columns, 50), &[("TZ", "XYZ-5:30")], &script);
        let shown = pane.wait_for("ended with 0");
        keep(&format!("listed-{columns}"), &shown);
        let (list, status) = shown.split_once("\n\n").unwrap();
        let starts = list.lines().filter(|line| line.starts_with(&done) || line.starts_with(&waits)).count();
        assert_eq!((starts, list.lines().count()), (2, if columns < 80 { 4 } else { 2 }), "{shown}");
        assert!(
            list.contains("  waits ") && list.contains(" s  0/1  ") && list.contains(" +05:30"),
            "{shown}"
        );
        assert!(!list.contains('Z') && !list.contains("pause"), "short times, few words\n{shown}");
        assert!(
            in_words(status).contains("the worker asked to be tried again later (exit code 75)"),
            "{shown}"
        );
        // Only a path is longer than a line.
        let full = status.lines().filter(|line| line.len() == usize::from(columns) && !line.contains('/'));
        assert_eq!(full.filter(|line| !line.starts_with("Next: ")).count(), 0, "{shown}");
        let piped = world.ok(&["list", "runs"]).stdout;
        assert!(piped.lines().count() == 2 && piped.lines().all(|line| line.ends_with('Z')), "{piped}");
        world.ok(&["run", "abort", &waits]);
    }
}

/// Keeps what was seen where somebody asked for it: `AGENT_RUNNER_TEST_CAPTURES` names a directory.
fn keep(name: &str, shown: &str) {
    if let Some(directory) = std::env::var_os("AGENT_RUNNER_TEST_CAPTURES") {
        std::fs::write(std::path::Path::new(&directory).join(format!("{name}.txt")), shown).unwrap();
    }
}

#[test]
fn a_picture_follows_the_size_of_its_terminal() {
    let world = World::new();
    stepping(&world);
    let (at, gate) = (world.fifo("at"), world.fifo("gate"));
    let pane = terminal(&world, (100, 24), &[], RUN);
    at.line();
    pane.wait_for("| Fetching what has changed since yesterday");
    let run = world.only_run();
    // The last one is too low for the picture that was there: what the terminal has moved out of sight by itself cannot
    // be taken away any more.
    for (columns, rows, gone) in [(40, 24, "since yesterday"), (120, 30, "\u{0}"), (40, 6, "[ ] publish")] {
        pane.resize(columns, rows);
        // Lines that the terminal has folded are taken away, not left behind.
        let shown = pane.wait_until(&format!("the picture in {columns} columns"), |shown| {
            let lines: Vec<&str> = shown.lines().filter(|line| !line.is_empty()).collect();
            let heads = lines.iter().filter(|line| line.starts_with(&format!("Run {run}"))).count();
            let tasks = lines.iter().filter(|line| line.contains("[~] fetch")).count();
            heads == 1 && tasks == 1 && !shown.contains(gone) && lines.len() < usize::from(rows)
        });
        assert_unwrapped(&shown);
        assert_eq!(shown.contains("[ ] publish"), rows > 10, "{columns} x {rows}\n{shown}");
    }
    for _ in 0..3 {
        gate.release();
    }
    pane.wait_for("ended with 0");
    let everything = in_words(&pane.everything());
    assert!(everything.contains("success (3 of 3 tasks completed"), "{everything}");
}

#[test]
fn colours_can_be_refused() {
    for (variables, coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("CLICOLOR", "0")], false),
        (&[("NO_COLOR", "")], true),
    ] {
        let world = World::new();
        stepping(&world);
        let (at, gate) = (world.fifo("at"), world.fifo("gate"));
        let pane = terminal(&world, (80, 24), variables, RUN);
        at.line();
        pane.wait_for("[~] fetch");
        let everything = pane.everything();
        assert_eq!(everything.contains("\x1b["), coloured, "{variables:?}: {everything:?}");
        for _ in 0..3 {
            gate.release();
        }
        pane.wait_for("ended with 0");
    }
    // A terminal that can do nothing gets lines.
    let world = World::new();
    stepping(&world);
    let (at, gate) = (world.fifo("at"), world.fifo("gate"));
    let pane = terminal(&world, (80, 24), &[("TERM", "dumb")], RUN);
    at.line();
    pane.wait_for("task fetch: pending -> in_progress");
    for _ in 0..3 {
        gate.release();
    }
    assert!(!pane.wait_for("ended with 0").contains("[~]"));
}

/// The seconds that a wait is said to take still.
fn seconds_left(shown: &str) -> Option<u32> {
    let line = shown.lines().find(|line| line.starts_with("waits "))?;
    line.strip_prefix("waits ")?.split_once(" s, until ")?.0.parse().ok()
}

#[test]
fn a_wait_is_counted_down_and_ctrl_c_ends_it() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "exit 75");
    let pane = terminal(&world, (80, 24), &[("TZ", "XYZ-5:30")], RUN);
    let shown = pane.wait_until("a countdown", |shown| seconds_left(shown).is_some());
    assert!(shown.contains(" +05:30 (pause after a fault): the worker asked"), "{shown}");
    assert_unwrapped(&shown);
    let first = seconds_left(&shown).unwrap();
    assert!((1..=10).contains(&first), "{shown}");
    keep("waiting-80", &shown);
    let listed = world.command(&["list", "runs"]).env("TZ", "XYZ-5:30").run().expect_code(0);
    assert!(
        listed.stdout.contains("running, waits until ") && listed.stdout.contains("+05:30 (pause"),
        "{listed}"
    );
    let run = world.only_run();
    let status = world.ok(&["run", "status", &run]).expect_stdout("Waiting: ");
    assert!(status.stdout.contains(" UTC (pause after a fault): the worker asked"), "{status}");
    pane.wait_until("the next second", |shown| seconds_left(shown).is_some_and(|left| left < first));
    pane.keys(&["C-c"]);
    let shown = pane.wait_for("ended with 130");
    assert!(shown.contains(": aborted (0 of 1 tasks completed"), "{shown}");
    assert!(!shown.contains("waits "), "{shown}");
    assert!(pane.has_cursor());
    assert_eq!(world.manifest(&run).outcome(), "aborted");
}

#[test]
fn ctrl_c_says_what_it_does_and_ends_the_worker_in_the_end() {
    let world = World::new();
    world.work(&["one"]);
    let asked = world.fifo("asked");
    world.agent(
        "fake",
        "trap 'echo asked > \"$W/asked\"' TERM; echo ready; while :; do sleep 1000 & wait; done",
    );
    let pane = terminal(&world, (80, 24), &[("AGENT_RUNNER_STOP_GRACE_SEC", "1000")], RUN);
    assert!(pane.wait_for("| ready").contains("Ctrl-C aborts the run"));
    pane.keys(&["C-c"]);
    asked.line();
    let shown = pane.wait_for("stopping the worker; once more ends it at once");
    assert!(shown.contains("now at work") && !pane.has_cursor(), "{shown}");
    pane.keys(&["C-c"]);
    let shown = pane.wait_for("ended with 130");
    assert!(shown.contains(": aborted (0 of 1 tasks completed"), "{shown}");
    assert!(pane.has_cursor());
}

#[test]
fn a_paused_command_leaves_the_terminal_to_others() {
    let world = World::new();
    stepping(&world);
    let (at, gate) = (world.fifo("at"), world.fifo("gate"));
    let pane =
        terminal(&world, (80, 24), &[], &format!("set -m\n{RUN}\necho \"paused with $?\"; read x; fg; true"));
    at.line();
    pane.wait_for("[~] fetch");
    pane.keys(&["C-z"]);
    let shown = pane.wait_for("paused with ");
    assert!(pane.has_cursor(), "{shown}");
    // The run goes on meanwhile, and the picture is drawn anew below.
    gate.release();
    assert_eq!(at.line(), "building");
    assert!(!pane.shown().contains("[~] build"), "{}", pane.shown());
    pane.keys(&["Enter"]);
    pane.wait_for("[~] build");
    assert!(!pane.has_cursor());
    gate.release();
    gate.release();
    let shown = pane.wait_for("ended with 0");
    assert!(shown.contains("paused with ") && pane.has_cursor(), "{shown}");
}

#[test]
fn however_the_command_ends_the_cursor_comes_back() {
    for (signal, ends) in [(Signal::HUP, 129), (Signal::QUIT, 137), (Signal::TERM, 130)] {
        let world = World::new();
        stepping(&world);
        let (at, pid) = (world.fifo("at"), world.fifo("pid"));
        let _gate = world.fifo("gate");
        let pane = terminal(
            &world,
            (80, 24),
            &[],
            &format!("sh -c 'echo $$ > \"{}\"; exec {}'", pid.path.display(), RUN.replace('\'', "\"")),
        );
        at.line();
        pane.wait_for("[~] fetch");
        assert!(!pane.has_cursor());
        world.signal(pid.line().parse().unwrap(), signal);
        let shown = pane.wait_for(&format!("ended with {ends}"));
        assert!(pane.has_cursor(), "{signal:?}\n{shown}");
        let run = world.only_run();
        let goes_on = signal != Signal::TERM;
        assert_eq!(world.status(&run)["effectiveStatus"] == "running", goes_on, "{signal:?}");
        if goes_on {
            world.ok(&["run", "abort", &run]);
        }
    }
}

#[test]
fn attaching_shows_what_happened_and_leaving_leaves_the_run_going() {
    let world = World::new();
    stepping(&world);
    let (at, gate) = (world.fifo("at"), world.fifo("gate"));
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    at.line();
    let pane = terminal(&world, (80, 24), &[], &format!("agent-runner run attach {run}"));
    let shown = pane.wait_for("| Fetching what has changed since yesterday");
    assert!(shown.contains("Ctrl-C ends the watching, not the run"), "{shown}");
    pane.keys(&["C-c"]);
    pane.wait_for("ended with 130");
    assert!(pane.has_cursor());
    for _ in 0..3 {
        gate.release();
    }
    assert_eq!(world.wait_ended(&run)["state"]["phase"]["outcome"]["name"], "success");
}
