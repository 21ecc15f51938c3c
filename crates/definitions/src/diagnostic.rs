//! What is wrong with a definition and how it is shown. Must not decide what is wrong.

use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};

use agent_runner_model::spec::AD_HOC_AGENT;

use agent_runner_model::spec::DIRECT_LAUNCHER;

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
    /// The name cannot be given to a new definition.
    #[error("{name:?} cannot be the name of a new {kind}: {reason}")]
    NewName {
        /// What is to be made.
        kind: Kind,
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such launcher.
    #[error("no launcher {reference:?}: {reason}")]
    Launcher {
        /// The reference as given.
        reference: String,
        /// What is wrong with it.
        reason: String,
        /// The names there are, or the one that was probably meant.
        known: Vec<String>,
    },
    /// A directory that was to be checked holds nothing to check.
    #[error("no definition in {}", path.display())]
    Nothing {
        /// The directory.
        path: PathBuf,
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
            Self::NotFound { .. }
            | Self::Name { .. }
            | Self::NewName { .. }
            | Self::Launcher { .. }
            | Self::Nothing { .. } => match self.hint() {
                Some(hint) => format!("{self}\n  = help: {}\n", hint.replace('\n', "\n          ")),
                None => format!("{self}\n"),
            },
            Self::Read { source, .. } => {
                format!("{self}: {source}\n  = help: {}\n", self.hint().unwrap_or_default())
            }
            Self::Invalid { diagnostics } => {
                diagnostics.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { kind, reference, searched, similar } => {
                Some(not_found_hint(*kind, reference, searched, similar))
            }
            Self::Name { kind, .. } => Some(format!(
                "a name is written like `review/security` and is looked up as {}; \
                 a file is named by an absolute path or one that starts with ./ or ../",
                kind.place("review/security")
            )),
            Self::NewName { name, .. } => Some(format!(
                "a new name is made of a-z, A-Z, 0-9 and . _ -, starts with a letter or a digit, and may have parts \
                 divided by /, such as `{}`",
                allowed_name(name)
            )),
            Self::Launcher { known, .. } => Some(match known.as_slice() {
                [] => "name one by its file's name without the ending, or by a path that starts with ./, ../ or /".to_owned(),
                [near] if near != DIRECT_LAUNCHER => format!("did you mean `{near}`?"),
                known => format!("there are {}; `direct` puts nothing in front", known.join(", ")),
            }),
            Self::Nothing { .. } => Some(
                "definitions are files called agent.md or assignment.md, and .md files in a folder called tasks; \
                 name any other file itself"
                    .to_owned(),
            ),
            Self::Read { path, source } => Some(read_hint(path, source)),
            Self::Invalid { diagnostics } => diagnostics.first().map(|first| first.hint.clone()),
        }
    }

    /// Everything that is wrong inside a file; empty for a file that was not found or not read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Invalid { diagnostics } => diagnostics,
            Self::NotFound { .. }
            | Self::Name { .. }
            | Self::NewName { .. }
            | Self::Launcher { .. }
            | Self::Nothing { .. }
            | Self::Read { .. } => &[],
        }
    }
}

fn not_found_hint(kind: Kind, reference: &str, searched: &[String], similar: &[String]) -> String {
    let mut hint = String::new();
    let is_name = searched.len() > 1;
    let is_pattern = reference.contains('*') && !reference.contains(char::is_whitespace);
    if is_pattern {
        hint.push_str("patterns are not supported: name each one on a line of its own\n");
    } else if !similar.is_empty() {
        let _ = writeln!(hint, "did you mean {}?", similar.join(" or "));
    }
    if is_name && (reference.ends_with(".md") || kind.name_of_place(reference).is_some()) {
        let _ = writeln!(
            hint,
            "names have no `{}/` in front and no ending; a file starts with ./ or /, such as `./{reference}`",
            kind.folder()
        );
    }
    let _ = write!(hint, "looked at {}", searched.join(", then "));
    if searched.len() == 1 {
        hint.push_str(", and there is no such file; check the path");
    } else if similar.is_empty() {
        let _ = write!(hint, "; `agent-runner list {}` shows what there is", kind.folder());
    }
    hint
}

/// A name close to the wanted one that is allowed.
fn allowed_name(name: &str) -> String {
    let parts = name.split(['/', '\\']).filter_map(|part| {
        let part = part.trim().trim_end_matches(".md");
        let plain: String =
            part.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let plain = plain.trim_start_matches(['.', '-']).trim_end_matches('-');
        (!plain.is_empty()).then(|| plain.to_owned())
    });
    let name: String = parts.collect::<Vec<_>>().join("/").chars().take(60).collect();
    if name.is_empty() || name == AD_HOC_AGENT { "review/security".to_owned() } else { name }
}

fn read_hint(path: &Path, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::IsADirectory => {
            "a definition is a file: move the directory away, or name the file inside it".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("give yourself the right to read it: chmod u+rX {}", path.display())
        }
        io::ErrorKind::NotFound => {
            "check the spelling of the path; make a link lead to a file, or delete it".to_owned()
        }
        _ => format!("see that {} is a file that can be read", path.display()),
    }
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
