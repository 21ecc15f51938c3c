//! Reads what an assignment says to its worker after an attempt that left work open, and the worktree it asks for. Must
//! not fill anything in.

use agent_runner_model::phase::PromptKind;

use super::{CONTAINER, Fields, Known};
use crate::forms::{PromptsForm, WorktreeAskForm, WorktreeForm};
use crate::node::{Node, Shape, shortened};
use crate::scalars::{Meaning, meaning, scalar};

const PROMPTS: Known = Known {
    what: "prompts",
    fields: &["nudge", "afterTimeout", "afterCrash", "afterInterrupt"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("brief", "the first prompt is made of the definitions: write it below the second ---"),
        ("message", "write `message` as a field of the assignment"),
    ],
};

const WORKTREE: Known = Known {
    what: "a worktree",
    fields: &["branch", "from", "path"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("repo", "delete it; the repository is the one that `cwd` is in"),
        ("base", "write `from` with what a new branch starts at"),
        ("collision", "delete it; to go on in a worktree that is there use the builtin hook `git-worktree`"),
    ],
};

/// The prompts that can be written, under their names.
pub(crate) const PROMPT_KINDS: [(PromptKind, &str); 4] = [
    (PromptKind::Nudge, "nudge"),
    (PromptKind::AfterTimeout, "afterTimeout"),
    (PromptKind::AfterCrash, "afterCrash"),
    (PromptKind::AfterInterrupt, "afterInterrupt"),
];

/// Longest prompt, in bytes.
pub(crate) const MAX_PROMPT: usize = 64 * 1024;

impl Fields<'_, '_> {
    /// `prompts`: texts by when they are told.
    pub(crate) fn prompts(&mut self) -> PromptsForm {
        let Some(node) = self.node("prompts") else { return PromptsForm::default() };
        let Shape::Map(entries) = &node.shape else {
            let hint = match node.expression {
                Some(_) => CONTAINER,
                None => {
                    "write texts on the lines below `prompts:`, such as `nudge: |` and the text below that"
                }
            };
            self.complain(node.at, format!("prompts must be a map, found {}", node.described()), hint);
            return PromptsForm::default();
        };
        let mut fields =
            Fields::new(self.page, "prompts.".to_owned(), node.at, entries, PROMPTS, self.problems);
        PromptsForm {
            nudge: fields.prompt("nudge"),
            after_timeout: fields.prompt("afterTimeout"),
            after_crash: fields.prompt("afterCrash"),
            after_interrupt: fields.prompt("afterInterrupt"),
        }
    }

    fn prompt(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.len() > MAX_PROMPT {
            let (at, path) = (self.place(name), self.path(name));
            self.complain(
                at,
                format!("{path} is larger than {} KiB", MAX_PROMPT / 1024),
                "move long material into a file, and name that file in the prompt",
            );
            return None;
        }
        Some(text)
    }

    /// `worktree`: whether there is one, or what it is like.
    pub(crate) fn worktree(&mut self) -> Option<WorktreeForm> {
        let node = self.node("worktree")?;
        match &node.shape {
            Shape::Map(entries) => {
                let prefix = "worktree.".to_owned();
                let mut fields = Fields::new(self.page, prefix, node.at, entries, WORKTREE, self.problems);
                Some(WorktreeForm::Ask(WorktreeAskForm {
                    branch: fields.text("branch"),
                    from: fields.text("from"),
                    path: fields.text("path"),
                }))
            }
            Shape::Plain(text) if matches!(text.as_str(), "true" | "false") => {
                self.flag("worktree").map(WorktreeForm::Flag)
            }
            Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => {
                self.complain(
                    node.at,
                    format!("worktree must be true, false or a map, found {}", node.described()),
                    no_worktree(node),
                );
                None
            }
        }
    }
}

/// What to write in place of something that asks for no worktree.
fn no_worktree(node: &Node) -> String {
    let branch = match &node.shape {
        Shape::Text(text) if !text.trim().is_empty() => text.as_str(),
        Shape::Plain(text) if node.expression.is_none() && matches!(meaning(text), Meaning::Text) => text,
        Shape::Plain(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => "my-branch",
    };
    let branch = scalar(&shortened(branch));
    node.hint(format!("`worktree: true`, or name the branch:\nworktree:\n  branch: {branch}"))
}

impl PromptsForm {
    /// Those that are written.
    pub(crate) fn written(self) -> impl Iterator<Item = (PromptKind, String)> {
        let Self { nudge, after_timeout, after_crash, after_interrupt } = self;
        let texts = [nudge, after_timeout, after_crash, after_interrupt];
        let all = PROMPT_KINDS.into_iter().zip(texts);
        all.filter_map(|((kind, _), text)| Some((kind, text?)))
    }
}
