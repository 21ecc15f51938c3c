//! The hooks this program brings along. Each is a function of the run and of its configuration.

mod children;
mod command;
mod files;
mod git;
mod settings;
mod tell;
mod worktree;

use agent_runner_model::hook::HookPhase;
use agent_runner_model::task::TaskStatus;

use super::answer::{Answer, Verdict};
use super::context::Moment;
use super::running::{Host, NoAnswer, Wanted};
use crate::engine::Engine;
use crate::place::Places;
use agent_runner_api::hook::Mutation;

/// The builtin that nobody writes down: the runner puts it in front of the others of a run that is to have a worktree.
pub(crate) const OWN_WORKTREE: &str = "own-worktree";

/// Runs the builtin of that name.
pub(super) async fn run<S: Places + 'static>(
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

fn wanted(verdict: Verdict, stderr: String) -> Wanted {
    let answer = Answer { verdict, mutate: Mutation::default() };
    Wanted { answer, worktree: None, stderr, source_changed: false }
}

/// What an objection means in each phase: where the worker can still do something about it, it is told to.
fn objection(phase: HookPhase, words: String) -> Verdict {
    match phase {
        HookPhase::AfterAttempt | HookPhase::AfterExit => Verdict::Reinvoke(words),
        HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::TaskTransition => Verdict::Block(words),
    }
}

/// Whether there is anything to judge: work that is called done. Work that is open goes on anyway.
fn is_called_done(moment: &Moment<'_>) -> bool {
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
fn some(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown = names.iter().take(MOST).map(|name| format!("- {name}")).collect::<Vec<_>>().join("\n");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown}\n- and {more} more"),
    }
}
