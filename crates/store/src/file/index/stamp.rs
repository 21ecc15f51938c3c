//! What tells whether a file is still the one that was read: when it was changed and renamed, its size and its number.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::super::layout::MANIFEST;

/// The stamp of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp([i64; 4]);

impl Stamp {
    /// Of the manifest in a directory; nothing if there is none.
    pub(crate) fn of_manifest(dir: &Path) -> Option<Self> {
        fs::metadata(dir.join(MANIFEST)).ok().map(|found| Self::of(&found))
    }

    fn of(found: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos);
        let changed = nanos(found.mtime(), found.mtime_nsec());
        let renamed = nanos(found.ctime(), found.ctime_nsec());
        Self([changed, renamed, found.size().cast_signed(), found.ino().cast_signed()])
    }

    /// As it is kept.
    pub(crate) fn as_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, number) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// When a directory was changed, in nanoseconds; nothing if it cannot be told.
pub(crate) fn changed_at(dir: &Path) -> Option<i64> {
    let found = fs::metadata(dir).ok()?;
    Some(found.mtime().wrapping_mul(1_000_000_000).wrapping_add(found.mtime_nsec()))
}
