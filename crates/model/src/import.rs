//! Runs that were made elsewhere and come here complete, from an archive or from another program's state: what of them
//! goes on here and what does not. Must not know how they are read or kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::{Applied, apply_all};
use crate::attempt::AttemptEnd;
use crate::event::EventBody;
use crate::fact::{ControlFact, DriverFact, EndReport, Fact, Refusal};
use crate::hook::Worktree;
use crate::ids::RunId;
use crate::manifest::{Manifest, Urgency};
use crate::phase::{Outcome, Phase, Stage};
use crate::spec::Origin;
use crate::time::Timestamp;
use crate::usage::Usage;

/// Numbers from here on are not counted on: no run gets so far.
const MAX_COUNT: u64 = 1 << 53;

/// How a run came here that was made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// What it was read from.
    pub source: ImportSource,
    /// Its id there. Need not be an id here.
    pub original_run_id: String,
    /// The host it was last driven on, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The version of the program that wrote what was read, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_version: Option<String>,
    /// The version of the format of what was read.
    pub format: u64,
    /// As of when it was read: its last change there.
    pub as_of: Timestamp,
    /// When it came here.
    pub imported_at: Timestamp,
    /// What tells what was read from everything else, in hexadecimal digits, if it has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The git worktree it had there. It has none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
}

/// What a run was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportSource {
    /// An archive that this program wrote.
    Archive,
    /// A directory of the reference implementation.
    Reference,
}

impl ImportSource {
    /// The spelling used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Reference => "reference",
        }
    }
}

/// A run as it is here after it came, and what its history says of that. Whoever drove it there may still do so: here it is
/// nobody's, holds nothing, tells nobody, and has ended if it was at work. Errors say why it cannot be a run.
pub fn arrived(manifest: &Manifest, from: Import, now: Timestamp) -> Result<Applied, Refusal> {
    let state = &manifest.state;
    let counts = [manifest.revision, manifest.last_cursor, state.progress, state.next_fence.0, state.epoch.0];
    if counts.iter().any(|count| *count >= MAX_COUNT) {
        return Err(Refusal::Invalid("its manifest counts further than anybody can count".to_owned()));
    }
    let from = Import { worktree: manifest.spec.worktree.clone().or(from.worktree.clone()), ..from };
    let mut run = manifest.clone();
    run.spec.worktree = None;
    run.spec.origin = Origin::Imported { from: from.clone() };
    // A parent is told of what is started here, and that only if somebody wants it.
    run.state.tell_parent = Some(false);
    let ended = ended(&run, now)?;
    let mut run = ended.manifest;
    run.state.driver = None;
    if let Some(notice) = &mut run.state.parent_notice {
        notice.delivered = true;
    }
    // What its children use there is not known here any more.
    for child in run.state.budget.children.values_mut() {
        child.settled = true;
    }
    let mut events = vec![EventBody::RunImported { from }];
    events.extend(ended.events);
    Ok(Applied { manifest: run, events })
}

/// A run that is at work elsewhere has ended here.
fn ended(run: &Manifest, now: Timestamp) -> Result<Applied, Refusal> {
    let Phase::Active { stage } = &run.state.phase else {
        return Ok(Applied { manifest: run.clone(), events: Vec::new() });
    };
    let by = "its import: whoever was at work on it is elsewhere".to_owned();
    let mut facts = vec![Fact::Control(ControlFact::AbortRequested { by, urgency: Urgency::AtOnce })];
    let epoch = run.state.epoch;
    let driver = |fact| Fact::Driver { epoch, fact };
    if let Stage::Attempting { attempt } = stage {
        facts.push(driver(DriverFact::AttemptEnded { fence: attempt.fence, report: cut_off() }));
    }
    let mut whole = apply_all(run, &facts, now)?;
    // Nobody runs the hooks at its end: asked for a second time, it ends without them.
    while matches!(whole.manifest.state.phase, Phase::Active { .. }) {
        let finished = driver(DriverFact::Finished { outcome: Outcome::Aborted });
        let applied = apply_all(&whole.manifest, &[finished], now)?;
        if applied.manifest == whole.manifest {
            return Err(Refusal::Invalid("it cannot be ended".to_owned()));
        }
        whole.manifest = applied.manifest;
        whole.events.extend(applied.events);
    }
    Ok(whole)
}

fn cut_off() -> EndReport {
    EndReport {
        end: AttemptEnd::Interrupted,
        exit_code: None,
        signal: None,
        output_tail: String::new(),
        leftovers: 0,
        usage: Usage::default(),
        meter: None,
        session_lost: false,
        events_missing: None,
    }
}

/// The run under another id. What its worker is told names it; what was told already stays as it was.
#[must_use]
pub fn renamed(manifest: &Manifest, id: RunId) -> Manifest {
    let mut run = manifest.clone();
    let old = manifest.spec.run_id.as_str();
    if run.state.run_group_id == old {
        run.state.run_group_id = id.to_string();
    }
    retell(&mut run, old, id.as_str());
    run.spec.run_id = id;
    run
}

/// The run where this program is called by that name.
#[must_use]
pub fn called(manifest: &Manifest, command: &str) -> Manifest {
    let mut run = manifest.clone();
    let old = manifest.spec.command.as_str();
    if old != command && !old.is_empty() {
        retell(&mut run, old, command);
        command.clone_into(&mut run.spec.command);
    }
    run
}

fn retell(run: &mut Manifest, old: &str, new: &str) {
    run.spec.brief = with_word(&run.spec.brief, old, new);
    if let Some(text) = &mut run.spec.caller_instructions {
        *text = with_word(text, old, new);
    }
}

/// The text with a word in place of another one. Parts of longer words stay.
fn with_word(text: &str, old: &str, new: &str) -> String {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/');
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, found) = rest.split_at(at);
        let after = found.get(old.len()..).unwrap_or_default();
        told.push_str(before);
        let whole =
            !told.chars().next_back().is_some_and(goes_on) && !after.chars().next().is_some_and(goes_on);
        told.push_str(if whole { new } else { old });
        rest = after;
    }
    told.push_str(rest);
    told
}

/// What tells what a run was read from, if it came from elsewhere and that has such a thing.
pub fn digest_of(origin: &Origin) -> Option<&String> {
    match origin {
        Origin::Imported { from } => from.digest.as_ref(),
        Origin::Local | Origin::Claimed { .. } => None,
    }
}
