//! The engine: what carries out operations, and what it needs for that.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use agent_runner_api::ApiError;
use agent_runner_api::view::{Relations, Situation};
use agent_runner_backends::{Registry, SafetyFacts};
use agent_runner_definitions::{Library, Surroundings};
use agent_runner_model::capabilities::Lease;
use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::Phase;
use agent_runner_model::{Fact, Manifest, RunId, Timestamp};
use agent_runner_store::{CommitError, Kin, Problem, RunQuery, StoreError};
use agent_runner_supervisor::StopRequest;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::failure::{commit_error, store_error};
use crate::graph;
use crate::launch::Launcher;
use crate::place::Places;
use crate::talk;

/// Environment variables, as a process is given them.
pub type Environment = Vec<(OsString, OsString)>;

/// What the engine is told about where it runs. Decided once, by whoever wires the program.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where named definitions are looked up.
    pub config_dir: PathBuf,
    /// Where runs live.
    pub state_dir: PathBuf,
    /// Where sockets of drivers are: a short path, for the user alone.
    pub runtime_dir: PathBuf,
    /// How workers are told to call this program.
    pub command: String,
    /// This program's file.
    pub own_program: PathBuf,
    /// Where other programs are looked up, as in `PATH`.
    pub search_path: OsString,
    /// This host's name.
    pub host: String,
    /// Version of the program.
    pub version: &'static str,
    /// Seconds between asking a worker to stop and ending it, for new runs.
    pub stop_grace_sec: u32,
    /// Runs that may be nested in one another.
    pub max_call_depth: u32,
    /// What hooks inherit that a command runs; drivers are told apart.
    pub hook_environment: Environment,
    /// The environment variables that definitions may ask for.
    pub surroundings: Surroundings,
}

/// Carries out operations on the runs of one store.
pub struct Engine<S> {
    pub(crate) store: Arc<S>,
    pub(crate) registry: Registry,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) launcher: Box<dyn Launcher>,
    pub(crate) config: EngineConfig,
    pub(crate) interrupts: Interrupts,
}

/// Says when whoever runs a command wants it to end. Asked for only while there is something that could be ended.
pub type Interrupts = fn() -> watch::Receiver<StopRequest>;

/// Nobody wants anything.
fn never() -> watch::Receiver<StopRequest> {
    watch::channel(StopRequest::None).1
}

impl<S: Places> Engine<S> {
    /// An engine over a store.
    pub fn new(
        store: Arc<S>,
        registry: Registry,
        clock: Box<dyn Clock>,
        launcher: Box<dyn Launcher>,
        config: EngineConfig,
    ) -> Self {
        Self { store, registry, clock, launcher, config, interrupts: never }
    }

    /// The same where somebody can interrupt a command.
    pub fn heeding(self, interrupts: Interrupts) -> Self {
        Self { interrupts, ..self }
    }

    /// The configuration it was given.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn library(&self, caller_dir: impl Into<PathBuf>) -> Library {
        Library::new(&self.config.config_dir, caller_dir).within(self.config.surroundings.clone())
    }

    pub(crate) fn resolve(&self, run: &str) -> Result<RunId, ApiError> {
        self.store.resolve(run).map_err(|error| store_error(&error))
    }

    /// Commits what people and workers say, and lets a driver know that there is something to look at.
    pub(crate) async fn commit(&self, run_id: &RunId, facts: &[Fact]) -> Result<Manifest, ApiError> {
        self.try_commit(run_id, facts).await.map_err(|error| commit_error(&error))
    }

    /// The same for who has something to do about a refusal.
    pub(crate) async fn try_commit(&self, run_id: &RunId, facts: &[Fact]) -> Result<Manifest, CommitError> {
        let manifest = self.store.commit(run_id, facts, self.now()).await?;
        match &manifest.state.phase {
            Phase::Active { .. } => talk::ping(&self.socket(run_id)),
            // Nobody else sees its end.
            Phase::Ended { .. } if manifest.spec.is_passive() => self.tell_dependents(&manifest).await,
            Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {}
        }
        Ok(manifest)
    }

    /// Commits what must fit to what other runs are.
    pub(crate) async fn commit_among(&self, run_id: &RunId, facts: &[Fact]) -> Result<Manifest, ApiError> {
        let now = self.now();
        let check = |all: &[Manifest], unread: &[Problem]| graph::check(all, unread, run_id, facts, now);
        let committed = self.store.commit_among(run_id, facts, now, &check).await;
        committed.map_err(|error| commit_error(&error))
    }

    /// All runs there are, those that were put away too.
    pub(crate) async fn everything(&self) -> Result<Vec<Manifest>, StoreError> {
        let query = RunQuery { include_archived: true, ..RunQuery::default() };
        let listing = self.store.query(&query).await?;
        Ok(listing.runs.into_iter().map(|listed| listed.manifest).collect())
    }

    /// All runs of a group, by their manifests.
    async fn members(&self, group_id: &str) -> Result<Vec<Manifest>, StoreError> {
        let query =
            RunQuery { group: Some(group_id.to_owned()), include_archived: true, ..RunQuery::default() };
        let listing = self.store.query(&query).await?;
        Ok(listing.runs.into_iter().map(|listed| listed.manifest).collect())
    }

    /// The runs a run depends on, and maybe others.
    pub(crate) async fn upstream(&self, manifest: &Manifest) -> Result<Vec<Manifest>, StoreError> {
        let mut upstream: Vec<Manifest> = Vec::new();
        for dependency in &manifest.state.dependencies {
            // Whether a run may work is not left to an index, which may have missed what came there by other ways.
            let meant = match dependency {
                Dependency::Run { .. } => self.meant(dependency).await?,
                Dependency::Group { group_id } => self.members(group_id).await?,
            };
            add(&mut upstream, meant);
        }
        Ok(upstream)
    }

    /// What a run has to wait for, in words; nothing if it may work.
    pub(crate) async fn unsatisfied(&self, manifest: &Manifest) -> Result<Option<String>, StoreError> {
        if manifest.state.dependencies.is_empty() {
            return Ok(None);
        }
        Ok(graph::unsatisfied(&self.upstream(manifest).await?, manifest))
    }

    /// Lets the drivers of runs that wait for this one know that it has ended. Who is not reached looks by itself, later.
    pub(crate) async fn tell_dependents(&self, ended: &Manifest) {
        let kin = Kin::WaitingFor { run: &ended.spec.run_id, group: &ended.state.run_group_id };
        let Ok(waiting) = self.store.kin(kin).await else { return };
        let active = |run: &&Manifest| matches!(run.state.phase, Phase::Active { .. });
        for waiting in waiting.runs.iter().filter(active).filter(|run| graph::depends_on(run, ended)) {
            talk::ping(&self.socket(&waiting.spec.run_id));
        }
    }

    pub(crate) fn socket(&self, run_id: &RunId) -> PathBuf {
        talk::socket_path(&self.config.runtime_dir, &self.config.state_dir, run_id)
    }

    /// A run as it stands, and what the reader of its manifest has to know besides it. A driver records the end before
    /// it lets go of the lease: a run that says active while nobody holds it is read again before that is believed.
    pub(crate) async fn observe(&self, mut manifest: Manifest) -> Result<(Manifest, Situation), ApiError> {
        loop {
            let situation = self.situation(&manifest).await?;
            if !seems_abandoned(&manifest, &situation) {
                return Ok((manifest, situation));
            }
            let again = self.store.snapshot(&manifest.spec.run_id).await;
            let again = again.map_err(|error| store_error(&error))?;
            if again.revision == manifest.revision {
                return Ok((manifest, situation));
            }
            manifest = again;
        }
    }

    /// What the reader of a manifest has to know besides it, if the manifest is not older than that.
    pub(crate) async fn situation(&self, manifest: &Manifest) -> Result<Situation, ApiError> {
        let run_id = &manifest.spec.run_id;
        let lease = match &manifest.state.phase {
            Phase::Active { .. } => {
                let view = self.store.observe_owner(run_id).await;
                view.map_err(|error| store_error(&error))?.lease
            }
            Phase::Initialized | Phase::Ready | Phase::Ended { .. } => Lease::Free,
        };
        let place = self.store.location(run_id).unwrap_or_default();
        let spec = &manifest.spec;
        let facts = SafetyFacts {
            unrestricted: spec.unrestricted,
            has_tasks: !manifest.state.final_tasks.is_empty(),
            has_agent_file: spec.agent.source_path.is_some(),
        };
        let safety_note =
            self.registry.get(&spec.backend).ok().and_then(|backend| backend.safety_note(facts));
        let workspace_dir = place.to_string_lossy().into_owned();
        Ok(Situation { lease, workspace_dir, safety_note, now: self.now(), relations: Relations::default() })
    }
}

/// A run may be meant by itself and by its group.
pub(crate) fn add(known: &mut Vec<Manifest>, found: Vec<Manifest>) {
    for run in found {
        if !known.iter().any(|other| other.spec.run_id == run.spec.run_id) {
            known.push(run);
        }
    }
}

/// Whether the run is active by its manifest, and by its lease nobody drives it.
pub(crate) fn seems_abandoned(manifest: &Manifest, situation: &Situation) -> bool {
    matches!((&manifest.state.phase, situation.lease), (Phase::Active { .. }, Lease::Free))
}
