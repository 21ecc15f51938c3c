//! The processes of a world: everything that was started in it carries its path somewhere.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use super::waiting::{pidfd, wait_readable};
use super::world::World;

/// A live process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub command: String,
}

/// All live processes whose environment, arguments or directory name `root`. Zombies are not alive.
pub(super) fn of(root: &Path) -> Vec<Process> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == own || !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        found.extend(belonging(&entry.path(), &name, root));
    }
    found.sort_by_key(|process| process.pid);
    found
}

fn belonging(directory: &Path, name: &str, root: &Path) -> Option<Process> {
    let needle = root.as_os_str().as_encoded_bytes();
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let arguments = std::fs::read(directory.join("cmdline")).unwrap_or_default();
    let environment = std::fs::read(directory.join("environ")).unwrap_or_default();
    let cwd = std::fs::read_link(directory.join("cwd")).unwrap_or_default();
    if !(holds(&arguments) || holds(&environment) || cwd.starts_with(root)) {
        return None;
    }
    let stat = std::fs::read_to_string(directory.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let (state, parent) = (fields.next()?, fields.next()?);
    if matches!(state, "Z" | "X") {
        return None;
    }
    let command = String::from_utf8_lossy(&arguments).replace('\0', " ");
    Some(Process { pid: name.parse().ok()?, parent: parent.parse().ok()?, command })
}

/// Waits until no process of a world is left; returns those that stay.
pub(super) fn wait_until_gone(root: &Path, patience: Duration) -> Vec<Process> {
    let deadline = Instant::now() + patience;
    loop {
        let left = of(root);
        let Some(first) = left.first() else { return left };
        let time = deadline.saturating_duration_since(Instant::now());
        if !pidfd(first.pid).is_none_or(|fd| wait_readable(&fd, time)) {
            return of(root);
        }
    }
}

/// Ends every process of a world. What is started meanwhile is found in the next round.
pub(super) fn end(root: &Path) {
    for _ in 0..20 {
        let handles: Vec<OwnedFd> = of(root)
            .iter()
            .filter_map(|process| {
                let handle = pidfd(process.pid)?;
                // The number may have gone to somebody else before the handle was there.
                let still = belonging(&Path::new("/proc").join(process.pid.to_string()), "0", root);
                still.map(|_| handle)
            })
            .collect();
        if handles.is_empty() {
            return;
        }
        for handle in &handles {
            let _ = pidfd_send_signal(handle, Signal::KILL);
        }
        for handle in &handles {
            wait_readable(handle, Duration::from_secs(5));
        }
    }
}

impl World {
    /// The most memory of its own that a process has had resident so far, in KiB. The pages of its program do not count:
    /// they grow with the code and with what the build knows for debuggers, not with what the process was sent.
    pub fn peak_resident_kib(&self, pid: i32) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let kib = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches("kB").trim().parse().unwrap()
        };
        kib("VmHWM:") - kib("RssFile:")
    }

    /// Whether a process lives; a zombie does not.
    pub fn is_alive(&self, pid: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
}
