//! Replays recorded output, and compares what was read with what a person reads in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use agent_runner_backends::{Registry, TurnEvent, TurnReader, TurnReport, TurnRequest};
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::{Exit, Source};

use crate::expectations::{DECEITFUL, Expected, expectations};

/// When everything was recorded, to the hour.
pub const THEN: &str = "2026-11-20T06:40:00Z";

/// Recorded output of one process.
pub struct Transcript {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: Exit,
}

/// What a reader made of it.
pub struct Turn {
    pub events: Vec<TurnEvent>,
    pub report: TurnReport,
}

pub fn then() -> Timestamp {
    Timestamp::parse(THEN).unwrap()
}

pub fn request() -> TurnRequest {
    TurnRequest {
        run_id: RunId::parse("abc-1").unwrap(),
        name: None,
        cwd: PathBuf::from("/project"),
        prompt: "do it".to_owned(),
        prompt_file: PathBuf::from("/state/attempts/00.prompt.md"),
        config: BTreeMap::new(),
        extra_args: Vec::new(),
        model: None,
        effort: None,
        unrestricted: true,
        session_id: None,
        own_program: PathBuf::from("/bin/agent-runner"),
        command: "agent-runner".to_owned(),
        has_tasks: true,
        environment: Vec::new(),
        now: then(),
    }
}

pub fn reader() -> Box<dyn TurnReader> {
    Registry::built_in().get("claude").unwrap().plan(&request()).unwrap().reader
}

pub fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

/// The names of the transcripts in a folder.
pub fn names(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(fixtures(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = files.filter_map(|name| Some(name.to_str()?.strip_suffix(".jsonl")?.to_owned()));
    let sorted: BTreeSet<String> = names.collect();
    sorted.into_iter().collect()
}

/// Negative as in the recorder: by that signal.
fn exit(code: i32) -> Exit {
    if code < 0 { Exit::Signal(-code) } else { Exit::Code(code) }
}

pub fn transcript(name: &str) -> Transcript {
    let folder = fixtures("claude/print");
    let read = |ending: &str| std::fs::read(folder.join(format!("{name}.{ending}")));
    let code = match read("exit") {
        Ok(text) => String::from_utf8(text).unwrap().trim().parse().unwrap(),
        Err(_) => {
            let meta: serde_json::Value = serde_json::from_slice(&read("meta.json").unwrap()).unwrap();
            i32::try_from(meta["exit"].as_i64().unwrap()).unwrap()
        }
    };
    Transcript {
        stdout: read("jsonl").unwrap(),
        stderr: read("stderr").unwrap_or_default(),
        exit: exit(code),
    }
}

/// The lines of a file, without an empty one after the last newline.
pub fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

pub fn replay(transcript: &Transcript) -> Turn {
    let mut reader = reader();
    let mut events = Vec::new();
    for line in lines(&transcript.stdout) {
        events.extend(reader.line(Source::Stdout, line, false, then()));
    }
    for line in lines(&transcript.stderr) {
        events.extend(reader.line(Source::Stderr, line, false, then()));
    }
    Turn { events, report: reader.finish(transcript.exit) }
}

impl Turn {
    pub fn session(&self) -> Option<&str> {
        self.events.iter().rev().find_map(|event| match event {
            TurnEvent::Session { id, .. } => Some(id.as_str()),
            _ => None,
        })
    }

    pub fn last_message(&self) -> Option<&str> {
        self.events.iter().rev().find_map(|event| match event {
            TurnEvent::Message { text } => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn permissions(&self) -> Vec<String> {
        let refused = self.events.iter().filter_map(|event| match event {
            TurnEvent::Permission { tool, detail } => Some(format!("{tool}: {detail}")),
            _ => None,
        });
        refused.collect()
    }

    pub fn tokens(&self) -> Option<[u64; 4]> {
        let usage = self.report.usage;
        Some([usage.input_tokens?, usage.output_tokens?, usage.cache_read_tokens?, usage.cache_write_tokens?])
    }
}

#[test]
fn every_transcript_is_read_as_a_person_reads_it() {
    let expected = expectations();
    let told: BTreeSet<&str> = expected.iter().map(|expected| expected.name).collect();
    assert_eq!(told.len(), expected.len(), "a transcript is expected twice");
    let there = names("claude/print");
    let untold: Vec<&String> = there.iter().filter(|name| !told.contains(name.as_str())).collect();
    assert!(untold.is_empty(), "transcripts without an expectation: {untold:?}");
    assert_eq!(told.len(), there.len(), "expectations without a transcript");
    let mut wrong = Vec::new();
    for expected in &expected {
        let turn = replay(&transcript(expected.name));
        wrong
            .extend(expected.differences(&turn).into_iter().map(|what| format!("{}: {what}", expected.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An exit code of 0 or a result of subtype `success` where the turn did not end well.
fn deceives(transcript: &Transcript) -> bool {
    let mut results = lines(&transcript.stdout).into_iter().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_slice(line).ok()?;
        (line["type"] == "result").then_some(line)
    });
    let claims_success = results.next_back().is_some_and(|result| result["subtype"] == "success");
    transcript.exit == Exit::Code(0) || claims_success
}

#[test]
fn transcripts_that_deceive_are_known_and_deceive_nobody() {
    let mut found = Vec::new();
    for expected in expectations().iter().filter(|expected| !expected.is_well()) {
        if deceives(&transcript(expected.name)) {
            found.push(expected.name);
        }
    }
    let known: BTreeSet<&str> = DECEITFUL.iter().copied().collect();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), known);
    for name in DECEITFUL {
        let end = replay(&transcript(name)).report.end;
        assert_ne!(end, agent_runner_model::attempt::AttemptEnd::Reported, "{name}");
    }
}

#[test]
fn the_session_is_known_from_the_first_line_that_has_it() {
    for name in names("claude/print") {
        let transcript = transcript(&name);
        let Some(first) = lines(&transcript.stdout).first().copied() else { continue };
        let events = reader().line(Source::Stdout, first, false, then());
        let is_lost = replay(&transcript).report.session_lost && !name.contains("too-long");
        let named = matches!(events.first(), Some(TurnEvent::Session { .. }));
        assert_eq!(named, !is_lost, "{name}: {events:?}");
    }
}

#[test]
fn calls_that_ended_had_begun() {
    for name in names("claude/print") {
        let mut open = BTreeSet::new();
        for event in replay(&transcript(&name)).events {
            match event {
                TurnEvent::ToolStarted { id, .. } => assert!(open.insert(id), "{name}: begun twice"),
                TurnEvent::ToolFinished { id, .. } => assert!(open.remove(&id), "{name}: {id} had not begun"),
                _ => {}
            }
        }
    }
}

impl Expected {
    /// What of a turn is not as expected.
    fn differences(&self, turn: &Turn) -> Vec<String> {
        let mut wrong = Vec::new();
        let report = &turn.report;
        if !self.end.fits(&report.end) {
            wrong.push(format!("ended as {:?}", report.end));
        }
        if !report.end.detail().contains(self.says) {
            wrong.push(format!("says {:?}", report.end.detail()));
        }
        match (self.session, turn.session()) {
            (Some(expected), Some(session)) if session.starts_with(expected) => {}
            (None, None) => {}
            (_, session) => wrong.push(format!("session {session:?}")),
        }
        if turn.tokens() != self.tokens {
            wrong.push(format!("usage {:?}", report.usage));
        }
        if report.usage.turns != self.turns {
            wrong.push(format!("turns {:?}", report.usage.turns));
        }
        let cost = report.meter.as_ref().map(|meter| meter.cost_micro_usd);
        if cost != self.cost {
            wrong.push(format!("cost {cost:?}"));
        }
        if report.meter.as_ref().is_some_and(|meter| Some(meter.session_id.as_str()) != turn.session()) {
            wrong.push("the cost is of another session".to_owned());
        }
        if turn.last_message() != self.last {
            wrong.push(format!("last message {:?}", turn.last_message()));
        }
        let permissions = turn.permissions();
        if permissions.len() != self.permissions.len()
            || !permissions.iter().zip(self.permissions).all(|(told, expected)| told.starts_with(expected))
        {
            wrong.push(format!("permissions {permissions:?}"));
        }
        if report.session_lost != self.lost {
            wrong.push(format!("session lost: {}", report.session_lost));
        }
        wrong
    }
}
