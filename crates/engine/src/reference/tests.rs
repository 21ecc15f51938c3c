//! Whatever a manifest of the reference says: it is taken over as something that nobody starts unasked, or refused.

use std::path::PathBuf;

use agent_runner_model::phase::Phase;
use agent_runner_model::{Gate, Observation, Step, Timestamp, next_step};
use serde_json::{Value, json};

use super::parse::ReferenceError;
use super::{Circumstances, Mapped, Original, map};

fn fixture(run: &str) -> Original {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/reference-state/runs");
    let dir = ["webshop", "notes-app", "unknown"]
        .iter()
        .map(|repo| top.join(repo).join(run))
        .find(|dir| dir.is_dir());
    let dir = dir.unwrap();
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap_or_default();
    Original {
        directory: run.to_owned(),
        manifest: read("run.json"),
        events: read("run-events.jsonl"),
        ..Original::default()
    }
}

fn taken(original: &Original) -> Result<Mapped, ReferenceError> {
    let around = Circumstances {
        now: Timestamp::from_millis(1_800_000_000_000),
        further_ancestors: Vec::new(),
        stop_grace_sec: 5,
        command: "agent-runner".to_owned(),
        bucket: str::to_owned,
        new_id: None,
        relatives: Default::default(),
    };
    map(original, &around)
}

/// What holds of everything that is taken over.
fn check(mapped: &Mapped, what: &str) {
    let manifest = &mapped.manifest;
    let observation = Observation { watching: None, gate: Gate::Open };
    let step = next_step(manifest, &observation, Timestamp::from_millis(1_900_000_000_000));
    assert!(matches!(step, Step::Rest | Step::External), "{what}: {step:?}");
    let ended = matches!(manifest.state.phase, Phase::Ended { .. });
    assert_eq!(ended, manifest.state.ended_at.is_some(), "{what}");
    assert!(manifest.state.sessions.iter().all(|session| session.ended_at.is_some()), "{what}");
    let counted: u32 = manifest.state.sessions.iter().map(|session| session.attempt_count).sum();
    assert_eq!(usize::try_from(counted).unwrap(), manifest.state.attempt_records.len(), "{what}");
    // It is read back as it was written.
    let text = serde_json::to_string(manifest).unwrap();
    let back: agent_runner_model::Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(&back, manifest, "{what}");
    for (number, line) in mapped.history.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let event: agent_runner_model::event::EventRecord = serde_json::from_slice(line).unwrap();
        assert_eq!(event.cursor, number as u64 + 1, "{what}");
        assert!(event.body().is_some(), "{what}: {}", event.kind);
    }
}

/// The places of all values in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                found.push(place.clone());
                places(field, &place, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{at}/{index}");
                found.push(place.clone());
                places(item, &place, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_value_may_be_something_else() {
    let others = [
        json!(null),
        json!(-1),
        json!(1.5),
        json!(4_294_967_296_u64),
        json!(""),
        json!("running"),
        json!([]),
        json!({}),
    ];
    let mut taken_over = 0;
    for run in ["k3v9xa", "a2f8gu", "d4z6kh"] {
        let original = fixture(run);
        check(&taken(&original).unwrap(), run);
        let whole: Value = serde_json::from_slice(&original.manifest).unwrap();
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        for (index, place) in found.into_iter().enumerate() {
            // Each with two of them: together they are all said of every kind of place.
            for other in [index % others.len(), (index * 3 + 1) % others.len()].map(|index| &others[index]) {
                let mut changed = whole.clone();
                *changed.pointer_mut(&place).unwrap() = other.clone();
                let manifest = serde_json::to_vec(&changed).unwrap();
                match taken(&Original { manifest, directory: run.to_owned(), ..Original::default() }) {
                    Ok(mapped) => {
                        taken_over += 1;
                        check(&mapped, &format!("{run} {place} {other}"));
                    }
                    Err(error) => assert!(!error.hint().is_empty()),
                }
            }
        }
    }
    assert!(taken_over > 200, "most fields are anybody's words: {taken_over}");
}

#[test]
fn a_text_that_ends_early_is_none() {
    let original = fixture("m2p7qd");
    let length = original.manifest.trim_ascii_end().len();
    for end in 0..length {
        let manifest = original.manifest[..end].to_vec();
        let cut = Original { manifest, directory: "m2p7qd".to_owned(), ..Original::default() };
        assert!(matches!(taken(&cut), Err(ReferenceError::Json { .. })), "{end}");
    }
}

#[test]
fn what_was_running_never_becomes_a_success() {
    for (run, was_running) in [("a2f8gu", true), ("k3v9xa", false)] {
        let mut whole: Value = serde_json::from_slice(&fixture(run).manifest).unwrap();
        for status in
            ["initialized", "ready", "running", "success", "blocked", "exhausted", "aborted", "error"]
        {
            whole["status"] = json!(status);
            let manifest = serde_json::to_vec(&whole).unwrap();
            let mapped =
                taken(&Original { manifest, directory: run.to_owned(), ..Original::default() }).unwrap();
            let here = mapped.manifest.status(true).as_str();
            let expected = if status == "running" { "error" } else { status };
            assert_eq!(here, expected);
            let open = mapped.manifest.state.sessions.last().unwrap();
            assert_eq!(was_running, open.outcome != Some(agent_runner_model::phase::Outcome::Success));
        }
    }
}

#[test]
fn numbers_that_begin_anew_after_a_reset_are_not_mixed_up() {
    let mut original = fixture("m2p7qd");
    let events = String::from_utf8(original.events.clone()).unwrap();
    let reset = r#"{"schemaVersion":2,"recordedAt":"2026-03-02T10:59:00.000Z","cursor":2,"runId":"m2p7qd","eventType":"run.reset","source":"cli","hostMode":"embedded","previousStatus":"error"}"#;
    let before = r#"{"schemaVersion":2,"recordedAt":"2026-03-02T10:58:00.000Z","cursor":1,"runId":"m2p7qd","eventType":"run.attempt_recorded","source":"cli","hostMode":"embedded","sessionIndex":0,"attemptNumber":1,"exitCode":9}"#;
    original.events = format!("{before}\n{reset}\n{events}").into_bytes();
    let mapped = taken(&original).unwrap();
    check(&mapped, "reset");
    let history = String::from_utf8(mapped.history).unwrap();
    let kinds: Vec<String> = history
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[..2], ["run.reference_event", "run.reset"]);
    assert_eq!(kinds.iter().filter(|kind| *kind == "run.attempt_recorded").count(), 1);
}

const CANARY: &str = "sk-canary-4711";

/// The fixture with a variable from an environment, changed.
fn with_secret(change: impl FnOnce(&mut Value)) -> Mapped {
    let original = fixture("k3v9xa");
    let mut whole: Value = serde_json::from_slice(&original.manifest).unwrap();
    whole["runtimeVars"]["key"] = json!(CANARY);
    whole["runtimeVarSources"]["key"] = json!({ "source": "env", "envName": "KEY", "redacted": true });
    change(&mut whole);
    let manifest = serde_json::to_vec(&whole).unwrap();
    taken(&Original { manifest, ..original }).unwrap()
}

/// Everything of a run that somebody is shown, or finds in its directory beside the manifest.
fn seen(mapped: &Mapped) -> String {
    let mut text = serde_json::to_string(&*agent_runner_model::redacted(&mapped.manifest)).unwrap();
    text.push_str(&String::from_utf8_lossy(&mapped.history));
    text.push_str(&mapped.remarks.join("\n"));
    for (name, bytes) in &mapped.blobs {
        text.push_str(&format!("{name}\n{}\n", String::from_utf8_lossy(bytes)));
    }
    for file in &mapped.handed {
        text.push_str(&serde_json::to_string(&file.attachment).unwrap());
    }
    text
}

#[test]
fn names_of_files_and_groups_hold_no_values() {
    let file = |id: &str, name: &str| {
        json!({
            "id": id, "name": name, "mimeType": "text/plain", "size": 1, "sha256": "0",
            "addedAt": "2025-06-01T10:00:00.000Z", "relativePath": "attachments/x/y.txt"
        })
    };
    let mapped = with_secret(|run| {
        run["attachments"] = json!([
            file("att-0", &format!("dump-{CANARY}.txt")),
            // Its name on disk says what it does not say.
            file("att-1", "sk canary 4711"),
            file("att-imported-3", "a\u{7}b/c"),
            file(&format!("att-{CANARY}"), "plain.txt"),
            file("../x", "plain.txt"),
        ]);
        run["runGroupId"] = json!(format!("team {CANARY}"));
        run["dependencies"] = json!([{ "type": "group", "groupId": CANARY }]);
        run["effort"] = json!(CANARY);
    });
    assert!(!seen(&mapped).contains("canary-4711"), "{}", seen(&mapped));
    let files: Vec<_> = mapped.manifest.state.attachments.iter().collect();
    let names: Vec<(&str, &str, &str)> = files
        .iter()
        .map(|file| (file.id.as_str(), file.name.as_str(), file.relative_path.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("att-0", "dump-[redacted].txt", "attachments/att-0/dump--redacted-.txt"),
            ("att-1", "sk canary 4711", "attachments/att-1/file"),
            ("att-imported-3", "a-b-c", "attachments/att-imported-3/a-b-c"),
            ("att-imported-3-", "plain.txt", "attachments/att-imported-3-/plain.txt"),
            ("att-imported-4", "plain.txt", "attachments/att-imported-4/plain.txt"),
        ]
    );
    assert!(mapped.handed.iter().all(|file| file.from == "attachments/x/y.txt"), "{:?}", mapped.handed);
    assert_eq!(mapped.manifest.state.run_group_id, "k3v9xa");
    for words in
        ["a group of its own", "it waits for \"[redacted]\"", "the name of attachment att-0 holds a value"]
    {
        assert!(mapped.remarks.iter().any(|remark| remark.contains(words)), "{words}: {:?}", mapped.remarks);
    }
}

#[test]
fn a_place_that_holds_a_value_is_named() {
    let words = "is in its working directory and the path of its agent: places are shown to everybody";
    let mapped = with_secret(|run| {
        run["cwd"] = json!(format!("/tmp/{CANARY}"));
        run["agent"]["sourcePath"] = json!(format!("/tmp/{CANARY}/agent.md"));
    });
    assert_eq!(mapped.manifest.spec.cwd, format!("/tmp/{CANARY}"), "it could not go on elsewhere");
    assert!(mapped.remarks.iter().any(|remark| remark.contains(words)), "{:?}", mapped.remarks);
    let mapped = with_secret(|_| {});
    assert!(!mapped.remarks.iter().any(|remark| remark.contains("places")), "{:?}", mapped.remarks);
}

#[test]
fn somebodys_own_json_and_what_a_reset_would_bring_back_are_hidden() {
    let own = json!({
        "host": CANARY, "source": { "id": CANARY }, CANARY: { "reason": [CANARY] }, "old": "was-0815",
        "in": "nested-0815"
    });
    let mapped = with_secret(|run| {
        run["hookState"] = own.clone();
        run["backendConfig"] = own.clone();
        run["executionEnvironment"] = own.clone();
        run["resolvedHooks"][0]["config"] = own.clone();
        run["runtimeVars"]["list"] = json!({ "deep": ["nested-0815"] });
        run["runtimeVarSources"]["list"] = json!({ "source": "parent", "envName": "LIST", "redacted": true });
        let shown = "shown-0815";
        for (name, now, then) in [("old", "new", "was-0815"), ("same", shown, shown)] {
            run["runtimeVars"][name] = json!(now);
            run["runtimeVarSources"][name] = json!({ "source": "hook" });
            run["resetSeed"]["runtimeVars"][name] = json!(then);
            run["resetSeed"]["runtimeVarSources"][name] =
                json!({ "source": "env", "envName": "OLD", "redacted": true });
        }
        run["brief"] = json!(format!("Use {CANARY}, not was-0815, nested-0815 or shown-0815."));
    });
    let text = seen(&mapped);
    for value in ["canary-4711", "was-0815", "nested-0815"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    let spec = &mapped.manifest.spec;
    assert_eq!(
        spec.brief,
        format!("Use {CANARY}, not [redacted], nested-0815 or shown-0815."),
        "its worker is told"
    );
    assert_eq!(spec.runtime_vars["same"].value.to_string(), "shown-0815");
    assert_eq!(mapped.manifest.state.hook_state["old"], "[redacted]");
    let kept: Value = serde_json::from_slice(&mapped.blobs[0].1).unwrap();
    assert_eq!(kept["resetSeed"]["runtimeVars"]["old"], "[redacted]");
    assert_eq!(kept["runtimeVars"]["old"], "new");
}
