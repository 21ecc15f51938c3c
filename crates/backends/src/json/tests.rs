//! JSON that was cut, and texts that are none.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{flag, items, members, mend, number, text, whole, word};

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn what_was_cut_is_closed() {
    for (cut, mended) in [
        (r#"{"a":1,"b":"te"#, r#"{"a":1,"b":"te"}"#),
        (r#"{"a":1,"b"#, r#"{"a":1}"#),
        (r#"{"a":1,"b":"#, r#"{"a":1}"#),
        (r#"{"a":1,"b":12"#, r#"{"a":1}"#),
        (r#"{"a":[1,2,{"b":[]"#, r#"{"a":[1,2,{"b":[]}]}"#),
        (r#"{"a":"x\"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\u12"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\u1234"#, r#"{"a":"x\u1234"}"#),
        (r#"{"a":"x\\"#, r#"{"a":"x\\"}"#),
        (r#"{"a":"}]","b":tr"#, r#"{"a":"}]"}"#),
        (r#"["x","y"#, r#"["x","y"]"#),
        ("{", "{}"),
        (r#"{"a"#, "{}"),
    ] {
        assert_eq!(mend(cut).as_deref(), Some(mended), "{cut}");
    }
    for whole in ["", "{}", "[1]", "text", "}", "{]"] {
        assert_eq!(mend(whole), None, "{whole}");
    }
}

#[test]
fn half_a_surrogate_pair_costs_one_character() {
    for (json, expected) in [
        (r#""\ud83d\ude00""#, "\u{1F600}"),
        (r#""a\ud83d""#, "a\u{FFFD}"),
        (r#""\ud83dx\ude00""#, "\u{FFFD}x\u{FFFD}"),
        (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}"),
        (r#""\\ud83d \ud83d ü""#, "\\ud83d \u{FFFD} ü"),
        (r#""\n\t\"\/""#, "\n\t\"/"),
    ] {
        assert_eq!(text(Some(&raw(json))).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn values_of_another_type_are_missing() {
    let odd = raw("[1]");
    assert!(text(Some(&odd)).is_none() && word(Some(&odd)).is_none() && number(Some(&odd)).is_none());
    assert!(whole(Some(&odd)).is_none() && flag(Some(&odd)).is_none() && members(Some(&odd)).is_empty());
    assert!(items(Some(&raw("{}")), 5).is_empty());
    assert_eq!(items(Some(&raw("[1,2,3]")), 2).len(), 2);
    assert_eq!(whole(Some(&raw("-1"))), None);
    assert_eq!(word(Some(&raw(r#""a\n""#))), None);
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether everything in `part` is in `all`, texts as far as they go.
fn is_part(part: &Value, all: &Value) -> bool {
    match (part, all) {
        (Value::Object(part), Value::Object(all)) => {
            part.iter().all(|(name, value)| all.get(name).is_some_and(|all| is_part(value, all)))
        }
        (Value::Array(part), Value::Array(all)) => {
            part.len() <= all.len() && part.iter().zip(all).all(|(part, all)| is_part(part, all))
        }
        (Value::String(part), Value::String(all)) => all.starts_with(part.as_str()),
        (part, all) => part == all,
    }
}

proptest! {
    #[test]
    fn a_cut_anywhere_leaves_a_part(value in json(), at: prop::sample::Index) {
        let all = Value::Object([("k".to_owned(), value)].into_iter().collect());
        let printed = all.to_string();
        let at = at.index(printed.len());
        if let Some(cut) = printed.get(..at).filter(|cut| !cut.is_empty()) {
            let mended = mend(cut).unwrap();
            let part: Value = serde_json::from_str(&mended).unwrap();
            prop_assert!(is_part(&part, &all), "{} of {}", mended, printed);
        }
    }

    #[test]
    fn any_text_is_survived(cut in "[\\[\\]{}:,\"\\\\a1 ]{0,40}") {
        if let Some(mended) = mend(&cut) {
            let _: Result<Value, _> = serde_json::from_str(&mended);
        }
    }
}
