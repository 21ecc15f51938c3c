//! Requests about a run's life outside of its work: put away, named, grouped, reset, told something, handed files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose files are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttachmentScope {
    /// Those of the run.
    Run,
    /// Those of every run of its group.
    Group,
}

requests! {
    /// Makes a run what it was when it was created.
    ResetRun {
        /// Id or path.
        run: String,
        /// Also put its worktree back to where it began.
        #[serde(default)]
        workspace: bool,
    }
    /// Puts a run away.
    ArchiveRun {
        /// Id or path.
        run: String,
    }
    /// Takes a run back out.
    UnarchiveRun {
        /// Id or path.
        run: String,
    }
    /// Deletes an archived run and all that belongs to it.
    DeleteRun {
        /// Id or path.
        run: String,
    }
    /// Sets or clears a run's display name.
    SetName {
        /// Id or path.
        run: String,
        /// The name; none clears it.
        name: Option<String>,
    }
    /// Sets or clears a run's note for people.
    SetNote {
        /// Id or path.
        run: String,
        /// Markdown; none, or nothing but space, clears it.
        note: Option<String>,
    }
    /// Says whether boards show a run first.
    PinRun {
        /// Id or path.
        run: String,
        /// Whether.
        pinned: bool,
    }
    /// Moves a run to another group, or out of it.
    SetGroup {
        /// Id or path.
        run: String,
        /// The group; none lets it stand alone.
        group_id: Option<String>,
    }
    /// Sets or clears the conversation of a passive run.
    SetBackendSession {
        /// Id or path.
        run: String,
        /// The handle; none forgets it.
        backend_session_id: Option<String>,
    }
    /// Leaves words for a running run's next session.
    QueueMessage {
        /// Id or path.
        run: String,
        /// The words.
        text: String,
    }
    /// Lists the words that wait for a run's next session.
    ListMessages {
        /// Id or path.
        run: String,
    }
    /// Takes words back that wait for a run's next session.
    RemoveMessage {
        /// Id or path.
        run: String,
        /// The message's id.
        message: String,
    }
    /// Looks at the runs above a run, and at all below it.
    GetTree {
        /// Id or path.
        run: String,
    }
    /// Lists the files that were handed over with a run, or with the runs of its group.
    ListAttachments {
        /// Id or path.
        run: String,
        /// Whose.
        scope: AttachmentScope,
    }
    /// Takes a file away from a run.
    RemoveAttachment {
        /// Id or path.
        run: String,
        /// The file's id.
        attachment: String,
    }
}
