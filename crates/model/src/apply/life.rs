//! Facts about a run's life outside of its execution: put away, named, grouped, reset, made anew, handed files.

use crate::attachment::{
    Attachment, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, check_attachment_name,
};
use crate::budget::spent;
use crate::capabilities::is_of_reference;
use crate::event::EventBody;
use crate::fact::{ControlFact, Refusal};
use crate::manifest::{Dependency, Manifest, RunState};
use crate::phase::Phase;
use crate::redact::Secrets;
use crate::spec::RunSpec;
use crate::time::Timestamp;

use super::control::denied;
use super::{Change, mutations};

/// Why a run that hooks have prepared is not made from other variables.
const PREPARED: &str = "hooks have prepared it from the variables it has";
/// Why a run of the reference implementation is not made from other variables.
const IMPORTED: &str = "it came from the TypeScript agent-runner, without the texts it was made from";
/// Longest display name, in characters.
const MAX_NAME: usize = 200;
/// Longest note for people, in bytes.
const MAX_NOTE: usize = 64 * 1024;
/// Longest group id, in characters.
const MAX_GROUP_ID: usize = 128;
/// Longest handle of a backend's conversation, in characters.
const MAX_BACKEND_SESSION: usize = 256;
/// Most dependencies of a run.
const MAX_DEPENDENCIES: usize = 100;

pub(super) fn apply(change: &mut Change, fact: &ControlFact) -> Result<(), Refusal> {
    match fact {
        // It is on record; how the run stands does not change by it.
        ControlFact::SnapshotTaken { name, commit, files } => {
            let (name, commit) = (name.clone(), commit.clone());
            change.log(EventBody::SnapshotTaken { name, commit, files: *files });
            Ok(())
        }
        ControlFact::Reset => reset(change),
        ControlFact::Respecified { revision, spec, changed, anew } => {
            respecified(change, *revision, spec, changed, *anew)
        }
        ControlFact::Archived => archived(change, true),
        ControlFact::Unarchived => archived(change, false),
        ControlFact::Named { name } => named(change, name.as_deref()),
        ControlFact::Noted { note } => noted(change, note.as_deref()),
        ControlFact::Pinned { pinned } => {
            if change.manifest.state.pinned != *pinned {
                change.manifest.state.pinned = *pinned;
                metadata(change, "pinned");
            }
            Ok(())
        }
        ControlFact::Grouped { group_id } => grouped(change, group_id),
        ControlFact::BackendSessionSet { id } => backend_session_set(change, id.as_deref()),
        ControlFact::DependencyAdded { dependency } => dependency_added(change, dependency),
        ControlFact::DependencyRemoved { dependency } => dependency_removed(change, dependency),
        ControlFact::DependenciesCleared => dependencies_cleared(change),
        ControlFact::AttachmentAdded { attachment } => attachment_added(change, attachment),
        ControlFact::AttachmentRemoved { id } => attachment_removed(change, id),
        ControlFact::Readied
        | ControlFact::PreparationStarted
        | ControlFact::TransitionHookEnded { .. }
        | ControlFact::Started { .. }
        | ControlFact::AbortRequested { .. }
        | ControlFact::MessageQueued { .. }
        | ControlFact::MessageRemoved { .. }
        | ControlFact::ChildEnded { .. }
        | ControlFact::NoticeDelivered { .. }
        | ControlFact::TellParent { .. }
        | ControlFact::BudgetReserved { .. }
        | ControlFact::BudgetSettled { .. }
        | ControlFact::BudgetGranted { .. }
        | ControlFact::Extended { .. } => Ok(()),
    }
}

/// The spec is the seed: what was executed goes, what people decided about the run stays.
fn reset(change: &mut Change) -> Result<(), Refusal> {
    const WHAT: &str = "resetting the run";
    refuse_active(change, WHAT)?;
    refuse_archived(change, WHAT)?;
    mutations::thaw(change);
    let state = seeded(&change.manifest, &change.manifest.spec, change.now);
    if state != change.manifest.state {
        change.manifest.state = state;
        change.log(EventBody::RunReset {});
    }
    Ok(())
}

/// What a run is before its first start, made from that spec. What people decided about it stays, and so does what others
/// remember of it.
fn seeded(manifest: &Manifest, spec: &RunSpec, now: Timestamp) -> RunState {
    let before = &manifest.state;
    let (fresh, _) = Manifest::new(spec.clone(), before.name.clone());
    RunState {
        note: before.note.clone(),
        pinned: before.pinned,
        run_group_id: before.run_group_id.clone(),
        dependencies: before.dependencies.clone(),
        schedule: before.schedule.clone(),
        attachments: before.attachments.clone(),
        first_attempt_number: manifest.next_attempt_number(),
        next_fence: before.next_fence,
        epoch: before.epoch,
        recent_requests: before.recent_requests.clone(),
        heard: before.heard.clone(),
        budget: before.budget.reset(spent(manifest, now)),
        updated_at: before.updated_at,
        ..fresh.state
    }
}

fn respecified(
    change: &mut Change,
    revision: u64,
    spec: &RunSpec,
    changed: &[String],
    anew: bool,
) -> Result<(), Refusal> {
    const WHAT: &str = "reconfiguring the run";
    refuse_archived(change, WHAT)?;
    match &change.manifest.state.phase {
        Phase::Initialized => {}
        Phase::Ready | Phase::Active { .. } | Phase::Ended { .. } => {
            return Err(denied(WHAT, "only an initialized run can be reconfigured"));
        }
    }
    if is_of_reference(&change.manifest.spec.origin) && !anew {
        return Err(denied(WHAT, IMPORTED));
    }
    if change.manifest.spec.prepared && !anew {
        return Err(denied(WHAT, PREPARED));
    }
    if change.manifest.revision != revision {
        return Err(denied(WHAT, "somebody else changed it at the same moment; repeat the command"));
    }
    if !change.manifest.tasks_are_as_created() {
        return Err(denied(WHAT, "its tasks were changed already"));
    }
    if !anew && change.manifest.spec == *spec {
        return Ok(());
    }
    let (old, new) = (Secrets::of(&change.manifest.spec), Secrets::of(spec));
    for attachment in &change.manifest.state.attachments {
        refuse_secret(&new, &attachment.name, WHAT, "the name of an attachment", "remove that first")?;
    }
    // What people wrote on the run stays. Values that it no longer knows could not be hidden in that any more.
    let kept = old.without(&new).hide_state(&change.manifest.state);
    change.manifest.state =
        kept.ok_or_else(|| denied(WHAT, "what is written on it cannot be gone through"))?;
    if anew {
        change.manifest.state = seeded(&change.manifest, spec, change.now);
        change.manifest.spec = spec.clone();
        change.log(EventBody::RunReconfigured { changed: changed.to_vec() });
        return Ok(());
    }
    let (fresh, _) = Manifest::new(spec.clone(), change.manifest.state.name.clone());
    change.manifest.state.final_tasks = fresh.state.final_tasks;
    // One that was told by hand stays, unless another one is asked for.
    if change.manifest.spec.backend_session_id != spec.backend_session_id {
        change.manifest.state.backend_session_id = fresh.state.backend_session_id;
    }
    change.manifest.spec = spec.clone();
    change.log(EventBody::RunReconfigured { changed: changed.to_vec() });
    Ok(())
}

fn archived(change: &mut Change, away: bool) -> Result<(), Refusal> {
    refuse_active(change, if away { "archiving the run" } else { "unarchiving the run" })?;
    let is_away = change.manifest.state.archived_at.is_some();
    if away == is_away {
        return Ok(());
    }
    change.manifest.state.archived_at = away.then_some(change.now);
    change.log(if away { EventBody::RunArchived {} } else { EventBody::RunUnarchived {} });
    Ok(())
}

fn named(change: &mut Change, name: Option<&str>) -> Result<(), Refusal> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > MAX_NAME || name.chars().any(char::is_control)) {
        return Err(Refusal::Invalid(format!("a display name is one line of at most {MAX_NAME} characters")));
    }
    if change.manifest.state.name.as_deref() != name {
        change.manifest.state.name = name.map(str::to_owned);
        metadata(change, "name");
    }
    Ok(())
}

fn noted(change: &mut Change, note: Option<&str>) -> Result<(), Refusal> {
    let note = note.filter(|note| !note.trim().is_empty());
    if note.is_some_and(|note| note.len() > MAX_NOTE) {
        return Err(Refusal::Invalid(format!("a note has at most {MAX_NOTE} bytes")));
    }
    if change.manifest.state.note.as_deref() != note {
        change.manifest.state.note = note.map(str::to_owned);
        metadata(change, "note");
    }
    Ok(())
}

fn grouped(change: &mut Change, group_id: &str) -> Result<(), Refusal> {
    refuse_active(change, "changing the group")?;
    check_group_id(group_id).map_err(Refusal::Invalid)?;
    let secrets = Secrets::of(&change.manifest.spec);
    refuse_secret(&secrets, group_id, "changing the group", "the group's id", "choose another one")?;
    let own = Dependency::Group { group_id: group_id.to_owned() };
    if change.manifest.state.dependencies.contains(&own) {
        return Err(denied("changing the group", "the run depends on that group"));
    }
    if change.manifest.state.run_group_id != group_id {
        change.manifest.state.run_group_id = group_id.to_owned();
        metadata(change, "runGroupId");
    }
    Ok(())
}

/// Why a text cannot be a group's id.
pub fn check_group_id(group_id: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
    if group_id.is_empty() || group_id.len() > MAX_GROUP_ID || !group_id.chars().all(allowed) {
        return Err(format!(
            "a group id has 1 to {MAX_GROUP_ID} letters, digits and . _ : / -, this is {group_id:?}"
        ));
    }
    Ok(())
}

fn backend_session_set(change: &mut Change, id: Option<&str>) -> Result<(), Refusal> {
    if !change.manifest.spec.is_passive() {
        let why = "only of a passive run; the backend itself keeps it for others";
        return Err(denied("setting the backend's session", why));
    }
    let id = id.map(str::trim).filter(|id| !id.is_empty());
    id.map_or(Ok(()), check_backend_session_id).map_err(Refusal::Invalid)?;
    if change.manifest.state.backend_session_id.as_deref() != id {
        change.manifest.state.backend_session_id = id.map(str::to_owned);
        metadata(change, "backendSessionId");
    }
    Ok(())
}

/// Why a text cannot be a backend's own handle of a conversation. It becomes an argument of the backend's program, where
/// something that begins like a flag would be one.
pub fn check_backend_session_id(id: &str) -> Result<(), String> {
    let is_line = id.chars().count() <= MAX_BACKEND_SESSION && !id.chars().any(char::is_control);
    if !is_line || id.trim().is_empty() || id.starts_with('-') {
        return Err(format!(
            "a backend's session id is one line of at most {MAX_BACKEND_SESSION} characters that does not begin with -"
        ));
    }
    Ok(())
}

fn dependency_added(change: &mut Change, dependency: &Dependency) -> Result<(), Refusal> {
    const WHAT: &str = "adding the dependency";
    require_initialized(change, WHAT)?;
    let state = &change.manifest.state;
    match dependency {
        Dependency::Run { run_id } if *run_id == change.manifest.spec.run_id => {
            return Err(denied(WHAT, "a run cannot depend on itself"));
        }
        Dependency::Group { group_id } if *group_id == state.run_group_id => {
            return Err(denied(WHAT, "a run cannot depend on its own group"));
        }
        Dependency::Run { .. } | Dependency::Group { .. } => {}
    }
    if state.dependencies.contains(dependency) {
        return Err(denied(WHAT, "the run has it already"));
    }
    if let Dependency::Group { group_id } = dependency {
        let secrets = Secrets::of(&change.manifest.spec);
        refuse_secret(&secrets, group_id, WHAT, "the group's id", "depend on its runs")?;
    }
    if state.dependencies.len() >= MAX_DEPENDENCIES {
        return Err(denied(WHAT, "a run has at most 100 dependencies; let it depend on a group"));
    }
    change.manifest.state.dependencies.push(dependency.clone());
    dependencies_changed(change);
    Ok(())
}

fn dependency_removed(change: &mut Change, dependency: &Dependency) -> Result<(), Refusal> {
    const WHAT: &str = "removing the dependency";
    require_initialized(change, WHAT)?;
    let dependencies = &mut change.manifest.state.dependencies;
    let before = dependencies.len();
    dependencies.retain(|known| known != dependency);
    if dependencies.len() == before {
        return Err(denied(WHAT, "the run does not have it"));
    }
    dependencies_changed(change);
    Ok(())
}

fn dependencies_cleared(change: &mut Change) -> Result<(), Refusal> {
    const WHAT: &str = "clearing the dependencies";
    require_initialized(change, WHAT)?;
    if change.manifest.state.dependencies.is_empty() {
        return Err(denied(WHAT, "the run has none"));
    }
    change.manifest.state.dependencies.clear();
    dependencies_changed(change);
    Ok(())
}

fn dependencies_changed(change: &mut Change) {
    let dependencies = change.manifest.state.dependencies.clone();
    change.log(EventBody::DependenciesChanged { dependencies });
}

fn attachment_added(change: &mut Change, attachment: &Attachment) -> Result<(), Refusal> {
    const WHAT: &str = "adding the attachment";
    check_attachment_name(&attachment.name).map_err(Refusal::Invalid)?;
    refuse_archived(change, WHAT)?;
    let known = &change.manifest.state.attachments;
    if known.iter().any(|known| known.id == attachment.id) {
        return Ok(());
    }
    let secrets = Secrets::of(&change.manifest.spec);
    refuse_secret(&secrets, &attachment.name, WHAT, "the file's name", "give it another one")?;
    if known.len() >= MAX_ATTACHMENTS {
        return Err(denied(WHAT, "a run has at most 100 attachments; remove one first"));
    }
    if attachment.size > MAX_ATTACHMENT_BYTES {
        return Err(denied(WHAT, "an attachment has at most 25 MiB"));
    }
    let total = known.iter().map(|known| known.size).fold(attachment.size, u64::saturating_add);
    if total > MAX_ATTACHMENTS_BYTES {
        return Err(denied(WHAT, "the attachments of a run have at most 100 MiB together; remove one first"));
    }
    change.manifest.state.attachments.push(attachment.clone());
    change.log(EventBody::AttachmentAdded {
        attachment_id: attachment.id.clone(),
        name: attachment.name.clone(),
    });
    Ok(())
}

/// Ids and names of files are seen by everybody, in the directories of runs too: they hold no such value.
fn refuse_secret(
    secrets: &Secrets,
    text: &str,
    what: &'static str,
    which: &str,
    remedy: &str,
) -> Result<(), Refusal> {
    if secrets.are_in(text) {
        let why = format!("{which} holds a value that is shown to nobody; {remedy}");
        return Err(denied(what, &why));
    }
    Ok(())
}

fn attachment_removed(change: &mut Change, id: &str) -> Result<(), Refusal> {
    refuse_archived(change, "removing the attachment")?;
    let attachments = &mut change.manifest.state.attachments;
    let before = attachments.len();
    attachments.retain(|known| known.id != id);
    if attachments.len() == before {
        return Err(denied("removing the attachment", "the run has no attachment with this id"));
    }
    change.log(EventBody::AttachmentRemoved { attachment_id: id.to_owned() });
    Ok(())
}

fn metadata(change: &mut Change, field: &str) {
    change.log(EventBody::MetadataChanged { field: field.to_owned() });
}

fn require_initialized(change: &Change, what: &'static str) -> Result<(), Refusal> {
    match &change.manifest.state.phase {
        Phase::Initialized => Ok(()),
        Phase::Ready | Phase::Active { .. } | Phase::Ended { .. } => {
            Err(denied(what, "only possible while the run is initialized"))
        }
    }
}

fn refuse_active(change: &Change, what: &'static str) -> Result<(), Refusal> {
    match &change.manifest.state.phase {
        Phase::Active { .. } => {
            Err(denied(what, "it is running, or was interrupted: abort it or let it end first"))
        }
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => Ok(()),
    }
}

pub(super) fn refuse_archived(change: &Change, what: &'static str) -> Result<(), Refusal> {
    if change.manifest.state.archived_at.is_some() {
        return Err(denied(what, "it is archived; `run unarchive` takes it back out"));
    }
    Ok(())
}
