//! What the program prints: complete, parseable, quiet when nobody reads, and within the width of a terminal.

use std::io::Read as _;
use std::process::Stdio;

use crate::harness::{Manifest as _, World};

/// A passive run with 300 KB of notes.
fn noted(world: &World) -> (String, String) {
    world.work(&["one", "two"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let notes: String = (0..150_000 / 50)
        .map(|line| format!("line {line:06} of the notes, fifty bytes with the end\n"))
        .collect();
    for task in ["one", "two"] {
        let set = world.command(&["task", "set", &run, task, "--notes", "-"]).stdin(notes.clone()).run();
        set.expect_code(0);
    }
    (run, notes)
}

/// Runs a command whose output is read a few bytes at a time.
fn read_slowly(world: &World, args: &[&str]) -> String {
    let mut command = world.command(args).build();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0u8; 100]);
    while let count @ 1.. = pipe.read(&mut piece).unwrap() {
        bytes.extend_from_slice(&piece[..count]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn long_output_through_a_pipe_is_complete() {
    let world = World::new();
    let (run, notes) = noted(&world);
    let text = read_slowly(&world, &["task", "show", &run, "one"]);
    let shown: Vec<&str> =
        text.lines().skip_while(|line| *line != "notes:").skip(1).map(str::trim_start).collect();
    assert_eq!(shown, notes.lines().collect::<Vec<_>>());
    let json = read_slowly(&world, &["run", "status", &run, "--output-format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for task in json["tasks"].as_array().unwrap() {
        assert_eq!(task["notes"].as_str().unwrap().trim_end(), notes.trim_end());
    }
}

#[test]
fn output_that_nobody_reads_is_given_up_quietly() {
    let world = World::new();
    let (run, _) = noted(&world);
    for args in [vec!["run", "status", &run, "--output-format", "json"], vec!["task", "show", &run, "one"]] {
        let mut command = world.command(&args).build();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_run_whose_output_nobody_reads_still_runs_and_tells_the_truth() {
    let world = World::new();
    world.work(&["one"]);
    for (script, format, code) in
        [("complete one", "text", 0), ("exit 0", "text", 1), ("exit 0", "json", 1), ("exit 9", "text", 4)]
    {
        world.agent("fake", script);
        let args = ["run", "--agent", "fake", "--assignment", "work", "--output-format", format];
        let mut command = world.command(&args).build();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{script}, {format}\n{}", world.everything_known());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        world.assert_nothing_left();
    }
    for run in world.runs() {
        let run = run.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(world.manifest(&run).phase(), "ended");
        assert_ne!(world.manifest(&run).outcome(), "aborted");
    }
}

/// The names on the outermost level of indented JSON, in their order.
fn keys(json: &str) -> String {
    let names =
        json.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once('"').map(|(name, _)| name));
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_keys_of_json_are_stable() {
    let world = World::new();
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let ended = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["task", "set", &ended, "one", "--status", "completed"]);
    let summary = "runId parentRunId runGroupId repo status effectiveStatus archivedAt pinned agentName name \
                   assignmentName backend model cwd createdAt startedAt updatedAt endedAt totalAttemptCount \
                   totalSessionCount maxAttemptsPerSession tasksCompleted tasksTotal activeTask wait \
                   dependencyState usage \
                   capabilities";
    let detail = format!(
        "{summary} isLive lease workspaceDir revision lastCursor agent assignment effort note backendSessionId \
         unrestricted safetyNote onLimit onBusy mayWrite timeoutSec exitCode failure blockedBy preparation sessions currentSession lastSession attempts \
         queuedResumeMessages tasks message callerInstructions lockedFields budget \
         dependencies dependents \
         callDepth launcher runtimeVars runtimeVarSources \
         resolvedHooks hookState schedule scheduleState executionEnvironment worktree imported"
    );
    for (command, expected) in [
        (vec!["run", "status", &run], detail.as_str()),
        (vec!["task", "list", &run], "runId tasksCompleted tasksTotal tasks"),
        (vec!["task", "show", &run, "one"], "runId task passedBlocks"),
        (vec!["list", "runs"], "runs problems nextCursor"),
        (vec!["run", "queued-messages", &run], "runId effectiveStatus messageId queuedResumeMessages"),
        (vec!["run", "tree", &run], "runId missingParentRunId unreadableParentRunId root problems"),
        (vec!["run", "wait", "--any", &ended, &run], "exitCode timedOut runs"),
        (vec!["attachment", "list", &run], "runId runGroupId scope attachments problems"),
        (vec!["run", "audit", &run], "runId events lastCursor"),
        (vec!["run", "timeline", &run], "run entries warnings"),
        (vec!["run", "brief", &run], "runId brief"),
        (vec!["status"], "version configDir stateDir runtimeDir hostMode connectUrl daemon"),
        (vec!["list", "agents"], "kind definitions warnings"),
        (vec!["show", "agent", "test"], "kind name source shadows resolved settings tasks instructions"),
        (vec!["show", "agent", "test", "--raw"], "kind source text"),
        (
            vec!["new", "agent", "mine", "--print"],
            "kind name file written kept text schemaFile backend agent shadows warnings",
        ),
        (vec!["validate"], "valid files skipped"),
        (vec!["recover"], "runs problems"),
        (vec!["du"], "stateDir total repos runs runCount loose unread problems"),
        (
            vec!["gc", "--older-than", "1w"],
            "dryRun policy deleted kept compressed cleared failed bytesFreed bytesLeft problems",
        ),
    ] {
        let args: Vec<&str> = command.iter().copied().chain(["--output-format", "json"]).collect();
        let printed = world.ok(&args);
        printed.json();
        assert_eq!(keys(&printed.stdout), expected, "{command:?}");
    }
    let runs = world.ok(&["list", "runs", "--output-format", "json"]).json();
    let listed = serde_json::to_string_pretty(&runs["runs"][0]).unwrap();
    let mut names: Vec<&str> = summary.split_whitespace().collect();
    names.sort_unstable();
    let mut listed: Vec<String> = keys(&listed).split(' ').map(str::to_owned).collect();
    listed.sort_unstable();
    assert_eq!(listed, names);
}

#[test]
fn a_watched_run_prints_lines_in_text_and_only_the_result_in_json() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "echo noise; echo noise >&2; [ $FENCE = 2 ] && complete one; exit 0");
    let text = world.run(&["run", "--agent", "fake", "--assignment", "work"]).expect_code(0);
    let run = world.only_run();
    // What the worker of the second attempt says and what it sets come by different ways.
    let changed = "task one: pending -> completed";
    let (mut set, mut lines): (Vec<&str>, Vec<&str>) = text.stdout.lines().partition(|line| *line == changed);
    assert_eq!(set.len(), 1, "{text}");
    lines.insert(9, set.remove(0));
    let expected = [
        &format!(
            "Run {run}: agent fake, backend command, 1 tasks, in {}",
            world.repo().canonicalize().unwrap().display()
        ),
        "session 0 opened: first start",
        "attempt 0 started",
        "  | noise",
        "  | noise",
        "attempt 0 ended: the worker ended its turn",
        "attempt 1 started: tasks are still open",
        "  | noise",
        "  | noise",
        "task one: pending -> completed",
        "attempt 1 ended: the worker ended its turn",
        "",
        "completed  one  Do one",
    ];
    assert_eq!(lines[..expected.len()], expected, "{text}");
    assert!(lines.last().unwrap().starts_with("Next: "), "{text}");
    assert!(!text.stdout.contains('\x1b') && text.stderr.is_empty(), "{text}");
    let json = world.fake(&[]).run().expect_code(0);
    assert_eq!(json.json()["tasks"][0]["status"], "completed");
    assert_eq!(json.stderr, "");
}

#[test]
fn control_characters_of_workers_do_not_reach_the_terminal() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", r#"set_task one --status blocked --notes "$(printf 'a\033[2Jb\007c')""#);
    let ended = world.run(&["run", "--agent", "fake", "--assignment", "work"]).expect_code(2);
    let run = world.only_run();
    for shown in [
        ended.stdout,
        world.ok(&["task", "show", &run, "one"]).stdout,
        world.ok(&["run", "audit", &run]).stdout,
    ] {
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
    }
    assert_eq!(world.manifest(&run).notes("one"), "a\x1b[2Jb\x07c", "what was reported is kept as it is");
}

#[test]
fn the_live_view_keeps_within_the_width_of_its_terminal() {
    for width in [80, 40] {
        let world = World::new();
        let title =
            "a title that is a good deal longer than a narrow terminal is wide, and then some more of it";
        world.write(
            "config/assignments/work/assignment.md",
            format!("---\nschemaVersion: 1\nname: work\ntasks:\n  - id: one\n    title: {title}\n  - id: two\n    title: short\n---\n"),
        );
        let go = world.fifo("go");
        world.agent(
            "fake",
            &format!(
                "set_task one --status in_progress\necho '{}'\nread x < \"$W/go\"\ncomplete one two",
                "latest ".repeat(40)
            ),
        );
        let terminal =
            world.command(&["run", "--agent", "fake", "--assignment", "work"]).at_terminal(width, 24);
        terminal.wait_for("| latest");
        go.release();
        let (code, shown) = terminal.wait();
        assert_eq!(code, Some(0), "{shown}");
        // Before the picture is taken away for the closing table, which is not drawn in place but folded at words.
        let (live, closing) = shown.rsplit_once("\x1b[J").unwrap();
        let words = closing.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(": success (2 of 2 tasks completed"), "{closing}");
        for line in plain(closing).lines().filter(|line| line.chars().count() > usize::from(width) + 1) {
            assert!(line.contains('/') || line.starts_with("Next: "), "{line:?} of {closing}");
        }
        let lines: Vec<String> = plain(live).lines().map(|line| line.trim_matches('\r').to_owned()).collect();
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= usize::from(width), "{longest} of {width} columns: {lines:#?}");
        for seen in ["[~] one  a title", "[ ] two  short", " · running · 0"] {
            assert!(lines.iter().any(|line| line.contains(seen)), "no {seen:?}: {lines:#?}");
        }
        assert!(live.contains("\x1b[") && lines.iter().any(|line| line.ends_with('…')), "{lines:#?}");
        world.assert_nothing_left();
    }
}

/// The text without its escape sequences.
fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| {
        plain + piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '?').get(1..).unwrap_or("")
    })
}
