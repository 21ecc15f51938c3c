//! Values of an environment appear nowhere but in manifests and with the worker that is told them: not in what any command
//! prints, not in any file or name of a file, not on the way to whoever is told of a run. Every command of the program is
//! looked through, by what its own help lists, so that a new one cannot be forgotten.

use std::path::{Path, PathBuf};

use crate::chaos::{FAILPOINT, at};
use crate::harness::{Finished, World};

/// A value with everything that is escaped somewhere.
const TOKEN: &str = "canary-7f3a9-\"qüoted\"/value";
/// A value that fits into names of branches, files and runs.
const PLAIN: &str = "canary-plain-08q15w";
/// Parts by which either is known, however it is escaped.
const PARTS: [&str; 6] = ["canary", "7f3a9", "oted\"/value", "oted\\\"\\/value", "oted\\\"/value", "08q15w"];

/// A command's words, and what it is called with: `RUN`, `TASK` and `FILE` stand for a run and what it has, `FORMAT` for how
/// it is to print, `OUT` for a place to write to.
type Look = (&'static str, &'static [&'static [&'static str]]);

/// Every command, those first that change nothing.
const LOOKS: &[Look] = &[
    ("status", &[&[]]),
    ("list runs", &[&[], &["--global", "--include-archived"]]),
    ("list agents", &[&[]]),
    ("list assignments", &[&[]]),
    ("list tasks", &[&[]]),
    ("list launchers", &[&[]]),
    ("show agent", &[&["fake"], &["fake", "--resolved"], &["environment", "--resolved"]]),
    ("show assignment", &[&["work"], &["work", "--resolved"]]),
    ("show task", &[&["review/security"]]),
    ("show launcher", &[&["nowhere"], &["nowhere", "--raw"]]),
    ("validate", &[&[]]),
    ("schema", &[&["agent"]]),
    ("skills list", &[&[]]),
    ("completions", &[&["bash"], &["zsh"], &["fish"]]),
    ("man", &[&[], &["run", "status"], &["--output", "made-FORMAT"]]),
    ("skills install", &[&["--to", "made-FORMAT"]]),
    ("run status", &[&["RUN"]]),
    ("run brief", &[&["RUN"]]),
    ("run audit", &[&["RUN"]]),
    ("run timeline", &[&["RUN"], &["RUN", "--full"]]),
    ("run report", &[&["RUN"], &["RUN", "--format", "html"], &["RUN", "--format", "markdown"]]),
    ("run attach", &[&["RUN"]]),
    ("run wait", &[&["RUN", "--timeout-sec", "1"]]),
    ("run tree", &[&["RUN"]]),
    ("run queued-messages", &[&["RUN"]]),
    ("task list", &[&["RUN"]]),
    ("task show", &[&["RUN", "TASK"]]),
    ("attachment list", &[&["RUN"], &["RUN", "--scope", "group"]]),
    ("attachment download", &[&["RUN", "FILE", "OUT"]]),
    (
        "run export",
        &[&["RUN", "--snapshot", "--force", "--output", "EXPORTED"], &["RUN", "--output", "PATH"]],
    ),
    (
        "run import",
        &[&["PATH"], &["EXPORTED"], &["EXPORTED", "--as-new-id"], &["--all"], &["--all", "--dry-run"]],
    ),
    ("workspace list", &[&[], &["--repo", "repo"]]),
    ("workspace snapshots", &[&["RUN"]]),
    ("recover", &[&["--dry-run"], &["RUN"], &[]]),
    ("du", &[&["RUN"], &["--global"]]),
    ("gc", &[&["--global", "--older-than", "0m", "--dry-run"], &["--compress-only"]]),
    ("new agent", &[&["made-FORMAT"]]),
    ("new assignment", &[&["made-FORMAT"]]),
    ("new task", &[&["made-FORMAT"]]),
    ("init", &[&["--agent", "fake", "--assignment", "work", "--name", "n PLAIN", "Say PLAIN"]]),
    (
        "run",
        &[
            &["--agent", "broken", "--assignment", "work", "--name", "n PLAIN", "Say PLAIN"],
            &["--resume-run", "RUN"],
        ],
    ),
    ("task add", &[&["RUN", "--title", "Say PLAIN"]]),
    ("task edit", &[&["RUN", "TASK", "--title", "Say PLAIN"]]),
    ("task set", &[&["RUN", "TASK", "--status", "blocked", "--notes", "for PLAIN"]]),
    ("task append-notes", &[&["RUN", "TASK", "--text", "and PLAIN"]]),
    ("task delete", &[&["RUN", "TASK"]]),
    ("attachment add", &[&["RUN", "PATH"], &["RUN", "PATH", "--name", "f-PLAIN.txt"]]),
    ("attachment remove", &[&["RUN", "FILE"]]),
    ("run set-name", &[&["RUN", "named PLAIN"]]),
    ("run set-note", &[&["RUN", "noted PLAIN"]]),
    ("run clear-note", &[&["RUN"]]),
    ("run pin", &[&["RUN"]]),
    ("run unpin", &[&["RUN"]]),
    ("run set-group", &[&["RUN", "g-PLAIN"], &["RUN", "team"]]),
    ("run clear-group", &[&["RUN"]]),
    ("run set-backend-session", &[&["RUN", "s-PLAIN"]]),
    ("run clear-backend-session", &[&["RUN"]]),
    ("run queue-message", &[&["RUN", "Say PLAIN"]]),
    ("run remove-queued-message", &[&["RUN", "none"]]),
    ("run add-dep", &[&["RUN", "--group", "g-PLAIN"], &["RUN", "--group", "others"]]),
    ("run remove-dep", &[&["RUN", "--group", "others"]]),
    ("run clear-deps", &[&["RUN"]]),
    ("run extend", &[&["RUN", "--attempts", "1"]]),
    ("run reconfigure", &[&["RUN", "Say PLAIN"]]),
    ("workspace restore", &[&["RUN"], &["RUN", "1", "--to", "OUT"]]),
    ("workspace remove", &[&["RUN"]]),
    ("run ready", &[&["RUN"]]),
    ("run abort", &[&["RUN"]]),
    ("run reset", &[&["RUN"]]),
    ("run archive", &[&["RUN"]]),
    ("run unarchive", &[&["RUN"]]),
    ("run delete", &[&["RUN"]]),
];

/// Where shells ask what may come next.
const OFFERS: &[&str] = &[
    "run status ",
    "run status @",
    "run status @n",
    "run unarchive ",
    "task show RUN ",
    "attachment remove RUN ",
    "run remove-queued-message RUN ",
    "run timeline RUN --attempt ",
    "run --group-id ",
    "list runs --repo ",
    "list runs --agent ",
    "run --agent ",
    "run --assignment ",
    "run --launcher ",
    "show task ",
];

/// The commands that help lists, those that only hold others left out.
fn commands(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(words) = open.pop() {
        let args: Vec<&str> = words.split_whitespace().chain(["-h"]).collect();
        let help = world.ok(&args).stdout;
        let listed = help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap();
        let subs: Vec<&str> = listed
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let usage = help.lines().find(|line| line.starts_with("Usage:")).unwrap();
        if !usage.ends_with("<COMMAND>") {
            found.push(words.clone());
        }
        open.extend(subs.iter().map(|sub| format!("{words} {sub}").trim().to_owned()));
    }
    found.sort();
    found
}

#[track_caller]
fn assert_hidden(what: &str, text: &str) {
    for part in PARTS {
        assert!(!text.contains(part), "{what} has {part:?}:\n{text}");
    }
}

fn with_values<'a>(world: &'a World, args: &[&str]) -> crate::harness::Command<'a> {
    world.command(args).env("TOKEN", TOKEN).env("PLAIN", PLAIN)
}

/// Runs a command with the values in its environment; what it prints must not have them.
#[track_caller]
fn look(world: &World, args: &[&str]) -> Finished {
    let shown = with_values(world, args).run();
    assert_hidden(&format!("{args:?}"), &format!("{}\n{}", shown.stdout, shown.stderr));
    shown
}

/// Everything below a directory, with what it holds.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        }
        found.push(entry.path());
    }
}

/// What a file holds, unpacked if it is compressed.
fn readable(path: &Path) -> String {
    let bytes = match path.extension().is_some_and(|ending| ending == "gz") {
        true => std::process::Command::new("gzip").arg("-cd").arg(path).output().unwrap().stdout,
        false => std::fs::read(path).unwrap(),
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An archive of the run has the values nowhere: not in its manifest either, not in what is compressed in it, not in a name.
/// Says which files are in it.
fn assert_archive_hidden(world: &World, run: &str) -> Vec<String> {
    let archive = world.path(format!("archive-{run}.tar.gz"));
    let args = ["run", "export", run, "--snapshot", "--force", "--output", archive.to_str().unwrap()];
    look(world, &args).expect_code(0);
    let dir = tempfile::tempdir().unwrap();
    let output =
        std::process::Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(dir.path()).output();
    assert!(output.unwrap().status.success());
    let mut found = Vec::new();
    files(dir.path(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("run.json")), "{found:?}");
    for path in found.iter().filter(|path| path.is_file()) {
        assert_hidden(&path.display().to_string(), &readable(path));
    }
    let names = found.iter().map(|path| path.display().to_string());
    names.inspect(|name| assert_hidden("a name", name)).collect()
}

/// No file of the program but manifests has the values, and no name of a file.
fn assert_files_hidden(world: &World) {
    let mut found = Vec::new();
    for place in ["state", "config", "rt", "home"] {
        files(&world.path(place), &mut found);
    }
    assert!(found.iter().any(|path| path.ends_with("run-events.jsonl")), "{found:?}");
    for path in found {
        assert_hidden("a name", &path.display().to_string());
        assert!(!path.ends_with("run.json.tmp"), "{}", path.display());
        if !path.is_file() || path.ends_with("run.json") {
            continue;
        }
        assert_hidden(&path.display().to_string(), &readable(&path));
    }
}

const VARS: &str = "vars:\n  token: {sources: [env], envName: TOKEN, required: true}\n  plain: {sources: [env], envName: PLAIN}\n";

fn assignment(world: &World, name: &str, front: &str) {
    let text =
        format!("---\nschemaVersion: 1\nname: {name}\n{front}---\nUse {{{{token}}}} and {{{{plain}}}}.\n");
    world.write(&format!("config/assignments/{name}/assignment.md"), text);
}

/// Definitions whose runs know the values, and one whose runs do not.
fn definitions(world: &World) {
    let work = "message: \"Say {{token}}\"\ncallerInstructions: It is {{token}}.\n";
    let tasks = "tasks:\n  - id: one\n    title: Call with {{token}}\n    body: \"{{token}}\"\n  - id: two\n    title: Two\n";
    assignment(world, "work", &format!("{work}{VARS}{tasks}"));
    assignment(world, "other", "tasks:\n  - id: one\n    title: Another\n");
    world.write("config/launchers/nowhere.yaml", "schemaVersion: 1\ncommand: \"/nope/{{plain}}\"\n");
    let broken = "---\nschemaVersion: 1\nname: broken\nbackend: shell\nlauncher: nowhere\n---\nBroken.\n";
    world.write("config/agents/broken/agent.md", broken);
    // Wrong, so that it is spoken of.
    let environment = "---\nschemaVersion: 1\nname: environment\nbackend: command\nbackendConfig:\n  command: ${PLAIN}\n---\nX.\n";
    world.write("config/agents/environment/agent.md", environment);
    world.write("notes.txt", "Nothing special.\n");
    world.write("repo/first", "1\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
}

/// All the ways in which a worker may repeat what it was told.
fn talkative(world: &World) {
    let json = serde_json::to_string(TOKEN).unwrap();
    let ascii =
        format!("{{\"v\":\"{}\"}}", TOKEN.replace('"', "\\\"").replace('ü', "\\u00fc").replace('/', "\\/"));
    let twice = serde_json::to_string(&ascii).unwrap();
    let debug = format!("{TOKEN:?}");
    world.write(
        "said",
        [TOKEN, PLAIN, &json, &ascii, &twice, &debug, &format!("{TOKEN}{PLAIN}{TOKEN}"), ""].join("\n"),
    );
    world.agent(
        "fake",
        r#"cat "$W/said"; cat "$W/said" >&2; cat "$PROMPT"
           printf '%0190d%s and more\n' 0 "$TOKEN"
           "$AGENT_RUNNER_CMD" task append-notes "$RUN" one --text "$(cat "$W/said")" > /dev/null
           "$AGENT_RUNNER_CMD" task add "$RUN" --title "Again: $TOKEN" > "$W/reports"
           "$AGENT_RUNNER_CMD" attachment add "$RUN" "$W/notes.txt" --name "f-$PLAIN.txt" > "$W/refused" 2>&1
           "$AGENT_RUNNER_CMD" attachment add "$RUN" "$W/notes.txt" > /dev/null
           "$AGENT_RUNNER_CMD" run set-name "$RUN" "named $PLAIN" > "$W/named" 2>&1
           "$AGENT_RUNNER_CMD" run set-note "$RUN" "noted $TOKEN" >> "$W/named" 2>&1
           commit="git -c user.name=$PLAIN -c user.email=a@example.org commit"
           git checkout --quiet -b "br-$PLAIN"; echo x > "f-$PLAIN"; git add .; $commit --quiet -m "use $TOKEN"; echo x > "u-$PLAIN"
           for id in $("$AGENT_RUNNER_CMD" task list "$RUN" --output-format json | grep -o 'cli-[a-z0-9]*'); do complete "$id"; done
           complete one two
           printf '%s %02020d\n' "$TOKEN" 0"#,
    );
}

#[test]
fn every_command_is_looked_through() {
    let world = World::new();
    let known: Vec<&str> = LOOKS.iter().map(|(words, _)| *words).collect();
    for command in commands(&world) {
        assert!(known.contains(&command.as_str()), "say in LOOKS how `{command}` is looked through");
    }
    assert_eq!(commands(&world).len(), known.len(), "{:?}", commands(&world));
}

#[test]
fn no_command_no_file_and_no_notification_has_a_value_of_the_environment() {
    let world = World::new();
    definitions(&world);
    talkative(&world);
    let notify = "set -x; echo \"told $TOKEN\"; printf '%s\\n' \"$AGENT_RUNNER_RUN_NAME\" \"$AGENT_RUNNER_RUN_SUMMARY\" >> ../told";
    let run = |agent: &str, more: &[&str]| {
        let args = [
            "run",
            "--agent",
            agent,
            "--assignment",
            "work",
            "--output-format",
            "json",
            "--name",
            "n canary-plain-08q15w",
        ];
        look(&world, &args.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let first = with_values(&world, &["run", "--agent", "fake", "--assignment", "work", "--notify", notify])
        .env("AGENT_RUNNER_CAPTURE_BACKEND_STDOUT", "1")
        .run()
        .expect_code(0);
    assert_hidden("run", &format!("{}\n{}", first.stdout, first.stderr));
    let talked = world.only_run();
    for told in ["prompt-1", "said"] {
        assert!(world.read(told).contains(TOKEN), "the worker has to know: {told}");
    }
    assert!(world.manifest(&talked).to_string().contains(PLAIN));
    assert!(
        world.read("refused").contains("holds a value that is shown to nobody"),
        "{}",
        world.read("refused")
    );
    assert_hidden("attachment add", &world.read("refused"));
    assert_hidden("set-name", &world.read("named"));
    let log = String::from_utf8(std::fs::read(world.run_dir(&talked).join("driver.log")).unwrap()).unwrap();
    assert!(log.contains("notification: told [redacted]"), "{log}");
    let tail = world.status(&talked)["attempts"][0]["outputTail"].as_str().unwrap().to_owned();
    assert!((2000..=2048).contains(&tail.len()) && tail.ends_with("000"), "{}: {tail}", tail.len());
    let report = look(&world, &["run", "report", &talked, "--output-format", "json"]).stdout;
    assert!(report.contains("br-[redacted]") && report.contains("use [redacted]"), "{report}");

    let told = world.write("bin/notify-send", "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$0.told\"\n");
    std::fs::set_permissions(&told, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let broken = run("broken", &["--notify", "desktop"]).expect_code(4).run_id();
    run("broken", &["--notify", notify]).expect_code(4);
    for told in ["told", "bin/notify-send.told"] {
        assert!(world.read(told).contains("/nope/[redacted]"), "{}", world.read(told));
        assert_hidden(told, &world.read(told));
    }
    let open = look(&world, &["init", "--agent", "fake", "--assignment", "work", "--output-format", "json"])
        .run_id();
    assert_files_hidden(&world);
    let names = assert_archive_hidden(&world, &talked);
    for part in ["00.events.jsonl", "00.stderr.log", "00.stdout.log", "00.prompt.md", "notes.txt"] {
        assert!(names.iter().any(|name| name.contains(part)), "{part} is not in {names:?}");
    }
    for run in [&broken, &open] {
        assert_archive_hidden(&world, run);
    }

    for run in [&talked, &broken, &open] {
        for line in OFFERS {
            let words = line.split(' ').map(|word| if word == "RUN" { run.as_str() } else { word });
            for shell in ["bash", "zsh", "fish"] {
                let asked = ["complete", "--shell", shell, "--", "agent-runner"];
                look(&world, &asked.into_iter().chain(words.clone()).collect::<Vec<_>>()).expect_code(0);
            }
        }
    }
    for (words, calls) in LOOKS {
        for call in *calls {
            let runs = if call.contains(&"RUN") { vec![&talked, &broken, &open] } else { vec![&open] };
            for run in runs {
                for format in ["text", "json"] {
                    call_it(&world, words, call, run, format);
                }
            }
        }
    }
    assert_files_hidden(&world);
    world.assert_nothing_left();
}

fn call_it(world: &World, words: &str, call: &[&str], run: &str, format: &str) {
    let manifest = world.runs().into_iter().find(|path| path.ends_with(run)).map(|_| world.manifest(run));
    let first = |list: &str| {
        manifest.as_ref().and_then(|manifest| Some(manifest["state"][list][0]["id"].as_str()?.to_owned()))
    };
    let file = first("attachments").unwrap_or_else(|| "att-none".to_owned());
    let out = world.path("out").display().to_string();
    let filled = |word: &&str| match *word {
        "RUN" => run.to_owned(),
        "TASK" => "one".to_owned(),
        "FILE" => file.clone(),
        "OUT" => out.clone(),
        "EXPORTED" => world.path("home/exported.tar.gz").display().to_string(),
        "PATH" => world.path("notes.txt").display().to_string(),
        other => other.replace("FORMAT", format).replace("PLAIN", PLAIN),
    };
    let words: Vec<String> =
        words.split_whitespace().map(str::to_owned).chain(call.iter().map(filled)).collect();
    let args: Vec<&str> = words.iter().map(String::as_str).chain(["--output-format", format]).collect();
    let shown = look(world, &args);
    assert!(!shown.stderr.contains("Usage: "), "{args:?} is no way to call it: {}", shown.stderr);
}

#[test]
fn what_is_written_in_pieces_is_not_shown_while_it_is_written() {
    let world = World::new();
    definitions(&world);
    let event = |event: &str| {
        format!(
            "{{\"type\":\"stream_event\",\"event\":{event},\"session_id\":\"x\",\"parent_tool_use_id\":null,\"uuid\":\"u\"}}"
        )
    };
    let delta = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        event(&format!(
            "{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{text}}}}}"
        ))
    };
    let tool = |id: &str| {
        let call = format!(
            "{{\"type\":\"tool_use\",\"id\":\"{id}\",\"name\":\"Bash\",\"input\":{{\"command\":\"step {id}\"}}}}"
        );
        format!(
            "{{\"type\":\"assistant\",\"message\":{{\"id\":\"m{id}\",\"content\":[{call}]}},\"session_id\":\"x\"}}"
        )
    };
    let said = serde_json::to_string(&format!("It is {PLAIN}, all said.")).unwrap();
    let init = "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"11111111-1111-1111-1111-111111111111\",\"model\":\"m-canary-plain-08q15w\",\"tools\":[]}";
    let message = format!(
        "{{\"type\":\"assistant\",\"message\":{{\"id\":\"m9\",\"content\":[{{\"type\":\"text\",\"text\":{said}}}]}}}}"
    );
    let result = "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"ok\",\"session_id\":\"11111111-1111-1111-1111-111111111111\",\"num_turns\":1,\"usage\":{\"input_tokens\":1,\"output_tokens\":1},\"total_cost_usd\":0.1}";
    let pieces = ["It is canary-pl", "ain-08", "15, so far"].map(delta);
    world.write("init", format!("{init}\n"));
    world.write("pieces", format!("{}\n", pieces.join("\n")));
    world.write("tool", format!("{}\n", tool("t1")));
    world.write("rest", format!("{message}\n"));
    world.write("result", format!("{result}\n"));
    let root = world.root().display();
    let client = format!(
        "#!/bin/sh\ncat > /dev/null\ncd {root}\ncat init pieces; echo marker one\necho > at; read x < gate\ncat tool\necho > at; read x < gate\ncat rest\necho > at; read x < gate\n\
         for id in one two; do \"$AGENT_RUNNER_CMD\" task set \"$AGENT_RUNNER_RUN_ID\" $id --status completed > /dev/null; done\n\
         cat result\n"
    );
    let client = world.write("bin/fake-client", client);
    std::fs::set_permissions(&client, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (reached, gate) = (world.fifo("at"), world.fifo("gate"));
    let at_work = |args: &[&str]| {
        with_values(&world, args).env("AGENT_RUNNER_CLAUDE_BIN", client.as_os_str()).at_terminal(100, 30)
    };
    let front = at_work(&["run", "--backend", "claude", "--assignment", "work"]);
    reached.line();
    let run = world.only_run();
    let attached = at_work(&["run", "attach", &run]);
    // Told after the pieces, it is seen in a picture that would have them.
    front.wait_for("marker one");
    attached.wait_for("Call with [redacted]");
    gate.release();
    reached.line();
    for view in [&front, &attached] {
        view.wait_for("step t1");
    }
    gate.release();
    reached.line();
    for view in [&front, &attached] {
        view.wait_for("all said.");
    }
    gate.release();
    for view in [front, attached] {
        let (code, shown) = view.wait();
        assert_eq!(code, Some(0), "{shown}");
        assert_hidden("the live view", &shown);
        assert!(!shown.contains("so far"), "pieces of messages are not shown at all: {shown}");
    }
    look(&world, &["run", "timeline", &run, "--output-format", "json"]).expect_stdout("m-[redacted]");
    assert_files_hidden(&world);
    world.assert_nothing_left();
}

#[test]
fn whoever_is_killed_leaves_no_value_behind() {
    let world = World::new();
    definitions(&world);
    world.agent("fake", "echo \"$TOKEN\"; complete one two");
    let init = ["init", "--agent", "fake", "--assignment", "work"];
    let killed = with_values(&world, &init).env(FAILPOINT, at("command", "store.create.wrote_tmp", 1)).run();
    assert_eq!(killed.signal, Some(9), "{killed}");
    let left = world.runs();
    assert_eq!(left.len(), 1);
    assert!(
        std::fs::read_to_string(left[0].join("run.json.tmp")).unwrap().contains(PLAIN),
        "there is something to find"
    );
    look(&world, &["list", "runs"]);
    assert!(!left[0].exists());
    let killed = with_values(&world, &init).env(FAILPOINT, at("command", "store.create.wrote_tmp", 1)).run();
    assert_eq!(killed.signal, Some(9), "{killed}");
    let id = world.only_run();
    let refused = look(&world, &["run", "status", &id]).expect_code(3);
    assert!(!refused.stderr.contains("did you mean"), "{refused}");
    assert!(world.runs().is_empty());

    let mut died = 0;
    for number in 1..=5 {
        let start = ["run", "--agent", "fake", "--assignment", "work", "--detach", "--output-format", "json"];
        let point = at("driver", "store.commit.tmp_synced", number);
        let run = with_values(&world, &start).env(FAILPOINT, point).run();
        assert_hidden("run --detach", &format!("{}{}", run.stdout, run.stderr));
        world.assert_nothing_left();
        let mut found = Vec::new();
        files(&world.state_dir(), &mut found);
        died += usize::from(found.iter().any(|path| path.ends_with("run.json.tmp")));
    }
    assert!(died > 0, "somebody died there");
    for run in world.runs() {
        assert_archive_hidden(&world, run.file_name().unwrap().to_str().unwrap());
    }
    look(&world, &["recover"]).expect_code(0);
    assert_files_hidden(&world);

    // Also where a deletion is cut short.
    let run =
        look(&world, &["init", "--backend", "passive", "--assignment", "work", "--output-format", "json"])
            .run_id();
    look(&world, &["run", "archive", &run]).expect_code(0);
    with_values(&world, &["run", "delete", &run])
        .env(FAILPOINT, at("command", "store.delete.moved", 1))
        .run();
    look(&world, &["recover"]);
    let mut found = Vec::new();
    files(&world.state_dir(), &mut found);
    assert!(!found.iter().any(|path| path.display().to_string().contains(".deleted-")), "{found:?}");
}

#[test]
fn no_value_crosses_the_border_of_a_run() {
    let world = World::new();
    definitions(&world);
    assignment(&world, "plain", "tasks:\n  - id: one\n    title: Plain\n");
    world.agent(
        "outer",
        "if [ $FENCE = 1 ]; then\n\
         child=$(\"$AGENT_RUNNER_CMD\" run --agent broken --assignment work --detach --name \"child $PLAIN\" --output-format json)\n\
         echo \"$child\" > \"$W/child\"\nfi\ncomplete one",
    );
    let args = ["run", "--agent", "outer", "--assignment", "plain", "--output-format", "json"];
    let parent = look(&world, &args).expect_code(0).run_id();
    world.wait_manifest(&parent, "told of its child's end", |manifest| {
        manifest["state"]["sessions"].as_array().is_some_and(|sessions| sessions.len() == 2)
            && manifest["state"]["phase"]["name"] == "ended"
    });
    world.assert_nothing_left();
    let told = world.read("prompt-2");
    assert!(told.contains("(child [redacted])") && told.contains("/nope/[redacted]"), "{told}");
    assert_hidden("the notice", &told);
    assert_hidden("a parent that knows no value", &world.manifest(&parent).to_string());
    for words in ["run status", "run audit", "run timeline", "run report", "run tree", "run queued-messages"]
    {
        for format in ["text", "json"] {
            let args: Vec<&str> =
                words.split(' ').chain([parent.as_str(), "--output-format", format]).collect();
            look(&world, &args);
        }
    }
    // Whoever depends on a run sees its name.
    let child: serde_json::Value = serde_json::from_str(&world.read("child")).unwrap();
    let child = child["runId"].as_str().unwrap();
    look(&world, &["init", "--backend", "passive", "--assignment", "plain", "--after", child]).expect_code(0);
    let next =
        world.runs().into_iter().find(|path| !path.ends_with(child) && !path.ends_with(&parent)).unwrap();
    let next = next.file_name().unwrap().to_str().unwrap().to_owned();
    look(&world, &["run", "status", &next, "--output-format", "json"]).expect_stdout("child [redacted]");
    look(&world, &["run", "status", child, "--output-format", "json"]);
    assert_files_hidden(&world);
}

#[test]
fn a_run_that_is_made_anew_takes_no_value_along() {
    let world = World::new();
    definitions(&world);
    world.agent("fake", "echo \"$TOKEN\"; complete one two");
    let init = ["init", "--agent", "fake", "--output-format", "json"];
    let run = look(&world, &[&init[..], &["--assignment", "work"]].concat()).run_id();
    look(&world, &["run", "set-name", &run, "named canary-plain-08q15w"]).expect_code(0);
    look(&world, &["run", "set-note", &run, "noted canary-plain-08q15w"]).expect_code(0);
    look(&world, &["run", "reconfigure", &run, "Say canary-plain-08q15w"]).expect_code(0);
    look(&world, &["run", "status", &run]).expect_stdout("named [redacted]");
    // The assignment `other` knows none of the values: they could not be hidden any more.
    look(&world, &[&init[..], &["--assignment", "other", "--run-id", &run]].concat()).expect_code(0);
    look(&world, &["run", "status", &run, "--output-format", "json"]).expect_stdout("noted [redacted]");
    assert_hidden("its manifest", &world.manifest(&run).to_string());
    look(&world, &[&init[..], &["--assignment", "work", "--run-id", &run]].concat()).expect_code(0);
    look(&world, &["run", "ready", &run]);
    look(&world, &["run", "--resume-run", &run]).expect_code(0);
    look(&world, &["run", "reset", &run]).expect_code(0);
    for command in ["status", "audit", "timeline", "report", "brief"] {
        look(&world, &["run", command, &run, "--output-format", "json"]);
    }
    look(&world, &["init", "--agent", "fake", "--assignment", "work", "--group-id", PLAIN]).expect_code(3);
    assert_files_hidden(&world);
    world.assert_nothing_left();
}

#[test]
fn what_hooks_remember_is_looked_through_whatever_its_fields_are_called() {
    let world = World::new();
    let front = "hooks:\n  prepare:\n    - path: ./remember.sh\n      with: {host: \"for {{plain}}\"}\n";
    assignment(&world, "remembers", &format!("{VARS}{front}"));
    let state = format!(
        r#"{{"host":"{PLAIN}","source":{{"id":"{PLAIN}","deep":{{"{PLAIN}":["{PLAIN}"]}}}},"reason":"{PLAIN}"}}"#
    );
    let script = format!(
        "#!/bin/sh\ncat > /dev/null\necho '{{\"action\":\"continue\",\"mutate\":{{\"state\":{state}}}}}'\n"
    );
    let hook = world.write("config/assignments/remembers/remember.sh", script);
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let made = with_values(&world, &["init", "--backend", "passive", "--assignment", "remembers"]).run();
    made.expect_code(0);
    let run = world.only_run();
    let kept = world.manifest(&run)["state"]["hookState"].clone();
    assert_eq!(kept["host"], PLAIN, "the hook is told what it remembered");
    let shown = world.status(&run);
    assert_eq!(shown["hookState"]["host"], "[redacted]");
    assert_eq!(shown["hookState"]["source"]["deep"]["[redacted]"][0], "[redacted]");
    for call in [["run", "status", &run], ["run", "audit", &run], ["run", "report", &run]] {
        let args: Vec<&str> = call.into_iter().chain(["--output-format", "json"]).collect();
        look(&world, &args).expect_code(0);
    }
    assert_archive_hidden(&world, &run);
}
