//! What runs take on the disk: the store counts, this says what it belongs to. Must not judge whether that is much.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use agent_runner_api::operations::GetDiskUse;
use agent_runner_api::view::{
    DiskUse, LooseUse, LooseUseKind, OccupantKind, RepoUse, RunUse, SpaceParts, SpaceView,
};
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{Digest, Lease, RunId};
use agent_runner_store::{
    ListQuery, Loose, LooseKind, Page, Problem, ProblemKind, RunQuery, RunSpace, Space, SpaceQuery,
};

use super::runs::problem;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

/// What a directory is.
struct Occupant {
    kind: OccupantKind,
    status: Option<RunStatus>,
    name: Option<String>,
}

impl Occupant {
    fn unlike_a_run(kind: OccupantKind) -> Self {
        Self { kind, status: None, name: None }
    }
}

impl<S: Places + 'static> Handle<GetDiskUse> for Engine<S> {
    async fn call(&self, request: GetDiskUse) -> Result<DiskUse, ApiError> {
        let GetDiskUse { runs, cwd, repo, limit } = request;
        let is_everything = runs.is_empty() && cwd.is_none() && repo.is_none();
        let mut wanted = BTreeSet::new();
        for run in &runs {
            wanted.insert(self.resolve(run)?.to_string());
        }
        let has_cwd = cwd.is_some();
        let scope = RunQuery { cwd, repo: repo.clone(), include_archived: true, ..RunQuery::default() };
        let query = ListQuery { scope, ..ListQuery::default() };
        let page = self.store.list(&query).await.map_err(|error| store_error(&error))?;
        let ids = page.rows.iter().map(|row| row.digest.run_id.to_string());
        let runs = match (has_cwd, wanted.is_empty()) {
            (_, false) => Some(wanted),
            (true, true) => Some(ids.collect()),
            (false, true) => None,
        };
        let query = SpaceQuery { repo, runs, worktrees: true };
        let accounts = self.store.space(&query).await.map_err(|error| store_error(&error))?;
        let problems = page.problems.clone().into_iter().map(problem).collect();
        let mut occupants = occupants(page);
        let mut runs = Vec::with_capacity(accounts.runs.len());
        let mut unread = accounts.unread;
        for space in accounts.runs {
            unread.extend(space.unread.iter().cloned());
            let occupant = match occupants.remove(&space.location) {
                Some(occupant) => occupant,
                None => self.unlisted(&space).await,
            };
            runs.push(run_use(space, occupant));
        }
        runs.sort_by_cached_key(|run| (Reverse(run.space.total.allocated), run.run_id.clone()));
        let loose = if is_everything { accounts.loose } else { Vec::new() };
        let mut loose: Vec<LooseUse> = loose.into_iter().map(loose_use).collect();
        loose.sort_by_cached_key(|loose| (Reverse(loose.space.allocated), loose.path.clone()));
        let repos = repos(&runs);
        let sums = repos.iter().map(|repo| repo.space.total).chain(loose.iter().map(|loose| loose.space));
        let total = sums.fold(SpaceView::default(), sum);
        let run_count = runs.len();
        runs.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
        let state_dir = shown(&self.config.state_dir);
        let unread = unread.iter().map(|path| shown(path)).collect();
        Ok(DiskUse { state_dir, total, repos, runs, run_count, loose, unread, problems })
    }
}

impl<S: Places> Engine<S> {
    /// What was not listed: it came since, or it is no run.
    async fn unlisted(&self, space: &RunSpace) -> Occupant {
        let unknown = Occupant::unlike_a_run(OccupantKind::Unknown);
        let Ok(run_id) = RunId::parse(&space.name) else { return unknown };
        if self.store.location(&run_id).as_ref() != Some(&space.location) {
            return unknown;
        }
        match self.store.snapshot(&run_id).await {
            Ok(manifest) => {
                let (digest, _) = Digest::of(&manifest);
                Occupant { kind: OccupantKind::Run, status: Some(digest.status), name: digest.name }
            }
            Err(_) => unknown,
        }
    }
}

fn occupants(page: Page) -> BTreeMap<PathBuf, Occupant> {
    let mut occupants = BTreeMap::new();
    for Problem { path, kind, .. } in page.problems {
        let kind = match kind {
            ProblemKind::Unreadable => OccupantKind::Unreadable,
            ProblemKind::Newer => OccupantKind::Newer,
            ProblemKind::Reference => OccupantKind::Reference,
        };
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        occupants.insert(dir, Occupant::unlike_a_run(kind));
    }
    for row in page.rows {
        let status = match &row.active {
            Some(active) => active.manifest.status(active.lease == Lease::Free),
            None => row.digest.status,
        };
        let run = Occupant { kind: OccupantKind::Run, status: Some(status), name: row.digest.name };
        occupants.insert(PathBuf::from(row.location), run);
    }
    occupants
}

fn run_use(space: RunSpace, occupant: Occupant) -> RunUse {
    let Occupant { kind, status, name } = occupant;
    let path = shown(&space.location);
    RunUse { kind, status, name, path, space: parts(&space), run_id: space.name, repo: space.repo }
}

fn repos(runs: &[RunUse]) -> Vec<RepoUse> {
    let mut repos: BTreeMap<&str, RepoUse> = BTreeMap::new();
    for run in runs {
        let empty = || RepoUse { repo: run.repo.clone(), runs: 0, space: SpaceParts::default() };
        let repo = repos.entry(&run.repo).or_insert_with(empty);
        repo.runs += 1;
        repo.space = SpaceParts {
            total: sum(repo.space.total, run.space.total),
            manifest: sum(repo.space.manifest, run.space.manifest),
            history: sum(repo.space.history, run.space.history),
            attempts: sum(repo.space.attempts, run.space.attempts),
            attachments: sum(repo.space.attachments, run.space.attachments),
            worktree: sum(repo.space.worktree, run.space.worktree),
            other: sum(repo.space.other, run.space.other),
        };
    }
    let mut repos: Vec<RepoUse> = repos.into_values().collect();
    repos.sort_by_key(|repo| Reverse(repo.space.total.allocated));
    repos
}

fn parts(space: &RunSpace) -> SpaceParts {
    SpaceParts {
        total: view(space.total()),
        manifest: view(space.manifest),
        history: view(space.history),
        attempts: view(space.attempts),
        attachments: view(space.attachments),
        worktree: view(space.worktree),
        other: view(space.other),
    }
}

fn view(space: Space) -> SpaceView {
    SpaceView { allocated: space.allocated, apparent: space.apparent }
}

fn sum(one: SpaceView, other: SpaceView) -> SpaceView {
    SpaceView {
        allocated: one.allocated.saturating_add(other.allocated),
        apparent: one.apparent.saturating_add(other.apparent),
    }
}

fn loose_use(loose: Loose) -> LooseUse {
    let kind = match loose.kind {
        LooseKind::Deletion => LooseUseKind::Deletion,
        LooseKind::Worktree => LooseUseKind::Worktree,
        LooseKind::Changes => LooseUseKind::Changes,
        LooseKind::Locks => LooseUseKind::Locks,
        LooseKind::Index => LooseUseKind::Index,
        LooseKind::Other => LooseUseKind::Other,
    };
    LooseUse { kind, path: shown(&loose.path), space: view(loose.space) }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
