//! Everything a hook can change, when it takes effect, and what each phase refuses.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{HOOK, Language, parrot};

/// Everything that can be changed in every phase.
fn everything(world: &World) -> Value {
    world.write("elsewhere/given.txt", "given");
    world.write("repo/given.txt", "given");
    json!({
        "run": {
            "cwd": world.path("elsewhere"), "model": "m-1", "effort": "low", "timeoutSec": 77,
            "unrestricted": false, "lockedFields": ["model", "cwd"], "attemptPrompt": "THE NEXT PROMPT",
        },
        "state": {"seen": {"deep": [1, null]}, "gone": null},
        "note": "a note",
        "pinned": true,
        "patchTasks": [
            {"taskId": "one", "status": "in_progress", "notesReplace": "replaced"},
            {"taskId": "two", "notesAppend": "appended"},
        ],
        "attachments": {"add": [
            {"sourcePath": "given.txt"},
            {"sourcePath": world.path("repo/given.txt"), "name": "named.md", "mimeType": "text/markdown"},
        ]},
    })
}

/// What a change is called in the history.
const NAMES: [&str; 12] = [
    "run.cwd",
    "run.model",
    "run.effort",
    "run.timeoutSec",
    "run.unrestricted",
    "run.lockedFields",
    "run.attemptPrompt",
    "state",
    "note",
    "pinned",
    "patchTasks",
    "attachments",
];

/// Fails unless everything was changed.
fn assert_everything(world: &World, manifest: &Value) {
    let spec = &manifest["spec"];
    assert_eq!(spec["cwd"], json!(world.path("elsewhere")));
    assert_eq!(
        (&spec["model"], &spec["effort"], &spec["timeoutSec"]),
        (&json!("m-1"), &json!("low"), &json!(77))
    );
    assert_eq!((&spec["unrestricted"], &spec["lockedFields"]), (&json!(false), &json!(["model", "cwd"])));
    assert_everything_but_configuration(manifest);
}

fn assert_everything_but_configuration(manifest: &Value) {
    let state = &manifest["state"];
    assert_eq!(state["hookState"], json!({"seen": {"deep": [1, null]}}));
    assert_eq!((&state["note"], &state["pinned"]), (&json!("a note"), &json!(true)));
    assert_eq!((manifest.notes("one"), manifest.notes("two")), ("replaced", "appended"));
    let names: Vec<&Value> =
        state["attachments"].as_array().unwrap().iter().map(|attachment| &attachment["name"]).collect();
    assert_eq!(names, ["given.txt", "named.md"]);
    assert_eq!(state["attachments"][1]["mimeType"], "text/markdown");
}

fn preparing(language: Language) {
    let world = World::new();
    world.parrot(language);
    let mut mutate = everything(&world);
    mutate["vars"] = json!({"found": "it", "count": 3, "sure": true, "list": ["a", {"b": 1}]});
    mutate["run"]["backend"] = json!("shell");
    mutate["run"]["initialPrompt"] = json!("BEGIN WITH {{found}}");
    world.says("change", &json!({"action": "continue", "mutate": mutate}));
    let mut later = parrot("later");
    later["with"]["filled"] = json!(["{{found}} {{count}} {{sure}}", {"deep": "{{cwd}}"}, 5]);
    world.hooked(json!({"prepare": [parrot("change"), later]}), &["one", "two"]);
    world.agent("fake", "exit 0");
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    let manifest = world.manifest(&run);
    assert_everything(&world, &manifest);
    let vars = &manifest["spec"]["runtimeVars"];
    let values = ["found", "count", "sure", "list"].map(|name| &vars[name]["value"]);
    assert_eq!(values, [&json!("it"), &json!(3), &json!(true), &json!("[\"a\",{\"b\":1}]")], "{language:?}");
    assert_eq!(manifest["spec"]["backend"], "shell");
    assert_eq!(manifest.tasks(), "one=in_progress two=pending");
    // A hook's own words are its own: it knew what it had found.
    world.ok(&["run", "brief", &run]).expect_stdout("BEGIN WITH {{found}}");
    let told = &world.told("later")[0];
    let filled = json!(["it 3 true", {"deep": world.path("elsewhere")}, 5]);
    assert_eq!(told["config"]["filled"], filled, "{language:?}");
    assert_eq!((&told["vars"]["count"], &told["state"]["seen"]["deep"][0]), (&json!(3), &json!(1)));
    assert_eq!(told["run"]["backend"], "shell");
    let mutated: Vec<String> =
        serde_json::from_value(world.events_of(&run, HOOK)[0]["mutated"].clone()).unwrap();
    assert!(NAMES.iter().all(|name| mutated.iter().any(|other| other == name)), "{mutated:?}");
    assert_eq!(mutated.len(), NAMES.len() + 3, "{mutated:?}");
    world.assert_nothing_left();
}

fn later(language: Language) {
    for phase in ["beforeAttempt", "afterAttempt", "afterExit", "taskTransition"] {
        let world = World::new();
        world.parrot(language);
        let mutate = everything(&world);
        let word = if phase == "taskTransition" { "accept" } else { "action" };
        let yes = if phase == "taskTransition" { json!(true) } else { json!("continue") };
        world.says("change", &json!({ word: yes, "mutate": mutate }));
        // Once: what was added need not be added again.
        let when = if phase == "taskTransition" {
            json!({"taskId": "three", "toStatus": "completed"})
        } else {
            json!({"attemptIndexInSession": 0})
        };
        let mut hook = parrot("change");
        hook["when"] = when;
        world.hooked(json!({ phase: [hook] }), &["one", "two", "three"]);
        world.agent("fake", "pwd >> \"$W/where\"; if [ $FENCE = 1 ]; then set_task three --status completed; else complete one two; fi\nif [ -e \"$W/quick\" ]; then complete one two; fi");
        if phase == "afterExit" {
            world.write("quick", "");
        }
        let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
        let before = world.manifest(&run)["spec"].take();
        assert_eq!(before["unrestricted"], true);
        world.ok(&["run", "--resume-run", &run]);
        let manifest = world.manifest(&run);
        if phase == "afterExit" {
            assert_eq!(manifest["spec"]["cwd"], json!(world.path("elsewhere")), "{phase}");
        } else {
            assert_everything(&world, &manifest);
            let prompt = world.read(if phase == "beforeAttempt" { "prompt-1" } else { "prompt-2" });
            assert!(prompt.contains("THE NEXT PROMPT"), "{language:?} {phase}: {prompt}");
            let (first, last) = (world.path("repo"), world.path("elsewhere"));
            let where_to = world.lines("where");
            assert_eq!(where_to.last().unwrap(), last.to_str().unwrap(), "{phase}");
            let where_first = if phase == "beforeAttempt" { &last } else { &first };
            assert_eq!(where_to[0], where_first.to_str().unwrap(), "{phase}");
        }
        assert_eq!(manifest.tasks(), "one=completed three=completed two=completed");
        world.ok(&["run", "reset", &run]);
        let manifest = world.manifest(&run);
        assert_eq!(manifest["spec"], before, "{phase}");
        assert!(manifest["state"]["hookState"].is_null(), "{phase}");
        assert_eq!((manifest.notes("one"), manifest.notes("two")), ("", ""), "{phase}");
        world.assert_nothing_left();
    }
}

#[test]
fn hooks_in_shell_change_everything() {
    preparing(Language::Shell);
    later(Language::Shell);
}

#[test]
fn hooks_in_python_change_everything() {
    preparing(Language::Python);
    later(Language::Python);
}

#[test]
fn hooks_in_javascript_change_everything() {
    preparing(Language::Script);
    preparing(Language::Module);
    later(Language::Module);
}

#[test]
fn attachments_are_replaced_and_removed_by_their_ids() {
    let world = World::new();
    world.write("repo/a.txt", "old a");
    world.write("repo/b.txt", "b");
    world.write("repo/new.txt", "new a");
    world.write(
        "config/hooks/files/hook.py",
        r#"
import json, sys
files = {file["name"]: file["id"] for file in json.load(sys.stdin)["attachments"]}
if not files:
    change = {"add": [{"sourcePath": "a.txt"}, {"sourcePath": "b.txt"}]}
else:
    change = {"remove": [files["b.txt"]], "replace": [{"attachmentId": files["a.txt"], "sourcePath": "new.txt"}]}
print(json.dumps({"action": "continue", "mutate": {"attachments": change}}))
"#,
    );
    let hook = json!([{"name": "files"}]);
    world.hooked(json!({"prepare": hook, "afterExit": hook}), &["one"]);
    world.agent("fake", "complete one");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    let first = world.manifest(&run)["state"]["attachments"].clone();
    assert_eq!(first.as_array().unwrap().len(), 2);
    world.ok(&["run", "--resume-run", &run]);
    let last = world.manifest(&run)["state"]["attachments"].clone();
    assert_eq!(last.as_array().unwrap().len(), 1, "{last}");
    assert_eq!((&last[0]["id"], &last[0]["name"]), (&first[0]["id"], &json!("a.txt")), "{first} {last}");
    let out = world.path("out.txt");
    world.ok(&["attachment", "download", &run, last[0]["id"].as_str().unwrap(), out.to_str().unwrap()]);
    assert_eq!(world.read("out.txt"), "new a");
    world.assert_nothing_left();
}

#[test]
fn what_a_phase_does_not_allow_makes_the_hook_fail_and_changes_nothing() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.agent("fake", "complete one");
    let everywhere = [
        (json!({"run": {"timeoutSec": 0}}), "at least one second"),
        (json!({"run": {"cwd": "elsewhere"}}), "elsewhere"),
        (json!({"run": {"cwd": world.path("nowhere")}}), "is not there"),
        (json!({"run": {"backend": "telepathy"}}), "telepathy"),
        (json!({"run": {"backend": "passive"}}), "neither make a run passive"),
        (json!({"run": {"attemptPrompt": " \n"}}), "not only white space"),
        (json!({"run": {"branch": "main"}}), "unknown field `branch`"),
        (json!({"patchTasks": [{"taskId": "two", "status": "completed"}]}), "two"),
        (json!({"patchTasks": [{"taskId": "one", "status": "done"}]}), "unknown variant `done`"),
        (json!({"patchTasks": [{"taskId": "one", "notesReplace": "a", "notesAppend": "b"}]}), "not both"),
        (json!({"attachments": {"add": [{"sourcePath": "missing.txt"}]}}), "missing.txt"),
        (json!({"attachments": {"remove": ["nothing"]}}), "no attachment with this id"),
        (json!({"attachments": {"replace": [{"attachmentId": "no", "sourcePath": "x"}]}}), "no attachment"),
        (json!({"state": {"much": "x".repeat(256 * 1024)}}), "256 KiB"),
        (json!({"everything": true}), "unknown field `everything`"),
    ];
    let preparing = [
        (json!({"vars": {"run_id": "mine"}}), "every run sets it itself"),
        (json!({"vars": {"number": "many"}}), "must be"),
    ];
    let later = [
        (json!({"vars": {"x": 1}}), "only in the phase prepare"),
        (json!({"run": {"initialPrompt": "x"}}), "only in the phase prepare"),
    ];
    let attempt = |phase: &str, mutate: &Value, words: &str| {
        let mut mutate = mutate.clone();
        // What could be changed by itself is not, either.
        mutate["note"] = json!("changed");
        world.says("change", &json!({"action": "continue", "mutate": mutate}));
        world.assigned(json!({
            "vars": {"number": {"type": "number", "default": 1}},
            "hooks": {phase: [parrot("change")]},
            "tasks": [{"id": "one", "title": "Do one"}],
        }));
        let run = world.fake(&[]).run().expect_code(4).run_id();
        let manifest = world.manifest(&run);
        assert_eq!((manifest.outcome(), &manifest["state"]["note"]), ("failed", &json!(null)), "{mutate}");
        let detail = manifest["state"]["phase"]["outcome"]["failure"]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{phase}: {mutate}: {detail}");
        assert_eq!(world.outcomes(&run), [format!("{phase}:0:parrot error")]);
        if phase == "prepare" {
            assert_eq!(manifest.fences(), [0; 0]);
        }
    };
    for (mutate, words) in everywhere.iter().chain(&preparing) {
        attempt("prepare", mutate, words);
    }
    for phase in ["beforeAttempt", "afterAttempt", "afterExit"] {
        for (mutate, words) in &later {
            attempt(phase, mutate, words);
        }
    }
    attempt("beforeAttempt", &everywhere[0].0, everywhere[0].1);
    attempt("afterExit", &everywhere[7].0, everywhere[7].1);
    world.assert_nothing_left();
}

#[test]
fn a_transition_hook_that_changes_too_much_rejects_the_change() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.hooked(json!({"taskTransition": [parrot("change")]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    for (mutate, words) in [
        (json!({"vars": {"x": 1}}), "only in the phase prepare"),
        (json!({"run": {"initialPrompt": "x"}}), "only in the phase prepare"),
        (json!({"patchTasks": [{"taskId": "two", "status": "completed"}]}), "two"),
        (json!({"run": {"timeoutSec": 0}}), "at least one second"),
    ] {
        let mut mutate = mutate;
        mutate["note"] = json!("changed");
        world.says("change", &json!({"accept": true, "mutate": mutate}));
        world.run(&["task", "set", &run, "one", "--status", "completed"]).expect_code(4).expect_stderr(words);
        let manifest = world.manifest(&run);
        assert_eq!((manifest.tasks().as_str(), &manifest["state"]["note"]), ("one=pending", &json!(null)));
    }
    assert_eq!(world.outcomes(&run), vec!["taskTransition:0:parrot error"; 4]);
    world.assert_nothing_left();
}
