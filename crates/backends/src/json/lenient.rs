//! Values taken from raw JSON one by one, so that a member of an unexpected type costs that member and not the line.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The members of an object that a struct names.
pub(crate) fn fields<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A text. Half of a surrogate pair, which clients in JavaScript print when they cut a text, becomes a replacement mark.
pub(crate) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = raw?.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let decoded = serde_json::from_str::<String>(json);
    decoded.or_else(|_| serde_json::from_str(&without_lone_surrogates(json))).ok().map(Cow::Owned)
}

/// A short text without escapes, such as a type or an id.
pub(crate) fn word(raw: Option<&RawValue>) -> Option<&str> {
    let inner = raw?.get().strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// A number.
pub(crate) fn number(raw: Option<&RawValue>) -> Option<f64> {
    serde_json::from_str::<f64>(raw?.get()).ok().filter(|number| number.is_finite())
}

/// A whole number that is not negative.
pub(crate) fn whole(raw: Option<&RawValue>) -> Option<u64> {
    serde_json::from_str(raw?.get()).ok()
}

/// True or false.
pub(crate) fn flag(raw: Option<&RawValue>) -> Option<bool> {
    serde_json::from_str(raw?.get()).ok()
}

/// The items of a list, at most `most` of them.
pub(crate) fn items(raw: Option<&RawValue>, most: usize) -> Vec<&RawValue> {
    let mut items: Vec<&RawValue> = fields(raw).unwrap_or_default();
    items.truncate(most);
    items
}

/// The members of an object in order, whatever their names.
pub(crate) fn members(raw: Option<&RawValue>) -> Vec<(String, &RawValue)> {
    struct Members;
    impl<'a> serde::de::Visitor<'a> for Members {
        type Value = Vec<(String, &'a RawValue)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry::<String, &RawValue>()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let Some(raw) = raw else { return Vec::new() };
    let mut json = serde_json::Deserializer::from_str(raw.get());
    serde::Deserializer::deserialize_map(&mut json, Members).unwrap_or_default()
}

/// Replaces each `\uD800`–`\uDFFF` that is not part of a pair.
fn without_lone_surrogates(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                mended.push_str(&rest[..12]);
                12
            }
            (Some(0xD800..=0xDFFF), _) => {
                mended.push_str("\\ufffd");
                6
            }
            _ => {
                let taken = rest.char_indices().nth(2).map_or(rest.len(), |(next, _)| next);
                mended.push_str(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    mended.push_str(rest);
    mended
}

/// The code unit of a `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
