//! Runs that come together and get other ids: who of them is meant by an id there. Must not guess.

use std::collections::HashMap;
use std::path::PathBuf;

use agent_runner_model::manifest::Dependency;
use agent_runner_model::{Manifest, RunId};

use super::import_reference::Looked;

/// A run that gets another id, and the repository's part it was in.
type Member = (Option<PathBuf>, RunId);

/// Who is called what here, by the ids there. More than one may have had the same.
pub(super) struct Family(HashMap<RunId, Vec<Member>>);

/// Ids that several runs have which come together.
pub(super) struct Ambiguous(Vec<String>);

impl Family {
    pub(super) fn of(looked: &[Looked]) -> Self {
        let mut members: HashMap<RunId, Vec<Member>> = HashMap::new();
        for run in looked.iter().filter(|run| run.new_id.is_some()) {
            let bucket = run.candidate.bucket().map(PathBuf::from);
            members.entry(run.outline.run_id.clone()).or_default().push((bucket, run.id().clone()));
        }
        Self(members)
    }

    /// Whom a run means by the ids it knows: those that come with it, of several the one that is beside it.
    pub(super) fn seen_from(&self, run: &Looked) -> (HashMap<String, RunId>, Ambiguous) {
        if run.new_id.is_none() {
            return (HashMap::new(), Ambiguous(Vec::new()));
        }
        let (mut known, mut ambiguous) = (HashMap::new(), Vec::new());
        for (old, members) in &self.0 {
            let beside = |(bucket, _): &&Member| bucket.as_deref() == run.candidate.bucket();
            let mut near = members.iter().filter(beside);
            match (members.as_slice(), near.next(), near.next()) {
                ([(_, only)], _, _) | (_, Some((_, only)), None) => {
                    known.insert(old.to_string(), only.clone());
                }
                _ => ambiguous.push(old.to_string()),
            }
        }
        (known, Ambiguous(ambiguous))
    }
}

impl Ambiguous {
    /// What is to be said of it to whoever imports a run that names one.
    pub(super) fn remark(&self, run: &Manifest) -> Option<String> {
        let parent = run.spec.parent_run_id.iter().map(RunId::as_str);
        let waits = run.state.dependencies.iter().map(|dependency| match dependency {
            Dependency::Run { run_id } => run_id.as_str(),
            Dependency::Group { group_id } => group_id.as_str(),
        });
        let mut named = parent.chain(waits).filter(|id| self.0.iter().any(|several| several == id));
        let id = named.next()?;
        Some(format!("it has to do with run {id}, of which several come at once: it still names it so"))
    }
}
