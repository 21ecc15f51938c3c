//! `git-worktree`, and the hook that the runner itself puts in front of others: the run works in a worktree.

use std::path::{Path, PathBuf};

use agent_runner_api::hook::Mutation;
use agent_runner_model::hook::{HookPhase, Worktree};
use serde::Deserialize;

use super::settings::settings;
use crate::engine::Engine;
use crate::hooks::answer::{Answer, Verdict};
use crate::hooks::context::Moment;
use crate::hooks::running::{NoAnswer, Wanted};
use crate::place::Places;
use crate::workspace;
use crate::worktree::{Collision, WorktreeAsk, ensure_worktree, is_own, replaced};

/// The variable that says where the worktree is.
const PATH_VAR: &str = "worktree_path";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Authored {
    repo: String,
    from: String,
    branch: String,
    path: String,
    #[serde(default)]
    collision: Collision,
}

/// `git-worktree`, as an assignment declares it.
pub(super) async fn authored<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
) -> Result<Wanted, NoAnswer> {
    let Authored { repo, from, branch, path, collision } = settings(moment)?;
    for (key, text) in [("repo", &repo), ("from", &from), ("branch", &branch), ("path", &path)] {
        if text.trim().is_empty() || text.contains("{{") {
            let words =
                format!("`{key}` of its configuration comes to {text:?}: a variable in it has no value");
            return Err(NoAnswer::failed(words));
        }
    }
    let repo = here(moment).join(repo);
    let path = here(moment).join(path);
    let ask =
        WorktreeAsk { repo: &repo, from: Some(&from), branch: Some(&branch), path: Some(&path), collision };
    let (worktree, own) = made(engine, moment, ask).await?;
    let cwd = worktree.path.clone();
    Ok(works_in(moment, cwd, &worktree.path.clone(), own.then_some(worktree)))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Own {
    from: Option<String>,
    branch: Option<String>,
    path: Option<String>,
}

/// `--worktree`, and `worktree:` of an assignment. The run works at the same place within it as it was made for.
pub(super) async fn own<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
) -> Result<Wanted, NoAnswer> {
    let Own { from, branch, path } = settings(moment)?;
    let repo = match &moment.manifest.spec.worktree {
        // It was made before the driver died, and the run works there by now.
        Some(worktree) => PathBuf::from(&worktree.repo_root),
        None => here(moment),
    };
    let path = path.map(|path| here(moment).join(path));
    let ask = WorktreeAsk {
        repo: &repo,
        from: from.as_deref(),
        branch: branch.as_deref(),
        path: path.as_deref(),
        collision: Collision::Fail,
    };
    let (worktree, _) = made(engine, moment, ask).await?;
    let inside = workspace::find(&repo).and_then(|found| {
        Some(std::fs::canonicalize(&repo).ok()?.strip_prefix(found.work_tree).ok()?.to_owned())
    });
    let same_place = inside.map(|inside| Path::new(&worktree.path).join(inside));
    // What is not committed is not in the worktree: then its top is where the run works.
    let cwd = same_place.filter(|place| place.is_dir()).unwrap_or_else(|| PathBuf::from(&worktree.path));
    let cwd = cwd.components().collect::<PathBuf>().to_string_lossy().into_owned();
    Ok(works_in(moment, cwd, &worktree.path.clone(), Some(worktree)))
}

fn here(moment: &Moment<'_>) -> PathBuf {
    PathBuf::from(&moment.manifest.spec.cwd)
}

async fn made<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
    ask: WorktreeAsk<'_>,
) -> Result<(Worktree, bool), NoAnswer> {
    let run_id = &moment.manifest.spec.run_id;
    let held = match replaced(&engine.config, run_id, &ask) {
        Some(path) => {
            let held = engine.enter_alone(run_id, &path).await;
            held.map_err(|error| NoAnswer::failed(format!("{error}, and its worktree would be replaced")))?
        }
        None => None,
    };
    let made = ensure_worktree(&engine.config, run_id, ask).await.map_err(NoAnswer::failed)?;
    let own = is_own(&engine.config, run_id, Path::new(&made.path)).map_err(NoAnswer::failed)?;
    drop(held);
    Ok((made, own))
}

fn works_in(moment: &Moment<'_>, cwd: String, path: &str, worktree: Option<Worktree>) -> Wanted {
    let mut mutate = Mutation::default();
    mutate.run.cwd = Some(cwd);
    if moment.hook.phase == HookPhase::Prepare {
        mutate.vars.insert(PATH_VAR.to_owned(), path.into());
    }
    let answer = Answer { verdict: Verdict::Continue, mutate };
    Wanted { answer, worktree, stderr: String::new(), source_changed: false }
}
