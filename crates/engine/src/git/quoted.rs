//! Paths as git prints them: as they are, or in double quotes with escapes when they hold something unusual.

/// The path that was meant; bytes that are no UTF-8 are replaced.
pub(super) fn unquoted(text: &[u8]) -> String {
    String::from_utf8_lossy(&unquoted_bytes(text)).into_owned()
}

/// The path that was meant.
pub(super) fn unquoted_bytes(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return text.to_vec();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'a') => bytes.push(0x07),
            Some(b'b') => bytes.push(0x08),
            Some(b't') => bytes.push(b'\t'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b'v') => bytes.push(0x0b),
            Some(b'f') => bytes.push(0x0c),
            Some(b'r') => bytes.push(b'\r'),
            Some(first @ b'0'..=b'3') => {
                let digits = [Some(first), rest.next(), rest.next()];
                let value = digits.into_iter().flatten().fold(0u32, |value, digit| {
                    value.wrapping_mul(8).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
                });
                bytes.extend(u8::try_from(value));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    bytes
}
