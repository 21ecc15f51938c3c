//! What the backend starts.

use std::collections::BTreeMap;
use std::ffi::OsString;

use agent_runner_backends::{BackendError, Plan, PromptDelivery, Registry, SafetyFacts, TurnRequest};
use agent_runner_model::spec::{Effort, Value};
use agent_runner_supervisor::Stdin;

use crate::replay::request;

fn plan(request: &TurnRequest) -> Result<Plan, BackendError> {
    Registry::built_in().get("claude").unwrap().plan(request)
}

fn argv(request: &TurnRequest) -> Vec<String> {
    let argv = plan(request).unwrap().argv;
    argv.into_iter().map(|argument| argument.into_string().unwrap()).collect()
}

/// What follows a flag.
fn value_of(argv: &[String], flag: &str) -> Option<String> {
    let at = argv.iter().position(|argument| argument == flag)?;
    argv.get(at + 1).cloned()
}

#[test]
fn everything_is_on_the_command_line_but_the_prompt() {
    let request = TurnRequest {
        name: Some("my run".to_owned()),
        model: Some("opus".to_owned()),
        effort: Some(Effort::Xhigh),
        session_id: Some("5648d653-57d5-4453-97b5-9ae493801c67".to_owned()),
        extra_args: vec!["--add-dir".to_owned(), "/data".to_owned()],
        prompt: "--not-a-flag".to_owned(),
        ..request()
    };
    assert_eq!(
        argv(&request),
        [
            "claude",
            "--print",
            "--dangerously-skip-permissions",
            "--output-format",
            "stream-json",
            "--verbose",
            "--include-partial-messages",
            "--model",
            "opus",
            "--effort",
            "xhigh",
            "--name",
            "my run",
            "--resume",
            "5648d653-57d5-4453-97b5-9ae493801c67",
            "--add-dir",
            "/data",
        ]
    );
    let plan = plan(&request).unwrap();
    assert_eq!(plan.delivery, PromptDelivery::Stdin);
    assert!(matches!(plan.stdin, Stdin::Bytes(bytes) if bytes == b"--not-a-flag"));
    assert!(plan.max_line >= 1 << 20, "results repeat whole messages");
}

#[test]
fn a_bare_request_leaves_everything_to_the_client() {
    let argv = argv(&request());
    for flag in ["--model", "--effort", "--name", "--resume", "--allowedTools"] {
        assert!(!argv.iter().any(|argument| argument == flag), "{flag}");
    }
    let blank = TurnRequest { name: Some("  ".to_owned()), ..request() };
    assert_eq!(crate::command_line::argv(&blank), argv);
}

#[test]
fn effort_is_said_in_the_clients_words() {
    for (effort, level) in [
        (Effort::Off, None),
        (Effort::Minimal, Some("low")),
        (Effort::Low, Some("low")),
        (Effort::Medium, Some("medium")),
        (Effort::High, Some("high")),
        (Effort::Xhigh, Some("xhigh")),
        (Effort::Max, Some("max")),
    ] {
        let argv = argv(&TurnRequest { effort: Some(effort), ..request() });
        assert_eq!(value_of(&argv, "--effort").as_deref(), level, "{effort:?}");
    }
}

#[test]
fn restricted_workers_may_report_to_their_own_run_and_nothing_else() {
    let restricted =
        |command: &str| TurnRequest { unrestricted: false, command: command.to_owned(), ..request() };
    let rules = |command: &str| value_of(&argv(&restricted(command)), "--allowedTools").unwrap();
    let expected = |spellings: &[&str]| {
        let reports = ["list", "show", "set", "append-notes", "add"];
        let rules = spellings.iter().flat_map(|spelling| {
            reports.iter().map(move |report| format!("Bash({spelling} task {report} abc-1:*)"))
        });
        rules.collect::<Vec<_>>().join(",")
    };
    assert_eq!(rules("agent-runner"), expected(&["agent-runner"]));
    assert_eq!(rules("/opt/bin/agent-runner"), expected(&["/opt/bin/agent-runner"]));
    // The client compares quotes as well, and a model may use the other ones.
    assert_eq!(rules("'/my bin/ar'"), expected(&["'/my bin/ar'", "\"/my bin/ar\""]));
    assert_eq!(rules("'/a$b/ar'"), expected(&["'/a$b/ar'"]), "in other quotes this would be another path");
    assert_eq!(rules(r"'/it'\''s/ar'"), expected(&[r"'/it'\''s/ar'"]));

    let argv = argv(&restricted("agent-runner"));
    assert!(!argv.iter().any(|argument| argument.starts_with("--dangerously")));
    // Every word up to the next flag is taken for a rule.
    assert!(value_of(&argv, &expected(&["agent-runner"])).unwrap().starts_with("--"), "{argv:?}");

    let idle = TurnRequest { has_tasks: false, ..restricted("agent-runner") };
    assert_eq!(value_of(&crate::command_line::argv(&idle), "--allowedTools"), None);

    let error = plan(&restricted("'/my (x)/ar'")).err().unwrap().to_string();
    assert!(error.contains("AGENT_RUNNER_CMD"), "{error}");
    assert!(plan(&TurnRequest { unrestricted: true, ..restricted("'/my (x)/ar'") }).is_ok());
}

#[test]
fn what_is_no_session_id_is_refused() {
    for id in ["--dangerously-skip-permissions", "-x", "../x", "a/b", "a title", "", "a\nb", &"x".repeat(129)]
    {
        let request = TurnRequest { session_id: Some(id.to_owned()), ..request() };
        assert!(matches!(plan(&request), Err(BackendError::Session { .. })), "{id:?}");
    }
}

#[test]
fn the_program_and_its_patience_can_be_chosen() {
    let with = |variables: &[(&str, &str)]| {
        let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        TurnRequest { environment: environment.collect(), ..request() }
    };
    assert_eq!(argv(&with(&[("AGENT_RUNNER_CLAUDE_BIN", "/opt/claude")]))[0], "/opt/claude");
    assert_eq!(argv(&with(&[("AGENT_RUNNER_CLAUDE_BIN", "")]))[0], "claude", "nothing counts as not set");
    let env = |request: &TurnRequest| plan(request).unwrap().env;
    assert_eq!(env(&request()), [(OsString::from("CLAUDE_CODE_MAX_RETRIES"), OsString::from("4"))]);
    assert_eq!(env(&with(&[("CLAUDE_CODE_MAX_RETRIES", "9")])), [], "what is set stays");
}

#[test]
fn nothing_of_an_outer_conversation_is_handed_on() {
    let removed = plan(&request()).unwrap().env_remove;
    for name in [
        "CLAUDECODE",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_MESSAGING_SOCKET",
        "CLAUDE_CODE_MESSAGING_TOKEN",
    ] {
        assert!(removed.contains(&name), "{name}");
    }
    assert!(
        !removed.iter().any(|name| name.starts_with("ANTHROPIC")),
        "credentials are not the outer client's"
    );
}

#[test]
fn people_are_told_what_the_worker_may_do() {
    let registry = Registry::built_in();
    let claude = registry.get("claude").unwrap();
    let of = |unrestricted, has_tasks, has_agent_file| {
        claude.safety_note(SafetyFacts { unrestricted, has_tasks, has_agent_file }).unwrap()
    };
    let note = |unrestricted, has_tasks| of(unrestricted, has_tasks, true);
    assert!(note(true, true).contains("`unrestricted: false`"));
    let ad_hoc = of(true, true, false);
    assert!(ad_hoc.ends_with("without `--unrestricted` it is restricted"), "{ad_hoc}");
    assert!(note(false, true).contains("--unrestricted") && note(false, true).contains("tasks"));
    assert!(!note(false, false).contains("tasks"));
    assert!(claude.remembers() && !claude.needs_tasks());
}

#[test]
fn there_are_no_settings() {
    let registry = Registry::built_in();
    let claude = registry.get("claude").unwrap();
    assert!(claude.check(&BTreeMap::new()).is_ok());
    let error =
        claude.check(&BTreeMap::from([("model".to_owned(), Value::Number(1))])).unwrap_err().to_string();
    assert!(error.contains("backendConfig.claude.model") && error.contains("extraArgs"), "{error}");
}
