//! Finding the processes of a run by who started whom, waiting for a moment, and killing.

use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use crate::harness::{Running, pidfd, wait_readable};

use super::scene::Scene;

/// The time between two looks for a victim that is not there yet.
const SOON: Duration = Duration::from_micros(500);

/// The children of a process, by every thread.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| std::fs::read_to_string(thread.path().join("children")));
    let text: String = lists.filter_map(Result::ok).collect();
    text.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// A process and everything that descends from it.
pub fn family(pid: i32) -> Vec<i32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        family.extend(children(*pid));
        next += 1;
    }
    family
}

/// The driver of a foreground command: the one process it started.
pub fn driver_of(front: i32) -> Option<i32> {
    children(front).first().copied()
}

/// The worker of a foreground command's run.
pub fn worker_of(front: i32) -> Option<i32> {
    children(driver_of(front)?).first().copied()
}

/// Kills processes all at once. Those that are gone are no concern.
pub fn kill(pids: &[i32]) {
    let handles: Vec<_> = pids.iter().filter_map(|pid| pidfd(*pid)).collect();
    for handle in handles {
        let _ = pidfd_send_signal(&handle, Signal::KILL);
    }
}

/// Lets this much of a command's life pass; `false` if it ended before. That the moment is a matter of chance is the
/// point of the crash tests, so this waits for a time: to choose when to kill, and for nothing else.
pub fn reach_moment(command: &Running<'_>, moment: Duration) -> bool {
    match pidfd(command.pid()) {
        Some(handle) => !wait_readable(&handle, moment),
        None => false,
    }
}

/// Looks for a victim at a moment of a command's life, or as soon as there is one after it; none when the command ends
/// before. Nothing tells that a process of somebody else's was started, so this looks again and again.
pub fn victim_at(command: &Running<'_>, moment: Duration, find: impl Fn(i32) -> Option<i32>) -> Option<i32> {
    let mut pause = moment;
    while reach_moment(command, pause) {
        if let Some(pid) = find(command.pid()) {
            return Some(pid);
        }
        pause = SOON;
    }
    None
}

/// Whether any process of this machine is just becoming another program: a living one of a user, of which the kernel
/// does not know yet where its code is.
fn somebody_is_in_exec() -> bool {
    const EXITING_OR_KERNEL: u64 = 0x4 | 0x20_0000;
    let in_exec = |stat: &str| -> Option<bool> {
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let (state, flags, code) = (fields.first()?, fields.get(6)?, fields.get(23)?);
        let flags: u64 = flags.parse().ok()?;
        Some(!["Z", "X"].contains(state) && flags & EXITING_OR_KERNEL == 0 && *code == "0")
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.into_iter().any(|stat| in_exec(&stat) == Some(true))
}

impl Scene {
    /// Waits until nobody drives the run: a driver that lost its starter ends it first.
    pub fn wait_undriven(&self) {
        let deadline = Instant::now() + crate::harness::PATIENCE;
        let mut quiet = 0;
        // Whoever is becoming another program belongs to no world for a moment: the second look finds those who were
        // just doing that at the first one.
        while quiet < 2 {
            quiet += 1;
            if let Some(driver) = self.driver() {
                let left = deadline.saturating_duration_since(Instant::now());
                let gone = pidfd(driver).is_none_or(|handle| wait_readable(&handle, left));
                assert!(gone, "still driven\n{}", self.world.everything_known());
                quiet = 0;
            } else if somebody_is_in_exec() {
                quiet = 0;
            }
        }
    }

    /// A driver, or what is about to become one and still looks like the command that starts it.
    fn driver(&self) -> Option<i32> {
        let drives = |command: &str| command.contains(" drive ") || command.contains(" run ");
        let processes = self.world.processes();
        processes.iter().find(|process| drives(&process.command)).map(|process| process.pid)
    }

    /// Fails if anything runs but what this test itself has started, which is whoever adds notes.
    pub fn assert_no_worker(&self) {
        let mut left = self.world.processes();
        left.retain(|process| process.parent.unsigned_abs() != std::process::id());
        assert!(left.is_empty(), "left running: {left:#?}\n{}", self.world.everything_known());
    }
}
