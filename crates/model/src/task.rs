//! Tasks: the checklist items a run works through. Must not know who changes them or when that is allowed
//! (`capabilities` and `apply` do).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TaskId;

/// Longest task title, in characters.
pub const MAX_TITLE: usize = 200;
/// Most tasks a definition may list.
pub const MAX_TASKS: usize = 100;
/// Longest notes of one task, in bytes. Appending past it keeps the newest part.
pub const MAX_NOTES: usize = 256 * 1024;

/// What is known of a task's completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Awaits work.
    #[default]
    Pending,
    /// Is being worked on.
    InProgress,
    /// Done, as the worker says.
    Completed,
    /// Cannot go on without help.
    Blocked,
}

impl TaskStatus {
    /// All statuses, in the order of a task's life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::InProgress, Self::Completed, Self::Blocked];

    /// The spelling used in files, flags and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
        }
    }

    /// The status with that spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Pending or in progress: work remains.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::InProgress => true,
            Self::Completed | Self::Blocked => false,
        }
    }
}

/// A task as authored: frozen input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskSpec {
    /// Unique within the run.
    pub id: TaskId,
    /// One line, 1 to 200 characters.
    pub title: String,
    /// Markdown; may be empty.
    #[serde(default)]
    pub body: String,
}

/// A task of a run, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Unique within the run.
    pub id: TaskId,
    /// One line, 1 to 200 characters.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    /// What is known of its completion.
    pub status: TaskStatus,
    /// Evidence and progress in the worker's words.
    pub notes: String,
    /// Indexes of the command blocks of `body` that already passed; emptied when the task is set back to
    /// pending or its body is edited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_blocks: Vec<u32>,
    /// Counts the changes of this task; a change that rests on an older look can be refused by it.
    pub version: u64,
}

impl Task {
    /// A pending task without notes.
    pub fn new(spec: TaskSpec) -> Self {
        Self {
            id: spec.id,
            title: spec.title,
            body: spec.body,
            status: TaskStatus::Pending,
            notes: String::new(),
            passed_blocks: Vec::new(),
            version: 0,
        }
    }
}

/// Why a title is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TitleError {
    /// Nothing but white space.
    #[error("title must not be empty")]
    Empty,
    /// Has a line break.
    #[error("title must be a single line")]
    Lines,
    /// Has another control character.
    #[error("title must not hold control characters")]
    Control,
    /// Has more than 200 characters.
    #[error("title has {0} characters; at most 200 are allowed")]
    TooLong(usize),
}

/// Checks a task title: one line, 1 to 200 characters.
pub fn check_title(title: &str) -> Result<(), TitleError> {
    if title.trim().is_empty() {
        return Err(TitleError::Empty);
    }
    if title.contains(['\n', '\r']) {
        return Err(TitleError::Lines);
    }
    if title.chars().any(char::is_control) {
        return Err(TitleError::Control);
    }
    match title.chars().count() {
        count if count > MAX_TITLE => Err(TitleError::TooLong(count)),
        _ => Ok(()),
    }
}

/// Notes with a paragraph more; past the limit the oldest part goes, with a mark where it was.
pub(crate) fn appended(notes: &str, text: &str) -> String {
    const CUT: &str = "[older notes were cut]\n";
    let mut whole = String::with_capacity(notes.len() + text.len() + 1);
    whole.push_str(notes);
    if !notes.is_empty() && !notes.ends_with('\n') {
        whole.push('\n');
    }
    whole.push_str(text);
    if whole.len() <= MAX_NOTES {
        return whole;
    }
    let mut start = whole.len() - (MAX_NOTES - CUT.len());
    while !whole.is_char_boundary(start) {
        start += 1;
    }
    format!("{CUT}{}", &whole[start..])
}
