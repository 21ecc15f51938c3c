//! What a store of runs can do, whatever keeps them: snapshots, facts, leases, tails and queries. Must not speak of
//! files; a database can implement it too.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::{Fact, Lease, Manifest, Refusal, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::adopted::{AdoptedRun, Bring};
use crate::error::{AcquireError, CommitError, StoreError};
use crate::host::Holder;
use crate::listing::{Kin, Kindred, ListQuery, Listing, Page, Problem, RunQuery};
use crate::space::{Accounts, DeadCache, SpaceQuery};

/// A run that is to be created.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// As `Manifest::new` made it, changed at will. The store sets revision, cursor and log length.
    pub manifest: Manifest,
    /// What its history begins with.
    pub events: Vec<EventBody>,
    /// What was authored.
    pub seeds: Seeds,
}

/// The authored texts a run was created from, kept as they were.
#[derive(Debug, Clone, Default)]
pub struct Seeds {
    /// The agent file.
    pub agent: Option<String>,
    /// The assignment file.
    pub assignment: Option<String>,
}

/// Whether a lease may be taken from a holder nobody here can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// Only a lease that is certainly free is taken.
    Never,
    /// A person vouches that the recorded holder is gone.
    Unknown,
}

/// Whether somebody holds a run's owner lease, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerView {
    /// The verdict, as of now.
    pub lease: Lease,
    /// Who took it last, if that is on record and was not given back.
    pub holder: Option<Holder>,
}

/// A run as it stands and a piece of its history.
#[derive(Debug, Clone)]
pub struct Tail {
    /// The run.
    pub manifest: Manifest,
    /// Committed events after the cursor that was asked for, oldest first.
    pub events: Vec<EventRecord>,
    /// The cursor to go on from: the last event's, or the one that was asked for.
    pub last_cursor: u64,
    /// Lines that are no events: somebody else wrote into the log. They were left out.
    pub unreadable: usize,
}

/// Why a change does not fit to what all runs are, and to those that could not be read.
pub type AmongCheck<'a> = dyn Fn(&[Manifest], &[Problem]) -> Result<(), Refusal> + Sync + 'a;

/// A place that keeps runs. Every change is all or nothing, and durable when the call returns.
pub trait RunStore: Send + Sync {
    /// The proof of being a run's owner.
    type Owner: OwnerLease;
    /// The prompt to look at a run again.
    type Changes: Changes;
    /// The proof of working in a directory. Dropping it leaves; so does dying.
    type Place: Send + Sync;
    /// What keeps blobs from being swept. Dropping it lets go; so does dying.
    type Hold: Send + Sync;
    /// The turn of whoever changes what runs have to do with one another. Dropping it ends it; so does dying.
    type Graph: Send + Sync;

    /// Creates a run. `StoreError::Exists` when its id is taken, wherever that is.
    fn create(
        &self,
        new: NewRun,
        now: Timestamp,
    ) -> impl Future<Output = Result<Manifest, StoreError>> + Send;

    /// Puts a run in place that was made elsewhere, with its history and its blobs: all of it or nothing, and nobody sees
    /// any of it before. `StoreError::Exists` when its id is taken, wherever that is. `bring` is asked once, with no
    /// lock held that others wait for.
    fn adopt(
        &self,
        run: AdoptedRun,
        now: Timestamp,
        bring: &mut Bring<'_>,
    ) -> impl Future<Output = Result<Manifest, StoreError>> + Send;

    /// A run as it stands.
    fn snapshot(&self, id: &RunId) -> impl Future<Output = Result<Manifest, StoreError>> + Send;

    /// Applies facts, all or none, and returns the run after them. Facts that change nothing write nothing.
    /// A failure that is not a refusal may have landed: look before doing it again.
    fn commit(
        &self,
        id: &RunId,
        facts: &[Fact],
        now: Timestamp,
    ) -> impl Future<Output = Result<Manifest, CommitError>> + Send;

    /// Becomes the run's owner. Tries again for as long as `patience` lasts: somebody may only be testing.
    fn acquire_owner(
        &self,
        id: &RunId,
        patience: Duration,
        takeover: Takeover,
    ) -> impl Future<Output = Result<Self::Owner, AcquireError>> + Send;

    /// Whether somebody owns the run. Disturbs nobody.
    fn observe_owner(&self, id: &RunId) -> impl Future<Output = Result<OwnerView, StoreError>> + Send;

    /// The run as it stands and its events after a cursor, at most `limit` of them.
    fn tail(
        &self,
        id: &RunId,
        after: u64,
        limit: Option<usize>,
    ) -> impl Future<Output = Result<Tail, StoreError>> + Send;

    /// The runs that answer a query. What deletions left that were not finished is taken away in passing.
    fn query(&self, query: &RunQuery) -> impl Future<Output = Result<Listing, StoreError>> + Send;

    /// A listing: equal to what `query` finds, without reading all of it.
    fn list(&self, query: &ListQuery) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// The runs that have to do with another one, newest first.
    fn kin(&self, kin: Kin<'_>) -> impl Future<Output = Result<Kindred, StoreError>> + Send;

    /// Watches a run. A change after this call is never missed, so: watch first, then look.
    fn changes(&self, id: &RunId) -> impl Future<Output = Result<Self::Changes, StoreError>> + Send;

    /// Keeps bytes under a name such as `attempts/01.json`, replacing what was there at one stroke.
    fn put_blob(
        &self,
        id: &RunId,
        name: &str,
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The bytes kept under a name; nothing if there are none. Also `agent-seed.md` and `assignment-seed.md`.
    /// `StoreError::Damaged` holds what can be read of a compressed file that is damaged.
    fn get_blob(
        &self,
        id: &RunId,
        name: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Compresses what is kept under a name, if it is worth it; it is still found under the same name. Nothing may be
    /// added to it any more. Says how many bytes that gave back.
    fn seal_blob(&self, id: &RunId, name: &str) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Keeps what a reader has under a name, replacing what was there at one stroke: at most `limit` bytes, or nothing
    /// at all. Says how many they were and their SHA-256.
    fn put_blob_from(
        &self,
        id: &RunId,
        name: &str,
        source: &mut (dyn Read + Send),
        limit: u64,
    ) -> impl Future<Output = Result<Stored, StoreError>> + Send;

    /// Whether something is kept under a name. `StoreError::Foreign` where the way to it leads out of the run.
    fn has_blob(&self, id: &RunId, name: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What is kept in a folder of blobs, and in folders below it, in order.
    fn list_blobs(
        &self,
        id: &RunId,
        folder: &str,
    ) -> impl Future<Output = Result<Vec<(String, BlobKind)>, StoreError>> + Send;

    /// Takes away what is kept under a name, and the folder it was alone in. Nothing to take away is no error.
    fn remove_blob(&self, id: &RunId, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Hands out what is kept under a name, and says how many bytes they were and their SHA-256; nothing if there is
    /// nothing. A failure may come in the middle.
    fn copy_blob(
        &self,
        id: &RunId,
        name: &str,
        out: &mut (dyn Write + Send),
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Keeps folders below a folder of blobs from being swept, until it is dropped or its holder dies: somebody makes
    /// one that the manifest does not name yet.
    fn hold_blobs(
        &self,
        id: &RunId,
        folder: &str,
    ) -> impl Future<Output = Result<Self::Hold, StoreError>> + Send;

    /// Takes away the folders below a folder of blobs that `is_known` does not find in the manifest, if they hold one
    /// file at most: whoever made them died before they counted. Does nothing while somebody holds them. Says how many they were.
    fn sweep_blobs(
        &self,
        id: &RunId,
        folder: &str,
        is_known: &(dyn Fn(&Manifest, &str) -> bool + Sync),
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Waits for its turn to change what runs have to do with one another: for commits to several runs that belong
    /// together, and for one that must fit to what others are. Everybody takes turns here, so it is never held while
    /// something slow is done, and whoever has it must not ask for it again.
    fn hold_graph(&self) -> impl Future<Output = Result<Self::Graph, StoreError>> + Send;

    /// Applies facts that must fit to what other runs are: nobody else changes what runs have to do with one another
    /// while `check` looks at all of them, and at what could not be read, and the commit is made. `check` says why not.
    fn commit_within(
        &self,
        held: &Self::Graph,
        id: &RunId,
        facts: &[Fact],
        now: Timestamp,
        check: &AmongCheck<'_>,
    ) -> impl Future<Output = Result<Manifest, CommitError>> + Send;

    /// The same for whoever has no turn yet.
    fn commit_among(
        &self,
        id: &RunId,
        facts: &[Fact],
        now: Timestamp,
        check: &AmongCheck<'_>,
    ) -> impl Future<Output = Result<Manifest, CommitError>> + Send {
        async move {
            let held = self.hold_graph().await?;
            self.commit_within(&held, id, facts, now, check).await
        }
    }

    /// Enters a directory as somebody who works there, unless others are there who do not go together with that.
    /// `settled` are those who were killed there and have left nothing running.
    fn enter_workspace(
        &self,
        root: &Path,
        member: &Member,
        settled: &[RunId],
    ) -> impl Future<Output = Result<Entry<Self::Place>, StoreError>> + Send;

    /// Who would be in the way of entering a directory now. Disturbs nobody.
    fn look_into_workspace(
        &self,
        root: &Path,
        member: &Member,
    ) -> impl Future<Output = Result<Vec<Member>, StoreError>> + Send;

    /// Adds bytes at the end of what is kept under a name. Not durable by itself.
    fn append_blob(
        &self,
        id: &RunId,
        name: &str,
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Finishes the deletion of a run that somebody was killed at, and says what run that was; nothing where no such
    /// deletion was begun.
    fn finish_deletion(
        &self,
        id: &RunId,
    ) -> impl Future<Output = Result<Option<Manifest>, StoreError>> + Send;

    /// What runs take, and what belongs to none.
    fn space(&self, query: &SpaceQuery) -> impl Future<Output = Result<Accounts, StoreError>> + Send;

    /// What there is of a run that cannot be read, as it is: nothing if that cannot be had, or is too long.
    fn remnant(&self, problem: &Problem) -> impl Future<Output = Vec<u8>> + Send;

    /// Copies of what can be made again, of this store and others, that certainly nobody uses. Takes them away if `clear`.
    fn dead_caches(&self, clear: bool) -> impl Future<Output = Vec<DeadCache>> + Send;

    /// Deletes a run and all that belongs to it. `StoreError::Owned` while somebody owns it. `check` looks at the run as
    /// it stands in the moment of its deletion, and says why not.
    fn delete(
        &self,
        id: &RunId,
        check: &(dyn Fn(&Manifest) -> Result<(), Refusal> + Sync),
    ) -> impl Future<Output = Result<(), CommitError>> + Send;
}

/// What is kept under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobKind {
    /// Bytes of the run.
    File,
    /// Something that nobody of us has put there.
    Foreign,
}

/// Bytes that were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// How many.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A run that works in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The run.
    pub run_id: RunId,
    /// The run at the root of its tree: runs of one tree go together.
    pub tree: RunId,
    /// Whether it may change files. Those who only read go together with each other.
    pub may_write: bool,
    /// Whether it goes together with everybody.
    pub shares: bool,
    /// Whether it goes together with nobody, not even with its own tree: it takes away what others work in.
    #[serde(default)]
    pub alone: bool,
}

/// What came of wanting to enter a directory.
#[derive(Debug)]
pub enum Entry<P> {
    /// It is there.
    Entered(P),
    /// These are in the way.
    Busy(Vec<Member>),
    /// These were killed there: what they may have left running has to end before anybody else begins.
    Abandoned(Vec<Member>),
}

/// The proof of being a run's owner. Dropping it gives the lease back; so does dying.
pub trait OwnerLease: Send + Sync {
    /// The owner, as recorded for others to see.
    fn holder(&self) -> &Holder;

    /// Puts a little space aside for the run's last commit. Done already when the lease was acquired, if there
    /// was room; worth repeating when the run has grown.
    fn hold_reserve(&self) -> Result<(), StoreError>;

    /// Frees that space, so that a last commit fits on a full disk.
    fn release_reserve(&self) -> Result<(), StoreError>;
}

/// The prompt to look at a run again.
pub trait Changes: Send {
    /// Resolves when the run may have changed since the last time, or since the watch began. Safe to cancel.
    fn next(&mut self) -> impl Future<Output = ()> + Send;
}
