//! Archives: a run as one file that can be carried elsewhere. Declares its parts.

mod contents;
mod error;
mod read;
mod scan;
mod tar;
mod write;

pub use contents::{ArchiveHead, ArchiveMember, LeftOut};
pub use error::ArchiveError;
pub use read::ArchiveReader;
pub use write::{Archived, ToArchive, write_archive};
