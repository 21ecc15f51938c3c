//! The files in which systems keep time zones (RFC 9636): a table of changes, and a rule for the time after the last one.
//! Must not believe a length it has not checked.

use super::posix::Rule;

/// Bytes of a header.
const HEADER: usize = 44;
/// Most changes that are read; real zones have a few hundred.
const MAX_CHANGES: usize = 10_000;

/// A zone's changes.
#[derive(Debug)]
pub(crate) struct Table {
    /// Offset before the first change.
    before: i64,
    /// Moments, ascending, and the offset from then on.
    changes: Vec<(i64, i64)>,
    /// What holds after the last change.
    after: Option<Rule>,
}

/// How many of each there are.
struct Counts {
    is_ut: usize,
    is_std: usize,
    leaps: usize,
    changes: usize,
    kinds: usize,
    letters: usize,
}

impl Counts {
    fn parse(header: &[u8]) -> Option<(u8, Self)> {
        if header.get(..4)? != b"TZif" {
            return None;
        }
        let version = *header.get(4)?;
        let count = |index: usize| usize::try_from(number(header, 20 + index * 4, 4)?).ok();
        let counts = Self {
            is_ut: count(0)?,
            is_std: count(1)?,
            leaps: count(2)?,
            changes: count(3)?,
            kinds: count(4)?,
            letters: count(5)?,
        };
        (counts.changes <= MAX_CHANGES).then_some((version, counts))
    }

    /// Bytes of the block behind the header, where moments take `width` bytes.
    fn length(&self, width: usize) -> Option<usize> {
        let parts = [
            self.changes.checked_mul(width + 1)?,
            self.kinds.checked_mul(6)?,
            self.letters,
            self.leaps.checked_mul(width + 4)?,
            self.is_std,
            self.is_ut,
        ];
        parts.into_iter().try_fold(0usize, usize::checked_add)
    }
}

impl Table {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, counts) = Counts::parse(bytes)?;
        if version < b'2' {
            return Self::block(bytes.get(HEADER..)?, &counts, 4, None);
        }
        // The block for old readers is passed over: its moments end in 2038.
        let bytes = bytes.get(HEADER.checked_add(counts.length(4)?)?..)?;
        let (_, counts) = Counts::parse(bytes)?;
        let bytes = bytes.get(HEADER..)?;
        let footer = bytes.get(counts.length(8)?..).and_then(|footer| std::str::from_utf8(footer).ok());
        Self::block(bytes, &counts, 8, footer.and_then(|footer| Rule::parse(footer.trim_matches('\n'))))
    }

    fn block(bytes: &[u8], counts: &Counts, width: usize, after: Option<Rule>) -> Option<Self> {
        let kinds_at = counts.changes * (width + 1);
        let offset = |kind: usize| {
            let at = kinds_at + kind * 6;
            if kind < counts.kinds { number(bytes, at, 4) } else { None }
        };
        let mut changes = Vec::with_capacity(counts.changes);
        for index in 0..counts.changes {
            let moment = number(bytes, index * width, width)?;
            let kind = usize::from(*bytes.get(counts.changes * width + index)?);
            changes.push((moment, offset(kind)?));
        }
        changes.is_sorted_by_key(|(moment, _)| *moment).then_some(())?;
        Some(Self { before: offset(0)?, changes, after })
    }

    pub(super) fn offset_at(&self, seconds: i64) -> i64 {
        let next = self.changes.partition_point(|(moment, _)| *moment <= seconds);
        match (next.checked_sub(1).and_then(|last| self.changes.get(last)), &self.after) {
            (_, Some(rule)) if next == self.changes.len() => rule.offset_at(seconds),
            (Some((_, offset)), _) => *offset,
            (None, _) => self.before,
        }
    }
}

/// A signed number of 4 or 8 bytes, the highest first.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<i64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    match width {
        4 => Some(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
        _ => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
    }
}
