//! Text as typesetters of manual pages read it: the few requests that groff and mandoc understand alike.

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Roff {
    text: String,
}

impl Roff {
    /// Title, section 1, date, source and manual.
    pub(super) fn title(&mut self, name: &str, date: &str, source: &str, manual: &str) {
        let name = escaped(&name.to_uppercase());
        self.line(&format!(
            ".TH \"{name}\" \"1\" \"{date}\" \"{}\" \"{}\"",
            escaped(source),
            escaped(manual)
        ));
    }

    /// The heading of what follows.
    pub(super) fn section(&mut self, heading: &str) {
        self.line(&format!(".SH \"{}\"", escaped(heading)));
    }

    /// One line of text, as it is.
    pub(super) fn text(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.line(&shielded(&escaped(line)));
        }
    }

    /// What follows is another paragraph.
    pub(super) fn paragraph(&mut self) {
        self.line(".PP");
    }

    /// What follows begins a line.
    pub(super) fn line_break(&mut self) {
        self.line(".br");
    }

    /// A term in bold, and what is said about it.
    pub(super) fn item(&mut self, term: &str, about: &str) {
        self.line(".TP");
        self.line(&bold(term));
        match about.trim() {
            "" => self.line("\\&"),
            about => self.text(about),
        }
    }

    /// A line that is typed, set off.
    pub(super) fn typed(&mut self, line: &str) {
        self.line(".RS 4");
        self.line(".nf");
        self.line(&bold(line));
        self.line(".fi");
        self.line(".RE");
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Characters that would be something else on paper, or that mean something.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            '"' => escaped.push_str("\\(dq"),
            c if c.is_ascii() => escaped.push(c),
            c => escaped.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    escaped
}

/// A line that begins like a request is none.
fn shielded(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_request_and_keeps_its_characters() {
        let mut roff = Roff::default();
        roff.text(".TH is text\n\n  'so \\ is `this` – ~/x-y  ");
        assert_eq!(roff.finish(), "\\&.TH is text\n\\(aqso \\e is \\(gathis\\(ga \\[u2013] \\(ti/x\\-y\n");
    }
}
