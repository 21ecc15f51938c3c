//! Owns reading `/proc`: who is there, who their parents are, what their environment says. It must not decide
//! anything about what it read, and never fails: what cannot be read is absent.

use std::fs::File;
use std::io::Read;

use crate::program::Marker;

/// More than the kernel lets a process have in arguments and environment together.
const MAX_ENVIRON: usize = 8 << 20;

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub pid: u32,
    pub name: String,
    pub state: u8,
    pub parent: u32,
    pub group: u32,
    /// Clock ticks since boot.
    pub start_time: u64,
}

impl Stat {
    /// Over, but not yet collected by its parent.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// What an environment says about a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Same,
    Other,
    /// No such variable, or the environment cannot be read.
    Absent,
}

/// A buffer for reading many small files.
pub(crate) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    pub fn new() -> Self {
        Self { buffer: vec![0; 16 << 10] }
    }

    pub fn stat(&mut self, pid: u32) -> Option<Stat> {
        parse_stat(self.read(&format!("/proc/{pid}/stat"), 16 << 10)?)
    }

    pub fn mark(&mut self, pid: u32, marker: &Marker) -> Mark {
        match self.read(&format!("/proc/{pid}/environ"), MAX_ENVIRON) {
            Some(environ) => parse_mark(environ, marker),
            None => Mark::Absent,
        }
    }

    fn read(&mut self, path: &str, limit: usize) -> Option<&[u8]> {
        let mut file = File::open(path).ok()?;
        let mut length = 0;
        loop {
            match file.read(&mut self.buffer[length..]) {
                Ok(0) => return Some(&self.buffer[..length]),
                Ok(count) => length += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if length < self.buffer.len() {
                // These files are short only at their end.
                return Some(&self.buffer[..length]);
            }
            if length >= limit {
                return Some(&self.buffer[..length]);
            }
            self.buffer.resize(length * 2, 0);
        }
    }
}

/// All processes that can be seen.
pub(crate) fn pids() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The direct children of this process, by every thread.
pub(crate) fn own_children() -> Vec<u32> {
    let listed = || -> Option<Vec<u32>> {
        let mut children = Vec::new();
        for thread in std::fs::read_dir("/proc/self/task").ok()? {
            let text = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
            children.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        Some(children)
    };
    // Kernels may be built without the list.
    listed().unwrap_or_else(|| {
        let (own, mut reader) = (std::process::id(), Reader::new());
        pids().into_iter().filter(|pid| reader.stat(*pid).is_some_and(|stat| stat.parent == own)).collect()
    })
}

fn parse_stat(text: &[u8]) -> Option<Stat> {
    // The name may contain anything, closing parentheses and spaces included.
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(text.get(..open)?).ok()?.trim().parse().ok()?;
    let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
    let mut fields = std::str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    // The start time is field 22, counted from one; the group is field 5.
    let start_time = fields.nth(16)?.parse().ok()?;
    Some(Stat { pid, name, state, parent, group, start_time })
}

fn parse_mark(environ: &[u8], marker: &Marker) -> Mark {
    let mut mark = Mark::Absent;
    for entry in environ.split(|byte| *byte == 0) {
        let Some(value) = entry.strip_prefix(marker.name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        else {
            continue;
        };
        if value == marker.value.as_bytes() {
            return Mark::Same;
        }
        mark = Mark::Other;
    }
    mark
}
