//! Finding runs: two levels of directories and one known name. Must leave alone what it cannot read, and say so;
//! what deletions left that were not finished goes in passing.

use std::cmp::Reverse;

use agent_runner_model::Manifest;
use agent_runner_model::phase::Phase;

use crate::bucket;
use crate::error::StoreError;
use crate::listing::{ListedRun, Listing, Problem, ProblemKind, RunQuery};

use super::layout::{Layout, MANIFEST, entries_and_remains};
use super::{delete, document, leftovers};

pub(crate) fn query(layout: &Layout, query: &RunQuery) -> Result<Listing, StoreError> {
    let mut listing = Listing::default();
    let buckets = match &query.repo {
        Some(repo) if bucket::check(repo).is_err() => Vec::new(),
        Some(repo) => vec![layout.bucket(repo)],
        None => layout.buckets()?,
    };
    for bucket in buckets {
        let (dirs, remains) = entries_and_remains(&bucket)?;
        delete::sweep(layout, &remains);
        for dir in dirs {
            leftovers::clear(&dir);
            match document::load_listed(&dir) {
                Ok(None) => {}
                Ok(Some(manifest)) if matches(query, &manifest) => {
                    listing.runs.push(ListedRun { manifest, location: dir.display().to_string() });
                }
                Ok(Some(_)) => {}
                Err(error) => {
                    let path = dir.join(MANIFEST);
                    listing.problems.push(Problem { path, kind: kind(&error), message: words(&error) });
                }
            }
        }
    }
    let age = |run: &ListedRun| (run.manifest.spec.created_at, run.manifest.spec.run_id.clone());
    listing.runs.sort_by_key(|run| Reverse(age(run)));
    listing.problems.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(listing)
}

impl RunQuery {
    /// Whether a run is one of those that are asked for.
    pub fn matches(&self, manifest: &Manifest) -> bool {
        matches(self, manifest)
    }
}

fn matches(query: &RunQuery, manifest: &Manifest) -> bool {
    let spec = &manifest.spec;
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let active = match manifest.state.phase {
        Phase::Active { .. } => true,
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => false,
    };
    // Whoever made a run that works in a worktree of its own looks for it where they made it.
    let made_here = spec.worktree.is_some() && is(&query.cwd, &spec.template.caller_dir);
    (made_here || is(&query.cwd, &spec.cwd))
        && is(&query.repo, &spec.repo)
        && is(&query.group, &manifest.state.run_group_id)
        && (query.include_archived || manifest.state.archived_at.is_none())
        && (active || !query.active_only)
}

pub(crate) fn kind(error: &StoreError) -> ProblemKind {
    if matches!(error, StoreError::Reference { .. }) {
        ProblemKind::Reference
    } else if matches!(error, StoreError::Newer { .. }) {
        ProblemKind::Newer
    } else {
        ProblemKind::Unreadable
    }
}

/// The whole chain of an error in one line.
pub(crate) fn words(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    // What to do about everything else depends on what is wanted of it.
    if let (true, Some(hint)) = (matches!(error, StoreError::Reference { .. }), error.hint()) {
        text.push_str(&format!("; {hint}"));
    }
    text
}
