//! Every answer a hook can give, in every phase and every language.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{HOOK, Language, parrot, parrot_when};

/// The phases in which a hook decides about the run.
const AROUND: [&str; 4] = ["prepare", "beforeAttempt", "afterAttempt", "afterExit"];

/// Hooks that have no objection, and say so in three ways.
fn agreeing(world: &World, phase: &str, agreement: &Value) -> Vec<Value> {
    world.says(&format!("{phase}-yes"), agreement);
    world.says(&format!("{phase}-skip"), &json!({"action": "skip"}));
    ["nothing", "skip", "yes"].map(|name| parrot(&format!("{phase}-{name}"))).to_vec()
}

/// What the history says of those hooks.
fn agreed(language: Language, phase: &str, yes: &str) -> Vec<String> {
    // A module that returns nothing has nothing to say of this phase; a program that prints nothing agrees.
    let nothing = if language == Language::Module { "skipped" } else { yes };
    [nothing, "skipped", yes]
        .iter()
        .enumerate()
        .map(|(index, outcome)| format!("{phase}:{index}:parrot {outcome}"))
        .collect()
}

/// A run in which every phase is agreed to and insisted on, but in which nothing is blocked.
fn insisting(language: Language) {
    let world = World::new();
    world.parrot(language);
    let mut hooks = json!({});
    for (phase, at) in AROUND.into_iter().zip([None, Some(3), Some(0), Some(1)]) {
        let mut list = agreeing(&world, phase, &json!({"action": "continue"}));
        let words = format!("WORDS OF {phase}");
        world.says(&format!("{phase}-again"), &json!({"action": "reinvoke", "followUpPrompt": words}));
        let name = format!("{phase}-again");
        list.push(
            at.map_or_else(|| parrot(&name), |at| parrot_when(&name, json!({"attemptIndexInSession": at}))),
        );
        hooks[phase] = list.into();
    }
    // The third attempt, too, is followed by another one.
    world
        .says("third", &json!({"action": "reinvoke", "followUpPrompt": "words that somebody else replaces"}));
    let third = parrot_when("third", json!({"attemptIndexInSession": [2, 7]}));
    hooks["afterAttempt"].as_array_mut().unwrap().push(third);
    hooks["taskTransition"] = agreeing(&world, "taskTransition", &json!({"accept": true})).into();
    world.says("taskTransition-no", &json!({"accept": false, "reason": "NOT LIKE THAT"}));
    let rejecting = parrot_when("taskTransition-no", json!({"toStatus": "blocked"}));
    hooks["taskTransition"].as_array_mut().unwrap().push(rejecting);
    world.hooked(hooks, &["one"]);
    world.agent(
        "fake",
        "if [ $FENCE = 1 ]; then set_task one --status blocked; echo $? > \"$W/code\"; complete one; fi",
    );
    let run = world.fake(&["--max-retries", "4"]).run().expect_code(0).run_id();

    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed"));
    let told: Vec<String> = (1..=4).map(|fence| world.read(format!("prompt-{fence}"))).collect();
    for (prompt, phase) in told.iter().zip(["prepare", "afterAttempt", "afterExit", "beforeAttempt"]) {
        assert!(prompt.contains(&format!("WORDS OF {phase}")), "{language:?} {phase}: {prompt}");
    }
    assert_eq!(manifest.fences(), [1, 2, 3, 4]);
    assert_eq!(world.read("code").trim(), "3", "a rejected change is a refusal");
    assert!(world.read("reports").contains("NOT LIKE THAT"), "{}", world.read("reports"));

    let continues = |phase: &str| agreed(language, phase, "continue");
    let accepted = || agreed(language, "taskTransition", "accepted");
    let rest = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let expected = [
        continues("prepare"),
        rest(&["prepare:3:parrot reinvoke"]),
        continues("beforeAttempt"),
        accepted(),
        rest(&["taskTransition:3:parrot rejected"]),
        accepted(),
        continues("afterAttempt"),
        rest(&["afterAttempt:3:parrot reinvoke"]),
        continues("beforeAttempt"),
        continues("afterAttempt"),
        continues("afterExit"),
        rest(&["afterExit:3:parrot reinvoke"]),
        continues("beforeAttempt"),
        continues("afterAttempt"),
        rest(&["afterAttempt:4:parrot reinvoke"]),
        continues("beforeAttempt"),
        rest(&["beforeAttempt:3:parrot reinvoke"]),
        continues("afterAttempt"),
        continues("afterExit"),
    ];
    assert_eq!(world.outcomes(&run), expected.concat(), "{language:?}");
    for event in world.events_of(&run, HOOK) {
        assert!(event["durationMs"].is_u64() && event["startedAt"].is_string(), "{event}");
        assert!(event["stderr"].is_null() == (language != Language::Module), "{event}");
        assert!(event["sourceChanged"].is_null(), "{event}");
    }
    world.assert_nothing_left();
}

/// Runs that a hook ends, one for each phase in which it can.
fn blocking(language: Language) {
    let world = World::new();
    world.parrot(language);
    world.agent("fake", "complete one");
    world.says("no", &json!({"action": "block", "reason": "NOT BEFORE NOON"}));
    for (phase, attempts) in AROUND.into_iter().zip([0, 0, 1, 1]) {
        world.hooked(json!({ phase: [parrot("no"), parrot("never")] }), &["one"]);
        let run = world.fake(&[]).run().expect_code(2);
        let manifest = world.manifest(&run.run_id());
        assert_eq!((manifest.outcome(), manifest.fences().len()), ("blocked", attempts), "{phase}");
        assert_eq!(world.outcomes(&run.run_id())[0], format!("{phase}:0:parrot block"));
        // The run is over, but for the hooks at its end.
        assert_eq!(world.told("never").len(), usize::from(phase == "afterExit"), "{phase}");
        world.ok(&["run", "audit", &run.run_id()]).expect_stdout("objects: NOT BEFORE NOON");
    }
    world.assert_nothing_left();
}

#[test]
fn hooks_in_shell_give_every_answer_in_every_phase() {
    insisting(Language::Shell);
    blocking(Language::Shell);
}

#[test]
fn hooks_in_python_give_every_answer_in_every_phase() {
    insisting(Language::Python);
    blocking(Language::Python);
}

#[test]
fn hooks_in_javascript_scripts_give_every_answer_in_every_phase() {
    insisting(Language::Script);
    blocking(Language::Script);
}

#[test]
fn hooks_in_javascript_modules_give_every_answer_in_every_phase() {
    insisting(Language::Module);
    blocking(Language::Module);
}
