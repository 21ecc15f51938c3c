//! Any program, by a template of its arguments. Its exit code is all it says besides the task list.

use std::collections::BTreeMap;
use std::ffi::OsString;

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::spec::Value;
use agent_runner_model::turn::TurnEvent;
use agent_runner_supervisor::{Exit, MAX_LINE, Source, Stdin};

use crate::backend::{Backend, BackendError, Plan, PromptDelivery, TurnReader, TurnReport, TurnRequest};
use crate::tail::{TAIL_BYTES, Tail, display_line};
use crate::template::{fill, mentions};

/// Characters of a line worth showing.
const LINE_WIDTH: usize = 200;
/// `EX_TEMPFAIL` of sysexits.h: the program asks to be tried again later.
const TEMPORARY_FAILURE: i32 = 75;

const ID: &str = "command";
const ARGV: &str = "argv";
const ARGV_EXPECTED: &str = "a list of texts, the program first";

pub(crate) struct Command;

impl Backend for Command {
    fn id(&self) -> &'static str {
        ID
    }

    fn remembers(&self) -> bool {
        false
    }

    fn missing_program_hint(&self) -> &'static str {
        "install it, or start a new run with an agent whose `backendConfig.command.argv` names another program"
    }

    fn check(&self, config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        if let Some(field) = config.keys().find(|key| key.as_str() != ARGV) {
            let why = "the only setting is `argv`".to_owned();
            return Err(BackendError::Setting { backend: ID, field: field.clone(), why });
        }
        template_of(config).map(|_| ())
    }

    fn plan(&self, request: &TurnRequest) -> Result<Plan, BackendError> {
        let template = template_of(&request.config)?;
        let delivery = delivery_of(&template);
        let argv = template.iter().map(|argument| OsString::from(filled(argument, request)));
        let argv = argv.chain(request.extra_args.iter().map(OsString::from)).collect();
        let stdin = match delivery {
            PromptDelivery::Stdin => Stdin::Bytes(request.prompt.clone().into_bytes()),
            PromptDelivery::None | PromptDelivery::Argument | PromptDelivery::File => Stdin::Null,
        };
        Ok(Plan {
            argv,
            env: Vec::new(),
            env_remove: Vec::new(),
            max_line: MAX_LINE,
            stdin,
            delivery,
            reader: Box::new(ExitReader::default()),
        })
    }
}

fn template_of(config: &BTreeMap<String, Value>) -> Result<Vec<String>, BackendError> {
    let missing = BackendError::Missing { backend: ID, field: ARGV, expected: ARGV_EXPECTED };
    let refused =
        |why: &str| BackendError::Setting { backend: ID, field: ARGV.to_owned(), why: why.to_owned() };
    let items = match config.get(ARGV) {
        None => return Err(missing),
        Some(Value::List(items)) => items,
        Some(Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_)) => {
            return Err(refused("it should be a list of texts, the program first"));
        }
    };
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        })
        .collect();
    let texts = texts.ok_or_else(|| refused("each item should be a text"))?;
    match texts.first() {
        Some(program) if !program.is_empty() && !program.contains('\0') => {}
        Some(_) | None => return Err(refused("the first item should be the program")),
    }
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(refused("an item holds a NUL character"));
    }
    Ok(texts)
}

/// The template says how the prompt is delivered: by naming it, by naming its file, or not at all.
fn delivery_of(template: &[String]) -> PromptDelivery {
    if template.iter().any(|argument| mentions(argument, "prompt")) {
        PromptDelivery::Argument
    } else if template.iter().any(|argument| mentions(argument, "prompt_file")) {
        PromptDelivery::File
    } else {
        PromptDelivery::Stdin
    }
}

fn filled(argument: &str, request: &TurnRequest) -> String {
    let cwd = request.cwd.to_string_lossy();
    let prompt_file = request.prompt_file.to_string_lossy();
    // An argument cannot hold a NUL; a prompt that does is passed without it rather than not at all.
    let prompt = request.prompt.replace('\0', "\u{FFFD}");
    fill(argument, |key| match key {
        "prompt" => Some(prompt.as_str()),
        "prompt_file" => Some(&prompt_file),
        "cwd" => Some(&cwd),
        "run_id" => Some(request.run_id.as_str()),
        _ => None,
    })
}

/// Reads a program whose exit code is its only message.
pub(crate) struct ExitReader {
    tail: Tail,
}

impl Default for ExitReader {
    fn default() -> Self {
        Self { tail: Tail::new(TAIL_BYTES) }
    }
}

impl TurnReader for ExitReader {
    fn line(&mut self, source: Source, line: &[u8], _truncated: bool, _now: Timestamp) -> Vec<TurnEvent> {
        self.tail.push_line(line);
        let text = display_line(line, LINE_WIDTH);
        if text.trim().is_empty() {
            return Vec::new();
        }
        vec![match source {
            Source::Stdout => TurnEvent::Message { text },
            Source::Stderr => TurnEvent::Notice { text },
        }]
    }

    fn finish(&mut self, exit: Exit) -> TurnReport {
        let end = match exit {
            Exit::Code(0) => AttemptEnd::Reported,
            Exit::Code(TEMPORARY_FAILURE) => AttemptEnd::Overloaded {
                detail: format!("the worker asked to be tried again later (exit code {TEMPORARY_FAILURE})"),
            },
            Exit::Code(code) => {
                AttemptEnd::Crashed { detail: format!("the worker ended with exit code {code}") }
            }
            Exit::Signal(signal) => {
                AttemptEnd::Crashed { detail: format!("the worker was ended by signal {signal}") }
            }
        };
        TurnReport::ended(end, self.tail.text())
    }
}
