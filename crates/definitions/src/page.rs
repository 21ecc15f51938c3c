//! The text of one file, cut into lines, and the diagnostics that point into it. Must not know what the text means.

use crate::diagnostic::Diagnostic;

/// Largest definition file, in bytes.
pub(crate) const MAX_FILE: usize = 1024 * 1024;

/// A place in a page: line and column in characters, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// One file's text without byte-order mark and with plain line feeds.
#[derive(Debug)]
pub(crate) struct Page {
    file: String,
    text: String,
    /// Where each line starts.
    starts: Vec<usize>,
}

/// A page divided at its front matter.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// The text between the two `---` lines.
    pub front: &'a str,
    /// Lines before `front`.
    pub front_offset: u32,
    /// What follows the second `---` line.
    pub body: &'a str,
}

impl Page {
    pub(crate) fn new(file: String, authored: &str) -> Self {
        let text = authored.strip_prefix('\u{feff}').unwrap_or(authored);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Self { file, text, starts }
    }

    /// Whether that is the file's name.
    pub(crate) fn is_of(&self, file: &str) -> bool {
        self.file == file
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of that line; empty when there is none.
    pub(crate) fn line(&self, number: u32) -> &str {
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.starts.get(index) else { return "" };
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(*start..end).unwrap_or_default()
    }

    /// A diagnostic at that place, moved to the nearest place that exists.
    pub(crate) fn problem(
        &self,
        at: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Diagnostic {
        let open_end = self.text.is_empty() || !self.text.ends_with('\n');
        let count = u32::try_from(self.starts.len() - usize::from(!open_end)).unwrap_or(u32::MAX);
        let line = at.line.clamp(1, count);
        let source_line = self.line(line);
        let width = u32::try_from(source_line.chars().count()).unwrap_or(u32::MAX);
        let column = if at.line > count { width.saturating_add(1) } else { at.column };
        Diagnostic {
            file: self.file.clone(),
            line,
            column: column.clamp(1, width.saturating_add(1)),
            source_line: source_line.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The place of a byte of the text.
    pub(crate) fn place_of(&self, byte: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..byte).unwrap_or_default().chars().count() + 1;
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// Divides the page at its front matter.
    pub(crate) fn parts(&self) -> Result<Parts<'_>, Diagnostic> {
        if let Some(byte) = self.text.find('\0') {
            return Err(self.problem(
                self.place_of(byte),
                "the file holds a NUL character",
                "a definition is a text file; remove the character, save the file with the encoding UTF-8, or check that \
                 this is the file you meant",
            ));
        }
        let mut lines = self.text.split_inclusive('\n');
        let opening = lines.next().unwrap_or_default();
        if opening.trim_end() != "---" {
            return Err(self.no_front_matter());
        }
        let start = opening.len();
        let mut at = start;
        for line in lines {
            if line.trim_end() == "---" {
                return Ok(Parts {
                    front: self.text.get(start..at).unwrap_or_default(),
                    front_offset: 1,
                    body: self.text.get(at + line.len()..).unwrap_or_default(),
                });
            }
            at += line.len();
        }
        Err(self.no_end())
    }

    fn no_end(&self) -> Diagnostic {
        let almost = self.text.lines().enumerate().skip(1).find(|(_, line)| looks_like_dashes(line));
        match almost {
            Some((index, line)) => self.problem(
                Place { line: u32::try_from(index + 1).unwrap_or(u32::MAX), column: 1 },
                format!("the front matter is not ended by `{}`", line.trim()),
                "write exactly three plain dashes (---) at the start of this line, and nothing else on it",
            ),
            None => self.problem(
                Place::START,
                "the front matter that starts here has no end",
                "put a line with three dashes (---) after the last field; the instructions follow below it",
            ),
        }
    }

    fn no_front_matter(&self) -> Diagnostic {
        const START: &str = "start the file with a line of three dashes (---), then the fields such as `schemaVersion: 1`, \
                             then another --- line; `agent-runner new` makes a file to start from";
        let first = self.text.lines().position(|line| !line.trim().is_empty());
        let line = first.and_then(|first| self.text.lines().nth(first)).unwrap_or_default().trim();
        let (message, hint) = match line {
            "" => ("the file is empty", START),
            "---" if first > Some(0) => (
                "the file does not start with front matter (---)",
                "delete the empty lines above the first ---",
            ),
            "---" => (
                "the file does not start with front matter (---)",
                "move the --- to the very start of the line",
            ),
            "+++" => (
                "front matter between +++ lines is TOML, not YAML",
                "write --- in place of both +++ lines, and `name: value` in place of `name = value`",
            ),
            line if line.starts_with("```") => (
                "the file starts with a code fence (```)",
                "delete the fence, here and at its other end; the file itself starts with ---",
            ),
            line if looks_like_dashes(line) => (
                "front matter starts with exactly three plain dashes (---)",
                "write --- on this line, and nothing else",
            ),
            line if is_field(line) => (
                "the fields do not stand between --- lines",
                "put a line with three dashes (---) above the first field, and another below the last one",
            ),
            _ => ("the file does not start with front matter (---)", START),
        };
        let line = u32::try_from(first.unwrap_or(0) + 1).unwrap_or(1);
        self.problem(Place { line, column: 1 }, message, hint)
    }
}

/// Meant as a line of three dashes: more or fewer of them, or what a word processor made of them.
fn looks_like_dashes(line: &str) -> bool {
    let line = line.trim();
    let long = |c: char| matches!(c, '\u{2013}' | '\u{2014}' | '\u{2015}' | '\u{2212}');
    !matches!(line, "" | "-" | "---") && line.chars().all(|c| c == '-' || long(c))
}

fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, rest)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && (rest.is_empty() || rest.starts_with(' '))
    })
}
