//! Which builtin runs, and what they have in common: when there is something to judge, and what an objection means.

use agent_runner_model::hook::HookPhase;
use agent_runner_model::task::TaskStatus;

use super::{children, command, files, git, tell, worktree};
use crate::compose::OWN_WORKTREE;
use crate::engine::Engine;
use crate::hooks::answer::{Answer, Verdict};
use crate::hooks::context::Moment;
use crate::hooks::running::{Host, NoAnswer, Wanted};
use crate::place::Places;
use agent_runner_api::hook::Mutation;

/// Runs the builtin of that name.
pub(in crate::hooks) async fn run<S: Places + 'static>(
    engine: &Engine<S>,
    name: &str,
    moment: &Moment<'_>,
    host: &Host,
) -> Result<Wanted, NoAnswer> {
    match name {
        "command" => return command::run(engine, moment, host).await,
        "git-worktree" => return worktree::authored(engine, moment).await,
        OWN_WORKTREE => return worktree::own(engine, moment).await,
        _ => {}
    }
    let verdict = match name {
        "require-children-success" => children::require(engine, moment).await?,
        "git-clean" => git::clean(engine, moment).await?,
        "no-diff-outside" => git::no_diff_outside(engine, moment).await?,
        "files-exist" => files::exist(moment)?,
        "notify" => return tell::notify(engine, moment, host).await,
        _ => {
            let words =
                format!("this version has no builtin hook {name:?}; use the version that made the run");
            return Err(NoAnswer::failed(words));
        }
    };
    Ok(wanted(verdict, String::new()))
}

pub(super) fn wanted(verdict: Verdict, stderr: String) -> Wanted {
    let answer = Answer { verdict, mutate: Mutation::default() };
    Wanted { answer, worktree: None, stderr, source_changed: false }
}

/// What an objection means in each phase: where the worker can still do something about it, it is told to.
pub(super) fn objection(phase: HookPhase, words: String) -> Verdict {
    match phase {
        HookPhase::AfterAttempt | HookPhase::AfterExit => Verdict::Reinvoke(words),
        HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::TaskTransition => Verdict::Block(words),
    }
}

/// Whether there is anything to judge: work that is called done. Work that is open goes on anyway.
pub(super) fn is_called_done(moment: &Moment<'_>) -> bool {
    match moment.hook.phase {
        HookPhase::TaskTransition => {
            moment.judged.as_ref().is_some_and(|judged| judged.transition.to == TaskStatus::Completed)
        }
        HookPhase::AfterAttempt => {
            let manifest = moment.manifest;
            manifest.open_tasks().next().is_none() && manifest.blocked_tasks().is_empty()
        }
        HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::AfterExit => true,
    }
}

/// Some of many, for people.
pub(super) fn some(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown = names.iter().take(MOST).map(|name| format!("- {name}")).collect::<Vec<_>>().join("\n");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown}\n- and {more} more"),
    }
}
