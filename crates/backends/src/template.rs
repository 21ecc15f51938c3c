//! `{{key}}` in the arguments of a command. Values are never scanned again, unknown keys stay as they are.

/// Replaces each `{{key}}` for which `value` has an answer. White space inside the braces is allowed.
pub(crate) fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, from_open) = rest.split_at(open);
        filled.push_str(before);
        let found = from_open.find("}}").and_then(|close| Some((close, value(from_open[2..close].trim())?)));
        match found {
            Some((close, text)) => {
                filled.push_str(text);
                rest = &from_open[close + 2..];
            }
            None => {
                filled.push('{');
                rest = &from_open[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Whether the text has `{{key}}`.
pub(crate) fn mentions(text: &str, key: &str) -> bool {
    fill(text, |found| (found == key).then_some("")) != text
}
