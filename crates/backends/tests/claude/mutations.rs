//! Transcripts that were damaged in every way: lines lost, doubled, in another order, cut anywhere, random bytes in
//! between. The reader survives all of it, says little at a time, and never takes a failure for success.

use agent_runner_backends::TurnEvent;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_supervisor::{Exit, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::expectations::expectations;
use crate::replay::{Transcript, lines, reader, then, transcript};

/// One damage.
#[derive(Debug, Clone)]
enum Damage {
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    /// The rest of the line is gone; whoever delivered it may know.
    Cut(Index, Index, bool),
    Insert(Index, Index, Vec<u8>),
    /// Bytes that mean something in JSON hit more than others.
    InsertToken(Index, Index, &'static str),
    /// The rest of the output is gone.
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Damage::Drop),
        index().prop_map(Damage::Double),
        (index(), index()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (index(), index(), any::<bool>()).prop_map(|(line, at, told)| Damage::Cut(line, at, told)),
        (index(), index(), vec(any::<u8>(), 1..20))
            .prop_map(|(line, at, bytes)| Damage::Insert(line, at, bytes)),
        (
            index(),
            index(),
            prop::sample::select(vec!["\"", "{", "}", "[", "]", ",", ":", "\\", "\n", "\0", "null"])
        )
            .prop_map(|(line, at, token)| Damage::InsertToken(line, at, token)),
        index().prop_map(Damage::End),
    ]
}

fn exit() -> impl Strategy<Value = Option<Exit>> {
    prop_oneof![
        Just(None),
        Just(Some(Exit::Code(0))),
        Just(Some(Exit::Code(1))),
        Just(Some(Exit::Code(143))),
        Just(Some(Exit::Signal(9))),
    ]
}

type Line = (Vec<u8>, bool);

fn apply(output: &mut Vec<Line>, damage: &Damage) {
    if output.is_empty() {
        return;
    }
    let count = output.len();
    match damage {
        Damage::Drop(line) => {
            output.remove(line.index(count));
        }
        Damage::Double(line) => {
            let line = output[line.index(count)].clone();
            output.push(line);
        }
        Damage::Swap(a, b) => output.swap(a.index(count), b.index(count)),
        Damage::Cut(line, at, told) => {
            let (bytes, truncated) = &mut output[line.index(count)];
            bytes.truncate(at.index(bytes.len() + 1));
            *truncated |= told;
        }
        Damage::Insert(line, at, inserted) => insert(&mut output[line.index(count)].0, *at, inserted),
        Damage::InsertToken(line, at, token) => {
            insert(&mut output[line.index(count)].0, *at, token.as_bytes())
        }
        Damage::End(line) => output.truncate(line.index(count)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: Index, inserted: &[u8]) {
    let at = at.index(bytes.len() + 1);
    bytes.splice(at..at, inserted.iter().copied());
}

/// Whether a line, as far as it goes, is a result that says it went well: written without the reader's own eyes. Half a
/// result of a model that was done is one; so is the end of the turns that the user allowed.
fn claims_success(line: &[u8]) -> bool {
    let has = |needle: &str| line.windows(needle.len()).any(|window| window == needle.as_bytes());
    // Any of its members may be the one that was hit.
    let is_result =
        ["total_cost_usd", "terminal_reason", "\"type\":\"result\"", "subagent_stats"].into_iter().any(has);
    let says = ["\"is_error\":false", "\"stop_reason\":\"end_turn\"", "error_max_turns", "\"max_turns\""];
    is_result && says.into_iter().any(has)
}

fn damaged(transcript: &Transcript, damages: &[Damage], cut_exit: Option<Exit>) -> (Vec<Line>, Exit) {
    let mut output: Vec<Line> =
        lines(&transcript.stdout).into_iter().map(|line| (line.to_vec(), false)).collect();
    for damage in damages {
        apply(&mut output, damage);
    }
    (output, cut_exit.unwrap_or(transcript.exit))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_a_success(
        which in any::<Index>(),
        damages in vec(damage(), 1..12),
        cut_exit in exit(),
    ) {
        let expected = expectations();
        let expected = &expected[which.index(expected.len())];
        let (output, exit) = damaged(&transcript(expected.name), &damages, cut_exit);
        let mut reader = reader();
        for (line, truncated) in &output {
            let events = reader.line(Source::Stdout, line, *truncated, then());
            prop_assert!(events.len() <= 16, "{} events from one line of {}", events.len(), expected.name);
            for event in &events {
                prop_assert!(serde_json::to_string(event).unwrap().len() <= 400 * 1024);
            }
        }
        let report = reader.finish(exit);
        prop_assert!(report.output_tail.len() <= 8 * 1024);
        if report.end == AttemptEnd::Reported {
            prop_assert!(
                output.iter().any(|(line, _)| claims_success(line)),
                "{} became a success",
                expected.name
            );
        }
    }

    #[test]
    fn any_bytes_are_survived(lines in vec(vec(any::<u8>(), 0..200), 0..20), truncated: bool, exit in exit()) {
        let mut reader = reader();
        for line in &lines {
            let events = reader.line(Source::Stdout, line, truncated, then());
            prop_assert!(events.len() <= 1);
            reader.line(Source::Stderr, line, truncated, then());
        }
        prop_assert_ne!(reader.finish(exit.unwrap_or(Exit::Code(0))).end, AttemptEnd::Reported);
    }

    /// Every member of every line, replaced by something of another type.
    #[test]
    fn members_of_any_type_are_survived(
        which in any::<Index>(),
        line in any::<Index>(),
        member in any::<Index>(),
        value in prop::sample::select(vec!["null", "0", "-1", "1e308", "true", "\"\"", "\"\\ud800\"", "[]", "{}", "[[{}]]"]),
    ) {
        let expected = expectations();
        let transcript = transcript(expected[which.index(expected.len())].name);
        let output = lines(&transcript.stdout);
        if output.is_empty() {
            return Ok(());
        }
        let hit = line.index(output.len());
        let mut reader = reader();
        for (number, line) in output.iter().enumerate() {
            let line = if number == hit { replaced(line, member, value) } else { line.to_vec() };
            let events: Vec<TurnEvent> = reader.line(Source::Stdout, &line, false, then());
            prop_assert!(events.len() <= 16);
        }
        reader.finish(transcript.exit);
    }
}

/// The line with one of its members, at any depth, replaced.
fn replaced(line: &[u8], member: Index, value: &str) -> Vec<u8> {
    let mut json: serde_json::Value = serde_json::from_slice(line).unwrap();
    let mut paths = Vec::new();
    collect(&json, String::new(), &mut paths);
    let path = &paths[member.index(paths.len())];
    // A lone surrogate is no text for the library that writes it: the mark is replaced in the text.
    *json.pointer_mut(path).unwrap() = "REPLACED".into();
    json.to_string().replace("\"REPLACED\"", value).into_bytes()
}

fn collect(json: &serde_json::Value, path: String, paths: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{path}/{name}"), paths);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}
