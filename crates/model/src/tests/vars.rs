//! Variables: what a text stands for, and what is shown of values that nobody may see.

use crate::event::EventBody;
use crate::redact::{REDACTED, Secrets, redacted};
use crate::turn::TurnEvent;
use crate::vars::{RuntimeVar, VarProvenance, VarType, VarValue, check_var_name};
use crate::{Author, Fact, Manifest, TaskFact, TaskId, Timestamp, apply};

use super::sample::Sample;

#[test]
fn a_text_becomes_what_the_type_says_or_is_refused() {
    let number = |text: &str| VarType::Number.coerce(text).map(|value| value.to_string());
    for (text, expected) in [
        ("5", "5"),
        ("-7", "-7"),
        (" 12 ", "12"),
        ("007", "7"),
        ("1.5", "1.5"),
        ("1e3", "1000"),
        ("1.0", "1"),
        ("0x1F", "31"),
        ("0b11", "3"),
        (".5", "0.5"),
        ("-0", "0"),
    ] {
        assert_eq!(number(text).as_deref(), Ok(expected), "{text:?}");
    }
    for text in ["", "  ", "five", "1,5", "nan", "inf", "Infinity", "1e999", "0x", "0x-1", "1 2"] {
        assert_eq!(number(text), Err("a number".to_owned()), "{text:?}");
    }
    for (text, value) in [("true", true), ("1", true), ("false", false), ("0", false)] {
        assert_eq!(VarType::Boolean.coerce(text), Ok(VarValue::Bool(value)));
    }
    for text in ["yes", "TRUE", "", " true"] {
        assert!(VarType::Boolean.coerce(text).is_err(), "{text:?}");
    }
    let levels = VarType::Enum { values: vec!["info".into(), "warn".into()] };
    assert_eq!(levels.coerce("warn"), Ok(VarValue::Text("warn".into())));
    assert_eq!(levels.coerce("Warn"), Err("one of info, warn".to_owned()));
    assert_eq!(VarType::String.coerce(" a=b "), Ok(VarValue::Text(" a=b ".into())));
}

#[test]
fn names_that_every_run_sets_itself_cannot_be_declared() {
    assert!(check_var_name("range").is_ok() && check_var_name("a.b-c_D9").is_ok());
    for name in ["run_id", "cwd", "state_dir", "", "a b", "ä", "a{b}"] {
        assert!(check_var_name(name).is_err(), "{name:?}");
    }
}

fn with(values: &[(&str, VarValue, bool)]) -> Manifest {
    let mut manifest = Sample::default().manifest();
    for (name, value, from_environment) in values {
        let var = RuntimeVar {
            value: value.clone(),
            source: if *from_environment { VarProvenance::Env } else { VarProvenance::Cli },
            env_name: from_environment.then(|| name.to_uppercase()),
            inherited_from_run_id: None,
        };
        manifest.spec.runtime_vars.insert((*name).to_owned(), var);
    }
    manifest
}

fn text(text: &str) -> VarValue {
    VarValue::Text(text.to_owned())
}

#[test]
fn values_of_an_environment_are_hidden_in_every_spelling() {
    let manifest = with(&[
        ("token", text("s3cr\"t-value"), true),
        ("key", text("first line\nsecond line\n"), true),
        ("pin", text("42a"), true),
        ("count", VarValue::Number(17.into()), true),
        ("debug", VarValue::Bool(true), true),
        ("range", text("main..HEAD"), false),
    ]);
    let secrets = Secrets::of(&manifest.spec);
    for (said, shown) in [
        ("use s3cr\"t-value.", "use [redacted]."),
        ("xs3cr\"t-valuex", "x[redacted]x"),
        ("{\"a\":\"s3cr\\\"t-value\"}", "{\"a\":\"[redacted]\"}"),
        ("second line", REDACTED),
        ("pin 42a, not 42ab or x42a", "pin [redacted], not 42ab or x42a"),
        ("17 of 170", "[redacted] of 170"),
        ("true main..HEAD é", "true main..HEAD é"),
    ] {
        assert_eq!(secrets.hide(said), shown);
        assert_eq!(secrets.hide_bytes(said.as_bytes(), false), shown.as_bytes());
    }
    let event =
        TurnEvent::ToolStarted { id: "1".into(), name: "Bash".into(), summary: "echo s3cr\"t-value".into() };
    let shown =
        TurnEvent::ToolStarted { id: "1".into(), name: "Bash".into(), summary: "echo [redacted]".into() };
    assert_eq!(secrets.hide_turn(event), shown);
}

#[test]
fn what_is_shown_of_a_run_lacks_them_and_nothing_else() {
    let mut manifest = with(&[("token", text("canary-4711"), true), ("range", text("main..HEAD"), false)]);
    manifest.spec.brief = "Use canary-4711 for main..HEAD.".into();
    let id = TaskId::parse("new").unwrap();
    let fact = TaskFact::Added { id, title: "Call with canary-4711".into(), body: "canary-4711".into() };
    let applied =
        apply(&manifest, &Fact::Task { author: Author::Person, fact }, Timestamp::from_millis(5)).unwrap();
    assert!(
        matches!(&applied.events[..], [EventBody::TaskAdded { title, .. }] if title == "Call with [redacted]"),
        "{:?}",
        applied.events
    );
    let stored = serde_json::to_string(&applied.manifest).unwrap();
    assert!(stored.contains("canary-4711"), "the worker's run.json has it");
    let shown = redacted(&applied.manifest);
    assert_eq!(shown.spec.brief, "Use [redacted] for main..HEAD.");
    assert_eq!(shown.spec.runtime_vars["token"].value, text(REDACTED));
    assert_eq!(shown.spec.runtime_vars["range"].value, text("main..HEAD"));
    assert!(!serde_json::to_string(&*shown).unwrap().contains("canary"), "{shown:?}");
    assert!(shown.state.final_tasks.keys().eq(applied.manifest.state.final_tasks.keys()), "in list order");
    // Without such values nothing is gone through.
    let plain = with(&[("range", text("canary-4711"), false)]);
    assert!(matches!(redacted(&plain), std::borrow::Cow::Borrowed(_)));
}
