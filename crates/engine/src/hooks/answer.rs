//! What a hook answers: one JSON document, read strictly. Must not change anything.

use agent_runner_api::hook::{HookAction, HookAnswer, Mutation};
use agent_runner_model::Secrets;
use agent_runner_model::hook::{HookPhase, HookVerdict};
use serde_json::Value;

/// What a hook wants, in its own words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) mutate: Mutation,
}

/// A verdict that is not a failure.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Verdict {
    #[default]
    Continue,
    Skipped,
    Reinvoke(String),
    Block(String),
}

impl From<Verdict> for HookVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Continue => Self::Continue,
            Verdict::Skipped => Self::Skipped,
            Verdict::Reinvoke(prompt) => Self::Reinvoke { prompt },
            Verdict::Block(reason) => Self::Block { reason },
        }
    }
}

/// Longest prompt or reason, in bytes.
const MAX_WORDS: usize = 1024 * 1024;

/// Reads an answer. Errors say what is wrong with it, for whoever wrote the hook.
pub(super) fn read(phase: HookPhase, text: &[u8], secrets: &Secrets) -> Result<Answer, String> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Answer::default());
    }
    let wrong = |why: &dyn std::fmt::Display| {
        // Hidden before it is cut: a half of a value would not be found.
        let began = shown(&secrets.hide_bytes(text, false));
        let words = format!("what it printed is not a hook's answer: {why} (it began with {began})");
        secrets.hide(&words).into_owned()
    };
    let value: Value = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
    if let Some(place) = list_for_map(&value) {
        return Err(wrong(&format!("{place} has to be an object, not a list")));
    }
    let document: HookAnswer = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
    let verdict = match phase {
        HookPhase::TaskTransition => judgement(&document)?,
        HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit => {
            decision(&document)?
        }
    };
    Ok(Answer { verdict, mutate: document.mutate.unwrap_or_default() })
}

/// A list where an object belongs: read as one, its items would be fields in an order that nobody has written down.
fn list_for_map(value: &Value) -> Option<&'static str> {
    let maps = [
        ("", "it"),
        ("/mutate", "`mutate`"),
        ("/mutate/run", "`run`"),
        ("/mutate/attachments", "`attachments`"),
    ];
    let lists = [
        ("/mutate/patchTasks", "an item of `patchTasks`"),
        ("/mutate/attachments/add", "an item of `add`"),
        ("/mutate/attachments/replace", "an item of `replace`"),
    ];
    let is_list = |place: &str| value.pointer(place).is_some_and(Value::is_array);
    let has_list = |place: &str| {
        value.pointer(place).and_then(Value::as_array).is_some_and(|items| items.iter().any(Value::is_array))
    };
    let map = maps.into_iter().find(|(place, _)| is_list(place));
    map.or_else(|| lists.into_iter().find(|(place, _)| has_list(place))).map(|(_, name)| name)
}

fn shown(text: &[u8]) -> String {
    const MOST: usize = 80;
    let start = String::from_utf8_lossy(text.get(..MOST).unwrap_or(text)).into_owned();
    format!("{start:?}")
}

fn judgement(document: &HookAnswer) -> Result<Verdict, String> {
    match (document.accept, document.action) {
        (None, Some(HookAction::Skip)) => Ok(Verdict::Skipped),
        (_, Some(_)) => Err("a hook for taskTransition answers with `accept`, not with `action`".to_owned()),
        (Some(true), None) => Ok(Verdict::Continue),
        (Some(false), None) => {
            Ok(Verdict::Block(said(document.reason.as_ref(), "`accept: false`", "reason")?))
        }
        (None, None) if document.mutate.is_some() => Ok(Verdict::Continue),
        (None, None) => Err("a hook for taskTransition answers with `accept: true` or `false`".to_owned()),
    }
}

fn decision(document: &HookAnswer) -> Result<Verdict, String> {
    if document.accept.is_some() {
        return Err("only hooks for taskTransition answer with `accept`; others with `action`".to_owned());
    }
    match document.action {
        Some(HookAction::Continue) => Ok(Verdict::Continue),
        Some(HookAction::Skip) => Ok(Verdict::Skipped),
        Some(HookAction::Reinvoke) => {
            let words = said(document.follow_up_prompt.as_ref(), "`action: reinvoke`", "followUpPrompt")?;
            Ok(Verdict::Reinvoke(words))
        }
        Some(HookAction::Block) => {
            Ok(Verdict::Block(said(document.reason.as_ref(), "`action: block`", "reason")?))
        }
        None if document.mutate.is_some() => Ok(Verdict::Continue),
        None => Err("an answer needs `action`: continue, reinvoke, block or skip".to_owned()),
    }
}

fn said(words: Option<&String>, what: &str, field: &str) -> Result<String, String> {
    match words.filter(|words| !words.trim().is_empty()) {
        Some(words) if words.len() > MAX_WORDS => Err(format!("`{field}` has more than 1 MiB")),
        Some(words) => Ok(words.clone()),
        None => Err(format!("{what} needs `{field}`: words for whoever has to go on")),
    }
}
