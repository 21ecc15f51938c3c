//! What is hidden of values that nobody is shown: in every spelling, in every field, whatever the value is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use crate::attachment::Attachment;
use crate::attempt::AttemptEnd;
use crate::event::{EventBody, EventRecord};
use crate::fact::ControlFact;
use crate::manifest::Manifest;
use crate::phase::{Failure, FailureKind, Outcome};
use crate::redact::fields::{is_foreign, is_named, kept_of_runs, kept_of_turns};
use crate::redact::{REDACTED, Secrets, redacted};
use crate::turn::TurnEvent;
use crate::vars::{RuntimeVar, VarProvenance, VarValue};
use crate::{DriverFact, Fact, RunId, Timestamp, apply};

use super::sample::Sample;
use super::world::{World, results};

fn secret(manifest: &mut Manifest, name: &str, value: &str) {
    let var = RuntimeVar {
        value: VarValue::Text(value.to_owned()),
        source: VarProvenance::Env,
        env_name: Some(name.to_uppercase()),
        inherited_from_run_id: None,
    };
    manifest.spec.runtime_vars.insert(name.to_owned(), var);
}

fn secrets(values: &[&str]) -> Secrets {
    let mut manifest = Sample::default().manifest();
    for (at, value) in values.iter().enumerate() {
        secret(&mut manifest, &format!("v{at}"), value);
    }
    Secrets::of(&manifest.spec)
}

#[test]
fn every_way_to_escape_a_value_in_json_is_seen_through() {
    let secrets = secrets(&["pässwört/😀\"one\"", "first line\nsecond line"]);
    let plain = "pässwört/😀\"one\"";
    let once = serde_json::to_string(plain).unwrap();
    let twice = serde_json::to_string(&once).unwrap();
    let ascii = "p\\u00e4ssw\\u00F6rt/\\ud83d\\ude00\\\"one\\\"";
    let slashes = ascii.replace('/', "\\/");
    let ascii_twice = serde_json::to_string(&slashes).unwrap();
    let thrice = serde_json::to_string(&ascii_twice).unwrap();
    let debug = format!("{plain:?} {:?}", "p\u{e4}sswört");
    for said in
        [plain, &once, &twice, ascii, &slashes, &ascii_twice, &thrice, &debug, "p\\xe4ssw\\u{f6}rt/😀\"one\""]
    {
        let shown = secrets.hide(said);
        assert!(shown.contains(REDACTED) && !shown.contains("one"), "{said}: {shown}");
    }
    assert_eq!(
        secrets.hide("{\"a\":\"p\\u00e4ssw\\u00f6rt/\\ud83d\\ude00\\\"one\\\"\"}"),
        "{\"a\":\"[redacted]\"}"
    );
    for said in ["first line\\nsecond line", "\"first line\\\\nsecond line\"", "first line second line"] {
        let shown = secrets.hide(said);
        assert!(!shown.contains("first") && !shown.contains("second"), "{said}: {shown}");
    }
    for said in ["C:\\new\\ud83d\\u00zz\\u{zz}\\x", "\\", "\\u", "ä\\", "\\u{", "\\ud83d\\u0041", "…"] {
        assert!(matches!(secrets.hide(said), Cow::Borrowed(_)), "{said}");
    }
}

#[test]
fn values_that_overlap_are_hidden_as_one() {
    let secrets = secrets(&["xxneX", "neXCANARYtwo", "abab", "  x "]);
    assert_eq!(secrets.hide("<xxneXCANARYtwo>"), "<[redacted]>");
    assert_eq!(secrets.hide("<ababab>"), "<[redacted]>", "with itself too");
    assert_eq!(secrets.hide("xxneXxxneX"), "[redacted][redacted]");
    assert_eq!(
        secrets.hide("fix x here"),
        "fix [redacted] here",
        "what is short without its blanks stands alone"
    );
}

#[test]
fn the_beginning_of_a_value_at_a_cut_is_hidden() {
    let secrets = secrets(&["canary-4711", "tab\tbed"]);
    assert_eq!(secrets.hide("use canary-4…"), "use [redacted]…");
    assert_eq!(secrets.hide("use cana"), "use cana", "nothing was cut");
    assert_eq!(secrets.hide_bytes(b"use canary-47", true), b"use [redacted]".as_slice());
    assert_eq!(secrets.hide_bytes(b"use can", true), b"use can".as_slice());
    assert_eq!(secrets.hide("tab bed"), REDACTED, "as one line has it");
}

/// What is found in a schema.
#[derive(PartialEq, Eq)]
enum Found {
    /// A text that may be anything.
    Text,
    /// A word of a closed list.
    Closed,
    /// A map whose names are not known.
    Map,
    /// Any JSON.
    Json,
}

/// Goes through a schema: `found` hears of what is at each place. Somebody's own JSON is not gone into.
fn texts(
    schema: &Value,
    root: &Value,
    at: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
    found: &mut dyn FnMut(&[&str], Found),
) {
    let names = |at: &[String], what: Found, found: &mut dyn FnMut(&[&str], Found)| {
        found(&at.iter().map(String::as_str).collect::<Vec<_>>(), what);
    };
    if let Some(name) = schema["$ref"].as_str() {
        if seen.insert(format!("{name} {at:?}")) {
            let name = name.strip_prefix("#/$defs/").unwrap();
            texts(&root["$defs"][name], root, at, seen, found);
        }
        return;
    }
    let says = ["type", "const", "enum", "oneOf", "anyOf", "allOf", "properties"]
        .iter()
        .any(|key| schema.get(key).is_some());
    if !says {
        return names(at, Found::Json, found);
    }
    let is_text = schema["type"] == "string"
        || schema["type"].as_array().is_some_and(|types| types.contains(&"string".into()));
    if schema.get("const").is_some() || schema.get("enum").is_some() {
        names(at, Found::Closed, found);
    } else if is_text {
        names(at, Found::Text, found);
    }
    for list in ["oneOf", "anyOf", "allOf"] {
        for part in schema[list].as_array().into_iter().flatten() {
            texts(part, root, at, seen, found);
        }
    }
    if schema["items"].is_object() {
        texts(&schema["items"], root, at, seen, found);
    }
    if let Some(entry) = schema.get("additionalProperties").filter(|entry| **entry != Value::Bool(false)) {
        names(at, Found::Map, found);
        if !is_foreign(&at.iter().map(String::as_str).collect::<Vec<_>>()) {
            at.push("*".to_owned());
            texts(entry, root, at, seen, found);
            at.pop();
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        at.push(name.clone());
        texts(field, root, at, seen, found);
        at.pop();
    }
}

/// The texts of a type that stay as they are; every word of a closed list has to be one of them.
fn kept<T: JsonSchema>(whole: &[&str], keeps: fn(&str, &str) -> bool) -> BTreeSet<String> {
    let schema = schema_for!(T).to_value();
    let mut kept = BTreeSet::new();
    let mut at: Vec<String> = whole.iter().map(|name| (*name).to_owned()).collect();
    texts(&schema, &schema, &mut at, &mut BTreeSet::new(), &mut |place, found| {
        let field = place.last().copied().unwrap_or_default();
        let around = place.len().checked_sub(2).map_or("", |at| place[at]);
        match found {
            Found::Closed => {
                assert!(keeps(around, field), "a word of a closed list would be hidden: {place:?}");
            }
            Found::Text if keeps(around, field) => {
                kept.insert(field.to_owned());
            }
            Found::Text => {}
            Found::Map => assert!(
                is_foreign(place) != is_named(place),
                "whose are the names in this map? fields.rs has to know: {place:?}"
            ),
            Found::Json => assert!(is_foreign(place), "fields.rs takes this for JSON of ours: {place:?}"),
        }
    });
    kept
}

#[test]
fn a_field_with_words_is_looked_through_unless_it_is_known_to_be_harmless() {
    let ids = [
        "id",
        "runId",
        "parentRunId",
        "runGroupId",
        "groupId",
        "inheritedFromRunId",
        "fromRunId",
        "taskId",
        "taskIds",
        "taskScopeId",
        "hookId",
        "tasks",
        "workTasks",
        "heard",
        "marker",
        "bootId",
        "pidNamespace",
        "backend",
    ];
    let places =
        ["cwd", "callerDir", "sourcePath", "repo", "repoRoot", "host", "relativePath", "resolvedPath"];
    // A work item of a platform, where it came from; whose ceiling it is.
    let others = ["source", "*"];
    let known: BTreeSet<String> =
        ids.iter().chain(&places).chain(&others).map(|name| (*name).to_owned()).collect();
    let times =
        |name: &String| name == "at" || name == "until" || name.ends_with("At") || name == "activeSince";
    let mut kept_of_manifests = kept::<Manifest>(&[], kept_of_runs);
    kept_of_manifests.retain(|name| !times(name));
    assert!(kept_of_manifests.is_subset(&known), "{:?}", kept_of_manifests.difference(&known));
    let more = ["messageId", "attachmentId", "field", "fields", "changed"].map(str::to_owned);
    let mut kept_of_events = kept::<EventBody>(&["event"], kept_of_runs);
    kept_of_events.retain(|name| !times(name) && !known.contains(name) && !more.contains(name));
    assert_eq!(kept_of_events, BTreeSet::new());
    let kept_of_turns = kept::<TurnEvent>(&["turn"], kept_of_turns);
    assert!(kept_of_turns.iter().all(times), "{kept_of_turns:?}");
}

fn leaves(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => {
            found.extend(fields.keys().cloned());
            fields.values().for_each(|field| leaves(field, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn a_run_can_be_shown_whatever_its_values_are() {
    let mut world = World::started(&Sample { before: 1, checks: 1, ..Sample::default() });
    for end in [AttemptEnd::Crashed { detail: "broken".into() }, AttemptEnd::Reported] {
        for _ in 0..6 {
            let manifest = &world.manifest;
            let mut words = BTreeSet::new();
            leaves(&serde_json::to_value(manifest).unwrap(), &mut words);
            for word in words {
                let mut manifest = manifest.clone();
                secret(&mut manifest, "word", &word);
                let shown = redacted(&manifest);
                assert_eq!(shown.status(false), manifest.status(false), "{word}");
                assert!(shown.state.final_tasks.keys().eq(manifest.state.final_tasks.keys()), "{word}");
                assert_eq!(shown.spec.tasks.len(), manifest.spec.tasks.len(), "{word}: it was gone through");
                assert_eq!(shown.state.sessions.len(), manifest.state.sessions.len(), "{word}");
            }
            world.carry_out(&results(end.clone()));
        }
    }
}

#[test]
fn no_name_gets_out_of_a_run() {
    let mut manifest = Sample::default().manifest();
    secret(&mut manifest, "token", "canary-4711");
    manifest.spec.parent_run_id = Some(RunId::parse("parent").unwrap());
    manifest.spec.notify_parent = true;
    manifest.spec.model = Some("opus-canary-4711".into());
    let now = Timestamp::from_millis(5);
    let told = |manifest: &Manifest, fact: ControlFact| apply(manifest, &Fact::Control(fact), now);
    let manifest =
        told(&manifest, ControlFact::Named { name: Some("n canary-4711".into()) }).unwrap().manifest;
    let attachment = |name: &str| Attachment {
        id: "att-1".into(),
        name: name.into(),
        mime_type: "text/plain".into(),
        size: 1,
        sha256: String::new(),
        added_at: now,
        relative_path: "attachments/att-1/x".into(),
    };
    let refused =
        told(&manifest, ControlFact::AttachmentAdded { attachment: attachment("f-canary-4711.txt") });
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("holds a value that is shown to nobody") && !refused.contains("canary"),
        "{refused}"
    );
    let manifest = told(
        &manifest,
        ControlFact::Started { cause: crate::phase::Cause::First, seen: None, on_limit: None },
    )
    .unwrap()
    .manifest;
    let epoch = crate::Epoch(1);
    let driver = |fact| Fact::Driver { epoch, fact };
    let failure = Failure {
        kind: FailureKind::Internal,
        detail: "no canary-4711".into(),
        hint: "see canary-4711".into(),
    };
    let facts = [
        driver(DriverFact::Took { driver: super::sample::driver(1) }),
        driver(DriverFact::Finished { outcome: Outcome::Failed { failure } }),
    ];
    let ended = crate::apply_all(&manifest, &facts, now).unwrap();
    let notice = ended.manifest.state.parent_notice.as_ref().unwrap();
    assert!(
        notice.text.contains("(n [redacted])") && notice.text.contains("no [redacted]"),
        "{}",
        notice.text
    );
    assert!(!notice.text.contains("canary"), "{}", notice.text);
    let mut shown = serde_json::to_string(&*redacted(&ended.manifest)).unwrap();
    shown.push_str(&serde_json::to_string(&ended.events).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn words_of_a_turn_are_hidden_in_ids_and_names_too() {
    let secrets = secrets(&["canary-4711"]);
    let word = || "x canary-4711".to_owned();
    for event in [
        TurnEvent::Session { id: word(), model: Some(word()) },
        TurnEvent::ToolStarted { id: word(), name: word(), summary: word() },
        TurnEvent::Permission { tool: word(), detail: word() },
        TurnEvent::Plan { items: vec![crate::turn::PlanItem { text: word(), status: word() }] },
    ] {
        let shown = serde_json::to_string(&secrets.hide_turn(event.clone())).unwrap();
        assert!(!shown.contains("canary") && shown.contains("x [redacted]"), "{shown}");
        assert!(shown.contains(serde_json::to_value(&event).unwrap()["type"].as_str().unwrap()), "{shown}");
    }
}

#[test]
fn what_people_wrote_on_a_run_lacks_values_that_it_knows_no_longer() {
    let mut manifest = Sample::default().manifest();
    secret(&mut manifest, "token", "canary-4711");
    secret(&mut manifest, "stays", "hidden-0815");
    manifest.state.note = Some("canary-4711 and hidden-0815".into());
    manifest.state.name = Some("for canary-4711".into());
    let mut spec = manifest.spec.clone();
    spec.runtime_vars.remove("token");
    spec.brief = "Another.".into();
    let fact = ControlFact::Respecified {
        revision: manifest.revision,
        spec: Box::new(spec),
        changed: Vec::new(),
        anew: false,
    };
    let applied = apply(&manifest, &Fact::Control(fact), Timestamp::from_millis(5)).unwrap();
    assert_eq!(applied.manifest.state.note.as_deref(), Some("[redacted] and hidden-0815"));
    assert_eq!(applied.manifest.state.name.as_deref(), Some("for [redacted]"));
    assert!(applied.manifest.state.final_tasks.keys().eq(manifest.state.final_tasks.keys()));
}

/// JSON that says the same under every name that one of our own fields has, with the value in a name and as a number too.
fn foreign() -> Map<String, Value> {
    let names = [
        "host",
        "id",
        "source",
        "reason",
        "mode",
        "from",
        "backend",
        "cwd",
        "at",
        "type",
        "status",
        "seenSince",
    ];
    let mut fields: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!("canary-4711"))).collect();
    for around in ["phase", "grantedBy", "wait", "outcome"] {
        fields.insert(
            around.to_owned(),
            json!({ "name": "canary-4711", "why": ["canary-4711"], "id": "x canary-4711" }),
        );
    }
    fields.insert("canary-4711".to_owned(), json!({ "in canary-4711": 1 }));
    fields.insert("x canary-4711".to_owned(), json!(471_147_114_711_u64));
    fields.insert("[redacted]".to_owned(), json!("there already"));
    fields
}

#[test]
fn somebodys_own_json_is_looked_through_wholly() {
    let mut manifest = Sample { before: 1, ..Sample::default() }.manifest();
    secret(&mut manifest, "token", "canary-4711");
    secret(&mut manifest, "pin", "471147114711");
    let settings: std::collections::BTreeMap<String, crate::spec::Value> =
        serde_json::from_value(Value::Object(foreign())).unwrap();
    let spec = &mut manifest.spec;
    spec.backend_config = settings.clone();
    spec.execution_environment = Some(Value::Object(foreign()));
    spec.prepared_state = foreign().into_iter().collect();
    spec.hooks[0].config = Value::Object(foreign());
    let backend = crate::spec::BackendSettings { config: settings.clone(), args: vec!["canary-4711".into()] };
    spec.template.backends.insert("host".into(), backend.clone());
    manifest.state.hook_state = foreign().into_iter().collect();
    let mut frozen = serde_json::to_value(&manifest.spec).unwrap();
    frozen["settings"] = serde_json::to_value(&backend).unwrap();
    manifest.state.frozen_config = Some(serde_json::from_value(frozen).unwrap());
    let shown = redacted(&manifest);
    let text = serde_json::to_string(&*shown).unwrap();
    assert!(!text.contains("canary") && !text.contains("471147114711"), "{text}");
    assert_eq!(shown.state.final_tasks.len(), manifest.state.final_tasks.len(), "it was gone through");
    assert_eq!(shown.state.hook_state.len(), foreign().len(), "names that are alike are told apart");
    assert_eq!(shown.state.hook_state["phase"]["name"], REDACTED);
    let secrets = Secrets::of(&manifest.spec);
    let state = secrets.hide_state(&manifest.state).unwrap();
    assert!(!serde_json::to_string(&state).unwrap().contains("canary"));

    let event = EventBody::ReferenceEvent { event: "run.x".into(), details: foreign() };
    let logged = secrets.hide_events(vec![event]);
    let text = serde_json::to_string(&logged).unwrap();
    assert!(logged.len() == 1 && !text.contains("canary") && !text.contains("471147114711"), "{text}");
    let mut fields = foreign();
    fields.remove("type");
    fields.remove("at");
    // Known by its name: its fields are ours, and what is in `details` is not.
    let known = Map::from_iter([("event".to_owned(), json!("run.x")), ("details".to_owned(), json!(fields))]);
    for (kind, fields) in [("run.reference_event", known), ("run.of_tomorrow", fields)] {
        let record = EventRecord { cursor: 1, at: Timestamp::from_millis(5), kind: kind.into(), fields };
        let shown = secrets.hide_record(record).unwrap();
        let text = serde_json::to_string(&shown).unwrap();
        assert!(shown.kind == kind && !text.contains("canary") && !text.contains("471147114711"), "{text}");
    }
}

#[test]
fn names_that_somebody_gave_are_no_names_of_fields() {
    let mut manifest = Sample::default().manifest();
    secret(&mut manifest, "token", "canary-4711");
    for name in ["grantedBy", "phase", "config", "hookState", "spec", "event"] {
        let var = RuntimeVar {
            value: VarValue::Text("x canary-4711".into()),
            source: VarProvenance::Cli,
            env_name: None,
            inherited_from_run_id: None,
        };
        manifest.spec.runtime_vars.insert(name.into(), var);
    }
    let (id, task) =
        manifest.state.final_tasks.get_index(0).map(|(id, task)| (id.clone(), task.clone())).unwrap();
    for name in ["grantedBy", "hookState", "config"] {
        let id = crate::TaskId::parse(name).unwrap();
        let task = crate::task::Task { notes: "x canary-4711".into(), ..task.clone() };
        manifest.state.final_tasks.insert(id, task);
    }
    let shown = redacted(&manifest);
    let text = serde_json::to_string(&*shown).unwrap();
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(shown.state.final_tasks[&id].status, task.status);
    assert_eq!(shown.state.final_tasks.len(), manifest.state.final_tasks.len());
}

#[test]
fn what_is_in_a_value_of_the_reference_is_hidden_too() {
    let mut manifest = Sample::default().manifest();
    secret(
        &mut manifest,
        "object",
        r#"{"user":"nested-0815","keys":["other-4711",471147,null,true],"is":"no"}"#,
    );
    secret(&mut manifest, "nothing", "null");
    let said = "nested-0815 other-4711 471147 null true nor no";
    assert_eq!(
        Secrets::of(&manifest.spec).hide(said),
        "nested-0815 other-4711 471147 [redacted] true nor no"
    );
    let from = crate::Import {
        source: crate::ImportSource::Reference,
        original_run_id: "x".into(),
        original_repo: None,
        host: None,
        program_version: None,
        format: 25,
        as_of: Timestamp::from_millis(1),
        imported_at: Timestamp::from_millis(1),
        digest: None,
        worktree: None,
        earlier: Vec::new(),
    };
    manifest.spec.origin = crate::spec::Origin::Imported { from: Box::new(from) };
    let shown = "[redacted] [redacted] [redacted] null true nor [redacted]";
    assert_eq!(Secrets::of(&manifest.spec).hide(said), shown);
}
