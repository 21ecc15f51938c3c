//! Changes of tasks that hooks are asked about: runs the hooks, keeps what they did, and makes the change as they judged
//! it. Holds no lock meanwhile: a change that rests on an old look at its task is put before the hooks again.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::hook::{HookReport, HookSpec, HookVerdict, Mutations};
use agent_runner_model::task::{Task, TaskStatus};
use agent_runner_model::{
    Author, ControlFact, Fact, Manifest, Refusal, RunId, Secrets, TaskFact, TaskId, Timestamp, apply,
    transition_of,
};
use agent_runner_store::{CommitError, failpoint};
use serde_json::Value;

use super::hints::what_to_do;
use crate::engine::Engine;
use crate::environment::{HOOK_CHAIN, HOOK_MARKER};
use crate::failure::{commit_error, internal};
use crate::hooks::{Host, Judged, Moment, Ran, chain_link, command_marker, end_orphans, is_inside_hook};
use crate::place::Places;

/// How often a task may change while hooks are asked about it.
const MAX_ROUNDS: u32 = 20;

impl<S: Places + 'static> Engine<S> {
    /// Makes a change of a task, once the hooks that are asked about it have accepted it. With a request id, a change that
    /// landed already is not made again.
    pub(super) async fn change_task(
        &self,
        run_id: &RunId,
        author: Author,
        change: &TaskFact,
        request: Option<&String>,
    ) -> Result<Manifest, ApiError> {
        let mut fact = Fact::Task { author, fact: change.clone() };
        let mut rounds = 0;
        loop {
            failpoint::hit("task.before_commit");
            match self.try_commit(run_id, &[once(fact, request)]).await {
                Ok(manifest) => return Ok(manifest),
                Err(CommitError::Refused(Refusal::HooksFirst { .. } | Refusal::JudgedBefore { .. }))
                    if rounds < MAX_ROUNDS =>
                {
                    rounds += 1;
                    let manifest = self.look_at(run_id).await?;
                    fact = self.ask_hooks(manifest, author, change).await?;
                }
                Err(CommitError::Refused(Refusal::JudgedBefore { id })) => {
                    let message = format!(
                        "task \"{id}\" changes each time that hooks are asked about it: {MAX_ROUNDS} times in a row"
                    );
                    return Err(ApiError::new(ErrorCode::NotAllowed, message).hint(format!(
                        "a hook that changes the status of the task it judges has no end; `agent-runner run audit \
                         {run_id}` shows which"
                    )));
                }
                Err(error) => return Err(what_to_do(commit_error(&error), run_id)),
            }
        }
    }

    /// Asks the hooks about a change of a task, and commits what they did. What comes back is to be committed next.
    pub(super) async fn ask_hooks(
        &self,
        mut manifest: Manifest,
        author: Author,
        change: &TaskFact,
    ) -> Result<Fact, ApiError> {
        let fact = Fact::Task { author, fact: change.clone() };
        let Some(transition) = transition_of(&manifest, author, change) else { return Ok(fact) };
        let hooks: Vec<HookSpec> =
            manifest.spec.hooks.iter().filter(|hook| hook.matches_transition(&transition)).cloned().collect();
        if hooks.is_empty() {
            return Ok(fact);
        }
        let run_id = manifest.spec.run_id.clone();
        end_orphans(&run_id).await;
        for hook in hooks.iter().filter(|hook| !self.is_within(&run_id, &hook.hook_id)) {
            let id = &transition.task_id;
            let before = manifest.state.final_tasks.get(id).cloned();
            let after = tentative(&manifest, author, change, transition.from, self.now());
            let judged = Judged { transition: transition.clone(), before, after };
            manifest = self.ask_hook(manifest, hook, judged, author).await?;
        }
        Ok(Fact::Judged { author, fact: change.clone(), from: transition.from })
    }

    async fn ask_hook(
        &self,
        manifest: Manifest,
        hook: &HookSpec,
        judged: Judged,
        author: Author,
    ) -> Result<Manifest, ApiError> {
        let run_id = manifest.spec.run_id.clone();
        let task_id = judged.transition.task_id.clone();
        let marker = command_marker(&run_id).map_err(|error| internal(&error))?;
        let host = Host {
            environment: self.config.hook_environment.clone(),
            marker,
            is_worker: author.fence().is_some(),
            stop: (self.interrupts)(),
        };
        let place = self.store.location(&run_id).unwrap_or_default();
        let moment = Moment {
            manifest: &manifest,
            workspace_dir: place.to_string_lossy().into_owned(),
            hook,
            config: Value::Null,
            prompt: String::new(),
            transcript: None,
            stderr: None,
            judged: Some(judged),
        };
        failpoint::hit("task.hook_begins");
        let (report, _hold) = match self.run_hook(moment, host).await {
            Ran::Done(report, hold) => (report, hold),
            Ran::Stopped => {
                let message =
                    format!("interrupted while hook {} looked at it; the task is as it was", hook.hook_id);
                return Err(ApiError::new(ErrorCode::Process, message).hint("repeat the command"));
            }
        };
        failpoint::hit("task.hook_ran");
        let (report, manifest) = self.keep_report(&run_id, hook, task_id, *report).await?;
        let secrets = Secrets::of(&manifest.spec);
        match report.verdict {
            HookVerdict::Continue | HookVerdict::Skipped => Ok(manifest),
            HookVerdict::Block { reason } | HookVerdict::Reinvoke { prompt: reason } => {
                let message = format!("hook {} rejects this change: {}", hook.hook_id, secrets.hide(&reason));
                Err(ApiError::new(ErrorCode::NotAllowed, message)
                    .hint("the task is as it was; do what the hook asks for, then repeat the command"))
            }
            HookVerdict::Failed { detail } => {
                let message = format!("hook {} failed: {}", hook.hook_id, secrets.hide(&detail));
                Err(ApiError::new(ErrorCode::Process, message)
                    .hint("the task is as it was; correct the hook, then repeat the command"))
            }
        }
    }

    /// Commits what a hook did, whatever becomes of the change. What the run does not take makes the hook fail.
    async fn keep_report(
        &self,
        run_id: &RunId,
        hook: &HookSpec,
        task_id: TaskId,
        mut report: HookReport,
    ) -> Result<(HookReport, Manifest), ApiError> {
        loop {
            let fact = Fact::Control(ControlFact::TransitionHookEnded {
                hook_id: hook.hook_id.clone(),
                task_id: task_id.clone(),
                report: Box::new(report.clone()),
            });
            match self.try_commit(run_id, &[fact]).await {
                Ok(manifest) => return Ok((report, manifest)),
                Err(CommitError::Refused(refusal)) if report.mutations != Mutations::default() => {
                    report.verdict = HookVerdict::Failed { detail: refusal.to_string() };
                    report.mutations = Mutations::default();
                }
                Err(error) => return Err(what_to_do(commit_error(&error), run_id)),
            }
        }
    }

    /// Whether this process was started by that hook, maybe by way of others: a hook does not judge what it does itself.
    fn is_within(&self, run_id: &RunId, hook_id: &str) -> bool {
        let given = |name: &str| {
            let own = self.config.hook_environment.iter().find(|(known, _)| known == name);
            own.and_then(|(_, value)| value.to_str()).unwrap_or_default()
        };
        let link = chain_link(run_id, hook_id);
        given(HOOK_CHAIN).lines().any(|line| line == link) && is_inside_hook(given(HOOK_MARKER))
    }
}

fn once(fact: Fact, request: Option<&String>) -> Fact {
    match request {
        Some(request) => Fact::Once { request: request.clone(), fact: Box::new(fact) },
        None => fact,
    }
}

/// The task as the change would leave it.
fn tentative(
    manifest: &Manifest,
    author: Author,
    change: &TaskFact,
    from: Option<TaskStatus>,
    now: Timestamp,
) -> Option<Task> {
    let fact = Fact::Judged { author, fact: change.clone(), from };
    let applied = apply(manifest, &fact, now).ok()?;
    applied.manifest.state.final_tasks.get(change.task_id()).cloned()
}
