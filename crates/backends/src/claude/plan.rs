//! How the client is started: its command line and what it is kept from inheriting. Must not know what it prints.

use std::collections::BTreeMap;
use std::ffi::OsString;

use agent_runner_model::RunId;
use agent_runner_model::budget::BudgetKind;
use agent_runner_model::spec::{Effort, Value};
use agent_runner_supervisor::Stdin;

use super::reader::Reader;
use crate::backend::{Backend, BackendError, Plan, PromptDelivery, SafetyFacts, TurnRequest};

const ID: &str = "claude";
const PROGRAM: &str = "claude";
/// Names another program, or where it is.
const PROGRAM_VARIABLE: &str = "AGENT_RUNNER_CLAUDE_BIN";
/// What an outer client tells its tools about its own conversation. The inner one has a conversation of its own, and
/// must not be handed the outer one's line of communication.
const OF_ANOTHER_CONVERSATION: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_PID",
];
/// How often the client tries a request again. Its own default keeps it silent for three minutes, even over a wrong
/// key; after a few tries the run's own pauses take over, which people can see.
const RETRIES_VARIABLE: &str = "CLAUDE_CODE_MAX_RETRIES";
const RETRIES: &str = "4";
/// Bytes of a line: results repeat whole messages, and tools print whole files.
pub(super) const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// The task commands of a restricted worker. It may add to its list, but not take from it.
const REPORTS: &[&str] = &["list", "show", "set", "append-notes", "add"];
/// The longest handle of a conversation.
const MAX_SESSION_ID: usize = 128;

pub(crate) struct Claude;

impl Backend for Claude {
    fn id(&self) -> &'static str {
        ID
    }

    fn measures(&self) -> &'static [BudgetKind] {
        &[BudgetKind::Tokens, BudgetKind::CostUsd, BudgetKind::Turns]
    }

    fn remembers(&self) -> bool {
        true
    }

    fn check_session(&self, id: &str) -> Result<(), BackendError> {
        if is_session_id(id) { Ok(()) } else { Err(BackendError::Session { backend: ID, id: id.to_owned() }) }
    }

    fn safety_note(&self, of: SafetyFacts) -> Option<String> {
        let note = match (of.unrestricted, of.has_tasks) {
            (true, _) if !of.has_agent_file => {
                "claude runs with its safety prompts bypassed: it may run any command and change any file; without \
                 `--unrestricted` it is restricted"
            }
            (true, _) => {
                "claude runs with its safety prompts bypassed: it may run any command and change any file; \
                 `unrestricted: false` in the agent file restricts it"
            }
            (false, true) => {
                "claude is restricted: it may read files and report its tasks, but not change files or run other \
                 commands; `--unrestricted`, or permission rules in the agent file (`backendArgs.claude.extraArgs`), \
                 let it do more"
            }
            (false, false) => {
                "claude is restricted: it may read files, but not change any or run commands; `--unrestricted`, or \
                 permission rules in the agent file (`backendArgs.claude.extraArgs`), let it do more"
            }
        };
        Some(note.to_owned())
    }

    fn missing_program_hint(&self) -> &'static str {
        "install Claude Code so that `claude` is in PATH, or set AGENT_RUNNER_CLAUDE_BIN to where it is"
    }

    fn may_write(&self, unrestricted: bool, extra_args: &[String]) -> bool {
        unrestricted || extra_args.iter().any(|argument| grants(argument))
    }

    fn check(&self, config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        match config.keys().next() {
            Some(field) => Err(BackendError::Setting {
                backend: ID,
                field: field.clone(),
                why: "this backend has no settings; arguments for claude go to backendArgs.claude.extraArgs"
                    .to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn plan(&self, request: &TurnRequest) -> Result<Plan, BackendError> {
        Ok(Plan {
            argv: command_line(request)?,
            env: retries(&request.environment),
            env_remove: OF_ANOTHER_CONVERSATION.to_vec(),
            stdin: Stdin::Bytes(request.prompt.clone().into_bytes()),
            max_line: LONGEST_LINE,
            delivery: PromptDelivery::Stdin,
            reader: Box::new(Reader::default()),
        })
    }
}

fn command_line(request: &TurnRequest) -> Result<Vec<OsString>, BackendError> {
    let mut argv = vec![program(&request.environment)];
    let mut add = |arguments: &[&str]| argv.extend(arguments.iter().map(OsString::from));
    add(&["--print"]);
    if request.unrestricted {
        add(&["--dangerously-skip-permissions"]);
    } else if request.has_tasks {
        // The client takes every word that follows as one more rule, up to the next flag: so flags have to follow.
        add(&["--allowedTools", &task_rules(&request.command, &request.run_id)?]);
    }
    add(&["--output-format", "stream-json", "--verbose", "--include-partial-messages"]);
    if let Some(model) = &request.model {
        add(&["--model", model]);
    }
    if let Some(level) = request.effort.and_then(level) {
        add(&["--effort", level]);
    }
    if let Some(name) = request.name.as_deref().filter(|name| !name.trim().is_empty()) {
        add(&["--name", &name.replace('\0', " ")]);
    }
    if let Some(id) = &request.session_id {
        Claude.check_session(id)?;
        add(&["--resume", id]);
    }
    argv.extend(request.extra_args.iter().map(OsString::from));
    Ok(argv)
}

/// Whether an argument may widen what the client does unasked: rules, modes, settings, and whatever brings its own.
fn grants(argument: &str) -> bool {
    const WORDS: [&str; 7] = ["allow", "permission", "setting", "agent", "mcp", "plugin", "config"];
    let argument = argument.to_ascii_lowercase();
    argument.starts_with('-') && WORDS.iter().any(|word| argument.contains(word))
}

fn retries(environment: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let is_set = environment.iter().any(|(name, value)| name == RETRIES_VARIABLE && !value.is_empty());
    if is_set { Vec::new() } else { vec![(RETRIES_VARIABLE.into(), RETRIES.into())] }
}

fn program(environment: &[(OsString, OsString)]) -> OsString {
    let named =
        environment.iter().rev().find(|(name, _)| name == PROGRAM_VARIABLE).map(|(_, value)| value.clone());
    named.filter(|program| !program.is_empty()).unwrap_or_else(|| PROGRAM.into())
}

/// The client's word for how hard the model is to think; nothing leaves it to the client.
fn level(effort: Effort) -> Option<&'static str> {
    match effort {
        Effort::Off => None,
        Effort::Minimal | Effort::Low => Some("low"),
        Effort::Medium => Some("medium"),
        Effort::High => Some("high"),
        Effort::Xhigh => Some("xhigh"),
        Effort::Max => Some("max"),
    }
}

/// The rules that let the worker report to its own run, and nothing else. Other runs are out of reach: a task that is
/// added to one whose worker is a shell is a command to it. The client compares rules with the beginning of a command as
/// the model writes it, quotes included: hence the run's id as prompts spell it, and one rule more for each command if
/// there is another way to quote a path with blanks.
fn task_rules(command: &str, run_id: &RunId) -> Result<String, BackendError> {
    if command.contains(['(', ')', '\n', '\0']) {
        return Err(BackendError::Command {
            backend: ID,
            command: command.to_owned(),
            why: "claude has no rule for a command with parentheses or line ends in it",
        });
    }
    let mut spellings = vec![command.to_owned()];
    let plain = command.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(path) = plain.filter(|path| !path.contains(['\'', '"', '$', '`', '\\', '!'])) {
        spellings.push(format!("\"{path}\""));
    }
    let rules = spellings.iter().flat_map(|spelling| {
        REPORTS.iter().map(move |report| format!("Bash({spelling} task {report} {run_id}:*)"))
    });
    Ok(rules.collect::<Vec<_>>().join(","))
}

/// Whether a text can be the client's handle of a conversation: never a flag, a path or a title.
pub(super) fn is_session_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= MAX_SESSION_ID
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(is_plain)
}
