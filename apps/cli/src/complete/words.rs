//! Words as a shell has them before it takes their quotes away, and what they mean. Must not expand anything: whatever
//! stands for something else is left as it was typed.

/// Which quote a word was left open with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// None.
    Open,
    /// A single one.
    Single,
    /// A double one.
    Double,
}

/// What a word means, and in which quote it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) text: String,
    pub(super) ends_in: Quote,
}

/// Takes quotes and backslashes off a word that may not be complete yet.
pub(super) fn plain(raw: &str) -> Plain {
    let mut text = String::new();
    let mut ends_in = Quote::Open;
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        match (ends_in, c) {
            (Quote::Open, '\'') => ends_in = Quote::Single,
            (Quote::Open, '"') => ends_in = Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => ends_in = Quote::Open,
            (Quote::Open, '\\') => text.extend(rest.next()),
            (Quote::Double, '\\') if rest.peek().is_some_and(|next| "\"\\$`".contains(*next)) => {
                text.extend(rest.next());
            }
            (Quote::Open | Quote::Single | Quote::Double, c) => text.push(c),
        }
    }
    Plain { text, ends_in }
}

/// The same as fish reads it: a backslash takes the meaning off `\'` and itself between single quotes, too.
pub(super) fn plain_in_fish(raw: &str) -> String {
    let mut text = String::new();
    let mut ends_in = Quote::Open;
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        let shielded = match ends_in {
            Quote::Open => "",
            Quote::Single => "\\'",
            Quote::Double => "\"\\$",
        };
        match (ends_in, c) {
            (Quote::Open, '\'') => ends_in = Quote::Single,
            (Quote::Open, '"') => ends_in = Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => ends_in = Quote::Open,
            (Quote::Open, '\\') => text.extend(rest.next()),
            (Quote::Single | Quote::Double, '\\')
                if rest.peek().is_some_and(|next| shielded.contains(*next)) =>
            {
                text.extend(rest.next());
            }
            (Quote::Open | Quote::Single | Quote::Double, c) => text.push(c),
        }
    }
    text
}
