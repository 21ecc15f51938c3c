//! From what a hook wants to what is changed: files are taken in, names are checked, and the spec of a run that is being
//! prepared is filled again. Errors say what is wrong, for whoever wrote the hook.

use std::collections::BTreeMap;
use std::path::Path;

use agent_runner_model::hook::{HookPhase, HookVerdict, Mutations, RunMutation};
use agent_runner_model::spec::{PASSIVE_BACKEND, RunSpec};
use agent_runner_model::vars::{INJECTED, RuntimeVar, VarProvenance, VarValue};
use agent_runner_model::{Manifest, Secrets, configured};
use agent_runner_store::repo_bucket;
use serde_json::Value;

use super::context::Moment;
use super::running::{Understood, Wanted};
use crate::compose;
use crate::engine::Engine;
use crate::place::Places;
use agent_runner_api::hook::{AddedFile, MutateAttachments, MutateRun};

/// Longest name of a model, in bytes.
const MAX_MODEL: usize = 256;

impl<S: Places + 'static> Engine<S> {
    /// What a hook's answer means for the run.
    pub(super) async fn understood(
        &self,
        manifest: &Manifest,
        moment: &Moment<'_>,
        wanted: Wanted,
    ) -> Result<Understood<S::Hold>, String> {
        let Wanted { answer, worktree, .. } = wanted;
        let mutate = answer.mutate;
        // Names and places are seen by everybody.
        let secrets = Secrets::of(&manifest.spec);
        let names = mutate.vars.keys().chain(mutate.state.keys()).map(|name| ("a name", name));
        let places = mutate.run.cwd.iter().map(|cwd| ("the working directory", cwd));
        if let Some((what, _)) = names.chain(places).find(|(_, text)| secrets.are_in(text)) {
            return Err(format!("{what} it chose holds a value that is shown to nobody"));
        }
        let verdict = HookVerdict::from(answer.verdict);
        let run = self.run_mutation(manifest, mutate.run)?;
        let mut mutations = Mutations {
            run,
            vars: mutate.vars,
            state: mutate.state,
            note: mutate.note,
            pinned: mutate.pinned,
            patch_tasks: mutate.patch_tasks,
            ..Mutations::default()
        };
        mutations.worktree = worktree;
        let spec = match moment.hook.phase {
            HookPhase::Prepare => Some(self.prepared_spec(manifest, moment, &mutations, &verdict)?),
            HookPhase::BeforeAttempt
            | HookPhase::AfterAttempt
            | HookPhase::AfterExit
            | HookPhase::TaskTransition => None,
        };
        let hold = self.take_in(manifest, mutate.attachments, &mut mutations).await?;
        Ok(Understood { verdict, mutations, spec, hold })
    }

    fn run_mutation(&self, manifest: &Manifest, run: MutateRun) -> Result<RunMutation, String> {
        if let Some(backend) = &run.backend {
            let known = self.registry.get(backend).map_err(|error| error.to_string())?;
            let settings = manifest.spec.template.backends.get(backend).cloned().unwrap_or_default();
            known.check(&settings.config).map_err(|error| error.to_string())?;
            if (backend == PASSIVE_BACKEND) != manifest.spec.is_passive() {
                return Err("a hook can neither make a run passive nor drive a passive one".to_owned());
            }
        }
        if let Some(Some(model)) = &run.model
            && (model.trim().is_empty() || model.len() > MAX_MODEL || model.chars().any(char::is_control))
        {
            return Err(format!("a model's name is one line of 1 to {MAX_MODEL} bytes"));
        }
        if let Some(cwd) = &run.cwd
            && !Path::new(cwd).is_dir()
        {
            return Err(format!("the working directory it chose, {cwd:?}, is not there"));
        }
        Ok(RunMutation {
            cwd: run.cwd,
            backend: run.backend,
            model: run.model,
            effort: run.effort,
            timeout_sec: run.timeout_sec,
            unrestricted: run.unrestricted,
            locked_fields: run.locked_fields,
            initial_prompt: run.initial_prompt,
            attempt_prompt: run.attempt_prompt,
        })
    }

    /// The spec with what the hook found out in it, all texts filled again.
    fn prepared_spec(
        &self,
        manifest: &Manifest,
        moment: &Moment<'_>,
        mutations: &Mutations,
        verdict: &HookVerdict,
    ) -> Result<RunSpec, String> {
        let before = &manifest.spec;
        let mut spec = before.clone();
        put_vars(&mut spec, &mutations.vars)?;
        configured(&mut spec, &mutations.run);
        if let Some(cwd) = &mutations.run.cwd {
            spec.template.cwd = Some(cwd.clone());
        }
        if let Some(worktree) = &mutations.worktree {
            spec.worktree = Some(worktree.clone());
        }
        let first = mutations.run.initial_prompt.as_ref().or(mutations.run.attempt_prompt.as_ref());
        let told = match verdict {
            HookVerdict::Reinvoke { prompt } => Some(prompt),
            HookVerdict::Continue
            | HookVerdict::Block { .. }
            | HookVerdict::Skipped
            | HookVerdict::Failed { .. } => first,
        };
        if let Some(prompt) = told {
            spec.template.initial_prompt = Some(prompt.clone());
        }
        let places = compose::Places::new(&self.config, repo_bucket);
        let filled = compose::fill(spec, &manifest.state.run_group_id, &places);
        let mut spec = filled.map_err(|error| error.message)?;
        // The run's own directory lies where the run was created.
        spec.repo.clone_from(&before.repo);
        let mut hooks = before.hooks.iter().filter(|hook| hook.phase == HookPhase::Prepare);
        if hooks.next_back().is_some_and(|last| last.hook_id == moment.hook.hook_id) {
            compose::check_prepared(&spec)?;
        }
        Ok(spec)
    }

    /// Takes in the files that a hook hands over, before they count.
    async fn take_in(
        &self,
        manifest: &Manifest,
        files: MutateAttachments,
        mutations: &mut Mutations,
    ) -> Result<Option<S::Hold>, String> {
        let run_id = &manifest.spec.run_id;
        mutations.attachments_removed = files.remove;
        if files.add.is_empty() && files.replace.is_empty() {
            return Ok(None);
        }
        let hold = self.hold_files(run_id).await.map_err(|error| error.message)?;
        let mut all: Vec<(Option<String>, _)> = Vec::new();
        for file in files.add {
            all.push((None, file));
        }
        for file in files.replace {
            let known = manifest.state.attachments.iter().find(|known| known.id == file.attachment_id);
            let known = known.ok_or_else(|| format!("the run has no attachment {:?}", file.attachment_id))?;
            let name = file.name.or_else(|| Some(known.name.clone()));
            let added = AddedFile { source_path: file.source_path, name, mime_type: file.mime_type };
            mutations.attachments_removed.push(file.attachment_id.clone());
            all.push((Some(file.attachment_id), added));
        }
        for (id, file) in all {
            let source = Path::new(&manifest.spec.cwd).join(&file.source_path);
            let name = file.name.clone().unwrap_or_else(|| {
                source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            });
            let kept = self.keep_file(run_id, &source, name, file.mime_type, id).await;
            mutations.attachments_added.push(kept.map_err(|error| error.message)?);
        }
        Ok(Some(hold))
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn put_vars(spec: &mut RunSpec, vars: &BTreeMap<String, Value>) -> Result<(), String> {
    for (name, value) in vars {
        if INJECTED.contains(&name.as_str()) {
            return Err(format!("variable `{name}` cannot be set: every run sets it itself"));
        }
        if !is_name(name) {
            return Err(format!("{name:?} is no name of a variable: letters, digits and _, at most 64"));
        }
        if spec.runtime_vars.get(name).is_some_and(RuntimeVar::is_redacted) {
            return Err(format!("variable `{name}` came from an environment; a hook cannot change it"));
        }
        if value.is_null() {
            spec.runtime_vars.remove(name);
            continue;
        }
        let mut found = match value {
            Value::Bool(value) => VarValue::Bool(*value),
            Value::Number(value) => VarValue::Number(value.clone()),
            Value::String(value) => VarValue::Text(value.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => VarValue::Text(value.to_string()),
        };
        if let Some(declared) = spec.vars.iter().find(|declared| declared.name == *name) {
            found = declared
                .kind
                .coerce(&found.to_string())
                .map_err(|expected| format!("variable `{name}` must be {expected}, not {value}"))?;
        }
        let var = RuntimeVar {
            value: found,
            source: VarProvenance::Hook,
            env_name: None,
            inherited_from_run_id: None,
        };
        spec.runtime_vars.insert(name.clone(), var);
    }
    Ok(())
}
