//! Facts about tasks. Must not accept anything that `capabilities` denies, nor from a worker whose attempt is over.

use crate::capabilities::task_capabilities;
use crate::event::EventBody;
use crate::fact::{Author, Refusal, TaskFact};
use crate::hook::{HookPhase, Transition};
use crate::ids::TaskId;
use crate::manifest::Manifest;
use crate::phase::{Outcome, Phase, Stage};
use crate::task::{MAX_NOTES, Task, TaskSpec, TaskStatus, appended, check_title};

use super::Change;

/// Most tasks a run may have, added ones included.
const MAX_RUN_TASKS: usize = 1000;
/// Longest task body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

pub(super) fn apply(change: &mut Change, author: Author, fact: &TaskFact) -> Result<(), Refusal> {
    if !change.manifest.spec.hooks.iter().any(|hook| hook.phase == HookPhase::TaskTransition) {
        return carry_out(change, author, fact);
    }
    let before = change.manifest.clone();
    carry_out(change, author, fact)?;
    let Some(transition) = transition_between(&before, &change.manifest, fact) else { return Ok(()) };
    let hooks = before.spec.hooks.iter().filter(|hook| hook.matches_transition(&transition));
    let hooks: Vec<String> = hooks.map(|hook| hook.hook_id.clone()).collect();
    if !hooks.is_empty() {
        return Err(Refusal::HooksFirst { id: transition.task_id, hooks });
    }
    Ok(())
}

/// The change that hooks have accepted, if the task is still in the status that they were asked about.
pub(super) fn apply_judged(
    change: &mut Change,
    author: Author,
    fact: &TaskFact,
    from: Option<TaskStatus>,
) -> Result<(), Refusal> {
    let id = fact.task_id();
    if change.manifest.state.final_tasks.get(id).map(|task| task.status) != from {
        return Err(Refusal::JudgedBefore { id: id.clone() });
    }
    carry_out(change, author, fact)
}

/// What hooks are asked about a change of a task; nothing if it is refused anyway, or changes nothing.
pub fn transition_of(manifest: &Manifest, author: Author, fact: &TaskFact) -> Option<Transition> {
    let mut change =
        Change { manifest: manifest.clone(), events: Vec::new(), now: manifest.state.updated_at };
    carry_out(&mut change, author, fact).ok()?;
    transition_between(manifest, &change.manifest, fact)
}

fn transition_between(before: &Manifest, after: &Manifest, fact: &TaskFact) -> Option<Transition> {
    let id = fact.task_id();
    let (old, new) = (before.state.final_tasks.get(id), after.state.final_tasks.get(id));
    if old == new {
        return None;
    }
    let from = old.map(|task| task.status);
    let to = new.map(|task| task.status).or(from)?;
    Some(Transition { task_id: id.clone(), source: fact.source(), from, to })
}

fn carry_out(change: &mut Change, author: Author, fact: &TaskFact) -> Result<(), Refusal> {
    check_author(&change.manifest, author)?;
    match fact {
        TaskFact::Set { id, status, notes } => set(change, author, id, *status, notes.as_deref()),
        TaskFact::NotesAppended { id, text } => {
            allow(change, |can| can.can_edit_notes, "changing notes")?;
            let text = text.clone();
            edit(change, author, id, &["notes"], |task| task.notes = appended(&task.notes, &text))
        }
        TaskFact::BlockPassed { id, block, note } => {
            allow(change, |can| can.can_edit_notes, "changing notes")?;
            let (block, note) = (*block, note.clone());
            edit(change, author, id, &["notes", "passedBlocks"], |task| {
                if !task.passed_blocks.contains(&block) {
                    task.passed_blocks.push(block);
                }
                task.notes = appended(&task.notes, &note);
            })
        }
        TaskFact::Added { id, title, body } => add(change, author, id, title, body),
        TaskFact::Edited { id, title, body } => {
            pending_edit(change, author, id, title.as_deref(), body.as_deref())
        }
        TaskFact::Deleted { id } => delete(change, id),
    }?;
    settle_passive(change);
    Ok(())
}

fn check_author(manifest: &Manifest, author: Author) -> Result<(), Refusal> {
    match (author, manifest.stage()) {
        (Author::Person, _) => Ok(()),
        (Author::Worker(fence), Some(Stage::Attempting { attempt })) if attempt.fence == fence => Ok(()),
        (Author::Worker(fence), _) => {
            Err(Refusal::StaleFence { run_id: manifest.spec.run_id.clone(), fence })
        }
    }
}

fn set(
    change: &mut Change,
    author: Author,
    id: &TaskId,
    status: Option<TaskStatus>,
    notes: Option<&str>,
) -> Result<(), Refusal> {
    let before = find(&change.manifest, id)?.clone();
    if status.is_some() {
        allow(change, |can| can.can_set_status, "setting a task's status")?;
    }
    if notes.is_some() {
        allow(change, |can| can.can_edit_notes, "changing notes")?;
    }
    if let Some(text) = notes
        && text.len() > MAX_NOTES
    {
        let len = text.len();
        return Err(Refusal::Invalid(format!("notes have {len} bytes; at most {MAX_NOTES} are allowed")));
    }
    let status_now = status.unwrap_or(before.status);
    let notes_now = notes.map_or_else(|| before.notes.clone(), str::to_owned);
    let cleared = status == Some(TaskStatus::Pending) && !before.passed_blocks.is_empty();
    if status_now == before.status && notes_now == before.notes && !cleared {
        // Said already: a repeated command changes nothing and logs nothing.
        return Ok(());
    }
    let mut fields = Vec::new();
    if notes_now != before.notes {
        fields.push("notes".to_owned());
    }
    if cleared {
        fields.push("passedBlocks".to_owned());
    }
    let state = &mut change.manifest.state;
    if status_now != before.status {
        state.progress = state.progress.saturating_add(1);
    }
    if let Some(task) = state.final_tasks.get_mut(id) {
        task.status = status_now;
        task.notes = notes_now;
        task.version = task.version.saturating_add(1);
        if cleared {
            task.passed_blocks.clear();
        }
    }
    let from = (status_now != before.status).then_some(before.status);
    let task_id = id.clone();
    change.log(EventBody::TaskUpdated { task_id, from, status: status_now, fields, fence: author.fence() });
    Ok(())
}

fn edit(
    change: &mut Change,
    author: Author,
    id: &TaskId,
    fields: &[&str],
    with: impl FnOnce(&mut Task),
) -> Result<(), Refusal> {
    find(&change.manifest, id)?;
    let Some(task) = change.manifest.state.final_tasks.get_mut(id) else { return Ok(()) };
    with(task);
    task.version = task.version.saturating_add(1);
    let status = task.status;
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    let task_id = id.clone();
    change.log(EventBody::TaskUpdated { task_id, from: None, status, fields, fence: author.fence() });
    Ok(())
}

fn add(change: &mut Change, author: Author, id: &TaskId, title: &str, body: &str) -> Result<(), Refusal> {
    allow(change, |can| can.can_add, "adding a task")?;
    check_texts(Some(title), Some(body))?;
    let tasks = &mut change.manifest.state.final_tasks;
    if tasks.contains_key(id) {
        return Err(Refusal::TaskExists { id: id.clone() });
    }
    if tasks.len() >= MAX_RUN_TASKS {
        return Err(Refusal::Invalid(format!("a run has at most {MAX_RUN_TASKS} tasks")));
    }
    let spec = TaskSpec { id: id.clone(), title: title.to_owned(), body: body.to_owned() };
    tasks.insert(id.clone(), Task::new(spec));
    let (task_id, title) = (id.clone(), title.to_owned());
    change.log(EventBody::TaskAdded { task_id, title, fence: author.fence() });
    Ok(())
}

fn pending_edit(
    change: &mut Change,
    author: Author,
    id: &TaskId,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<(), Refusal> {
    require_pending(&change.manifest, id, "editing a task")?;
    allow(change, |can| can.can_edit_pending, "editing a task")?;
    check_texts(title, body)?;
    let mut fields = Vec::new();
    if title.is_some() {
        fields.push("title");
    }
    if body.is_some() {
        fields.push("body");
    }
    edit(change, author, id, &fields, |task| {
        if let Some(title) = title {
            title.clone_into(&mut task.title);
        }
        if let Some(body) = body {
            body.clone_into(&mut task.body);
            task.passed_blocks.clear();
        }
    })
}

fn delete(change: &mut Change, id: &TaskId) -> Result<(), Refusal> {
    require_pending(&change.manifest, id, "deleting a task")?;
    allow(change, |can| can.can_delete_pending, "deleting a task")?;
    change.manifest.state.final_tasks.shift_remove(id);
    change.log(EventBody::TaskDeleted { task_id: id.clone() });
    Ok(())
}

/// A passive run's phase is a view of its tasks: there is nobody else to decide.
pub(super) fn settle_passive(change: &mut Change) {
    // What its tasks say counts once it is prepared.
    let is_preparing = change.manifest.stage().is_some();
    if !change.manifest.spec.is_passive() || is_preparing {
        return;
    }
    let total = change.manifest.state.final_tasks.len();
    let completed = change.manifest.tasks_completed();
    let blocked = change.manifest.blocked_tasks();
    let outcome = match (total, total - completed - blocked.len()) {
        (0, _) => None,
        (_, 0) if blocked.is_empty() => Some(Outcome::Success),
        (_, 0) => Some(Outcome::Blocked { tasks: blocked, over: None, by: None }),
        (_, _) => None,
    };
    let now = change.now;
    let before = change.manifest.outcome().cloned();
    match (before, outcome) {
        (None, None) => {}
        (Some(old), Some(new)) if old == new => {}
        (Some(_), None) => {
            change.manifest.state.phase = Phase::Initialized;
            change.manifest.state.ended_at = None;
            change.log(EventBody::RunReopened {});
        }
        (Some(_) | None, Some(outcome)) => {
            change.manifest.state.phase = Phase::Ended { outcome: outcome.clone() };
            change.manifest.state.ended_at = Some(now);
            let status = change.manifest.status(false);
            change.log(EventBody::RunFinished { status, exit_code: outcome.exit_code(), detail: None });
        }
    }
}

fn find<'a>(manifest: &'a Manifest, id: &TaskId) -> Result<&'a Task, Refusal> {
    manifest.state.final_tasks.get(id).ok_or_else(|| Refusal::TaskNotFound {
        id: id.clone(),
        known: manifest.state.final_tasks.keys().cloned().collect(),
    })
}

fn require_pending(manifest: &Manifest, id: &TaskId, what: &'static str) -> Result<(), Refusal> {
    match find(manifest, id)?.status {
        TaskStatus::Pending => Ok(()),
        status @ (TaskStatus::InProgress | TaskStatus::Completed | TaskStatus::Blocked) => {
            Err(Refusal::NotAllowed { what, why: format!("it is {}, not pending", status.as_str()) })
        }
    }
}

fn allow(
    change: &Change,
    test: impl FnOnce(&crate::capabilities::TaskCapabilities) -> bool,
    what: &'static str,
) -> Result<(), Refusal> {
    let capabilities = task_capabilities(&change.manifest);
    if test(&capabilities) {
        return Ok(());
    }
    let why = crate::capabilities::task_denial(&change.manifest);
    Err(Refusal::NotAllowed { what, why })
}

fn check_texts(title: Option<&str>, body: Option<&str>) -> Result<(), Refusal> {
    if let Some(title) = title {
        check_title(title).map_err(|error| Refusal::Invalid(error.to_string()))?;
    }
    match body {
        Some(body) if body.len() > MAX_BODY => {
            let len = body.len();
            Err(Refusal::Invalid(format!("the body has {len} bytes; at most {MAX_BODY} are allowed")))
        }
        Some(_) | None => Ok(()),
    }
}
