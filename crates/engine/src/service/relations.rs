//! What runs have to do with one another: dependencies as they are changed, shown, and kept to when a run is started.

use agent_runner_api::operations::{AddDependency, ClearDependencies, RemoveDependency, Upstream};
use agent_runner_api::view::{DependencyView, DependentView, Relations, RunDetail, Situation, Via};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{ControlFact, Fact, Lease, Manifest, RunId, Secrets};

use agent_runner_store::{Kin, StoreError};

use super::hints::what_to_do;
use crate::engine::{Engine, add};
use crate::failure::store_error;
use crate::graph::{self, Standing};
use crate::place::Places;

/// A run's name, as others see it.
fn shown_name(manifest: &Manifest) -> Option<String> {
    let name = manifest.state.name.as_deref()?;
    Some(Secrets::of(&manifest.spec).hide(name).into_owned())
}

impl<S: Places + 'static> Handle<AddDependency> for Engine<S> {
    async fn call(&self, request: AddDependency) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let dependency = match request.upstream {
            Upstream::Run { run } => Dependency::Run { run_id: self.resolve(&run)? },
            Upstream::Group { group_id } => Dependency::Group { group_id },
        };
        let manifest = self.relate_to_others(&run_id, ControlFact::DependencyAdded { dependency }).await?;
        self.detail_among(&manifest, true).await
    }
}

impl<S: Places + 'static> Handle<RemoveDependency> for Engine<S> {
    async fn call(&self, request: RemoveDependency) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let dependency = match request.upstream {
            Upstream::Run { run } => Dependency::Run { run_id: self.resolve_gone(&run)? },
            Upstream::Group { group_id } => Dependency::Group { group_id },
        };
        let manifest = self.relate_to_others(&run_id, ControlFact::DependencyRemoved { dependency }).await?;
        self.detail_among(&manifest, true).await
    }
}

impl<S: Places + 'static> Handle<ClearDependencies> for Engine<S> {
    async fn call(&self, request: ClearDependencies) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.relate_to_others(&run_id, ControlFact::DependenciesCleared).await?;
        self.detail_among(&manifest, true).await
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Commits what a run has to do with others.
    pub(super) async fn relate_to_others(
        &self,
        run_id: &RunId,
        fact: ControlFact,
    ) -> Result<Manifest, ApiError> {
        let committed = self.commit_among(run_id, &[Fact::Control(fact)]).await;
        committed.map_err(|error| what_to_do(error, run_id))
    }

    /// A run that may have been deleted: then its id is taken as it is.
    fn resolve_gone(&self, text: &str) -> Result<RunId, ApiError> {
        match (self.resolve(text), RunId::parse(text)) {
            // The id of one that is gone may be how another one begins.
            (Ok(found), Ok(run_id)) if found != run_id => Ok(run_id),
            (Ok(run_id), _) => Ok(run_id),
            (Err(error), Ok(run_id)) if error.code == ErrorCode::NotFound => Ok(run_id),
            (Err(error), _) => Err(error),
        }
    }

    /// A run that is started must not have to wait, unless it was made to wait by itself.
    pub(super) async fn require_dependencies(&self, manifest: &Manifest) -> Result<(), ApiError> {
        if manifest.spec.waits_for_dependencies {
            return Ok(());
        }
        match self.unsatisfied(manifest).await.map_err(|error| store_error(&error))? {
            None => Ok(()),
            Some(words) => {
                let run_id = &manifest.spec.run_id;
                let message = format!("run {run_id} cannot start yet: it depends on {words}");
                Err(ApiError::new(ErrorCode::NotAllowed, message).hint(
                    "start it when all of that is success; `run --after` makes a new run that waits by itself",
                ))
            }
        }
    }

    /// Looks at what other runs have to do with one. What depends on it takes a look at all runs.
    pub(super) async fn relate(
        &self,
        manifest: &Manifest,
        situation: &mut Situation,
        with_dependents: bool,
    ) -> Result<(), ApiError> {
        if !manifest.state.dependencies.is_empty() {
            let mut upstream = Vec::new();
            for dependency in &manifest.state.dependencies {
                // What cannot be read is shown as missing: it must not hide the run that waits for it.
                add(&mut upstream, self.meant(dependency).await.unwrap_or_default());
            }
            situation.relations = self.relations(&upstream, manifest).await;
        }
        if with_dependents {
            let dependents = self.dependents(manifest).await.map_err(|error| store_error(&error))?;
            situation.relations.dependents = Some(dependents);
        }
        Ok(())
    }

    /// What a run depends on, as it stands among these.
    pub(super) async fn relations(&self, manifests: &[Manifest], manifest: &Manifest) -> Relations {
        let mut dependencies = Vec::new();
        for dependency in &manifest.state.dependencies {
            let standing = graph::standing(manifests, dependency);
            let (satisfied, missing) = (standing.is_satisfied(), standing.is_missing());
            dependencies.push(match (dependency, standing) {
                (Dependency::Run { run_id }, Standing::Run(run)) => DependencyView::Run {
                    run_id: run_id.clone(),
                    name: run.and_then(shown_name),
                    status: run.map(|run| run.status(false)),
                    effective_status: match run {
                        Some(run) => Some(self.effective_status(run).await),
                        None => None,
                    },
                    archived_at: run.and_then(|run| run.state.archived_at),
                    satisfied,
                    missing,
                },
                (Dependency::Group { group_id }, Standing::Group { total, successful, archived }) => {
                    DependencyView::Group {
                        group_id: group_id.clone(),
                        total,
                        successful,
                        unsatisfied: total - successful,
                        archived_excluded: archived,
                        satisfied,
                        missing,
                    }
                }
                (
                    Dependency::Run { .. } | Dependency::Group { .. },
                    Standing::Run(_) | Standing::Group { .. },
                ) => {
                    continue;
                }
            });
        }
        Relations { dependencies, dependents: None }
    }

    async fn dependents(&self, manifest: &Manifest) -> Result<Vec<DependentView>, StoreError> {
        let (run, group) = (&manifest.spec.run_id, &manifest.state.run_group_id);
        let waiting = self.store.kin(Kin::WaitingFor { run, group }).await?.runs;
        let waiting: Vec<&Manifest> =
            waiting.iter().filter(|other| graph::depends_on(other, manifest)).collect();
        // Whether the group has ended well is asked of all of it, and only if somebody waits for it.
        let by_group = |other: &&Manifest| {
            other.state.dependencies.contains(&Dependency::Group { group_id: group.clone() })
        };
        let mut known = match waiting.iter().copied().any(|other| by_group(&other)) {
            true => self.store.kin(Kin::Group(group)).await?.runs,
            false => Vec::new(),
        };
        known.retain(|other| other.spec.run_id != *run);
        known.push(manifest.clone());
        let mut dependents = Vec::new();
        for other in waiting {
            for dependency in &other.state.dependencies {
                let (via, group) = match dependency {
                    Dependency::Run { run_id } if *run_id == manifest.spec.run_id => (Via::Run, None),
                    Dependency::Group { group_id } if *group_id == manifest.state.run_group_id => {
                        (Via::Group, Some(group_id.clone()))
                    }
                    Dependency::Run { .. } | Dependency::Group { .. } => continue,
                };
                dependents.push(DependentView {
                    kind: "run".to_owned(),
                    via,
                    run_id: other.spec.run_id.clone(),
                    dependency_group_id: group,
                    name: shown_name(other),
                    status: other.status(false),
                    effective_status: self.effective_status(other).await,
                    archived_at: other.state.archived_at,
                    satisfied: graph::standing(&known, dependency).is_satisfied(),
                    missing: false,
                });
            }
        }
        Ok(dependents)
    }

    /// The status of a run as things are; as its manifest has it where that cannot be told.
    async fn effective_status(&self, manifest: &Manifest) -> RunStatus {
        match self.observe(manifest.clone()).await {
            Ok((manifest, situation)) => manifest.status(situation.lease == Lease::Free),
            Err(_) => manifest.status(false),
        }
    }
}
