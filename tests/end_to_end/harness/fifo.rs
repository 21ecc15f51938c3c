//! Named pipes by which a test and its fake agents wait for each other.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use super::PATIENCE;
use super::waiting::wait_readable;
use super::world::World;

/// One named pipe. The test holds both ends, so an agent's `echo … > fifo` and `read line < fifo` never fail for want
/// of a partner; a read waits for the test's word.
pub struct Fifo {
    pub path: PathBuf,
    file: File,
    rest: RefCell<Vec<u8>>,
}

impl World {
    /// A named pipe below the world's root; in agents' scripts it is `"$W/name"`.
    pub fn fifo(&self, name: &str) -> Fifo {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let file = File::options().read(true).write(true).custom_flags(flags).open(&path).unwrap();
        Fifo { path, file, rest: RefCell::default() }
    }
}

impl Fifo {
    /// Waits for a line that somebody writes.
    #[track_caller]
    pub fn line(&self) -> String {
        self.line_within(PATIENCE).unwrap_or_else(|| panic!("nobody wrote to {}", self.path.display()))
    }

    /// Waits this long for a line.
    pub fn line_within(&self, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            let mut rest = self.rest.borrow_mut();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !wait_readable(&self.file, deadline.saturating_duration_since(Instant::now())) {
                return None;
            }
            let mut buffer = [0u8; 4096];
            match (&self.file).read(&mut buffer) {
                Ok(count) => rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{}: {error}", self.path.display()),
            }
        }
    }

    /// Lets one reader go on.
    pub fn release(&self) {
        self.say("go");
    }

    /// Writes a line.
    pub fn say(&self, line: &str) {
        (&self.file).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}
