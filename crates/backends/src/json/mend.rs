//! Completes JSON that was cut off, so that what came before the cut can be read.

/// The text up to the last value that is whole, or as much of a text as there is, with everything closed that is open.
/// Nothing if there is nothing to close. What is no JSON at all may come out as no JSON.
pub(crate) fn mend(cut: &str) -> Option<String> {
    let mut open: Vec<u8> = Vec::new();
    let mut string: Option<Text> = None;
    let mut after_colon = false;
    // Everything before this place is whole, and closing what is open here makes it valid.
    let mut whole = 0;
    for (at, byte) in cut.bytes().enumerate() {
        if let Some(text) = &mut string {
            match (text.escaped, byte) {
                (true, _) => text.escaped = false,
                (false, b'\\') => {
                    text.escaped = true;
                    text.last_escape = Some(at);
                }
                (false, b'"') => {
                    if text.is_value {
                        whole = at + 1;
                    }
                    string = None;
                }
                (false, _) => {}
            }
            continue;
        }
        match byte {
            b'"' => {
                let is_value = after_colon || open.last() == Some(&b']');
                string = Some(Text { is_value, escaped: false, last_escape: None });
            }
            b'{' | b'[' => {
                open.push(if byte == b'{' { b'}' } else { b']' });
                after_colon = false;
                whole = at + 1;
            }
            b'}' | b']' => {
                if open.pop() != Some(byte) {
                    return None;
                }
                after_colon = false;
                whole = at + 1;
            }
            b':' => after_colon = true,
            b',' => {
                after_colon = false;
                whole = at;
            }
            _ => {}
        }
    }
    if open.is_empty() {
        return None;
    }
    let mut mended = match string {
        Some(text) if text.is_value => format!("{}\"", &cut[..text.end_in(cut)]),
        Some(_) | None => cut[..whole].to_owned(),
    };
    mended.extend(open.iter().rev().map(|byte| char::from(*byte)));
    Some(mended)
}

/// A text that has begun.
struct Text {
    is_value: bool,
    escaped: bool,
    last_escape: Option<usize>,
}

impl Text {
    /// Where the text can be ended: not in the middle of an escape.
    fn end_in(&self, cut: &str) -> usize {
        let Some(at) = self.last_escape else { return cut.len() };
        let escape = &cut[at..];
        let is_whole = if escape.starts_with("\\u") { escape.len() >= 6 } else { escape.len() >= 2 };
        if is_whole { cut.len() } else { at }
    }
}
