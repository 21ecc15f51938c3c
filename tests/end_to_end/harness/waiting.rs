//! Waiting for things to happen without looking again and again: processes, pipes, files.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;

use super::PATIENCE;
use super::world::World;

/// A handle on a process that becomes readable when it ends; none if it is gone already.
pub fn pidfd(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

/// Waits until something can be read; `false` when time is up.
pub fn wait_readable(fd: &impl AsFd, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).unwrap();
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&left)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
    }
}

impl World {
    /// Waits until a process has ended.
    pub fn wait_gone(&self, pid: i32) {
        let gone = pidfd(pid).is_none_or(|fd| wait_readable(&fd, PATIENCE));
        assert!(gone, "process {pid} still runs\n{}", self.everything_known());
    }

    /// Waits until a run's manifest is as it should be, and returns it.
    pub fn wait_manifest(&self, run: &str, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        // The watch comes first: what happens between a look and the watch would be missed.
        add_watch(&watch, self.run_dir(run), WatchFlags::MOVED_TO).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let manifest = self.manifest(run);
            if done(&manifest) {
                return manifest;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let woken = wait_readable(&watch, left);
            assert!(woken, "the run never came to this: {what}\n{}", self.everything_known());
            drain(&watch);
        }
    }

    /// Waits until a run has ended, and returns its manifest.
    pub fn wait_ended(&self, run: &str) -> Value {
        self.wait_manifest(run, "an end", |manifest| manifest["state"]["phase"]["name"] == "ended")
    }

    /// Waits until the worker of the given attempt runs and is known, and returns its process id.
    pub fn wait_worker(&self, run: &str, attempt: u64) -> i32 {
        self.wait_manifest(run, "a running worker", |manifest| {
            let live = &manifest["state"]["phase"]["stage"]["attempt"];
            live["attemptNumber"] == attempt && live["process"]["pid"].is_i64()
        });
        self.worker_pid(run)
    }
}

fn drain(watch: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(watch, &mut buffer);
    while reader.next().is_ok() {}
}
