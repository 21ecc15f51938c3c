//! What can be wrong with an archive, in words that say what and where. Names come from strangers: they are quoted.

use std::io;

use super::contents::FORMAT;

/// Why something is no archive that can be taken over, or a run cannot become one.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else.
    #[error("it is not an archive of a run: {why}")]
    NotOne {
        /// Why not.
        why: &'static str,
    },
    /// It stops in the middle.
    #[error("the archive is cut off {place}")]
    CutOff {
        /// Where, in words.
        place: String,
    },
    /// Its bytes are not what was written.
    #[error("the archive is damaged {place}")]
    Damaged {
        /// Where, in words.
        place: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It was written by a newer version.
    #[error("the archive was written by a newer version{} (format {format}; this version knows {FORMAT})",
        program.as_ref().map(|program| format!(" ({program:?})")).unwrap_or_default())]
    Newer {
        /// Its format.
        format: u64,
        /// What wrote it, as it says.
        program: Option<String>,
    },
    /// One of its files is not what it has to be.
    #[error("{name:?} in the archive {why}")]
    Entry {
        /// Its name there.
        name: String,
        /// What is wrong with it, in words.
        why: String,
    },
    /// One of its files cannot be understood.
    #[error("{name:?} in the archive cannot be understood")]
    Text {
        /// Its name there.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The run has more than an archive may have.
    #[error("the run does not fit into an archive: {what}")]
    TooLarge {
        /// What there is too much of, in words.
        what: String,
    },
    /// A file of the run changed while it was read.
    #[error("{name:?} changed while it was exported")]
    Changed {
        /// Where it is below the run's directory.
        name: String,
    },
}

impl ArchiveError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOne { .. } => "name a file that `agent-runner run export` has written",
            Self::CutOff { .. } | Self::Damaged { .. } => "nothing was imported; copy the archive again",
            Self::Newer { .. } => "nothing was imported; update this program",
            Self::Entry { .. } | Self::Text { .. } => {
                "nothing was imported; archives that somebody has changed or packed anew are not taken over"
            }
            Self::TooLarge { .. } => "remove attachments that are not needed there",
            Self::Changed { .. } => "somebody is at work on the run; repeat the command",
        }
    }

    pub(super) fn entry(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Entry { name: name.into(), why: why.into() }
    }
}
