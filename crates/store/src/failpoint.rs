//! Named points where a test can kill this process or fill its disk. Without the feature `failpoints` nothing here
//! does anything. Must not be used for anything but tests.
//!
//! `AGENT_RUNNER_FAILPOINT=<role>:<name>#<n>` kills a process of that role (`*` for any) at the n-th time it comes by
//! (1 if left out); `AGENT_RUNNER_FAILPOINT_ERROR` makes the store operation fail there as on a full disk.
//! `AGENT_RUNNER_FAILPOINT_TRACE` names a file to which every process adds a line for each point it comes by:
//! `<role> <pid> <name>`. So a test knows that a process died where it was to die, and that it missed no point.

/// Every point there is.
pub const ALL: &[&str] = &[
    "store.create.locked",
    "store.create.made_dir",
    "store.create.wrote_seeds",
    "store.create.wrote_log",
    "store.create.wrote_tmp",
    "store.create.announced",
    "store.create.renamed",
    "store.create.synced",
    "store.adopt.claimed",
    "store.adopt.wrote_log",
    "store.adopt.wrote_blobs",
    "store.adopt.wrote_manifest",
    "store.adopt.synced",
    "store.adopt.renamed",
    "store.adopt.done",
    "store.aside.moved",
    "store.aside.settled",
    "store.commit.locked",
    "store.commit.quarantined",
    "store.commit.repaired",
    "store.commit.guarded",
    "store.commit.announced",
    "store.commit.torn",
    "store.commit.appended",
    "store.commit.log_synced",
    "store.commit.tmp_written",
    "store.commit.tmp_synced",
    "store.commit.renamed",
    "store.commit.dir_synced",
    "store.owner.locked",
    "store.owner.written",
    "store.workspace.entered",
    "store.delete.checked",
    "store.delete.announced",
    "store.delete.moved",
    "store.delete.emptied",
    "store.blob.half_copied",
    "store.blob.copied",
    "store.blob.sealing",
    "store.blob.sealed",
    "driver.started",
    "driver.took_lease",
    "driver.attempt_committed",
    "driver.spawned",
    "driver.spawn_committed",
    "driver.worker_exited",
    "driver.leftovers_ended",
    "driver.finished",
    "driver.hook_begins",
    "driver.hook_ran",
    "driver.hook_committed",
    "driver.notice_pending",
    "driver.notice_told",
    "driver.notice_started",
    "driver.notice_acted",
    "driver.notice_delivered",
    "budget.reserved",
    "budget.unsettled",
    "gc.decided",
    "command.created",
    "command.preparing",
    "command.driver_spawned",
    "command.lease_seen",
    "command.following",
    "command.attachment_kept",
    "task.hook_begins",
    "task.hook_ran",
    "task.before_commit",
    "task.after_commit",
];

/// Says what this process is, for `<role>` in the environment. The first word counts.
pub fn set_role(role: &'static str) {
    armed::set_role(role);
}

/// Dies here if a test wants it so.
pub fn hit(name: &'static str) {
    armed::hit(name);
}

/// Dies here, or fails, if a test wants it so.
pub(crate) fn check(name: &'static str) -> std::io::Result<()> {
    armed::hit(name);
    armed::error(name)
}

/// Where a write is to be interrupted: at the middle with failpoints, else at the end.
pub(crate) fn middle(len: usize) -> usize {
    if cfg!(feature = "failpoints") { len / 2 } else { len }
}

#[cfg(feature = "failpoints")]
pub use armed::fail_on_this_thread;

#[cfg(not(feature = "failpoints"))]
mod armed {
    //! Nothing.

    pub(super) fn set_role(_role: &'static str) {}

    #[inline(always)]
    pub(super) fn hit(_name: &'static str) {}

    #[inline(always)]
    pub(super) fn error(_name: &'static str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    //! The points as tests see them.

    use std::cell::RefCell;
    use std::ffi::OsString;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    pub(super) struct Trap {
        role: String,
        name: String,
        left: AtomicU64,
    }

    static ROLE: OnceLock<&'static str> = OnceLock::new();
    static KILL: OnceLock<Option<Trap>> = OnceLock::new();
    static ERROR: OnceLock<Option<Trap>> = OnceLock::new();
    static TRACE: OnceLock<Option<OsString>> = OnceLock::new();

    thread_local! {
        static HERE: RefCell<Option<&'static str>> = const { RefCell::new(None) };
    }

    impl Trap {
        fn from_env(variable: &str) -> Option<Self> {
            Self::parse(&std::env::var(variable).ok()?)
        }

        pub(super) fn parse(text: &str) -> Option<Self> {
            let (role, rest) = text.split_once(':')?;
            let (name, count) = rest.split_once('#').unwrap_or((rest, "1"));
            let left = AtomicU64::new(count.parse().ok()?);
            Some(Self { role: role.to_owned(), name: name.to_owned(), left })
        }

        pub(super) fn springs(&self, name: &str, role: &str) -> bool {
            self.name == name
                && (self.role == "*" || self.role == role)
                && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        }
    }

    fn role() -> &'static str {
        ROLE.get().copied().unwrap_or("")
    }

    pub(super) fn set_role(role: &'static str) {
        // The first one counts: a process is one thing.
        let _ = ROLE.set(role);
    }

    /// Says that this process came by. A trace that cannot be written is a failure of the test that wants it.
    fn trace(name: &'static str) {
        let Some(path) = TRACE.get_or_init(|| std::env::var_os("AGENT_RUNNER_FAILPOINT_TRACE")) else {
            return;
        };
        let line = format!("{} {} {name}\n", role(), std::process::id());
        let file = OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    pub(super) fn hit(name: &'static str) {
        debug_assert!(super::ALL.contains(&name), "the point {name} is not listed");
        trace(name);
        let trap = KILL.get_or_init(|| Trap::from_env("AGENT_RUNNER_FAILPOINT"));
        if trap.as_ref().is_some_and(|trap| trap.springs(name, role())) {
            let _ = kill_process(getpid(), Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }

    pub(super) fn error(name: &'static str) -> io::Result<()> {
        let here = HERE.with(|here| {
            let mut here = here.borrow_mut();
            let armed = *here == Some(name);
            if armed {
                *here = None;
            }
            armed
        });
        let trap = ERROR.get_or_init(|| Trap::from_env("AGENT_RUNNER_FAILPOINT_ERROR"));
        if here || trap.as_ref().is_some_and(|trap| trap.springs(name, role())) {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        Ok(())
    }

    /// Makes the store operation that next comes by that point on this thread fail as on a full disk.
    pub fn fail_on_this_thread(name: &'static str) {
        HERE.with(|here| *here.borrow_mut() = Some(name));
    }
}

#[cfg(all(test, feature = "failpoints"))]
mod tests {
    use super::armed::Trap;

    #[test]
    fn a_trap_springs_once_for_its_role_and_name() {
        let hits = |text: &str, role: &str, times: usize| -> Vec<bool> {
            let trap = Trap::parse(text).unwrap();
            (0..times).map(|_| trap.springs("store.a", role)).collect()
        };
        assert_eq!(hits("driver:store.a", "driver", 3), [true, false, false]);
        assert_eq!(hits("driver:store.a#2", "driver", 3), [false, true, false]);
        assert_eq!(hits("*:store.a", "", 2), [true, false]);
        assert_eq!(hits("command:store.a", "driver", 2), [false, false]);
        assert_eq!(hits("*:store.b", "driver", 2), [false, false]);
        assert!(Trap::parse("store.a").is_none() && Trap::parse("*:a#x").is_none());
    }
}
