//! The event log of a run: bytes that count never change, bytes beyond them do not exist and are moved aside by the
//! next writer. Must not decide how many bytes count; the manifest does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use agent_runner_model::Timestamp;
use agent_runner_model::event::{Event, EventBody, EventRecord};

use crate::error::StoreError;
use crate::failpoint;

use super::durable;
use super::layout::{EVENTS, QUARANTINE, is_absent};

/// Bytes moved at a time.
const CHUNK: usize = 64 * 1024;
/// Bytes a reader looks back first.
const LOOK_BACK: u64 = 4 * 1024;

/// What the log is, compared with what the manifest counts on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// It ends where the manifest says.
    Whole,
    /// It has lost its end: `found` bytes were left, of which `usable` are whole lines.
    Short { found: u64, usable: u64 },
}

/// The log as its one writer sees it: whoever holds the run's lock.
#[derive(Debug)]
pub(crate) struct EventLog {
    file: File,
    path: PathBuf,
    dir: PathBuf,
}

impl EventLog {
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(EVENTS);
        Ok(Self { file: durable::open_side_file(&path)?, path, dir: dir.to_path_buf() })
    }

    /// Moves aside what was never committed, and what is left of a line that was lost. Destroys nothing.
    pub(crate) fn guard(&self, counted: u64) -> Result<Guarded, StoreError> {
        let found = self.len()?;
        let usable = self.line_end_before(found.min(counted))?;
        if found > usable {
            self.quarantine(usable, found)?;
        }
        if usable == counted { Ok(Guarded::Whole) } else { Ok(Guarded::Short { found, usable }) }
    }

    /// Whether the newest of the events that count is older than that cursor. A line that is no event tells nothing.
    pub(crate) fn lacks(&self, cursor: u64, counted: u64) -> Result<bool, StoreError> {
        if counted == 0 {
            return Ok(cursor > 0);
        }
        // Before the line break at the end.
        let start = self.line_end_before(counted - 1)?;
        let read = |source| StoreError::Read { path: self.path.clone(), source };
        let line = read_range(&self.file, start, counted).map_err(read)?;
        Ok(first_cursor(&line).is_some_and(|newest| newest < cursor))
    }

    /// Adds lines at the end of what counts and makes them durable. If that fails, nothing has changed.
    pub(crate) fn append(&self, at: u64, lines: &[u8]) -> Result<(), StoreError> {
        let result = self.try_append(at, lines);
        if result.is_err() {
            self.withdraw(at);
        }
        result
    }

    fn try_append(&self, at: u64, lines: &[u8]) -> Result<(), StoreError> {
        let (head, rest) = lines.split_at(failpoint::middle(lines.len()));
        self.write(head, at)?;
        durable::check("store.commit.torn", &self.path)?;
        self.write(rest, at + len64(head))?;
        durable::check("store.commit.appended", &self.path)?;
        durable::sync_file(&self.file, &self.path)?;
        durable::check("store.commit.log_synced", &self.path)
    }

    /// Takes back what a failed commit appended, so that a full disk is no fuller than before. Where that fails, the
    /// next writer moves it aside.
    pub(crate) fn withdraw(&self, counted: u64) {
        let _ = self.file.set_len(counted);
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), StoreError> {
        self.file
            .write_all_at(bytes, at)
            .map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    fn len(&self) -> Result<u64, StoreError> {
        let metadata = self.file.metadata();
        metadata.map(|data| data.len()).map_err(|source| StoreError::Read { path: self.path.clone(), source })
    }

    /// The end of the last whole line that ends at or before `end`.
    fn line_end_before(&self, end: u64) -> Result<u64, StoreError> {
        let fail = |source| StoreError::Read { path: self.path.clone(), source };
        let mut end = end;
        // Nearly always the last byte is a line's end, and one byte is all that is read.
        let mut step = 1;
        while end > 0 {
            let start = end.saturating_sub(step);
            let bytes = read_range(&self.file, start, end).map_err(fail)?;
            if let Some(index) = bytes.iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + index as u64 + 1);
            }
            end = start;
            step = (step * 4).max(LOOK_BACK);
        }
        Ok(0)
    }

    fn quarantine(&self, from: u64, to: u64) -> Result<(), StoreError> {
        let path = self.dir.join(QUARANTINE);
        let write = |source| StoreError::Write { path: path.clone(), source };
        let target = durable::private().append(true).create(true).open(&path).map_err(write)?;
        let mut at = from;
        let mut last = b'\n';
        while at < to {
            let end = to.min(at + CHUNK as u64);
            let read = |source| StoreError::Read { path: self.path.clone(), source };
            let bytes = read_range(&self.file, at, end).map_err(read)?;
            io::Write::write_all(&mut &target, &bytes).map_err(write)?;
            last = bytes.last().copied().unwrap_or(last);
            at = end;
        }
        if last != b'\n' {
            io::Write::write_all(&mut &target, b"\n").map_err(write)?;
        }
        durable::sync_file(&target, &path)?;
        durable::sync_dir(&self.dir)?;
        durable::check("store.commit.quarantined", &path)?;
        self.file.set_len(from).map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }
}

/// Events as lines, numbered after `last_cursor`.
pub(crate) fn render(
    events: Vec<EventBody>,
    last_cursor: u64,
    at: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for (cursor, body) in (last_cursor + 1..).zip(events) {
        serde_json::to_writer(&mut lines, &Event { cursor, at, body })?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// What a reader found in the log.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Events after the cursor that was asked for.
    pub(crate) events: Vec<EventRecord>,
    /// Lines that are no events.
    pub(crate) unreadable: usize,
    /// Fewer bytes were there than count.
    pub(crate) short: bool,
}

/// The events after a cursor among the bytes that count. Takes no lock.
pub(crate) fn read(dir: &Path, counted: u64, after: u64) -> Result<Lines, StoreError> {
    let path = dir.join(EVENTS);
    let fail = |source| StoreError::Read { path: path.clone(), source };
    let file = match durable::open_file(&path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(Lines { short: counted > 0, ..Lines::default() }),
        Err(source) => return Err(StoreError::Open { path, source }),
    };
    let found = file.metadata().map_err(fail)?.len();
    let end = found.min(counted);
    // Whoever follows wants the last few lines: look back in growing steps until a line is old enough.
    let mut step = if after == 0 { end } else { LOOK_BACK };
    loop {
        let start = end.saturating_sub(step);
        let bytes = read_range(&file, start, end).map_err(fail)?;
        let whole = whole_lines(&bytes, start == 0);
        if start == 0 || first_cursor(whole).is_some_and(|cursor| cursor <= after + 1) {
            let mut lines = parse(whole, after);
            lines.short = found < counted || len64(&bytes) < end - start;
            return Ok(lines);
        }
        step = step.saturating_mul(4);
    }
}

/// Reads up to the end of the range, or of the file if somebody shortened it meanwhile.
fn read_range(file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, start + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Leaves out the halves of lines at the end, and at the start unless that is the start of the log.
fn whole_lines(bytes: &[u8], from_start: bool) -> &[u8] {
    let is_end = |byte: &u8| *byte == b'\n';
    let start = if from_start { Some(0) } else { bytes.iter().position(is_end).map(|index| index + 1) };
    let end = bytes.iter().rposition(is_end).map_or(0, |index| index + 1);
    start.and_then(|start| bytes.get(start..end)).unwrap_or(&[])
}

fn first_cursor(lines: &[u8]) -> Option<u64> {
    let mut lines = lines.split(|byte| *byte == b'\n');
    lines.find_map(|line| serde_json::from_slice::<EventRecord>(line).ok()).map(|event| event.cursor)
}

fn parse(bytes: &[u8], after: u64) -> Lines {
    let mut lines = Lines::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<EventRecord>(line) {
            Ok(event) if event.cursor > after => lines.events.push(event),
            Ok(_) => {}
            Err(_) => lines.unreadable += 1,
        }
    }
    lines
}

pub(crate) fn len64(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}
