//! Finds the tags of a text as the library will. Must not know what is in them.

use super::{MAX_TAG, MAX_TAGS, TemplateProblem};

/// A tag that is no comment.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// Where its braces start.
    pub at: usize,
    /// What is in it, without blanks and `~` at both ends.
    pub inner: &'a str,
    /// Where that starts.
    pub inner_at: usize,
}

/// White space inside of tags.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Goes through a text.
pub(super) struct Tags<'a> {
    text: &'a str,
    /// Where the text after the last tag starts.
    from: usize,
    /// Pairs of braces that were come by: tags, comments and text.
    pub seen: usize,
}

impl<'a> Tags<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, from: 0, seen: 0 }
    }

    fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    /// The next tag; nothing after the last one.
    fn find(&mut self) -> Result<Option<Tag<'a>>, TemplateProblem> {
        loop {
            let Some(found) = self.rest(self.from).find("{{") else { return Ok(None) };
            let at = self.from + found;
            self.seen += 1;
            if self.seen > MAX_TAGS {
                let message = format!("a text with template: handlebars has at most {MAX_TAGS} tags");
                return Err(TemplateProblem::new(at, message, "divide it, or use loops"));
            }
            let before = self.text.get(self.from..at).unwrap_or_default();
            // One backslash makes text of the braces; more are text themselves.
            if before.len() - before.trim_end_matches('\\').len() == 1 {
                let is_four = self.rest(at).starts_with("{{{{");
                self.from = at + if is_four { 4 } else { 2 };
                continue;
            }
            if self.rest(at).starts_with("{{!") {
                self.from = self.comment_end(at)?;
                continue;
            }
            return self.tag(at).map(Some);
        }
    }

    fn comment_end(&self, at: usize) -> Result<usize, TemplateProblem> {
        let inside = self.rest(at + 3);
        let (start, end) = if inside.starts_with("--") { (5, "--}}") } else { (3, "}}") };
        let Some(length) = self.rest(at + start).find(end) else {
            return Err(TemplateProblem::new(at, "the comment has no end", format!("end it with {end}")));
        };
        // To the library, blanks before the dashes make no difference.
        if start == 3 && inside.trim_start_matches(is_blank).starts_with("--") {
            let hint = "write {{!-- without a blank, and end it with --}}";
            return Err(TemplateProblem::new(at, "the dashes of a comment follow its `!` at once", hint));
        }
        Ok(at + start + length + end.len())
    }

    fn tag(&mut self, at: usize) -> Result<Tag<'a>, TemplateProblem> {
        if self.rest(at).starts_with("{{{{") {
            let hint = "for braces that are text, write \\{{";
            return Err(TemplateProblem::new(at, "raw blocks ({{{{…}}}}) are not supported", hint));
        }
        if self.rest(at).starts_with("{{{") {
            let hint = "write {{…}}: nothing is escaped here. For braces that are text, write \\{{";
            return Err(TemplateProblem::new(at, "three braces are not supported", hint));
        }
        let start = at + 2;
        let end = start + self.tag_length(at, start)?;
        self.from = end + 2;
        let whole = self.text.get(start..end).unwrap_or_default();
        let inner = whole.trim_start_matches(is_blank);
        let inner = inner.strip_prefix('~').unwrap_or(inner).trim_start_matches(is_blank);
        let inner_at = end - inner.len();
        let inner = inner.trim_end_matches(is_blank);
        let inner = inner.strip_suffix('~').unwrap_or(inner).trim_end_matches(is_blank);
        Ok(Tag { at, inner, inner_at })
    }

    /// The bytes between the braces of the tag.
    fn tag_length(&self, at: usize, start: usize) -> Result<usize, TemplateProblem> {
        let open = |message: &str| {
            let hint = "end it with }}; for braces that are text, write \\{{ instead of {{";
            Err(TemplateProblem::new(at, message, hint))
        };
        let mut quote = None;
        let inside = self.rest(start);
        for (index, c) in inside.char_indices() {
            if index > MAX_TAG {
                return open("the tag that starts here is too long, or has no end");
            }
            match quote {
                Some(mark) if c == mark => quote = None,
                Some(_) if c == '\n' => return open("the tag that starts here holds a quote without an end"),
                Some(_) => {}
                None if matches!(c, '"' | '\'') => quote = Some(c),
                None => {
                    let here = inside.get(index..).unwrap_or_default();
                    if here.starts_with("}}") {
                        return Ok(index);
                    }
                    if here.starts_with("{{") {
                        return open("the tag that starts here has no end before the next one");
                    }
                }
            }
        }
        match quote {
            Some(_) => open("the tag that starts here holds a quote without an end"),
            None => open("the tag that starts here has no end"),
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, TemplateProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.find().transpose();
        if matches!(found, Some(Err(_))) {
            self.from = self.text.len();
        }
        found
    }
}
