//! The builtins that look at a git repository. Must not change one.

use agent_runner_api::view::{ChangeKind, GitChanges};
use agent_runner_model::manifest::GitHead;
use serde::Deserialize;

use super::choice::{is_called_done, objection, some};
use super::settings::settings;
use crate::engine::Engine;
use crate::git::{LIMIT, Question, compare};
use crate::hooks::answer::Verdict;
use crate::hooks::context::Moment;
use crate::hooks::running::NoAnswer;
use crate::place::Places;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Clean {
    #[serde(default)]
    ignore_untracked: bool,
    #[serde(default)]
    paths: Vec<String>,
}

/// `git-clean`: everything is committed.
pub(super) async fn clean<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
) -> Result<Verdict, NoAnswer> {
    let settings: Clean = settings(moment)?;
    if !is_called_done(moment) {
        return Ok(Verdict::Continue);
    }
    let changes = look(engine, moment, None).await?;
    let Some(uncommitted) = &changes.uncommitted else { return Err(unknown(&changes)) };
    let files: Vec<String> = uncommitted
        .files
        .iter()
        .filter(|file| !settings.ignore_untracked || file.unstaged != Some(ChangeKind::Untracked))
        .flat_map(|file| [Some(&file.path), file.old_path.as_ref()])
        .flatten()
        .filter(|path| settings.paths.is_empty() || is_among(&settings.paths, path))
        .cloned()
        .collect();
    // What is not listed may be anything; then nobody can say that all is committed.
    if files.is_empty() && uncommitted.more == 0 {
        return Ok(Verdict::Continue);
    }
    let words = format!("these files are not committed; commit them, or take them away:\n{}", some(&files));
    Ok(objection(moment.hook.phase, words))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Outside {
    allow: Vec<String>,
    #[serde(default)]
    base: Option<String>,
}

/// `no-diff-outside`: nothing was changed but what may be.
pub(super) async fn no_diff_outside<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
) -> Result<Verdict, NoAnswer> {
    let settings: Outside = settings(moment)?;
    if !is_called_done(moment) {
        return Ok(Verdict::Continue);
    }
    let base = match settings.base {
        Some(base) => Some(commit(moment, &base)?),
        None => None,
    };
    let changes = look(engine, moment, base).await?;
    let (Some(files), Some(uncommitted)) = (&changes.files, &changes.uncommitted) else {
        return Err(unknown(&changes));
    };
    let changed = files.files.iter().map(|file| (&file.path, &file.old_path));
    let changed = changed.chain(uncommitted.files.iter().map(|file| (&file.path, &file.old_path)));
    let mut outside: Vec<String> = changed
        .flat_map(|(path, old)| [Some(path.clone()), old.clone()])
        .flatten()
        .filter(|path| !is_among(&settings.allow, path))
        .collect();
    outside.sort_unstable();
    outside.dedup();
    if outside.is_empty() && files.more == 0 && uncommitted.more == 0 {
        return Ok(Verdict::Continue);
    }
    if outside.is_empty() {
        return Err(NoAnswer::failed("too many files have changed to look at all of them"));
    }
    let words = format!(
        "these files were changed and must not be; only {} may. Put them back:\n{}",
        settings.allow.join(", "),
        some(&outside)
    );
    Ok(objection(moment.hook.phase, words))
}

fn is_among(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| {
        // A directory stands for everything in it.
        let inside = pattern.strip_suffix('/').map(|directory| format!("{directory}/**"));
        fast_glob::glob_match(inside.as_deref().unwrap_or(pattern), path)
    })
}

fn commit(moment: &Moment<'_>, base: &str) -> Result<GitHead, NoAnswer> {
    if base.len() >= 40 && base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(GitHead { commit: Some(base.to_owned()), branch: None });
    }
    let repository = crate::workspace::find(std::path::Path::new(&moment.manifest.spec.cwd));
    let found = repository.and_then(|repository| repository.named(base));
    found
        .map(|commit| GitHead { commit: Some(commit), branch: None })
        .ok_or_else(|| NoAnswer::failed(format!("its base {base:?} is neither a commit nor a branch here")))
}

async fn look<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
    base: Option<GitHead>,
) -> Result<GitChanges, NoAnswer> {
    let manifest = moment.manifest;
    let began = manifest.state.sessions.first().and_then(|session| session.git_before.clone());
    let worktree = manifest.spec.worktree.as_ref();
    let made = worktree.map(|worktree| GitHead { commit: Some(worktree.base.clone()), branch: None });
    let question = Question {
        run_id: &manifest.spec.run_id,
        cwd: &manifest.spec.cwd,
        before: base.or(made).or(began),
        after: None,
        every_file: true,
        now: engine.now(),
        place: &engine.config.runtime_dir,
        search_path: &engine.config.search_path,
        limit: LIMIT,
    };
    Ok(compare(question).await)
}

fn unknown(changes: &GitChanges) -> NoAnswer {
    match changes.problems.first() {
        Some(problem) => {
            NoAnswer::failed(format!("what changed in {} cannot be told: {problem}", changes.cwd))
        }
        None => NoAnswer::failed(format!("{} is not in a git repository", changes.cwd)),
    }
}
