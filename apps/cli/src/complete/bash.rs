//! What bash puts in place of the word at the cursor. It inserts what it is given as it is, so everything that means
//! something to it has to be quoted here, in the way the word was begun.

use super::words::{Quote, plain};

/// What replaces `tail`, the end of the word `raw`: bash breaks words at `=`, `:` and quotes. Nothing where the word is
/// quoted in a way that cannot be gone on with.
pub(super) fn replacement(attached: &str, value: &str, raw: &str, tail: &str) -> Option<String> {
    let head = raw.strip_suffix(tail)?;
    let typed = raw.strip_prefix(attached)?;
    let (opening, quote) = match (typed.chars().next(), plain(typed).ends_in) {
        (Some('\''), Quote::Single) => ("'", Quote::Single),
        (Some('"'), Quote::Double) => ("\"", Quote::Double),
        (_, Quote::Open) => ("", Quote::Open),
        (_, Quote::Single | Quote::Double) => return None,
    };
    let whole = format!("{attached}{opening}{}", quoted(value, quote)?);
    whole.strip_prefix(head).map(str::to_owned)
}

/// A text as it is written in such a quote. History is expanded even between double quotes, where nothing prevents it.
fn quoted(value: &str, quote: Quote) -> Option<String> {
    match quote {
        Quote::Single => Some(value.replace('\'', "'\\''")),
        Quote::Double if value.contains('!') => None,
        Quote::Double => Some(escaped(value, |c| "\\\"$`".contains(c))),
        Quote::Open => {
            Some(escaped(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"@%+=:,./-_".contains(c)))
        }
    }
}

fn escaped(value: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if is_special(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
