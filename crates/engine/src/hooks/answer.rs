//! What a hook answers: one JSON document, read strictly. Must not change anything.

use agent_runner_api::hook::{HookAction, HookAnswer, Mutation};
use agent_runner_model::hook::{HookPhase, HookVerdict};

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

/// Reads an answer. Errors say what is wrong with it, for whoever wrote the hook.
pub(super) fn read(phase: HookPhase, text: &[u8]) -> Result<Answer, String> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Answer::default());
    }
    let document: HookAnswer = serde_json::from_slice(text).map_err(|error| {
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
        Some(words) => Ok(words.clone()),
        None => Err(format!("{what} needs `{field}`: words for whoever has to go on")),
    }
}
