//! What runs that exist are made from: what a run's ancestors hand down to it, and making an initialized run anew.

use agent_runner_api::operations::{CreateRun, ReconfigureRun};
use agent_runner_api::view::RunDetail;
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::capabilities::is_of_reference;
use agent_runner_model::phase::Phase;
use agent_runner_model::spec::{LockableField, RunSpec, Template};
use agent_runner_model::{ControlFact, Fact, Manifest, RunId};
use agent_runner_store::{AGENT_SEED, ASSIGNMENT_SEED, StoreError, repo_bucket};

use super::hints::what_to_do;
use crate::compose::{self, Ancestor, Lineage};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

impl<S: Places> Engine<S> {
    /// What a new run can inherit from the runs it descends from, the nearest first. Those that are gone have nothing.
    pub(crate) async fn ancestors(&self, runs: &[RunId]) -> Result<Vec<Ancestor>, ApiError> {
        let mut ancestors: Vec<Ancestor> = Vec::new();
        for run_id in runs {
            match self.store.snapshot(run_id).await {
                Ok(manifest) => {
                    let mut vars = manifest.spec.runtime_vars;
                    // Nobody hands down what it came here without.
                    vars.retain(|_, var| !var.is_lost());
                    ancestors.push(Ancestor { run_id: run_id.clone(), vars });
                }
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(store_error(&error)),
            }
        }
        Ok(ancestors)
    }
}

impl<S: Places + 'static> Handle<ReconfigureRun> for Engine<S> {
    async fn call(&self, request: ReconfigureRun) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        if request.vars.is_empty() && request.message.is_none() {
            return Err(ApiError::new(ErrorCode::Invalid, "reconfiguring needs something to change")
                .hint("give --var KEY=VALUE, a message, or both"));
        }
        let manifest = self.store.snapshot(&run_id).await.map_err(|error| store_error(&error))?;
        check_phase(&manifest)?;
        let (spec, changed) = self.respecified(&manifest, request)?;
        if changed.is_empty() {
            return self.detail(&manifest).await;
        }
        let fact = ControlFact::Respecified {
            revision: manifest.revision,
            spec: Box::new(spec),
            changed,
            anew: false,
        };
        let committed = self.commit(&run_id, &[Fact::Control(fact)]).await;
        let manifest = committed.map_err(|error| what_to_do(error, &run_id))?;
        self.detail(&manifest).await
    }
}

/// Says at once what the commit would say: values are looked at only if they can be of use.
fn check_phase(manifest: &Manifest) -> Result<(), ApiError> {
    match &manifest.state.phase {
        Phase::Initialized => Ok(()),
        Phase::Ready | Phase::Active { .. } | Phase::Ended { .. } => {
            let run_id = &manifest.spec.run_id;
            let status = manifest.status(false).as_str();
            let message = format!("run {run_id} cannot be made anew: it is {status}, not initialized");
            Err(ApiError::new(ErrorCode::NotAllowed, message).hint("create another run"))
        }
    }
}

impl<S: Places + 'static> Engine<S> {
    /// The run's spec with what is asked for, and the names of what that changes.
    fn respecified(
        &self,
        manifest: &Manifest,
        request: ReconfigureRun,
    ) -> Result<(RunSpec, Vec<String>), ApiError> {
        let before = &manifest.spec;
        if is_of_reference(&before.origin) {
            let run = &before.run_id;
            let why = "it came from the TypeScript agent-runner, without the texts it was made from";
            return Err(ApiError::new(
                ErrorCode::NotAllowed,
                format!("run {run} cannot be reconfigured: {why}"),
            )
            .hint(format!("`agent-runner init --run-id {run}` with definitions of here makes it anew")));
        }
        if before.template == Template::default() {
            let message = format!("run {} was created by a version that kept no templates", before.run_id);
            return Err(ApiError::new(ErrorCode::NotAllowed, message).hint("create another run"));
        }
        let mut spec = before.clone();
        spec.runtime_vars = compose::replace(&before.vars, &before.runtime_vars, &request.vars)?;
        if let Some(message) = request.message {
            if before.locked_fields.contains(&LockableField::Message) {
                return Err(locked(before));
            }
            spec.template.message = Some(message);
        }
        let places = compose::Places::new(&self.config, repo_bucket);
        let spec = compose::fill(spec, &manifest.state.run_group_id, &places)?;
        same_bucket(before, &spec)?;
        let now = |name: &String| spec.runtime_vars.get(name).map(|var| &var.value);
        let was = |name: &String| before.runtime_vars.get(name).map(|var| &var.value);
        let mut changed: Vec<String> =
            request.vars.keys().filter(|name| now(name) != was(name)).cloned().collect();
        if spec.template.message != before.template.message {
            changed.push("message".to_owned());
        }
        Ok((spec, changed))
    }

    /// Makes an initialized run anew from other definitions. It keeps its name, its group and whom it descends from.
    pub(crate) async fn create_again(&self, run: &str, request: CreateRun) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(run)?;
        // What was set aside for runs that are gone is not taken over.
        self.settle_account(&run_id).await?;
        let manifest = self.store.snapshot(&run_id).await.map_err(|error| store_error(&error))?;
        check_phase(&manifest)?;
        let before = &manifest.spec;
        let lineage = Lineage {
            ancestors: before.ancestors(),
            run_group_id: Some(manifest.state.run_group_id.clone()),
            call_depth: before.call_depth,
            takes_a_share: false,
        };
        let library = self.library(request.caller_dir.clone());
        let ancestors = self.ancestors(&before.ancestors()).await?;
        let composed =
            compose::compose(&request, &library, &self.registry, &self.config, &ancestors, repo_bucket)?
                .descending(lineage);
        let named = composed.named(run_id.clone(), before.created_at)?;
        same_bucket(before, &named.spec)?;
        self.check_measured(&named.spec.backend, &named.spec.budget.hard, named.spec.budget.on_unmeasured)?;
        let has = &manifest.state.dependencies;
        let spec = RunSpec {
            notify_parent: before.notify_parent,
            origin: before.origin.clone(),
            // Those it has stay, and it waits for them as it did.
            waits_for_dependencies: named.spec.waits_for_dependencies
                || before.waits_for_dependencies && !has.is_empty(),
            ..named.spec
        };
        let fact = ControlFact::Respecified {
            revision: manifest.revision,
            spec: Box::new(spec),
            changed: vec!["definitions".to_owned()],
            anew: true,
        };
        let mut facts = vec![Fact::Control(fact)];
        if named.name.is_some() {
            facts.push(Fact::Control(ControlFact::Named { name: named.name }));
        }
        facts.extend(self.after(&request.after, has)?);
        let committed = self.commit_among(&run_id, &facts).await;
        let manifest = committed.map_err(|error| what_to_do(error, &run_id))?;
        for (name, seed) in [(AGENT_SEED, named.agent_seed), (ASSIGNMENT_SEED, named.assignment_seed)] {
            let kept = match seed {
                Some(text) => self.store.put_blob(&run_id, name, text.as_bytes()).await,
                None => self.store.remove_blob(&run_id, name).await,
            };
            kept.map_err(|error| store_error(&error))?;
        }
        let manifest = self.prepare(manifest).await?;
        self.detail(&manifest).await
    }
}

/// The run's own directory lies in the bucket it was created in.
fn same_bucket(before: &RunSpec, spec: &RunSpec) -> Result<(), ApiError> {
    if before.repo == spec.repo {
        return Ok(());
    }
    let message = format!(
        "the run was created for a directory in `{}`, and {} is in `{}`",
        before.repo, spec.cwd, spec.repo
    );
    Err(ApiError::new(ErrorCode::NotAllowed, message).hint("create another run for that directory"))
}

fn locked(spec: &RunSpec) -> ApiError {
    let current = spec.template.message.as_deref().unwrap_or_default();
    let message =
        format!("`message` is locked by the definitions and cannot be overridden (it is {current:?})");
    ApiError::new(ErrorCode::Invalid, message)
        .hint("leave the message out, or create a run without this lock")
}
