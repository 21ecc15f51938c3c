//! What a scalar without quotes means, and how a text is written as one. Only spellings that every YAML reader understands alike are accepted;
//! the others are told apart so that a message can say what to write instead.

/// The meaning of a scalar without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// No value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number in plain decimal.
    Whole(i64),
    /// A number in another spelling: a fraction, leading zeros, hexadecimal, too large.
    OtherNumber,
    /// A word that some YAML readers take for a truth value; `true` or `false` when it is one of the YAML 1.2 forms.
    Ambiguous,
    /// A text.
    Text,
}

pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(crate) fn meaning(text: &str) -> Meaning {
    match text {
        _ if is_null(text) => Meaning::Null,
        "true" => Meaning::Bool(true),
        "false" => Meaning::Bool(false),
        _ if is_truth_word(text) => Meaning::Ambiguous,
        _ if is_plain_decimal(text) => text.parse().map_or(Meaning::OtherNumber, Meaning::Whole),
        _ if looks_like_number(text) => Meaning::OtherNumber,
        _ => Meaning::Text,
    }
}

/// Whether a scalar without quotes is taken for a text, as an author of a list of names expects.
pub(crate) fn is_text(text: &str) -> bool {
    match meaning(text) {
        Meaning::Text | Meaning::Ambiguous => true,
        Meaning::Null | Meaning::Bool(_) | Meaning::Whole(_) | Meaning::OtherNumber => false,
    }
}

fn is_truth_word(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "y", "n"];
    text.len() <= 5 && words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn is_plain_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
        && text != "-0"
}

fn looks_like_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return true;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix) || c == '_');
        }
    }
    let digits = lower.bytes().any(|byte| byte.is_ascii_digit());
    let number = lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
    let grouped = lower.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    digits && ((number && lower.parse::<f64>().is_ok()) || (grouped && !lower.starts_with('_')))
}

/// The text as a scalar that every YAML reader takes for a text.
pub(crate) fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' ');
    let plain = matches!(meaning(text), Meaning::Text)
        && text.starts_with(char::is_alphanumeric)
        && !text.ends_with(' ')
        && text.chars().all(safe);
    match plain {
        true => text.to_owned(),
        false => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}
