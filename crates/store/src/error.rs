//! What can go wrong with the state directory, in words. Display never repeats a source; `hint` says what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use agent_runner_model::ids::IdError;
use agent_runner_model::{Refusal, RunId};

use crate::archive::ArchiveError;
use crate::host::Holder;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No run has that id.
    #[error("run \"{id}\" not found in {}", state_dir.display())]
    NotFound {
        /// As asked for.
        id: RunId,
        /// Where it was looked for.
        state_dir: PathBuf,
        /// Ids that look like it, best first.
        similar: Vec<RunId>,
    },
    /// The id is taken.
    #[error("run \"{id}\" exists already: {}", path.display())]
    Exists {
        /// The id.
        id: RunId,
        /// The directory that bears it.
        path: PathBuf,
    },
    /// More than one directory bears the id.
    #[error("run \"{id}\" exists more than once: {}", paths.iter().map(|path| path.display().to_string())
        .collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The id.
        id: RunId,
        /// The directories.
        paths: Vec<PathBuf>,
    },
    /// A text that is neither a run id nor a path.
    #[error("{text:?} is not a run id")]
    Spelling {
        /// The text.
        text: String,
        /// What is wrong with it.
        #[source]
        source: IdError,
    },
    /// A text that could mean more than one run.
    #[error("{text:?} could be more than one run: {}", first_of(ids))]
    Several {
        /// The text.
        text: String,
        /// The runs.
        ids: Vec<RunId>,
    },
    /// No run has that name.
    #[error("no run of {} is called {:?}", state_dir.display(), text.trim_start_matches('@'))]
    Unnamed {
        /// As asked for.
        text: String,
        /// Where it was looked for.
        state_dir: PathBuf,
    },
    /// A sign that nothing follows, or no age.
    #[error("{text:?} means no run")]
    Sign {
        /// As asked for.
        text: String,
    },
    /// There are not so many runs.
    #[error("there is no run {text}: there are {count}")]
    TooFew {
        /// As asked for.
        text: String,
        /// How many there are that are not archived.
        count: usize,
    },
    /// A text that is no place in a listing.
    #[error("{text:?} is not the end of a page of runs")]
    Cursor {
        /// The text.
        text: String,
    },
    /// Runs could not be listed, not even without an index.
    #[error("the runs cannot be put in order")]
    Index {
        /// What went wrong.
        #[source]
        source: rusqlite::Error,
    },
    /// A path that leads out of the state directory, or to no run in it.
    #[error("{} is not a run of {}", path.display(), state_dir.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The state directory.
        state_dir: PathBuf,
    },
    /// The manifest is not one.
    #[error("the manifest {} cannot be read", path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// Where reading stopped, from 1; 0 when there is nothing to read.
        line: usize,
        /// Where in that line.
        column: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The manifest lies in the directory of another run.
    #[error("the manifest {} belongs to run \"{found}\"", path.display())]
    Misplaced {
        /// The manifest.
        path: PathBuf,
        /// The run it is about.
        found: RunId,
    },
    /// A manifest of the reference implementation.
    #[error("the manifest {} was written by the TypeScript agent-runner (schema {schema_version})", path.display())]
    Reference {
        /// The manifest.
        path: PathBuf,
        /// Its schema version.
        schema_version: u64,
    },
    /// A manifest of a newer version of this program.
    #[error("the manifest {} was written by a newer version (schema {found}; this version knows {known})", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its schema version.
        found: u64,
        /// The newest schema version this program writes.
        known: u32,
    },
    /// Somebody held a lock for too long.
    #[error("{} was locked for {} ms", path.display(), waited.as_millis())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Somebody owns the run.
    #[error("run \"{id}\" has an owner")]
    Owned {
        /// The run.
        id: RunId,
    },
    /// The name of a blob, or of a bucket, is not acceptable.
    #[error("{name:?} is not an acceptable name: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An archive is none, or a run cannot become one.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A history that cannot be one.
    #[error("line {line} of the history {why}")]
    History {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What was to be stored could not be read.
    #[error("what was to be stored cannot be read")]
    Input {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was asked for could not be handed out.
    #[error("what is stored cannot be written where it was wanted")]
    Output {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was to be stored is too large.
    #[error("more than {limit} bytes are not stored under one name")]
    TooLarge {
        /// How many are allowed.
        limit: u64,
    },
    /// A manifest could not be turned into text.
    #[error("cannot write the manifest of run \"{id}\" as JSON")]
    Encode {
        /// The run.
        id: RunId,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A link, or a file, is where a directory of the run should be.
    #[error("{} is not a directory of the run's own", path.display())]
    Foreign {
        /// What is in its place.
        path: PathBuf,
    },
    /// Opening a file failed.
    #[error("cannot open {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Reading a file failed.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A compressed file can be read only to a certain point.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What could be read.
        bytes: Vec<u8>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing a file failed.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making a change survive a power cut failed.
    #[error("cannot sync {}", path.display())]
    Sync {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Renaming a file failed.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// Its name.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making a directory failed.
    #[error("cannot make the directory {}", path.display())]
    MakeDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Listing a directory failed.
    #[error("cannot list {}", path.display())]
    List {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Locking a file failed.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Removing a file or a directory failed.
    #[error("cannot remove {}", path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The first of several runs, and how many more there are.
fn first_of(ids: &[RunId]) -> String {
    const NAMED: usize = 10;
    let named: Vec<&str> = ids.iter().take(NAMED).map(RunId::as_str).collect();
    match ids.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl StoreError {
    /// The disk, or the quota on it, is full.
    pub fn is_full(&self) -> bool {
        self.io().is_some_and(|source| {
            matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        })
    }

    /// The system's error behind this one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Open { source, .. }
            | Self::Read { source, .. }
            | Self::Damaged { source, .. }
            | Self::Write { source, .. }
            | Self::Sync { source, .. }
            | Self::Rename { source, .. }
            | Self::MakeDir { source, .. }
            | Self::List { source, .. }
            | Self::Lock { source, .. }
            | Self::Remove { source, .. } => Some(source),
            Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::Ambiguous { .. }
            | Self::Spelling { .. }
            | Self::Outside { .. }
            | Self::Unreadable { .. }
            | Self::Misplaced { .. }
            | Self::Reference { .. }
            | Self::Newer { .. }
            | Self::Busy { .. }
            | Self::Owned { .. }
            | Self::Foreign { .. }
            | Self::Name { .. }
            | Self::History { .. }
            | Self::Archive(_)
            | Self::Input { .. }
            | Self::Output { .. }
            | Self::TooLarge { .. }
            | Self::Several { .. }
            | Self::Unnamed { .. }
            | Self::Sign { .. }
            | Self::TooFew { .. }
            | Self::Cursor { .. }
            | Self::Index { .. }
            | Self::Encode { .. } => None,
        }
    }
}

/// Why facts were not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The run does not allow it. Nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed. The change may have landed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommitError {
    /// What to do about it, where the store knows.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(_) => None,
            Self::Store(error) => error.hint(),
        }
    }
}

/// Why a run's owner lease was not granted.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// Somebody holds it.
    #[error("run \"{id}\" is owned by {}", holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::words))]
    Held {
        /// The run.
        id: RunId,
        /// Who, if that could be read.
        holder: Option<Holder>,
    },
    /// Nobody here can tell whether the recorded holder is alive.
    #[error("run \"{id}\" was last owned by {}, which cannot be seen from here", holder.words())]
    Unknown {
        /// The run.
        id: RunId,
        /// The recorded holder.
        holder: Box<Holder>,
    },
    /// Locks cannot be relied on there.
    #[error("{} is on a network file system ({file_system}), where locks cannot be relied on", path.display())]
    NetworkFileSystem {
        /// The run's directory.
        path: PathBuf,
        /// Its file system.
        file_system: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AcquireError {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { id, .. } => Some(format!("`agent-runner run attach {id}` watches it")),
            Self::Unknown { .. } => {
                Some("make sure that process is gone; then recover the run, saying so".to_owned())
            }
            Self::NetworkFileSystem { .. } => {
                Some("put the state directory on a local disk, or allow network locks explicitly".to_owned())
            }
            Self::Store(error) => error.hint(),
        }
    }
}
