//! What programs are started with, and what their ends mean.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::spec::Value;
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::{Exit, Source, Stdin};

use crate::template::fill;
use crate::{BackendError, PromptDelivery, Registry, Tail, TurnEvent, TurnRequest};

fn request(argv: &[&str], prompt: &str) -> TurnRequest {
    let argv = argv.iter().map(|text| Value::Text((*text).to_owned())).collect();
    TurnRequest {
        run_id: RunId::parse("abc-1").unwrap(),
        cwd: PathBuf::from("/work place"),
        prompt: prompt.to_owned(),
        prompt_file: PathBuf::from("/state/attempts/00.prompt.md"),
        config: BTreeMap::from([("argv".to_owned(), Value::List(argv))]),
        extra_args: vec!["--last".to_owned()],
        model: None,
        effort: None,
        unrestricted: false,
        session_id: None,
        own_program: PathBuf::from("/bin/own"),
        name: None,
        command: "agent-runner".to_owned(),
        has_tasks: true,
        environment: Vec::new(),
        now: Timestamp::from_millis(0),
    }
}

#[test]
fn a_command_gets_its_prompt_where_the_template_says() {
    let registry = Registry::built_in();
    let command = registry.get("command").unwrap();

    let plan = command.plan(&request(&["tool", "--dir={{cwd}}", "{{ run_id }}"], "do it")).unwrap();
    assert_eq!(plan.argv, ["tool", "--dir=/work place", "abc-1", "--last"].map(OsString::from));
    assert_eq!(plan.delivery, PromptDelivery::Stdin);
    assert!(matches!(plan.stdin, Stdin::Bytes(bytes) if bytes == b"do it"));

    let plan = command.plan(&request(&["tool", "-p", "{{prompt}}"], "say {{cwd}}")).unwrap();
    assert_eq!(plan.argv[2], OsString::from("say {{cwd}}"), "values are not scanned again");
    assert_eq!(plan.delivery, PromptDelivery::Argument);
    assert!(matches!(plan.stdin, Stdin::Null));

    let plan = command.plan(&request(&["tool", "@{{prompt_file}}"], "x")).unwrap();
    assert_eq!(plan.argv[1], OsString::from("@/state/attempts/00.prompt.md"));
    assert_eq!(plan.delivery, PromptDelivery::File);
}

#[test]
fn unknown_keys_and_loose_braces_stay() {
    let value = |key: &str| (key == "a").then_some("1");
    for (text, expected) in [
        ("{{a}}{{b}}", "1{{b}}"),
        ("{{{a}}}", "{1}"),
        ("{{ a }} }} {{", "1 }} {{"),
        ("{{b {{a}}", "{{b 1"),
        ("ü{{a}}ü", "ü1ü"),
        ("{{}}", "{{}}"),
    ] {
        assert_eq!(fill(text, value), expected, "{text}");
    }
}

#[test]
fn bad_settings_are_named() {
    let registry = Registry::built_in();
    let command = registry.get("command").unwrap();
    assert!(matches!(command.check(&BTreeMap::new()), Err(BackendError::Missing { field: "argv", .. })));
    for bad in [
        Value::Text("tool".to_owned()),
        Value::List(vec![]),
        Value::List(vec![Value::Text(String::new())]),
        Value::List(vec![Value::Bool(true)]),
        Value::List(vec![Value::Text("a\0b".to_owned())]),
    ] {
        let config = BTreeMap::from([("argv".to_owned(), bad.clone())]);
        assert!(matches!(command.check(&config), Err(BackendError::Setting { .. })), "{bad:?}");
    }
    let other = BTreeMap::from([("argc".to_owned(), Value::Number(1))]);
    assert!(command.check(&other).unwrap_err().to_string().contains("argc"));
    assert!(registry.get("shell").unwrap().check(&other).is_err());
    let unknown = registry.get("codx").err().unwrap().to_string();
    assert!(unknown.contains("codx") && unknown.contains("command, passive, shell"), "{unknown}");
}

#[test]
fn exit_codes_mean_what_they_say() {
    let registry = Registry::built_in();
    let command = registry.get("command").unwrap();
    let end = |exit| command.plan(&request(&["tool"], "")).unwrap().reader.finish(exit).end;
    assert_eq!(end(Exit::Code(0)), AttemptEnd::Reported);
    assert!(matches!(end(Exit::Code(1)), AttemptEnd::Crashed { detail } if detail.contains("exit code 1")));
    assert!(matches!(end(Exit::Code(75)), AttemptEnd::Overloaded { .. }));
    assert!(matches!(end(Exit::Signal(9)), AttemptEnd::Crashed { detail } if detail.contains("signal 9")));
}

#[test]
fn output_is_kept_bounded_and_harmless() {
    let mut tail = Tail::new(8);
    tail.push_line(b"first");
    tail.push_line("zweiü".as_bytes());
    assert!(tail.text().ends_with("zweiü"));
    tail.push(&vec![b'x'; 1_000_000]);
    assert_eq!(tail.text(), "xxxxxxxx");

    let registry = Registry::built_in();
    let mut plan = registry.get("command").unwrap().plan(&request(&["tool"], "")).unwrap();
    let now = Timestamp::from_millis(0);
    let shown = plan.reader.line(Source::Stdout, b"\x1b[31mred\x07\xff", false, now);
    assert_eq!(shown, [TurnEvent::Message { text: " [31mred \u{FFFD}".to_owned() }]);
    assert!(plan.reader.line(Source::Stderr, b"  ", false, now).is_empty());
    let noticed = plan.reader.line(Source::Stderr, b"careful", false, now);
    assert_eq!(noticed, [TurnEvent::Notice { text: "careful".to_owned() }]);
    assert!(!plan.reader.finish(Exit::Code(0)).output_tail.contains('\x1b'));
}

#[test]
fn what_may_change_files_is_told_by_the_rules_it_works_under() {
    let registry = Registry::built_in();
    let may = |id: &str, unrestricted, extra: &[&str]| {
        let extra: Vec<String> = extra.iter().map(|&argument| argument.to_owned()).collect();
        registry.get(id).unwrap().may_write(unrestricted, &extra)
    };
    for id in ["shell", "command"] {
        assert!(may(id, false, &[]) && may(id, true, &[]));
    }
    assert!(!may("passive", true, &[]));
    assert!(may("claude", true, &[]));
    assert!(!may("claude", false, &[]));
    assert!(!may("claude", false, &["--verbose", "--add-dir", "/src/allowed"]), "words are no flags");
    for argument in ["--allowedTools", "--allowed-tools=Edit", "--permission-mode", "--settings", "--agents"]
    {
        assert!(may("claude", false, &[argument, "x"]), "{argument}");
    }
    assert!(may("claude", false, &["--dangerously-skip-permissions"]));
}
