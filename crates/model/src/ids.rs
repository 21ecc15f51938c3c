//! Identifiers: what a run, a task, a session and an attempt are called, and which spellings are allowed.
//! Must not make identifiers up: randomness lives outside this crate.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest task id, in bytes.
pub const MAX_TASK_ID: usize = 128;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text has more bytes than allowed.
    #[error("an id has at most {max} characters, this one has {len}")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A character outside the allowed set.
    #[error("character {found:?} is not allowed in an id; allowed are {allowed}")]
    Character {
        /// The first character that is not allowed.
        found: char,
        /// The allowed set, for people.
        allowed: &'static str,
    },
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:literal, $test:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the spelling. Errors name the first thing that is wrong.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if text.is_empty() {
                    return Err(IdError::Empty);
                }
                if text.len() > $max {
                    return Err(IdError::TooLong { len: text.len(), max: $max });
                }
                let allowed: fn(char) -> bool = $test;
                match text.chars().find(|c| !allowed(*c)) {
                    Some(found) => Err(IdError::Character { found, allowed: $allowed }),
                    None => Ok(Self(text.to_owned())),
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The name of a run: lower-case letters, digits and `-`, starting anywhere. Also a directory name, so it can
    /// hold neither `/` nor `.`.
    RunId,
    64,
    "a-z, 0-9 and -",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);

text_id!(
    /// The name of a task inside its run, unique there: `[A-Za-z0-9._:/-]`, at most 128 characters.
    TaskId,
    MAX_TASK_ID,
    "A-Z, a-z, 0-9 and . _ : / -",
    |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '-')
);

/// The number of an attempt that never restarts within a run, not even on reset. A worker carries the fence of
/// its attempt; what it says counts only while that attempt is the current one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Counts who drove a run: each driver that takes the owner lease gets the next number, and facts of an older
/// driver are refused.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);
