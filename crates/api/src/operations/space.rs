//! Requests about the room runs take on the disk, and about making some.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

requests! {
    /// Says what runs take on the disk, and what belongs to none.
    GetDiskUse {
        /// Only these runs: ids or paths. None at all is no condition.
        runs: Vec<String>,
        /// Only runs of exactly this directory.
        cwd: Option<String>,
        /// Only runs of this bucket.
        repo: Option<String>,
        /// How many runs at most; sums are of all.
        limit: Option<u32>,
    }
    /// Deletes runs that a policy does not keep, and clears up.
    CollectGarbage {
        /// Say what would be done, and do nothing.
        dry_run: bool,
        /// Runs that ended longer ago go, in seconds.
        older_than_sec: Option<u64>,
        /// The newest so many runs of each bucket stay; all others go where nothing else is asked for.
        keep: Option<u32>,
        /// The oldest go until the runs take no more than this, in bytes.
        max_bytes: Option<u64>,
        /// Delete nothing: only compress logs of attempts that are over.
        compress_only: bool,
        /// Only runs of exactly this directory.
        cwd: Option<String>,
        /// Only runs of this bucket.
        repo: Option<String>,
    }
}
