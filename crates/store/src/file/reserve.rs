//! A little space put aside in a run's directory, so that its last commit fits on a full disk. Must only be used by the
//! owner of the run.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use crate::error::StoreError;

use super::durable;
use super::layout::{MANIFEST, RESERVE};

/// How much is put aside at least.
pub const RESERVE_BYTES: u64 = 64 * 1024;

/// Takes the space: enough for a second copy of the manifest, and some growth. Once taken it stays, whatever else fills
/// the disk. Can be repeated as the manifest grows.
pub(crate) fn hold(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(RESERVE);
    let manifest = fs::metadata(dir.join(MANIFEST)).map_or(0, |data| data.len());
    let wanted = RESERVE_BYTES.max(manifest.saturating_mul(2));
    let file = durable::open_side_file(&path)?;
    let taken = match fallocate(&file, FallocateFlags::empty(), 0, wanted) {
        Ok(()) => Ok(()),
        // Not every file system can; zeros take space on all but those that compress.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            let zeros = vec![0; usize::try_from(wanted).unwrap_or(0)];
            std::os::unix::fs::FileExt::write_all_at(&file, &zeros, 0)
        }
        Err(error) => Err(io::Error::from(error)),
    };
    taken.map_err(|source| {
        let _ = fs::remove_file(&path);
        StoreError::Write { path, source }
    })
}

/// Gives the space back.
pub(crate) fn release(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(RESERVE);
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::Remove { path, source }),
    }
}
