//! Who we are, as others may see us: process, boot, process namespace and host. Must not judge whether somebody is
//! alive by a process id.

use std::fs;

use serde::{Deserialize, Serialize};

use agent_runner_model::Lease;

/// A process that took a run's owner lease.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its process id, in its process namespace.
    pub pid: u32,
    /// When it was started, in clock ticks since boot; 0 where the system does not say.
    pub start_time: u64,
    /// Which boot of which machine; empty where the system does not say.
    pub boot_id: String,
    /// Its process namespace; empty where the system does not say.
    pub pid_namespace: String,
    /// Its host name.
    pub host: String,
}

impl Holder {
    /// This process.
    pub fn current() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Self {
            pid: std::process::id(),
            start_time: start_time(&read("/proc/self/stat")).unwrap_or(0),
            boot_id: read("/proc/sys/kernel/random/boot_id").trim().to_owned(),
            pid_namespace: namespace.to_string_lossy().into_owned(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }

    /// In a few words, for people.
    pub fn words(&self) -> String {
        format!("process {} on {}", self.pid, self.host)
    }

    /// What a free lock says about this recorded holder, seen from `here`. A lock proves nothing about a process
    /// whose kernel is another one, or that cannot be seen from here.
    pub(crate) fn when_unlocked(&self, here: &Self) -> Lease {
        let same_boot = self.boot_id == here.boot_id;
        let same_host = self.host == here.host;
        let same_namespace = self.pid_namespace == here.pid_namespace;
        match (same_boot, same_namespace, same_host) {
            (true, true, _) | (false, _, true) => Lease::Free,
            (true, false, _) | (false, _, false) => Lease::Unknown,
        }
    }
}

/// Field 22 of `/proc/<pid>/stat`; the name in field 2 may hold blanks and parentheses.
fn start_time(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(boot: &str, namespace: &str, host: &str) -> Holder {
        Holder {
            pid: 1,
            start_time: 1,
            boot_id: boot.to_owned(),
            pid_namespace: namespace.to_owned(),
            host: host.to_owned(),
        }
    }

    #[test]
    fn a_free_lock_is_believed_only_where_it_means_something() {
        let here = holder("boot", "ns", "host");
        let verdict = |boot, namespace, host| holder(boot, namespace, host).when_unlocked(&here);
        assert_eq!(verdict("boot", "ns", "host"), Lease::Free);
        assert_eq!(verdict("boot", "ns", "renamed"), Lease::Free);
        assert_eq!(verdict("earlier", "ns", "host"), Lease::Free, "the machine was started again");
        assert_eq!(verdict("earlier", "other", "host"), Lease::Free);
        assert_eq!(verdict("boot", "container", "host"), Lease::Unknown);
        assert_eq!(verdict("boot", "container", "other"), Lease::Unknown);
        assert_eq!(verdict("other", "ns", "other"), Lease::Unknown);
    }

    #[test]
    fn the_start_time_is_found_behind_an_odd_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 1";
        assert_eq!(start_time(stat), Some(4242));
        assert_eq!(start_time(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_described_fully() {
        let me = Holder::current();
        assert_eq!(me.pid, std::process::id());
        assert!(me.start_time > 0 && !me.boot_id.is_empty());
        assert!(me.pid_namespace.starts_with("pid:[") && !me.host.is_empty());
    }
}
