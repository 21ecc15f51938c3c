//! A text as it reads once its escapes are undone, with the way back to where each part of it was written. Must not know
//! what is looked for.

/// Programs print JSON that holds JSON; deeper than this nobody looks.
const MAX_READINGS: usize = 4;

/// A text, read in one way.
pub(super) struct Reading {
    pub(super) text: String,
    /// For each byte of `text`, and for its end, where it begins in what was written; nothing where that is the same.
    written_at: Option<Vec<usize>>,
}

impl Reading {
    fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), written_at: None }
    }

    /// The place in what was written that a place in the text came from.
    pub(super) fn written(&self, at: usize) -> usize {
        match &self.written_at {
            Some(places) => places.get(at).or(places.last()).copied().unwrap_or_default(),
            None => at,
        }
    }

    /// The same with one layer of escapes undone.
    fn unescaped(&self) -> Self {
        let mut text = String::with_capacity(self.text.len());
        let mut written_at = Vec::with_capacity(self.text.len() + 1);
        let mut at = 0;
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            let (c, length) = escape(rest).unwrap_or_else(|| plain_char(rest));
            text.push(c);
            written_at.resize(text.len(), self.written(at));
            at += length.max(1);
        }
        written_at.push(self.written(self.text.len()));
        Self { text, written_at: Some(written_at) }
    }
}

/// The ways to read a text: as it is, and with its escapes undone as long as there are any.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let mut readings = vec![Reading::plain(text)];
    while let Some(last) = readings.last().filter(|last| last.text.contains('\\'))
        && readings.len() < MAX_READINGS
    {
        let next = last.unescaped();
        readings.push(next);
    }
    readings
}

fn plain_char(rest: &str) -> (char, usize) {
    rest.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8()))
}

/// What stands for a character at the beginning of the text, in JSON or in a way that is as common, and how long it is.
fn escape(rest: &str) -> Option<(char, usize)> {
    let rest = rest.strip_prefix('\\')?;
    let kind = rest.chars().next()?;
    let simple = |c| Some((c, 2));
    match kind {
        '"' | '\'' | '\\' | '/' => simple(kind),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'x' => Some((char::from(u8::try_from(hex(rest.get(1..3)?)?).ok()?), 4)),
        'u' if rest[1..].starts_with('{') => {
            let end = rest.find('}').filter(|end| *end <= 8)?;
            Some((char::from_u32(hex(rest.get(2..end)?)?)?, end + 2))
        }
        'u' => sixteen_bits(rest),
        _ => None,
    }
}

/// `uXXXX`, or two of them for a character that needs both.
fn sixteen_bits(rest: &str) -> Option<(char, usize)> {
    let high = hex(rest.get(1..5)?)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low = rest.get(5..).and_then(|rest| rest.strip_prefix("\\u")).and_then(|rest| hex(rest.get(..4)?));
    let pair = low.and_then(|low| {
        let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
        char::decode_utf16(units).next()?.ok()
    });
    Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |c| (c, 12)))
}

fn hex(digits: &str) -> Option<u32> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}
