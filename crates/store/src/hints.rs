//! What to do about errors of the store. Must not say again what is wrong.

use std::io;

use agent_runner_model::RunId;

use crate::error::StoreError;
use crate::file::SHORTEST;

impl StoreError {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        const LIST: &str = "`agent-runner list runs --global` shows every run";
        match self {
            Self::NotFound { id, .. } if id.as_str().len() < SHORTEST => Some(format!(
                "give its whole id, or at least {SHORTEST} letters that only its id begins with; {LIST}"
            )),
            Self::NotFound { similar, .. } if similar.is_empty() => Some(LIST.to_owned()),
            Self::NotFound { similar, .. } => {
                let names = similar.iter().map(RunId::as_str).collect::<Vec<_>>().join(", ");
                Some(format!("did you mean {names}? {LIST}"))
            }
            Self::Exists { .. } => Some("choose another run id, or leave it out".to_owned()),
            Self::Ambiguous { .. } => {
                Some("a run directory was copied; move all but one out of the state directory".to_owned())
            }
            Self::Spelling { .. } | Self::Outside { .. } => {
                Some(format!("give a run id, or the path of a run directory or of its run.json; {LIST}"))
            }
            Self::Several { text, .. } if text.starts_with('@') => Some("give its id".to_owned()),
            Self::Several { .. } => Some("give more of its id".to_owned()),
            Self::Sign { .. } => Some(format!(
                "`@last` and `@-1` are the newest run, `@-2` is the one before it, `@NAME` is the one with that name; {LIST}"
            )),
            Self::Unnamed { .. } | Self::TooFew { .. } => Some(LIST.to_owned()),
            Self::Cursor { .. } => Some("give what `nextCursor` says, or leave it out".to_owned()),
            Self::Unreadable { .. } => Some(
                "nothing was changed; restore the file from a backup, or move the run directory away"
                    .to_owned(),
            ),
            Self::Misplaced { found, .. } => {
                Some(format!("a run directory was copied or renamed; its name must be \"{found}\""))
            }
            Self::Reference { .. } => {
                Some("it was left as it is; `agent-runner run import --all` makes a run of it".to_owned())
            }
            Self::Newer { .. } => Some("use the version that wrote it, or update this one".to_owned()),
            Self::Busy { path, .. } => Some(format!(
                "the process that holds it may be stopped; `fuser {}` names it, and ending it frees the lock",
                path.display()
            )),
            Self::Foreign { .. } => Some(
                "nothing behind it was touched; put a directory in its place, with what belongs in it"
                    .to_owned(),
            ),
            Self::Owned { .. } => Some("abort the run first".to_owned()),
            Self::Archive(error) => Some(error.hint().to_owned()),
            Self::Name { .. }
            | Self::History { .. }
            | Self::Index { .. }
            | Self::Input { .. }
            | Self::Output { .. }
            | Self::TooLarge { .. }
            | Self::Encode { .. } => None,
            Self::Open { .. }
            | Self::Read { .. }
            | Self::Damaged { .. }
            | Self::Write { .. }
            | Self::Sync { .. }
            | Self::Rename { .. }
            | Self::MakeDir { .. }
            | Self::List { .. }
            | Self::Lock { .. }
            | Self::Remove { .. } => self.system_hint(),
        }
    }

    fn system_hint(&self) -> Option<String> {
        if self.is_full() {
            return Some("the disk or the quota is full; free some space and repeat the command".to_owned());
        }
        match self.io()?.kind() {
            io::ErrorKind::PermissionDenied => {
                Some("the state directory must belong to the user who runs agent-runner".to_owned())
            }
            io::ErrorKind::ReadOnlyFilesystem => Some("the state directory must be writable".to_owned()),
            _ => None,
        }
    }
}
