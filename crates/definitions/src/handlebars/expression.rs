//! Reads what stands in a tag: values, literals and calls. Must not know which names there are.

use super::tags::is_blank;
use super::{MAX_CALLS, TASK_FIELDS, TemplateProblem};

/// Something that has a value.
#[derive(Debug)]
pub(super) enum Expression<'a> {
    Path(Path<'a>),
    /// A text in quotes, a number, `true` or `false`.
    Literal,
    Call(Call<'a>),
}

/// A value by its name.
#[derive(Debug)]
pub(super) struct Path<'a> {
    pub at: usize,
    /// As it is written.
    pub text: &'a str,
    pub start: Start,
    /// How many `../` it has.
    pub ups: usize,
    pub parts: Vec<&'a str>,
}

/// Where a path begins to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Here,
    /// `this`
    This,
    /// `@root`
    Root,
    /// `@`
    Loop,
}

/// A function and what it is given.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub at: usize,
    pub name: &'a str,
    pub arguments: Vec<(usize, Expression<'a>)>,
}

/// Reads from one tag.
pub(super) struct Reader<'a> {
    rest: &'a str,
    end: usize,
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

impl<'a> Reader<'a> {
    /// Reads a text that starts at this byte of the template.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { rest: text, end: at + text.len() }
    }

    pub(super) fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    fn problem<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Result<T, TemplateProblem> {
        Err(TemplateProblem::new(self.at(), message, hint))
    }

    /// The next character, if it is this one.
    pub(super) fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Letters, digits, `_` and `-`.
    pub(super) fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// What follows a name: everything up to the end of the tag, of the call, or `as |…|`.
    pub(super) fn arguments(
        &mut self,
        depth: usize,
    ) -> Result<Vec<(usize, Expression<'a>)>, TemplateProblem> {
        let mut arguments = Vec::new();
        loop {
            let before = self.rest.len();
            self.skip_blanks();
            if self.is_done() || self.rest.starts_with(')') || self.is_naming() {
                return Ok(arguments);
            }
            if before == self.rest.len() {
                let hint = "there are names, numbers, true, false, texts in quotes, and calls in parentheses, divided by blanks";
                return self.problem("this does not belong in a tag", hint);
            }
            arguments.push((self.at(), self.expression(depth)?));
        }
    }

    /// Whether the names of a loop follow.
    fn is_naming(&self) -> bool {
        self.rest.strip_prefix("as").is_some_and(|rest| rest.trim_start_matches(is_blank).starts_with('|'))
    }

    /// The names in `as |item index|`, if they follow.
    pub(super) fn loop_names(&mut self) -> Result<Vec<&'a str>, TemplateProblem> {
        self.skip_blanks();
        if !self.is_naming() {
            return Ok(Vec::new());
        }
        self.word();
        self.skip_blanks();
        self.take('|');
        let mut names = Vec::new();
        loop {
            self.skip_blanks();
            if self.take('|') {
                break;
            }
            let at = self.at();
            let name = self.word();
            let is_taken = reserved(name) || name == "this" || TASK_FIELDS.contains(&name);
            if is_taken || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let hint = "write `as |item|` or `as |item index|`; a name starts with a letter, and is not id, title or this";
                return Err(TemplateProblem::new(at, "this is no name for what a loop goes through", hint));
            }
            names.push(name);
        }
        if names.is_empty() || names.len() > 2 {
            return self
                .problem("a loop names its item, and its index if need be", "write `as |item index|`");
        }
        Ok(names)
    }

    /// One value.
    pub(super) fn expression(&mut self, depth: usize) -> Result<Expression<'a>, TemplateProblem> {
        match self.rest.chars().next() {
            Some('(') => self.call(depth).map(Expression::Call),
            Some('"' | '\'') => self.quoted(),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number(),
            _ => {
                let path = self.path()?;
                Ok(match path.text {
                    "true" | "false" => Expression::Literal,
                    _ => Expression::Path(path),
                })
            }
        }
    }

    fn call(&mut self, depth: usize) -> Result<Call<'a>, TemplateProblem> {
        if depth == MAX_CALLS {
            let message = format!("calls are nested more than {MAX_CALLS} deep");
            return self.problem(message, "divide the condition: put one block into another");
        }
        let open = self.at();
        self.take('(');
        self.skip_blanks();
        let at = self.at();
        let name = self.word();
        let arguments = self.arguments(depth + 1)?;
        if !self.take(')') {
            return Err(TemplateProblem::new(open, "the parenthesis is not closed", "write the missing `)`"));
        }
        Ok(Call { at, name, arguments })
    }

    fn quoted(&mut self) -> Result<Expression<'a>, TemplateProblem> {
        let mark = self.rest.chars().next().unwrap_or('"');
        let inside = self.rest.get(1..).unwrap_or_default();
        let length = inside.find(mark).unwrap_or(inside.len());
        let text = inside.get(..length).unwrap_or_default();
        if let Some(c) = text.chars().find(|c| *c == '\\' || c.is_control()) {
            let message = format!("a text in quotes cannot hold {c:?}");
            return self
                .problem(message, "use the other kind of quotes; `lines` divides a text at its line ends");
        }
        if text.contains("{{") || text.contains("}}") {
            return self.problem("a text in quotes cannot hold double braces", "leave them out");
        }
        self.rest = inside.get(length + 1..).unwrap_or_default();
        Ok(Expression::Literal)
    }

    fn number(&mut self) -> Result<Expression<'a>, TemplateProblem> {
        let end = self.rest.find(|c| !is_word(c) && c != '.').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let is_plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
        if !is_plain || text.len() > 18 || serde_json::from_str::<serde_json::Number>(text).is_err() {
            let hint =
                "write one like 3, -2 or 0.5; a name that starts with a digit is written in brackets: [2nd]";
            return self.problem(format!("`{text}` is no number"), hint);
        }
        self.rest = rest;
        Ok(Expression::Literal)
    }

    /// A name with what belongs to it.
    pub(super) fn path(&mut self) -> Result<Path<'a>, TemplateProblem> {
        let (at, whole) = (self.at(), self.rest);
        let mut ups = 0;
        while let Some(rest) = self.rest.strip_prefix("../") {
            self.rest = rest;
            ups += 1;
        }
        let mut start = if ups == 0 && self.take('@') { Start::Loop } else { Start::Here };
        let mut parts = vec![self.part()?];
        while self.rest.starts_with('.') {
            self.take('.');
            parts.push(self.part()?);
        }
        let text = whole.get(..whole.len() - self.rest.len()).unwrap_or_default();
        match (start, parts.first()) {
            (Start::Loop, Some(&"root")) => start = Start::Root,
            (Start::Here, Some(&"this")) if ups == 0 => start = Start::This,
            (Start::Here, Some(&"this")) => {
                let hint = "name what the outer loop goes through: {{#each … as |item|}}, and write `item`";
                return Err(TemplateProblem::new(at, "`../this` does not lead anywhere", hint));
            }
            (Start::Here | Start::This | Start::Root | Start::Loop, _) => {}
        }
        if matches!(start, Start::This | Start::Root) {
            parts.remove(0);
        }
        Ok(Path { at, text, start, ups, parts })
    }

    fn part(&mut self) -> Result<&'a str, TemplateProblem> {
        if self.rest.starts_with('[') {
            let inside = self.rest.get(1..).unwrap_or_default();
            let Some(length) = inside.find(']') else {
                return self.problem("the bracket is not closed", "write the missing `]`");
            };
            self.rest = inside.get(length + 1..).unwrap_or_default();
            return Ok(inside.get(..length).unwrap_or_default());
        }
        let at = self.at();
        let word = self.word();
        if word.is_empty() {
            let hint = "write a name, such as {{run_id}}; for braces that are text, write \\{{";
            return self.problem("this is no name", hint);
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') || reserved(word) {
            let hint = format!("write it in brackets: [{word}]");
            return Err(TemplateProblem::new(at, format!("`{word}` cannot stand here as a name"), hint));
        }
        Ok(word)
    }
}

/// Words that mean something else to the library.
fn reserved(word: &str) -> bool {
    matches!(word, "as" | "else" | "null")
}
