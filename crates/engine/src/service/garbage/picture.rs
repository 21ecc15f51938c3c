//! All runs at one moment, as far as it matters for who may go. Must not decide: that is the model's.

use std::collections::{BTreeMap, BTreeSet};

use agent_runner_api::view::KeptRun;
use agent_runner_model::phase::Phase;
use agent_runner_model::retention::{
    Candidate, Circumstances, Decision, Keep, Policy, Reason, Staying, decide,
};
use agent_runner_model::{Lease, Manifest, RunId, Secrets, Timestamp};
use agent_runner_store::{Accounts, Problem, ProblemKind, RunQuery, StoreError};

use crate::engine::Engine;
use crate::place::Places;

/// Longest word that can be the name of a run or of a group.
const LONGEST_NAME: usize = 256;

/// What is asked, the same for every picture.
pub(super) struct Ask {
    pub(super) policy: Policy,
    pub(super) scope: RunQuery,
    pub(super) now: Timestamp,
    /// What each run took when this began, by name.
    bytes: BTreeMap<String, u64>,
    /// What takes room in the scope and is no run that can be read.
    pub(super) others: u64,
}

/// All runs at one moment.
pub(super) struct Picture {
    pub(super) candidates: Vec<Candidate>,
    pub(super) manifests: BTreeMap<RunId, Manifest>,
    pub(super) problems: Vec<Problem>,
    /// Every word of what is left of runs that cannot be read.
    named: BTreeSet<String>,
}

impl Ask {
    pub(super) fn new(policy: Policy, scope: RunQuery, now: Timestamp, accounts: &Accounts) -> Self {
        let mut bytes = BTreeMap::new();
        for run in &accounts.runs {
            *bytes.entry(run.name.clone()).or_default() += run.total().allocated;
        }
        Self { policy, scope, now, bytes, others: 0 }
    }

    pub(super) fn bytes(&self, run_id: &RunId) -> u64 {
        self.bytes.get(run_id.as_str()).copied().unwrap_or(0)
    }

    /// Counts what lies among the runs of the scope and cannot be read. Nobody can tell which directory such a run is of.
    pub(super) fn count_others(&mut self, accounts: &Accounts, picture: &Picture) {
        let scope = &self.scope;
        if scope.cwd.is_some() {
            return;
        }
        let is_other = |name: &str| picture.manifests.keys().all(|run_id| run_id.as_str() != name);
        let problems: BTreeSet<&str> = picture.problems.iter().filter_map(name_of).collect();
        let others = accounts.runs.iter().filter(|run| {
            let is_here = scope.repo.as_ref().is_none_or(|repo| *repo == run.repo);
            is_here && problems.contains(run.name.as_str()) && is_other(&run.name)
        });
        self.others = others.map(|run| run.total().allocated).sum();
    }

    pub(super) fn decide(&self, picture: &Picture) -> Decision {
        decide(&picture.candidates, &picture.named, self.others, &self.policy, self.now)
    }
}

/// The name of the directory a problem is about.
fn name_of(problem: &Problem) -> Option<&str> {
    problem.path.parent()?.file_name()?.to_str()
}

impl Picture {
    /// A run that stays.
    pub(super) fn kept(&self, ask: &Ask, staying: &Staying) -> Option<KeptRun> {
        let Staying { run_id, reason, keep, by } = staying;
        self.kept_by(ask, run_id, *reason, *keep, by.clone())
    }

    pub(super) fn kept_by(
        &self,
        ask: &Ask,
        run_id: &RunId,
        reason: Reason,
        kept: Keep,
        by: Option<RunId>,
    ) -> Option<KeptRun> {
        let manifest = self.manifests.get(run_id)?;
        Some(KeptRun {
            run_id: run_id.clone(),
            repo: manifest.spec.repo.clone(),
            name: shown_name(manifest),
            ended_at: manifest.state.ended_at,
            reason,
            kept,
            by,
            bytes: ask.bytes(run_id),
        })
    }
}

/// A run's name without values that are shown to nobody.
pub(super) fn shown_name(manifest: &Manifest) -> Option<String> {
    let name = manifest.state.name.as_ref()?;
    Some(Secrets::of(&manifest.spec).hide(name).into_owned())
}

impl<S: Places + 'static> Engine<S> {
    /// How all runs are now.
    pub(super) async fn picture(&self, ask: &Ask) -> Result<Picture, StoreError> {
        let everything = RunQuery { include_archived: true, ..RunQuery::default() };
        let listing = self.store.query(&everything).await?;
        let mut named = BTreeSet::new();
        for problem in listing.problems.iter().filter(|problem| is_ours(problem)) {
            let remnant = self.store.remnant(problem).await;
            let text = String::from_utf8_lossy(&remnant);
            let words = text.split('"').filter(|word| !word.is_empty() && word.len() <= LONGEST_NAME);
            named.extend(words.map(str::to_owned));
        }
        let mut candidates = Vec::with_capacity(listing.runs.len());
        let mut manifests = BTreeMap::new();
        for listed in listing.runs {
            let manifest = listed.manifest;
            let circumstances = Circumstances {
                is_interrupted: self.is_interrupted(&manifest).await,
                has_worktree: manifest.spec.worktree.is_some()
                    && self.refuse_worktree(&manifest).await.is_err(),
                in_scope: ask.scope.matches(&manifest),
                bytes: ask.bytes(&manifest.spec.run_id),
            };
            candidates.push(Candidate::of(&manifest, circumstances));
            manifests.insert(manifest.spec.run_id.clone(), manifest);
        }
        Ok(Picture { candidates, manifests, problems: listing.problems, named })
    }

    async fn is_interrupted(&self, manifest: &Manifest) -> bool {
        match &manifest.state.phase {
            Phase::Active { .. } => {
                let view = self.store.observe_owner(&manifest.spec.run_id).await;
                view.is_ok_and(|view| view.lease == Lease::Free)
            }
            Phase::Initialized | Phase::Ready | Phase::Ended { .. } => false,
        }
    }
}

/// Whether it may wait for runs of this program.
fn is_ours(problem: &Problem) -> bool {
    match problem.kind {
        ProblemKind::Unreadable | ProblemKind::Newer => true,
        ProblemKind::Reference => false,
    }
}
