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
use crate::manifest::{Dependency, Manifest, Urgency};
use crate::phase::{Cause, Outcome, Phase, Stage};
use crate::spec::Origin;
use crate::time::Timestamp;
use crate::usage::Usage;

/// How many journeys of a run are kept on record besides the last one.
const MAX_EARLIER: usize = 16;
/// Numbers from here on are not counted on: no run gets so far.
const MAX_COUNT: u64 = 1 << 53;

/// What may stand behind the name of this program where workers and people are told a command.
const COMMANDS: [&str; 11] =
    ["attachment", "init", "list", "new", "run", "show", "skills", "status", "task", "validate", "workspace"];

/// How a run came here that was made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// What it was read from.
    pub source: ImportSource,
    /// Its id there. Need not be an id here.
    pub original_run_id: String,
    /// The repository it was filed under there, if that is known. Need not be a name here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_repo: Option<String>,
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
    /// How it had come to where it came from, the latest first. The first of all its journeys is always among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Journey>,
}

/// How a run came somewhere before it came from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Journey {
    /// What it was read from.
    pub source: ImportSource,
    /// Its id where it came from then.
    pub original_run_id: String,
    /// As of when it was read: its last change there.
    pub as_of: Timestamp,
    /// When it came.
    pub imported_at: Timestamp,
    /// What tells what was read from everything else, in hexadecimal digits, if it had such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
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
    let from = Import {
        worktree: manifest.spec.worktree.clone().or(from.worktree.clone()),
        earlier: earlier(&manifest.spec.origin),
        ..from
    };
    let mut run = manifest.clone();
    run.spec.worktree = None;
    run.spec.origin = Origin::Imported { from: Box::new(from.clone()) };
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

/// The journeys of a run that comes from elsewhere once more.
fn earlier(origin: &Origin) -> Vec<Journey> {
    let Origin::Imported { from } = origin else { return Vec::new() };
    let last = Journey {
        source: from.source,
        original_run_id: from.original_run_id.clone(),
        as_of: from.as_of,
        imported_at: from.imported_at,
        digest: from.digest.clone(),
    };
    let mut all: Vec<Journey> = std::iter::once(last).chain(from.earlier.iter().cloned()).collect();
    // The first one says what the run was made by.
    if all.len() > MAX_EARLIER {
        all.drain(MAX_EARLIER - 1..all.len() - 1);
    }
    all
}

/// Whether the run was made by the reference implementation, whatever journeys it made since: what went into its texts is not
/// known.
pub fn is_of_reference(origin: &Origin) -> bool {
    of_reference(origin).is_some()
}

/// What tells the manifest that a run of the reference implementation was made from, if it is one and that is known.
pub fn digest_of(origin: &Origin) -> Option<&String> {
    of_reference(origin).flatten()
}

/// The digest of what the reference implementation left of a run, if it made it.
fn of_reference(origin: &Origin) -> Option<Option<&String>> {
    let Origin::Imported { from } = origin else { return None };
    let first = std::iter::once((from.source, from.digest.as_ref()));
    let earlier = from.earlier.iter().map(|journey| (journey.source, journey.digest.as_ref()));
    let mut all = first.chain(earlier).filter(|(source, _)| match source {
        ImportSource::Reference => true,
        ImportSource::Archive => false,
    });
    all.next().map(|(_, digest)| digest)
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
    retell(&mut run, &|text| with_word(text, old, id.as_str()));
    run.spec.run_id = id;
    run
}

/// The run where others have other ids: its parents, its group, whom it waits for and whom it heard from. `of` says which run
/// an id means now, if it means another one. What its worker is told names them, too.
#[must_use]
pub fn among(manifest: &Manifest, of: &dyn Fn(&str) -> Option<RunId>) -> Manifest {
    let mut run = manifest.clone();
    let mut told: Vec<(String, RunId)> = Vec::new();
    let mut follow = |id: &mut RunId| {
        if let Some(new) = of(id.as_str()) {
            told.push((id.to_string(), new.clone()));
            *id = new;
        }
    };
    run.spec.parent_run_id.iter_mut().for_each(&mut follow);
    run.spec.further_ancestors.iter_mut().for_each(&mut follow);
    for var in run.spec.runtime_vars.values_mut() {
        var.inherited_from_run_id.iter_mut().for_each(&mut follow);
    }
    for message in &mut run.state.queued_resume_messages {
        message.from_run_id.iter_mut().for_each(&mut follow);
    }
    for dependency in &mut run.state.dependencies {
        match dependency {
            Dependency::Run { run_id } => follow(run_id),
            // A group is called after the run it began with, unless somebody gave it a name.
            Dependency::Group { group_id } => {
                if let Some(new) = of(group_id) {
                    *group_id = new.into();
                }
            }
        }
    }
    if let Some(new) = of(&run.state.run_group_id) {
        run.state.run_group_id = new.into();
    }
    for session in &mut run.state.sessions {
        if let Cause::Reinvoked { run_id } = &mut session.cause
            && let Some(new) = of(run_id)
        {
            *run_id = new.into();
        }
    }
    for (old, new) in told {
        retell(&mut run, &|text| with_word(text, &old, new.as_str()));
    }
    run
}

/// The run where this program is called by that name. Only commands are told anew: elsewhere the name is somebody's word.
#[must_use]
pub fn called(manifest: &Manifest, command: &str) -> Manifest {
    let mut run = manifest.clone();
    let old = manifest.spec.command.as_str();
    if old != command && !old.is_empty() {
        retell(&mut run, &|text| with_command(text, old, command));
        command.clone_into(&mut run.spec.command);
    }
    run
}

fn retell(run: &mut Manifest, tell: &dyn Fn(&str) -> String) {
    run.spec.brief = tell(&run.spec.brief);
    if let Some(text) = &mut run.spec.caller_instructions {
        *text = tell(text);
    }
}

/// The text with a word in place of another one. Parts of longer words stay.
fn with_word(text: &str, old: &str, new: &str) -> String {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/');
    told_anew(text, old, new, &|before, after| {
        !before.chars().next_back().is_some_and(goes_on) && !after.chars().next().is_some_and(goes_on)
    })
}

/// The text with another name of the program where one of its commands stands: at the beginning of a line or of something
/// quoted, or behind a shell's sign, and with a command of it behind.
fn with_command(text: &str, old: &str, new: &str) -> String {
    told_anew(text, old, new, &|before, after| {
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_quoted = line.ends_with(['`', '"', '\'', '(']);
        let blank = line.trim_end_matches([' ', '\t']);
        let begins =
            is_quoted || blank.is_empty() || (blank != line && blank.ends_with(['$', '&', '|', ';']));
        let word = after.strip_prefix(' ').unwrap_or_default();
        let word = word.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        begins && COMMANDS.contains(&word)
    })
}

/// The text with other words where they fit what is before and behind them.
fn told_anew(text: &str, old: &str, new: &str, fits: &dyn Fn(&str, &str) -> bool) -> String {
    if old.is_empty() {
        return text.to_owned();
    }
    let mut told = String::with_capacity(text.len());
    let mut at = 0;
    for (place, found) in text.match_indices(old) {
        let (before, after) = (text.get(..place).unwrap_or_default(), text.get(place + old.len()..));
        told.push_str(text.get(at..place).unwrap_or_default());
        told.push_str(if fits(before, after.unwrap_or_default()) { new } else { found });
        at = place + found.len();
    }
    told.push_str(text.get(at..).unwrap_or_default());
    told
}
