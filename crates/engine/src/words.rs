//! Cutting texts at the borders of characters.

/// The end of a text, at most so many bytes, from a character's border on.
pub(crate) fn last_bytes(text: &str, most: usize) -> &str {
    let start = text.len().saturating_sub(most);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}
