//! Puts values in the place of `{{key}}`. Everything else stays as it is, byte for byte, and a value is never looked
//! through again: what comes in as data cannot ask for more.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What keys stand for.
pub(crate) type Values = BTreeMap<String, String>;

/// A place where a value goes: where it starts and ends in the text, and its key.
struct Slot<'a> {
    start: usize,
    end: usize,
    key: &'a str,
}

/// The text with the values of those keys that have one.
pub(crate) fn render<'a>(text: &'a str, values: &Values) -> Cow<'a, str> {
    let mut rendered = String::new();
    let mut written = 0;
    for slot in slots(text) {
        let Some(value) = values.get(slot.key) else { continue };
        rendered.push_str(text.get(written..slot.start).unwrap_or_default());
        rendered.push_str(value);
        written = slot.end;
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    rendered.push_str(text.get(written..).unwrap_or_default());
    Cow::Owned(rendered)
}

/// How long the text is with its values, in bytes. What is too long is better not made.
pub(crate) fn length(text: &str, values: &Values) -> usize {
    slots(text).fold(text.len(), |length, slot| match values.get(slot.key) {
        Some(value) => (length - (slot.end - slot.start)).saturating_add(value.len()),
        None => length,
    })
}

/// The keys a text asks for.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = &str> {
    slots(text).map(|slot| slot.key)
}

fn slots(text: &str) -> impl Iterator<Item = Slot<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("{{")?;
            match slot_at(text, start) {
                Some(slot) => {
                    from = slot.end;
                    return Some(slot);
                }
                // `{{{key}}` has one that begins a brace later.
                None => from = start + 1,
            }
        }
    })
}

/// The slot that begins there, if it is one: two braces, a key with or without blanks around it, two braces.
fn slot_at(text: &str, start: usize) -> Option<Slot<'_>> {
    let inside = text.get(start + 2..)?;
    let rest = inside.trim_start_matches(is_blank);
    let key_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (key, after) = rest.split_at(key_end);
    let after = after.trim_start_matches(is_blank).strip_prefix("}}")?;
    (!key.is_empty()).then_some(Slot { start, end: text.len() - after.len(), key })
}

/// What scripts take for a blank, which differs from what Unicode takes for one by these two.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        [("range", "main..HEAD"), ("evil", "{{range}}"), ("a.b-c", "x"), ("empty", "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn known_keys_are_replaced_and_the_rest_stays_byte_for_byte() {
        for (text, expected) in [
            ("", ""),
            ("Review {{range}}.", "Review main..HEAD."),
            ("{{ range }}{{\trange\n}}", "main..HEADmain..HEAD"),
            ("{{a.b-c}}{{empty}}|", "x|"),
            ("{{ unknown }} {{range", "{{ unknown }} {{range"),
            ("{{evil}}", "{{range}}"),
            ("{{{range}}}", "{main..HEAD}"),
            ("{{{{range}}}}", "{{main..HEAD}}"),
            ("{{#if range}}x{{/if}} ${{ github.sha }}", "{{#if range}}x{{/if}} ${{ github.sha }}"),
            ("{{ra nge}} {{}} {{ }} {{é}}", "{{ra nge}} {{}} {{ }} {{é}}"),
            ("{{\u{a0}range\u{2003}}} é", "main..HEAD é"),
            ("{{\u{feff}range}} {{\u{85}range}}", "main..HEAD {{\u{85}range}}"),
        ] {
            assert_eq!(render(text, &values()), expected, "{text:?}");
            assert_eq!(length(text, &values()), expected.len(), "{text:?}");
        }
        assert!(matches!(render("{{unknown}}", &values()), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn a_text_without_known_keys_is_not_touched(text in "[{} a-z.é\\n]{0,60}") {
            proptest::prop_assume!(!keys(&text).any(|key| values().contains_key(key)));
            proptest::prop_assert_eq!(render(&text, &values()), text.as_str());
        }

        #[test]
        fn no_value_is_looked_through(value in "[{} a-z]{0,40}", around in "[{} a-z]{0,10}") {
            let values = Values::from([("key".to_owned(), value.clone())]);
            let text = format!("{around} {{{{key}}}} end");
            proptest::prop_assume!(keys(&text).eq(["key"]));
            proptest::prop_assert_eq!(render(&text, &values), format!("{around} {value} end"));
        }
    }
}
