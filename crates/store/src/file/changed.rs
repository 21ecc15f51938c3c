//! The change log: which runs somebody was about to change. Whoever keeps a copy of what manifests say learns from it what
//! to read again. A line comes before the change it announces. Must never make a commit fail, wait or sync.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::durable;
use super::layout::Layout;

const LOG: &str = "changed-runs";
const OLDER: &str = "changed-runs.1";
/// From this size on, whoever creates a run begins another log.
const LONG: u64 = 256 * 1024;
/// How often a writer looks for the log that has the name, when others begin new ones.
const TRIES: usize = 3;

/// The announcement of a change.
#[must_use = "a change that could not be announced is told after it has landed"]
pub(crate) struct Announced {
    logs: [PathBuf; 2],
    written: bool,
}

/// Says that a run's directory is about to change. The caller holds the run's lock, or that of creations.
pub(crate) fn announce(layout: &Layout, dir: &Path) -> Announced {
    let logs = logs(layout);
    let written = write(layout, &logs[0], dir).unwrap_or(false);
    let announced = Announced { logs, written };
    announced.forget_if_unwritten();
    announced
}

impl Announced {
    /// Says that the change has landed.
    pub(crate) fn landed(self) {
        self.forget_if_unwritten();
    }

    /// Who does not find the log they followed looks at everything; and taking it away needs no space on the disk.
    fn forget_if_unwritten(&self) {
        if !self.written {
            for log in &self.logs {
                let _ = fs::remove_file(log);
            }
        }
    }
}

fn logs(layout: &Layout) -> [PathBuf; 2] {
    [layout.state_dir().join(LOG), layout.state_dir().join(OLDER)]
}

fn write(layout: &Layout, log: &Path, dir: &Path) -> io::Result<bool> {
    let Ok(place) = dir.strip_prefix(layout.runs()) else { return Ok(false) };
    let mut line = place.as_os_str().as_encoded_bytes().to_vec();
    if line.contains(&b'\n') {
        return Ok(false);
    }
    line.push(b'\n');
    for _ in 0..TRIES {
        let mut file = open_log(log)?;
        // One write: lines of several writers do not mix.
        if file.write(&line)? < line.len() {
            return Ok(false);
        }
        // Somebody may have begun another log, and whoever had read this one to its end does not look at it again.
        if file.metadata()?.ino() == fs::metadata(log)?.ino() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens a log to write at its end. Somebody may have put a pipe in its place: nobody waits for who reads it.
fn open_log(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = durable::private().append(true).create(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Begins another log where this one is long. The caller holds the lock of creations.
pub(crate) fn begin_another(layout: &Layout) {
    let [log, older] = logs(layout);
    if fs::metadata(&log).is_ok_and(|found| found.len() >= LONG) {
        let _ = fs::rename(&log, &older);
    }
}

/// How far somebody has read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Which log; nothing where there was none.
    pub(crate) log: String,
    /// Bytes of it.
    pub(crate) read: u64,
}

/// What was announced since.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Places of runs below the directory of runs, as somebody wrote them.
    pub(crate) places: Vec<String>,
    /// Announcements are missing: everything has to be looked at.
    pub(crate) has_gap: bool,
    /// Where to go on.
    pub(crate) mark: Mark,
}

/// What was announced since somebody read that far.
pub(crate) fn since(layout: &Layout, mark: &Mark) -> io::Result<News> {
    let [log, older] = logs(layout);
    let mut news = News::default();
    let current = match open(&log)? {
        Some(found) => Some(found),
        // One that is not there may have come and gone since: only a log that was followed tells that nothing happened.
        None => {
            open_log(&log)?;
            open(&log)?
        }
    };
    match &current {
        Some((_, identity)) if *identity == mark.log => {}
        Some(_) | None => match open(&older)? {
            Some((file, identity)) if identity == mark.log => {
                news.has_gap = read(file, mark.read, &mut news.places)?.is_none();
            }
            Some((file, _)) => {
                news.has_gap = true;
                read(file, 0, &mut news.places)?;
            }
            None => news.has_gap = true,
        },
    }
    if let Some((file, identity)) = current {
        let from = if identity == mark.log { mark.read } else { 0 };
        match read(file, from, &mut news.places)? {
            Some(read) => news.mark = Mark { log: identity, read },
            None => news = News { has_gap: true, ..News::default() },
        }
    }
    Ok(news)
}

/// A log and what tells it from others of its name.
fn open(path: &Path) -> io::Result<Option<(File, String)>> {
    match durable::open_file(path) {
        Ok(file) => {
            let found = file.metadata()?;
            // The number of a file that was removed is given to another one soon.
            let born = found.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
            let identity = format!("{}:{}", found.ino(), born.unwrap_or_default().as_nanos());
            Ok(Some((file, identity)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads whole lines from a place on, and says where they end; nothing if the log is shorter than that.
fn read(mut file: File, from: u64, places: &mut Vec<String>) -> io::Result<Option<u64>> {
    if file.metadata()?.len() < from {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
    let known = lines.filter(|line| !line.is_empty()).filter_map(|line| std::str::from_utf8(line).ok());
    places.extend(known.map(str::to_owned));
    Ok(Some(from + whole as u64))
}
