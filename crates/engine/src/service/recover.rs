//! Recovery: clears up after drivers that died.

use agent_runner_api::operations::RecoverRuns;
use agent_runner_api::view::{Recovered, Recovery, RecoveryAction};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::phase::Cause;
use agent_runner_model::phase::{Phase, Stage};
use agent_runner_model::{ControlFact, Fact, Lease, Manifest, RunId};
use agent_runner_store::{Holder, RunQuery, Takeover};
use agent_runner_supervisor::{Leftover, find_leftovers};

use super::runs::{problem, unattended};
use crate::driver::{earlier_hooks, marker, process_identity, settle};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::family::pending_notice;
use crate::hooks::{end_orphans, orphaned_runs, orphans_of};
use crate::place::Places;
use crate::shares::Occasion;

impl<S: Places + 'static> Handle<RecoverRuns> for Engine<S> {
    async fn call(&self, request: RecoverRuns) -> Result<Recovery, ApiError> {
        let mut problems = Vec::new();
        let manifests = match &request.run {
            Some(run) => {
                let run_id = self.resolve(run)?;
                vec![self.store.snapshot(&run_id).await.map_err(|error| store_error(&error))?]
            }
            None => {
                let query = RunQuery { include_archived: true, ..RunQuery::default() };
                let listing = self.store.query(&query).await.map_err(|error| store_error(&error))?;
                problems.extend(listing.problems.into_iter().map(problem));
                listing.runs.into_iter().map(|listed| listed.manifest).collect()
            }
        };
        let mut runs = Vec::new();
        // One look at all processes, and not one for each run.
        let orphaned = orphaned_runs();
        for manifest in manifests {
            let has_orphans = orphaned.contains(manifest.spec.run_id.as_str());
            match self.recover_one(manifest.clone(), &request).await? {
                Some(recovered) => runs.push(recovered),
                None if has_orphans => runs.extend(recover_hooks(&manifest, &request).await),
                None => {}
            }
        }
        for run_id in self.open_accounts(&request).await? {
            runs.extend(self.settle_one_account(&run_id, &request).await?);
        }
        Ok(Recovery { runs, problems })
    }
}

impl<S: Places + 'static> Engine<S> {
    async fn recover_one(
        &self,
        manifest: Manifest,
        request: &RecoverRuns,
    ) -> Result<Option<Recovered>, ApiError> {
        let (manifest, situation) = self.observe(manifest).await?;
        if !matches!(manifest.state.phase, Phase::Active { .. }) {
            return Ok(self.tell_parent(&manifest, request).await);
        }
        let run_id = manifest.spec.run_id.clone();
        let mut recovered = Recovered {
            run_id: run_id.clone(),
            status: manifest.status(situation.lease == Lease::Free),
            action: RecoveryAction::LeftAlone,
            leftovers: Vec::new(),
            detail: None,
        };
        match situation.lease {
            Lease::Held => return Ok(None),
            Lease::Unknown if !request.take_over => {
                let words =
                    "it was driven on another host or in another container; --take-over takes it anyway";
                recovered.detail = Some(words.to_owned());
                return Ok(Some(recovered));
            }
            Lease::Free | Lease::Unknown => {}
        }
        if request.dry_run {
            recovered.action = RecoveryAction::WouldRecover;
            recovered.leftovers = leftovers_of(&manifest).iter().map(name).collect();
            return Ok(Some(recovered));
        }
        if let Err(error) = self.carry_out(&manifest, request, &mut recovered).await {
            // Somebody else recovers, resumes or ends it at this moment: that is no failure.
            recovered.action = match error.code {
                ErrorCode::Busy => RecoveryAction::LeftAlone,
                _ => RecoveryAction::Failed,
            };
            let reasons: Vec<String> = [error.message].into_iter().chain(error.causes).collect();
            recovered.detail = Some(reasons.join(": "));
        }
        Ok(Some(recovered))
    }

    /// A driver may have died between the end of its run and telling somebody.
    async fn tell_parent(&self, manifest: &Manifest, request: &RecoverRuns) -> Option<Recovered> {
        let (parent, _) = pending_notice(manifest)?;
        let (action, detail) = match request.dry_run {
            true => (RecoveryAction::WouldRecover, Some(format!("run {parent} would be told of its end"))),
            false => match self.deliver_notice(manifest).await {
                Ok(_) => (RecoveryAction::ToldParent, None),
                Err(error) => {
                    let reasons: Vec<String> = [error.message].into_iter().chain(error.causes).collect();
                    (RecoveryAction::Failed, Some(reasons.join(": ")))
                }
            },
        };
        let (run_id, status) = (manifest.spec.run_id.clone(), manifest.status(false));
        Some(Recovered { run_id, status, action, leftovers: Vec::new(), detail })
    }

    async fn carry_out(
        &self,
        manifest: &Manifest,
        request: &RecoverRuns,
        recovered: &mut Recovered,
    ) -> Result<(), ApiError> {
        let run_id = &manifest.spec.run_id;
        let takeover = if request.take_over { Takeover::Unknown } else { Takeover::Never };
        let settled = settle(self, run_id, takeover).await?;
        recovered.leftovers = settled.leftovers.iter().map(name).collect();
        recovered.status = settled.manifest.status(true);
        recovered.action = RecoveryAction::Recovered;
        self.after_end(&settled.manifest, &|_| {}).await;
        if request.resume && matches!(settled.manifest.state.phase, Phase::Active { .. }) {
            if let Err(error) = self.require_dependencies(&settled.manifest).await {
                recovered.detail = Some(error.message);
                return Ok(());
            }
            let fact = Fact::Control(ControlFact::Started {
                cause: Cause::Continue { message: None },
                seen: Some(settled.manifest.state.epoch),
                on_limit: None,
            });
            let started = self.start(&settled.manifest, &[fact], Occasion::GoesOn).await;
            started.map_err(|error| match error.code {
                // It has ended since it was settled: somebody else was faster.
                ErrorCode::NotAllowed => ApiError { code: ErrorCode::Busy, ..error },
                _ => error,
            })?;
            self.launcher.launch(unattended(run_id.clone(), request.take_over)).await?;
            recovered.status = settled.manifest.status(false);
            recovered.action = RecoveryAction::Resumed;
        }
        Ok(())
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Runs whose accounts may say that more is set aside than is: whoever was to settle it may have died. Of one run,
    /// its own and those above it.
    async fn open_accounts(&self, request: &RecoverRuns) -> Result<Vec<RunId>, ApiError> {
        let open = |manifest: &Manifest| manifest.state.budget.has_open_entries();
        let Some(run) = &request.run else {
            let all = self.everything().await.map_err(|error| store_error(&error))?;
            return Ok(all.into_iter().filter(open).map(|manifest| manifest.spec.run_id).collect());
        };
        let mut accounts = Vec::new();
        let mut next = Some(self.resolve(run)?);
        while let Some(run_id) = next {
            let Ok(manifest) = self.store.snapshot(&run_id).await else { break };
            if open(&manifest) {
                accounts.push(run_id);
            }
            next = manifest.spec.parent_run_id;
        }
        Ok(accounts)
    }

    /// Settles what runs that have ended, or were never started, still hold of a run's budget.
    async fn settle_one_account(
        &self,
        run_id: &RunId,
        request: &RecoverRuns,
    ) -> Result<Option<Recovered>, ApiError> {
        let manifest = self.store.snapshot(run_id).await.map_err(|error| store_error(&error))?;
        let (action, detail) = if request.dry_run {
            let mut holds = false;
            for (child, entry) in &manifest.state.budget.children {
                let found = self.store.snapshot(child).await;
                let is_active = found.is_ok_and(|child| matches!(child.state.phase, Phase::Active { .. }));
                holds |= !entry.settled && !is_active;
            }
            if !holds {
                return Ok(None);
            }
            let words = "what runs that are not at work hold of its budget would go back";
            (RecoveryAction::WouldRecover, Some(words.to_owned()))
        } else {
            match self.settle_account(run_id).await {
                Ok(true) => (RecoveryAction::SettledBudget, None),
                Ok(false) => return Ok(None),
                Err(error) => (RecoveryAction::Failed, Some(error.message)),
            }
        };
        let (manifest, situation) = self.observe(manifest).await?;
        let status = manifest.status(situation.lease == Lease::Free);
        Ok(Some(Recovered { run_id: run_id.clone(), status, action, leftovers: Vec::new(), detail }))
    }
}

fn leftovers_of(manifest: &Manifest) -> Vec<Leftover> {
    let mut left = match manifest.stage() {
        Some(Stage::Attempting { attempt }) => {
            find_leftovers(&marker(&attempt.marker), process_identity(attempt, &Holder::current()))
        }
        Some(_) | None => Vec::new(),
    };
    if !manifest.spec.hooks.is_empty() {
        let hooks = earlier_hooks(&manifest.spec.run_id, manifest.state.epoch.0);
        left.extend(hooks.iter().flat_map(|hook| find_leftovers(hook, None)));
    }
    left
}

/// Ends what hooks have left that were run by task commands which were killed.
async fn recover_hooks(manifest: &Manifest, request: &RecoverRuns) -> Option<Recovered> {
    let run_id = manifest.spec.run_id.clone();
    let (action, left) = match request.dry_run {
        true => {
            let left = orphans_of(&run_id).iter().flat_map(|marker| find_leftovers(marker, None)).collect();
            (RecoveryAction::WouldRecover, left)
        }
        false => (RecoveryAction::Recovered, end_orphans(&run_id).await),
    };
    let leftovers: Vec<String> = left.iter().map(name).collect();
    let detail = Some("hooks of a task command that was killed".to_owned());
    let status = manifest.status(false);
    (!leftovers.is_empty()).then_some(Recovered { run_id, status, action, leftovers, detail })
}

fn name(leftover: &Leftover) -> String {
    format!("{} ({})", leftover.name, leftover.pid)
}
