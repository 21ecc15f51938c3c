//! Text from clients and models is data: cleaned of control characters and cut before it becomes part of an event or a
//! message.

/// Bytes of a text in an event.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// Characters of a line that says what a tool does, or what went wrong.
pub(crate) const MAX_LINE: usize = 300;

const CUT_MARK: char = '…';

/// Several lines of text, without control characters other than line ends and tabs, at most `bytes` long.
pub(crate) fn clean(text: &str, bytes: usize) -> String {
    let kept = head(text, bytes);
    let mut clean: String = if kept.bytes().any(|byte| byte < 0x20 || byte == 0x7F || byte == 0xC2) {
        kept.chars()
            .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{FFFD}' } else { c })
            .collect()
    } else {
        kept.to_owned()
    };
    if kept.len() < text.len() {
        clean.push(CUT_MARK);
    }
    clean
}

/// One line: white space and control characters become single spaces; at most `width` characters.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = !line.is_empty();
            continue;
        }
        if count + usize::from(gap) >= width {
            line.push(CUT_MARK);
            return line;
        }
        if gap {
            line.push(' ');
            count += 1;
            gap = false;
        }
        line.push(c);
        count += 1;
    }
    line
}

/// The beginning of a text, at most `bytes` long, up to a character's border.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
