//! What hooks change. Each phase has its bounds; what goes beyond them is refused as a whole.

use crate::event::EventBody;
use crate::fact::{ControlFact, Refusal};
use crate::hook::{HookPhase, Mutations, RunMutation, TaskPatch};
use crate::manifest::{FrozenConfig, tasks_of};
use crate::phase::Stage;
use crate::spec::{BackendSettings, RunSpec};
use crate::task::MAX_NOTES;

use super::{Change, life};

/// Most bytes that hooks may remember of a run.
const MAX_STATE: usize = 256 * 1024;
/// Longest prompt of a hook, in bytes.
const MAX_PROMPT: usize = 1024 * 1024;

/// Makes the changes. What a hook that prepares changes of configuration and variables is in the spec it comes with.
pub(super) fn apply(change: &mut Change, phase: HookPhase, mutations: &Mutations) -> Result<(), Refusal> {
    check(phase, mutations)?;
    if phase != HookPhase::Prepare {
        configure(change, &mutations.run);
        if let Some(worktree) = &mutations.worktree {
            // No reset takes this back: the directory is there, and what is in it is to be kept.
            change.manifest.spec.worktree = Some(worktree.clone());
        }
    }
    if let Some(prompt) = &mutations.run.attempt_prompt {
        // The attempt that is under way has its prompt.
        let is_under_way = matches!(change.manifest.stage(), Some(Stage::Attempting { .. }));
        change.manifest.state.next_prompt = Some(prompt.clone());
        change.manifest.state.next_prompt_waits = is_under_way;
    }
    remember(change, mutations)?;
    if let Some(note) = &mutations.note {
        life::apply(change, &ControlFact::Noted { note: note.clone() })?;
    }
    if let Some(pinned) = mutations.pinned {
        life::apply(change, &ControlFact::Pinned { pinned })?;
    }
    for patch in &mutations.patch_tasks {
        patch_task(change, patch)?;
    }
    for id in &mutations.attachments_removed {
        life::apply(change, &ControlFact::AttachmentRemoved { id: id.clone() })?;
    }
    for attachment in &mutations.attachments_added {
        life::apply(change, &ControlFact::AttachmentAdded { attachment: attachment.clone() })?;
    }
    Ok(())
}

fn check(phase: HookPhase, mutations: &Mutations) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::Invalid(why.to_owned()));
    let is_preparing = phase == HookPhase::Prepare;
    if !is_preparing && !mutations.vars.is_empty() {
        return refuse("a hook can change variables only in the phase prepare");
    }
    let run = &mutations.run;
    if !is_preparing && run.initial_prompt.is_some() {
        return refuse("a hook can change the first prompt only in the phase prepare");
    }
    if run.timeout_sec == Some(0) {
        return refuse("the time limit of an attempt must be at least one second");
    }
    if run.cwd.as_deref().is_some_and(|cwd| !cwd.starts_with('/')) {
        return refuse("the working directory a hook chooses must be an absolute path");
    }
    for prompt in [&run.initial_prompt, &run.attempt_prompt].into_iter().flatten() {
        if prompt.len() > MAX_PROMPT || prompt.trim().is_empty() {
            return refuse("a prompt has 1 byte to 1 MiB, and not only white space");
        }
    }
    Ok(())
}

fn remember(change: &mut Change, mutations: &Mutations) -> Result<(), Refusal> {
    let state = &mut change.manifest.state.hook_state;
    for (name, value) in &mutations.state {
        if value.is_null() {
            state.remove(name);
        } else {
            state.insert(name.clone(), value.clone());
        }
    }
    let size: usize = state.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
    if size > MAX_STATE {
        return Err(Refusal::Invalid("hooks can remember at most 256 KiB of a run".to_owned()));
    }
    Ok(())
}

/// Keeps what is replaced: a reset goes back to it.
fn configure(change: &mut Change, run: &RunMutation) {
    let changes_config = RunMutation { attempt_prompt: None, ..run.clone() } != RunMutation::default();
    if !changes_config {
        return;
    }
    let spec = &mut change.manifest.spec;
    change.manifest.state.frozen_config.get_or_insert_with(|| Box::new(frozen(spec)));
    configured(spec, run);
}

fn frozen(spec: &RunSpec) -> FrozenConfig {
    FrozenConfig {
        cwd: spec.cwd.clone(),
        backend: spec.backend.clone(),
        settings: BackendSettings {
            config: spec.backend_config.clone(),
            args: spec.resolved_backend_args.clone(),
        },
        model: spec.model.clone(),
        effort: spec.effort,
        timeout_sec: spec.timeout_sec,
        unrestricted: spec.unrestricted,
        locked_fields: spec.locked_fields.clone(),
    }
}

/// Takes back what hooks changed after the run was prepared.
pub(super) fn thaw(change: &mut Change) {
    let Some(frozen) = change.manifest.state.frozen_config.take() else { return };
    let FrozenConfig { cwd, backend, settings, model, effort, timeout_sec, unrestricted, locked_fields } =
        *frozen;
    let spec = &mut change.manifest.spec;
    spec.cwd = cwd;
    spec.backend = backend;
    spec.backend_config = settings.config;
    spec.resolved_backend_args = settings.args;
    spec.model = model;
    spec.effort = effort;
    spec.timeout_sec = timeout_sec;
    spec.unrestricted = unrestricted;
    spec.locked_fields = locked_fields;
}

/// Puts a hook's change of configuration into a spec. Another backend comes with what the agent says about it.
pub fn configured(spec: &mut RunSpec, run: &RunMutation) {
    if let Some(cwd) = &run.cwd {
        spec.cwd.clone_from(cwd);
    }
    if let Some(backend) = run.backend.as_ref().filter(|backend| **backend != spec.backend) {
        let settings = spec.template.backends.get(backend).cloned().unwrap_or_default();
        spec.backend.clone_from(backend);
        spec.backend_config = settings.config;
        spec.resolved_backend_args = settings.args;
    }
    if let Some(model) = &run.model {
        spec.model.clone_from(model);
    }
    if let Some(effort) = run.effort {
        spec.effort = effort;
    }
    if let Some(timeout_sec) = run.timeout_sec {
        spec.timeout_sec = timeout_sec;
    }
    if let Some(unrestricted) = run.unrestricted {
        spec.unrestricted = unrestricted;
    }
    if let Some(locked_fields) = &run.locked_fields {
        spec.locked_fields.clone_from(locked_fields);
        spec.locked_fields.sort_unstable();
        spec.locked_fields.dedup();
    }
}

/// A hook is part of the definition: what the run's phase denies to people does not bind it.
fn patch_task(change: &mut Change, patch: &TaskPatch) -> Result<(), Refusal> {
    let known: Vec<_> = change.manifest.state.final_tasks.keys().cloned().collect();
    let state = &mut change.manifest.state;
    let Some(task) = state.final_tasks.get_mut(&patch.task_id) else {
        return Err(Refusal::TaskNotFound { id: patch.task_id.clone(), known });
    };
    if patch.notes_replace.is_some() && patch.notes_append.is_some() {
        let id = &patch.task_id;
        let why = format!("a hook can replace the notes of task `{id}` or append to them, not both");
        return Err(Refusal::Invalid(why));
    }
    if patch.notes_replace.as_ref().is_some_and(|notes| notes.len() > MAX_NOTES) {
        return Err(Refusal::Invalid(format!("notes have at most {MAX_NOTES} bytes")));
    }
    let before = task.status;
    let fields = patch.apply(task);
    let status = task.status;
    if status == before && fields.is_empty() {
        return Ok(());
    }
    if status != before {
        state.progress = state.progress.saturating_add(1);
    }
    let from = (status != before).then_some(before);
    change.log(EventBody::TaskUpdated { task_id: patch.task_id.clone(), from, status, fields, fence: None });
    Ok(())
}

/// The spec that a hook that prepares has led to. Tasks keep what was reported of them meanwhile, and what people made of
/// them: texts that were changed by hand, and tasks that were taken away, stay so.
pub(super) fn respecify(change: &mut Change, spec: &RunSpec, mutations: &Mutations) {
    let before = tasks_of(&change.manifest.spec);
    let mut spec = spec.clone();
    spec.prepared_state.clone_from(&change.manifest.state.hook_state);
    spec.prepared_tasks.extend(mutations.patch_tasks.iter().cloned());
    let mut tasks = tasks_of(&spec);
    let known = &change.manifest.state.final_tasks;
    tasks.retain(|id, _| known.contains_key(id) || !before.contains_key(id));
    for (id, task) in known {
        let was = before.get(id);
        if let Some(new) = tasks.get_mut(id) {
            let kept = |now: &String, was: Option<&String>, new: &String| {
                if Some(now) == was { new.clone() } else { now.clone() }
            };
            let title = kept(&task.title, was.map(|was| &was.title), &new.title);
            let body = kept(&task.body, was.map(|was| &was.body), &new.body);
            *new = crate::task::Task { title, body, ..task.clone() };
        } else {
            tasks.insert(id.clone(), task.clone());
        }
    }
    change.manifest.state.final_tasks = tasks;
    change.manifest.spec = spec;
}

impl Mutations {
    /// Names of what changes, as hooks call it.
    pub fn names(&self) -> Vec<String> {
        let run = &self.run;
        let named = [
            ("run.cwd", run.cwd.is_some()),
            ("run.backend", run.backend.is_some()),
            ("run.model", run.model.is_some()),
            ("run.effort", run.effort.is_some()),
            ("run.timeoutSec", run.timeout_sec.is_some()),
            ("run.unrestricted", run.unrestricted.is_some()),
            ("run.lockedFields", run.locked_fields.is_some()),
            ("run.initialPrompt", run.initial_prompt.is_some()),
            ("run.attemptPrompt", run.attempt_prompt.is_some()),
            ("vars", !self.vars.is_empty()),
            ("state", !self.state.is_empty()),
            ("note", self.note.is_some()),
            ("pinned", self.pinned.is_some()),
            ("patchTasks", !self.patch_tasks.is_empty()),
            ("attachments", !self.attachments_removed.is_empty() || !self.attachments_added.is_empty()),
        ];
        named.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect()
    }
}
