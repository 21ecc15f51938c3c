//! Owns reading `/proc`: who is there, who their parents are, what their environment says. It must not decide
//! anything about what it read, and never fails: what cannot be read is absent.

use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::program::Marker;

/// More than the kernel lets a process have in arguments and environment together.
const MAX_ENVIRON: usize = 8 << 20;

/// For this long at most, a process that becomes another program is waited for; it takes microseconds mostly.
const EXEC_LIMIT: Duration = Duration::from_millis(20);

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
        let give_up = Instant::now() + EXEC_LIMIT;
        let mut confirmed = false;
        loop {
            let mark = match self.read(&format!("/proc/{pid}/environ"), MAX_ENVIRON) {
                Some([]) => None,
                Some(environ) => Some(parse_mark(environ, marker)),
                None => Some(Mark::Absent),
            };
            if let Some(mark) = mark {
                return mark;
            }
            // Empty: it must be so again after the process was seen not to be changing its program.
            if confirmed || Instant::now() >= give_up {
                return Mark::Absent;
            }
            confirmed = !self.is_in_exec(pid);
            if !confirmed {
                std::thread::yield_now();
            }
        }
    }

    /// What a process's environment says by this name.
    pub fn value(&mut self, pid: u32, name: &str) -> Option<String> {
        let environ = self.read(&format!("/proc/{pid}/environ"), MAX_ENVIRON)?;
        let value = environ
            .split(|byte| *byte == 0)
            .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The program of a process, and what it was given.
    pub fn command_line(&mut self, pid: u32) -> Option<Vec<String>> {
        let words = self.read(&format!("/proc/{pid}/cmdline"), MAX_ENVIRON)?;
        let words = words.strip_suffix(&[0]).unwrap_or(words);
        Some(words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    /// Whether its environment is empty only because the process is just becoming another program.
    fn is_in_exec(&mut self, pid: u32) -> bool {
        self.read(&format!("/proc/{pid}/stat"), 16 << 10).and_then(parse_in_exec).unwrap_or(false)
    }

    /// Reads the file with one system call: between two of them the process may become another program, and the
    /// rest of the old one's environment is gone.
    fn read(&mut self, path: &str, limit: usize) -> Option<&[u8]> {
        loop {
            let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
            let length = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut self.buffer[..])).ok()?;
            if length < self.buffer.len() || length >= limit {
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

/// Finds processes that are started while others are looked at, so that nobody slips by between two looks.
pub(crate) struct Births {
    /// Numbers up to this one have been told.
    cursor: u32,
    /// Told, but not there when they were looked at: a number is given out a moment before its process appears.
    awaited: Vec<Birth>,
}

#[derive(Clone, Copy)]
pub(crate) struct Birth {
    pub pid: u32,
    looks: u8,
}

impl Births {
    const LOOKS: u8 = 3;
    /// More new numbers than this are not gone through one by one.
    const RANGE: u32 = 1024;

    pub fn from_now_on() -> Self {
        Self { cursor: last_pid().unwrap_or(0), awaited: Vec::new() }
    }

    /// The numbers given out since the last call, and those that were not there then.
    pub fn next(&mut self) -> Vec<Birth> {
        let mut births = std::mem::take(&mut self.awaited);
        let last = last_pid().unwrap_or(self.cursor);
        let birth = |pid| Birth { pid, looks: 0 };
        match last.checked_sub(self.cursor) {
            Some(count) if count <= Self::RANGE => births.extend((self.cursor + 1..=last).map(birth)),
            // The numbers began anew, or there are too many.
            Some(_) | None => births.extend(pids().into_iter().map(birth)),
        }
        self.cursor = last;
        births
    }

    pub fn was_not_there(&mut self, birth: Birth) {
        if birth.looks < Self::LOOKS {
            self.awaited.push(Birth { looks: birth.looks + 1, ..birth });
        }
    }
}

/// When the machine was started, in seconds since 1970.
pub(crate) fn booted_at() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The number that was given out last, to a process or to a thread.
fn last_pid() -> Option<u32> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().last()?.parse().ok()
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

/// A living process of a user whose memory layout does not say yet where its code is: the kernel fills that in
/// after the environment.
fn parse_in_exec(text: &[u8]) -> Option<bool> {
    const EXITING: u64 = 0x4;
    const KERNEL_THREAD: u64 = 0x20_0000;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let dead = matches!(fields.next()?, "Z" | "X" | "x");
    // The flags are field 9, the start of the code is field 26.
    let flags: u64 = fields.nth(5)?.parse().ok()?;
    let start_of_code: u64 = fields.nth(16)?.parse().ok()?;
    Some(!dead && flags & (EXITING | KERNEL_THREAD) == 0 && start_of_code == 0)
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
