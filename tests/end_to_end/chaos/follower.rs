//! A follower: reads the manifest, then the log as far as the manifest counts, whenever anything happens to either. What
//! it has seen must never be gone or different.

use std::io::PipeWriter;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use serde_json::Value;

use super::scene::Scene;

/// A thread that follows a run.
pub struct Follower {
    /// Closing it ends the thread.
    stop: PipeWriter,
    thread: JoinHandle<Result<Seen, String>>,
    log: PathBuf,
}

/// What a follower has seen.
#[derive(Debug, Default)]
struct Seen {
    history: Vec<u8>,
    revision: u64,
    looks: usize,
}

impl Scene {
    /// Follows the run from now on.
    pub fn follow(&self) -> Follower {
        let directory = self.world.run_dir(&self.run);
        let log = directory.join("run-events.jsonl");
        let (stopped, stop) = std::io::pipe().unwrap();
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        // The growth of the log wakes it too: a moment at which there is more than counts.
        add_watch(&watch, &directory, WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::CREATE)
            .unwrap();
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            loop {
                seen.look(&directory)?;
                let mut fds = [PollFd::new(&watch, PollFlags::IN), PollFd::new(&stopped, PollFlags::IN)];
                match poll(&mut fds, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(format!("poll: {error}")),
                }
                if !fds[1].revents().is_empty() {
                    seen.look(&directory)?;
                    return Ok(seen);
                }
                drain(&watch);
            }
        });
        Follower { stop, thread, log }
    }
}

impl Seen {
    fn look(&mut self, directory: &Path) -> Result<(), String> {
        let read =
            |name: &str| std::fs::read(directory.join(name)).map_err(|error| format!("{name}: {error}"));
        let manifest: Value =
            serde_json::from_slice(&read("run.json")?).map_err(|error| format!("run.json: {error}"))?;
        let mut log = read("run-events.jsonl")?;
        let counted = usize::try_from(manifest["eventsLen"].as_u64().unwrap_or(0)).unwrap_or(0);
        let revision = manifest["revision"].as_u64().unwrap_or(0);
        if log.len() < counted {
            return Err(format!("{} of {counted} bytes of the log are there", log.len()));
        }
        log.truncate(counted);
        if revision < self.revision || !log.starts_with(&self.history) {
            let (before, now) = (String::from_utf8_lossy(&self.history), String::from_utf8_lossy(&log));
            return Err(format!("revision {} was:\n{before}\nrevision {revision} is:\n{now}", self.revision));
        }
        *self = Self { history: log, revision, looks: self.looks + 1 };
        Ok(())
    }
}

impl Follower {
    /// Fails unless everything it saw on the way is there, as it was.
    pub fn finish(self) {
        drop(self.stop);
        let seen =
            self.thread.join().unwrap().unwrap_or_else(|why| panic!("a follower saw what is not so: {why}"));
        let log = std::fs::read(&self.log).unwrap();
        assert!(
            log.starts_with(&seen.history),
            "a follower saw:\n{}",
            String::from_utf8_lossy(&seen.history)
        );
        assert!(seen.looks > 1 && !seen.history.is_empty(), "a follower saw nothing");
    }
}

fn drain(watch: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(watch, &mut buffer);
    while reader.next().is_ok() {}
}
