//! Lists of runs. Must not decide which runs there are: the store finds them.

use std::collections::BTreeMap;

use agent_runner_api::operations::{ListRuns, RunOrder};
use agent_runner_api::view::{DependencyState, Relations, RunList, RunSummary, Situation};
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::Manifest;
use agent_runner_model::manifest::Dependency;
use agent_runner_store::{Kin, ListQuery, PageRow, RunQuery, Sort, StoreError};

use super::runs::problem;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::graph;
use crate::place::Places;

impl<S: Places + 'static> Handle<ListRuns> for Engine<S> {
    async fn call(&self, request: ListRuns) -> Result<RunList, ApiError> {
        let page = self.store.list(&query(request)).await.map_err(|error| store_error(&error))?;
        let problems = page.problems.into_iter().map(problem).collect();
        let mut runs = Vec::with_capacity(page.rows.len());
        let mut known = BTreeMap::new();
        for row in page.rows {
            runs.push(self.listed(row, &mut known).await);
        }
        Ok(RunList { runs, problems, next_cursor: page.next })
    }
}

fn query(request: ListRuns) -> ListQuery {
    ListQuery {
        scope: RunQuery {
            cwd: request.cwd,
            repo: request.repo,
            group: request.run_group_id,
            include_archived: request.include_archived,
            active_only: false,
        },
        statuses: request.statuses,
        agent: request.agent,
        backend: request.backend,
        name: None,
        begins: None,
        archived: false,
        since: request.since,
        until: request.until,
        pinned: request.pinned,
        search: request.search,
        sort: match request.sort {
            RunOrder::Created => Sort::Created,
            RunOrder::Updated => Sort::Updated,
        },
        limit: request.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        after: request.cursor,
    }
}

impl<S: Places> Engine<S> {
    /// A run in a list. `known` are dependencies that were looked at before.
    async fn listed(&self, row: PageRow, known: &mut BTreeMap<Dependency, bool>) -> RunSummary {
        let dependencies = match &row.active {
            Some(active) => active.manifest.state.dependencies.clone(),
            None => row.digest.dependencies.clone(),
        };
        let mut satisfied = 0;
        for dependency in &dependencies {
            let is_satisfied = match known.get(dependency) {
                Some(known) => *known,
                // What cannot be read has not ended well, and must not hide who waits for it.
                None => {
                    let meant = self.meant(dependency).await.unwrap_or_default();
                    graph::standing(&meant, dependency).is_satisfied()
                }
            };
            known.insert(dependency.clone(), is_satisfied);
            satisfied += usize::from(is_satisfied);
        }
        let total = dependencies.len();
        let state =
            DependencyState { ready: satisfied == total, total, satisfied, unsatisfied: total - satisfied };
        let Some(active) = row.active else { return RunSummary::of_digest(row.digest, state) };
        let situation = Situation {
            lease: active.lease,
            workspace_dir: row.location,
            safety_note: None,
            now: self.now(),
            relations: Relations::default(),
        };
        RunSummary { dependency_state: state, ..RunSummary::new(&active.manifest, &situation) }
    }

    /// The runs a dependency means, and maybe others.
    pub(crate) async fn meant(&self, dependency: &Dependency) -> Result<Vec<Manifest>, StoreError> {
        match dependency {
            Dependency::Group { group_id } => Ok(self.store.kin(Kin::Group(group_id)).await?.runs),
            Dependency::Run { run_id } => match self.store.snapshot(run_id).await {
                Ok(found) => Ok(vec![found]),
                Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
                Err(error) => Err(error),
            },
        }
    }
}
