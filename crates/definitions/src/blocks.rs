//! The command blocks of a Markdown text: fenced code that a shell can run. Must not run anything.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The shell a block is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockShell {
    /// `sh` or `shell`: any POSIX shell.
    Sh,
    /// `bash`.
    Bash,
}

/// A fenced code block that a shell can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandBlock {
    /// The shell it is written for.
    pub shell: BlockShell,
    /// Its text without the fence's indentation, lines ended by line feeds.
    pub script: String,
}

/// The fenced blocks marked `sh`, `shell` or `bash`, in order, those inside lists and quotes included. Everything
/// else is for readers.
pub fn command_blocks(body: &str) -> Vec<CommandBlock> {
    let body = body.replace("\r\n", "\n");
    let mut blocks = Vec::new();
    let mut open: Option<CommandBlock> = None;
    for event in Parser::new_ext(&body, Options::ENABLE_TASKLISTS) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                open = shell(&info).map(|shell| CommandBlock { shell, script: String::new() });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.script.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

fn shell(info: &str) -> Option<BlockShell> {
    match info.split_whitespace().next() {
        Some("sh" | "shell") => Some(BlockShell::Sh),
        Some("bash") => Some(BlockShell::Bash),
        _ => None,
    }
}
