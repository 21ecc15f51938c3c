//! `FileStore`: the store as everybody sees it. Synchronous inside; must not need a runtime, except to watch.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_runner_model::{Fact, Manifest, Refusal, RunId, Timestamp};

use crate::adopted::{AdoptedRun, Bring};
use crate::error::{AcquireError, CommitError, StoreError};
use crate::listing::{Kin, Kindred, ListQuery, Listing, Page, Problem, RunQuery};
use crate::run_store::{
    AmongCheck, BlobKind, Entry, Member, NewRun, OwnerView, RunStore, Stored, Tail, Takeover,
};
use crate::space::{Accounts, DeadCache, SpaceQuery};

use super::changes::{FileChanges, Hub};
use super::graph::FileGraph;
use super::handed::FileHold;
use super::index::Shelf;
use super::layout::Layout;
use super::owner::FileLease;
use super::workspace::FilePlace;
use super::{
    adopt, blobs, commit, create, delete, document, graph, handed, index, leftovers, names, owner, query,
    tail, usage, workspace,
};

/// How a file store behaves.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// Takes owner leases on network file systems, where they may be granted twice.
    pub allow_network_locks: bool,
    /// How long a writer waits for other writers, which take milliseconds unless they are stopped.
    pub lock_patience: Duration,
    /// Where an index of runs may be kept on this host; without one, listings read everything.
    pub index_dir: Option<PathBuf>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { allow_network_locks: false, lock_patience: Duration::from_secs(10), index_dir: None }
    }
}

/// Keeps runs in a state directory.
#[derive(Debug, Clone)]
pub struct FileStore {
    layout: Layout,
    options: FileOptions,
    shelf: Shelf,
    hub: Arc<Hub>,
}

impl FileStore {
    /// What lies where.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How long locks are waited for.
    pub(super) fn patience(&self) -> Duration {
        self.options.lock_patience
    }

    /// A store on that state directory, which is made by the first run.
    pub fn new(state_dir: PathBuf, options: FileOptions) -> Self {
        let below = options.index_dir.as_deref();
        let shelf = below.map(|below| Shelf::new(below, &state_dir)).unwrap_or_default();
        Self { layout: Layout::new(state_dir), options, shelf, hub: Arc::default() }
    }

    /// The state directory.
    pub fn state_dir(&self) -> &Path {
        self.layout.state_dir()
    }

    /// The directory of a run, if there is one of that id.
    pub fn location(&self, id: &RunId) -> Option<PathBuf> {
        self.layout.find(id).ok()
    }

    /// The run that a run id, the beginning of one, `@last`, `@-2`, `@name`, the path of a run directory or the path of
    /// its `run.json` means.
    pub fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        let resolved = names::resolve(&self.layout, &self.shelf, text);
        if let Err(StoreError::NotFound { id, .. }) = &resolved {
            leftovers::clear_named(&self.layout, id);
        }
        resolved
    }

    /// The file into which a run's driver writes what nobody else hears. Not inherited by programs it starts.
    pub fn diagnostics_log(&self, id: &RunId) -> io::Result<File> {
        owner::diagnostics_log(&self.layout, id)
    }
}

impl RunStore for FileStore {
    type Owner = FileLease;
    type Changes = FileChanges;
    type Place = FilePlace;
    type Hold = FileHold;
    type Graph = FileGraph;

    async fn create(&self, new: NewRun, now: Timestamp) -> Result<Manifest, StoreError> {
        create::create(&self.layout, new, now, self.options.lock_patience)
    }

    async fn adopt(
        &self,
        run: AdoptedRun,
        now: Timestamp,
        bring: &mut Bring<'_>,
    ) -> Result<Manifest, StoreError> {
        adopt::adopt(&self.layout, run, now, bring, self.options.lock_patience)
    }

    async fn snapshot(&self, id: &RunId) -> Result<Manifest, StoreError> {
        tail::snapshot(&self.layout, id)
    }

    async fn commit(&self, id: &RunId, facts: &[Fact], now: Timestamp) -> Result<Manifest, CommitError> {
        commit::commit(&self.layout, id, facts, now, self.options.lock_patience)
    }

    async fn acquire_owner(
        &self,
        id: &RunId,
        patience: Duration,
        takeover: Takeover,
    ) -> Result<FileLease, AcquireError> {
        owner::acquire(&self.layout, id, patience, takeover, self.options.allow_network_locks)
    }

    async fn observe_owner(&self, id: &RunId) -> Result<OwnerView, StoreError> {
        owner::observe(&self.layout, id, self.options.allow_network_locks)
    }

    async fn tail(&self, id: &RunId, after: u64, limit: Option<usize>) -> Result<Tail, StoreError> {
        tail::tail(&self.layout, id, after, limit)
    }

    async fn query(&self, query: &RunQuery) -> Result<Listing, StoreError> {
        query::query(&self.layout, query)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        index::list(&self.shelf, &self.layout, query, self.options.allow_network_locks)
    }

    async fn kin(&self, kin: Kin<'_>) -> Result<Kindred, StoreError> {
        index::kin(&self.shelf, &self.layout, &kin)
    }

    async fn changes(&self, id: &RunId) -> Result<FileChanges, StoreError> {
        Ok(self.hub.watch(&self.layout.find(id)?))
    }

    async fn put_blob(&self, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        blobs::put(&self.layout, id, name, bytes)
    }

    async fn get_blob(&self, id: &RunId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        blobs::get(&self.layout, id, name)
    }

    async fn seal_blob(&self, id: &RunId, name: &str) -> Result<u64, StoreError> {
        blobs::seal(&self.layout, id, name)
    }

    async fn put_blob_from(
        &self,
        id: &RunId,
        name: &str,
        source: &mut (dyn Read + Send),
        limit: u64,
    ) -> Result<Stored, StoreError> {
        handed::put_from(&self.layout, id, name, source, limit)
    }

    async fn has_blob(&self, id: &RunId, name: &str) -> Result<bool, StoreError> {
        handed::has(&self.layout, id, name)
    }

    async fn list_blobs(&self, id: &RunId, folder: &str) -> Result<Vec<(String, BlobKind)>, StoreError> {
        handed::list(&self.layout, id, folder)
    }

    async fn remove_blob(&self, id: &RunId, name: &str) -> Result<(), StoreError> {
        handed::remove(&self.layout, id, name)
    }

    async fn copy_blob(
        &self,
        id: &RunId,
        name: &str,
        out: &mut (dyn Write + Send),
    ) -> Result<Option<Stored>, StoreError> {
        handed::copy_out(&self.layout, id, name, out)
    }

    async fn hold_blobs(&self, id: &RunId, folder: &str) -> Result<FileHold, StoreError> {
        handed::hold(&self.layout, id, folder, self.options.lock_patience)
    }

    async fn sweep_blobs(
        &self,
        id: &RunId,
        folder: &str,
        is_known: &(dyn Fn(&Manifest, &str) -> bool + Sync),
    ) -> Result<usize, StoreError> {
        handed::sweep(&self.layout, id, folder, is_known)
    }

    async fn hold_graph(&self) -> Result<FileGraph, StoreError> {
        graph::hold(&self.layout, self.options.lock_patience)
    }

    async fn commit_within(
        &self,
        held: &FileGraph,
        id: &RunId,
        facts: &[Fact],
        now: Timestamp,
        check: &AmongCheck<'_>,
    ) -> Result<Manifest, CommitError> {
        graph::check(&self.layout, held, check)?;
        commit::commit(&self.layout, id, facts, now, self.options.lock_patience)
    }

    async fn enter_workspace(
        &self,
        root: &Path,
        member: &Member,
        settled: &[RunId],
    ) -> Result<Entry<FilePlace>, StoreError> {
        workspace::enter(&self.layout, root, member, settled, self.options.lock_patience)
    }

    async fn look_into_workspace(&self, root: &Path, member: &Member) -> Result<Vec<Member>, StoreError> {
        workspace::look(&self.layout, root, member, self.options.lock_patience)
    }

    async fn append_blob(&self, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        blobs::append(&self.layout, id, name, bytes)
    }

    async fn finish_deletion(&self, id: &RunId) -> Result<Option<Manifest>, StoreError> {
        delete::finish(&self.layout, id, self.options.lock_patience)
    }

    async fn space(&self, query: &SpaceQuery) -> Result<Accounts, StoreError> {
        let mut accounts = usage::survey(&self.layout, query)?;
        if query.repo.is_none() && query.runs.is_none() {
            accounts.loose.extend(self.shelf.account());
        }
        Ok(accounts)
    }

    async fn remnant(&self, problem: &Problem) -> Vec<u8> {
        document::remnant(&problem.path)
    }

    async fn dead_caches(&self, clear: bool) -> Vec<DeadCache> {
        self.options.index_dir.as_deref().map(|below| index::dead(below, clear)).unwrap_or_default()
    }

    async fn delete(
        &self,
        id: &RunId,
        check: &(dyn Fn(&Manifest) -> Result<(), Refusal> + Sync),
    ) -> Result<(), CommitError> {
        delete::delete(&self.layout, id, check, self.options.lock_patience)
    }
}
