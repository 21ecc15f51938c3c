//! The few things of the tar format (POSIX ustar) that archives are made of: plain files, one after the other. Must not
//! accept anything else: links, devices, directories and extended headers have no place in an archive of a run.

use std::io::{self, Write};

/// Everything comes in blocks of this size.
pub(super) const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;
/// Where a header's fields are.
const AT_MODE: usize = 100;
const AT_UID: usize = 108;
const AT_GID: usize = 116;
const AT_SIZE: usize = 124;
const AT_TIME: usize = 136;
const AT_SUM: usize = 148;
const AT_TYPE: usize = 156;
const AT_MAGIC: usize = 257;
const AT_PREFIX: usize = 345;

/// The bytes in front of a file; nothing if its name has no room there.
pub(super) fn header(name: &str, size: u64, mtime: u64) -> Option<[u8; BLOCK]> {
    let (prefix, name) = split(name)?;
    let mut block = [0; BLOCK];
    put(&mut block, 0, name.as_bytes());
    put(&mut block, AT_MODE, b"0000600");
    put(&mut block, AT_UID, b"0000000");
    put(&mut block, AT_GID, b"0000000");
    put(&mut block, AT_SIZE, octal(size)?.as_bytes());
    put(&mut block, AT_TIME, octal(mtime)?.as_bytes());
    put(&mut block, AT_TYPE, b"0");
    put(&mut block, AT_MAGIC, b"ustar\x0000");
    put(&mut block, AT_PREFIX, prefix.as_bytes());
    let sum = format!("{:06o}\0 ", sum(&block));
    put(&mut block, AT_SUM, sum.as_bytes());
    Some(block)
}

/// Long names are divided at a slash.
fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= NAME {
        return Some(("", name));
    }
    let places = name.match_indices('/').map(|(at, _)| name.split_at(at));
    let mut fitting = places.filter(|(prefix, rest)| prefix.len() <= PREFIX && rest.len() - 1 <= NAME);
    fitting.next().map(|(prefix, rest)| (prefix, rest.trim_start_matches('/')))
}

fn octal(number: u64) -> Option<String> {
    let text = format!("{number:011o}");
    (text.len() == 11).then_some(text)
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    if let Some(place) = block.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// The sum of a header's bytes, its own field being blanks.
fn sum(block: &[u8; BLOCK]) -> u64 {
    let own = AT_SUM..AT_SUM + 8;
    block.iter().enumerate().map(|(at, byte)| u64::from(if own.contains(&at) { b' ' } else { *byte })).sum()
}

/// The bytes that fill a file's last block.
pub(super) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

/// The end of an archive.
pub(super) fn write_end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Path in the archive.
    pub(super) name: String,
    /// Bytes that follow.
    pub(super) size: u64,
}

/// What stands where a header is to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// One of a plain file.
    File(Header),
    /// The first half of the end.
    End,
    /// No header at all.
    Nothing,
    /// Something with that name that is no plain file, in words.
    Other(String, &'static str),
}

pub(super) fn parse(block: &[u8; BLOCK]) -> Block {
    if block.iter().all(|byte| *byte == 0) {
        return Block::End;
    }
    let is_ustar = field(block, AT_MAGIC, 5) == b"ustar";
    if !is_ustar || number(field(block, AT_SUM, 8)) != Some(sum(block)) {
        return Block::Nothing;
    }
    let (prefix, own) = (text(field(block, AT_PREFIX, PREFIX)), text(field(block, 0, NAME)));
    let name = if prefix.is_empty() { own } else { format!("{prefix}/{own}") };
    let kind = match field(block, AT_TYPE, 1) {
        [b'0' | 0] => None,
        [b'1'] => Some("is a hard link"),
        [b'2'] => Some("is a symbolic link"),
        [b'3' | b'4'] => Some("is a device"),
        [b'5'] => Some("is a directory"),
        [b'6'] => Some("is a named pipe"),
        _ => Some("is of a kind that archives of runs do not have"),
    };
    match (kind, number(field(block, AT_SIZE, 12))) {
        (Some(kind), _) => Block::Other(name, kind),
        (None, Some(size)) => Block::File(Header { name, size }),
        (None, None) => Block::Other(name, "has no size"),
    }
}

fn field(block: &[u8; BLOCK], at: usize, len: usize) -> &[u8] {
    block.get(at..at + len).unwrap_or_default()
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(until_zero(bytes)).into_owned()
}

fn number(bytes: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(until_zero(bytes)).ok()?.trim_matches(' ');
    let plain = !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    u64::from_str_radix(digits, 8).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_was_made_from() {
        let long = format!("{}/attachments/att-0123456789/{}", "r".repeat(64), "f".repeat(100));
        for name in ["run/run.json", long.as_str()] {
            let block = header(name, 7, 1_800_000_000).unwrap();
            assert_eq!(parse(&block), Block::File(Header { name: name.to_owned(), size: 7 }));
        }
        assert_eq!(header(&"x".repeat(101), 0, 0), None);
        assert_eq!(header("x", u64::MAX, 0), None);
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }

    #[test]
    fn what_is_no_plain_file_is_seen() {
        let kind = |kind: u8| {
            let mut block = header("run/x", 0, 0).unwrap();
            block[AT_TYPE] = kind;
            let sum = format!("{:06o}\0 ", sum(&block));
            put(&mut block, AT_SUM, sum.as_bytes());
            parse(&block)
        };
        for other in *b"1234567LKxgSV" {
            assert!(matches!(kind(other), Block::Other(name, _) if name == "run/x"), "{}", char::from(other));
        }
        assert!(matches!(kind(0), Block::File(_)));
        assert_eq!(parse(&[0; BLOCK]), Block::End);
        assert_eq!(parse(&[b'x'; BLOCK]), Block::Nothing);
    }
}
