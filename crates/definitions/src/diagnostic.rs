//! What is wrong with a definition and how it is shown. Must not decide what is wrong.

use std::fmt::{self, Write};
use std::path::PathBuf;

use crate::source::Kind;

/// Characters of a source line that are shown around the place that is wrong.
const SHOWN: usize = 110;

/// One thing that is wrong, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named, or `bundled:…`.
    pub file: String,
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The text of that line.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What to change.
    pub hint: String,
}

/// Why a definition cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Nothing was found under that reference.
    #[error("no {kind} {reference:?} found")]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// The reference as given.
        reference: String,
        /// Every place that was looked at, in order.
        searched: Vec<String>,
        /// References that exist and look alike.
        similar: Vec<String>,
    },
    /// The reference is neither a path nor a possible name.
    #[error("{reference:?} cannot be the name of a definition: {reason}")]
    Name {
        /// What was looked for.
        kind: Kind,
        /// The reference as given.
        reference: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file is there but cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The text is not a valid definition.
    #[error("{}", summary(diagnostics))]
    Invalid {
        /// Everything that is wrong, in the order of the file; never empty.
        diagnostics: Vec<Diagnostic>,
    },
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => "the definition is not valid".to_owned(),
        [one] => format!("{}: {}", one.position(), one.message),
        [first, rest @ ..] => {
            format!("{}: {} (and {} more)", first.position(), first.message, rest.len())
        }
    }
}

impl DefinitionError {
    /// The whole error over several lines: each place with its line, a caret under it, and what to do.
    pub fn render(&self) -> String {
        match self {
            Self::NotFound { .. } | Self::Name { .. } => match self.hint() {
                Some(hint) => format!("{self}\n  = help: {}\n", hint.replace('\n', "\n          ")),
                None => format!("{self}\n"),
            },
            Self::Read { source, .. } => format!("{self}: {source}\n"),
            Self::Invalid { diagnostics } => {
                diagnostics.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { kind, searched, similar, .. } => Some(not_found_hint(*kind, searched, similar)),
            Self::Name { kind, .. } => Some(format!(
                "a name is written like `review/security` and is looked up as {}; \
                 a file is named by an absolute path or one that starts with ./ or ../",
                kind.place("review/security")
            )),
            Self::Read { path, .. } => {
                Some(format!("see that {} is a file that can be read", path.display()))
            }
            Self::Invalid { diagnostics } => diagnostics.first().map(|first| first.hint.clone()),
        }
    }

    /// Everything that is wrong inside a file; empty for a file that was not found or not read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Invalid { diagnostics } => diagnostics,
            Self::NotFound { .. } | Self::Name { .. } | Self::Read { .. } => &[],
        }
    }
}

fn not_found_hint(kind: Kind, searched: &[String], similar: &[String]) -> String {
    let mut hint = String::new();
    if !similar.is_empty() {
        let _ = writeln!(hint, "did you mean {}?", similar.join(" or "));
    }
    let _ = write!(hint, "looked at {}", searched.join(", then "));
    if searched.len() == 1 {
        hint.push_str("; there is no such file");
    } else if similar.is_empty() {
        let _ = write!(hint, "; `agent-runner list {}` shows what there is", kind.folder());
    }
    hint
}

impl Diagnostic {
    /// `file:line:column`, as editors open it.
    pub fn position(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The place, its line with a caret, and what to do, over several lines.
    pub fn render(&self) -> String {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let (shown, caret) = window(&self.source_line, self.column);
        let mut out = format!("{}: {}\n", self.position(), self.message);
        let _ = writeln!(out, "{gutter} |");
        let _ = writeln!(out, "{}", format!("{number} | {shown}").trim_end());
        let _ = writeln!(out, "{gutter} | {caret}^");
        let _ =
            writeln!(out, "{gutter} = help: {}", self.hint.replace('\n', &format!("\n{gutter}         ")));
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render().trim_end())
    }
}

/// The part of a line that is shown and the blanks before its caret.
fn window(line: &str, column: u32) -> (String, String) {
    let caret_at = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let start = if caret_at < SHOWN { 0 } else { caret_at - SHOWN / 2 };
    let mut shown = String::new();
    let mut caret = String::new();
    if start > 0 {
        shown.push('…');
        caret.push(' ');
    }
    for (index, character) in line.chars().enumerate().skip(start).take(SHOWN) {
        let safe = match character {
            '\t' => '\t',
            other if other.is_control() => '\u{fffd}',
            other => other,
        };
        shown.push(safe);
        if index < caret_at {
            caret.push_str(blank_for(safe));
        }
    }
    if line.chars().nth(start + SHOWN).is_some() {
        shown.push('…');
    }
    (shown, caret)
}

/// White space as wide as the character is on a terminal.
fn blank_for(character: char) -> &'static str {
    match character {
        '\t' => "\t",
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => "",
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => "  ",
        _ => " ",
    }
}
