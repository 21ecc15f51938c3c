//! What a hook answers: one JSON document, read strictly. Must not change anything.

use std::collections::BTreeMap;

use agent_runner_model::hook::{HookPhase, HookVerdict, TaskPatch};
use agent_runner_model::spec::{Effort, LockableField};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a hook wants, in its own words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) mutate: Mutate,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    accept: Option<bool>,
    #[serde(default)]
    follow_up_prompt: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    mutate: Option<Mutate>,
}

#[derive(Debug, Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Action {
    Continue,
    Reinvoke,
    Block,
    Skip,
}

/// What a hook wants to change.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Mutate {
    pub(super) run: MutateRun,
    pub(super) vars: BTreeMap<String, Value>,
    pub(super) state: BTreeMap<String, Value>,
    #[serde(deserialize_with = "given")]
    pub(super) note: Option<Option<String>>,
    pub(super) pinned: Option<bool>,
    pub(super) patch_tasks: Vec<TaskPatch>,
    pub(super) attachments: MutateAttachments,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct MutateRun {
    pub(super) cwd: Option<String>,
    pub(super) backend: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) model: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(super) effort: Option<Option<Effort>>,
    pub(super) timeout_sec: Option<u32>,
    pub(super) unrestricted: Option<bool>,
    pub(super) locked_fields: Option<Vec<LockableField>>,
    pub(super) initial_prompt: Option<String>,
    pub(super) attempt_prompt: Option<String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct MutateAttachments {
    pub(super) add: Vec<AddedFile>,
    pub(super) remove: Vec<String>,
    pub(super) replace: Vec<ReplacedFile>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AddedFile {
    pub(super) source_path: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) mime_type: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplacedFile {
    pub(super) attachment_id: String,
    pub(super) source_path: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) mime_type: Option<String>,
}

/// Tells "nothing" from "not said".
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Reads an answer. Errors say what is wrong with it, for whoever wrote the hook.
pub(super) fn read(phase: HookPhase, text: &[u8]) -> Result<Answer, String> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Answer::default());
    }
    let document: Document = serde_json::from_slice(text).map_err(|error| {
        format!("what it printed is not a hook's answer: {error} (it began with {})", shown(text))
    })?;
    let verdict = match phase {
        HookPhase::TaskTransition => judgement(&document)?,
        HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit => {
            decision(&document)?
        }
    };
    Ok(Answer { verdict, mutate: document.mutate.unwrap_or_default() })
}

fn shown(text: &[u8]) -> String {
    const MOST: usize = 80;
    let start = String::from_utf8_lossy(text.get(..MOST).unwrap_or(text)).into_owned();
    format!("{start:?}")
}

fn judgement(document: &Document) -> Result<Verdict, String> {
    match (document.accept, document.action) {
        (None, Some(Action::Skip)) => Ok(Verdict::Skipped),
        (_, Some(_)) => Err("a hook for taskTransition answers with `accept`, not with `action`".to_owned()),
        (Some(true), None) => Ok(Verdict::Continue),
        (Some(false), None) => {
            Ok(Verdict::Block(said(document.reason.as_ref(), "`accept: false`", "reason")?))
        }
        (None, None) if document.mutate.is_some() => Ok(Verdict::Continue),
        (None, None) => Err("a hook for taskTransition answers with `accept: true` or `false`".to_owned()),
    }
}

fn decision(document: &Document) -> Result<Verdict, String> {
    if document.accept.is_some() {
        return Err("only hooks for taskTransition answer with `accept`; others with `action`".to_owned());
    }
    match document.action {
        Some(Action::Continue) => Ok(Verdict::Continue),
        Some(Action::Skip) => Ok(Verdict::Skipped),
        Some(Action::Reinvoke) => {
            let words = said(document.follow_up_prompt.as_ref(), "`action: reinvoke`", "followUpPrompt")?;
            Ok(Verdict::Reinvoke(words))
        }
        Some(Action::Block) => {
            Ok(Verdict::Block(said(document.reason.as_ref(), "`action: block`", "reason")?))
        }
        None if document.mutate.is_some() => Ok(Verdict::Continue),
        None => Err("an answer needs `action`: continue, reinvoke, block or skip".to_owned()),
    }
}

fn said(words: Option<&String>, what: &str, field: &str) -> Result<String, String> {
    match words.filter(|words| !words.trim().is_empty()) {
        Some(words) => Ok(words.clone()),
        None => Err(format!("{what} needs `{field}`: words for whoever has to go on")),
    }
}
