//! What processes say of the points they come by: the proof that a victim died where it was to die.

use std::collections::BTreeMap;

use super::scene::Scene;

/// Variable that kills a process at a point.
pub const FAILPOINT: &str = "AGENT_RUNNER_FAILPOINT";
/// Variable that names the file processes leave their traces in.
pub const TRACE: &str = "AGENT_RUNNER_FAILPOINT_TRACE";
/// That file in a world.
pub const FILE: &str = "trace";

/// The points one process came by, in order.
#[derive(Debug)]
pub struct Path {
    pub pid: i32,
    pub points: Vec<String>,
}

impl Path {
    /// How often it came by each point.
    pub fn visits(&self) -> BTreeMap<&str, u8> {
        let mut visits = BTreeMap::new();
        for point in &self.points {
            *visits.entry(point.as_str()).or_default() += 1;
        }
        visits
    }

    /// Fails unless the process died when it came by that point for the n-th time.
    pub fn assert_ends_at(&self, point: &str, times: u8) {
        assert_eq!(self.points.last().map(String::as_str), Some(point), "it did not die there: {self:?}");
        assert_eq!(self.visits()[point], times, "{self:?}");
    }
}

impl Scene {
    /// The paths of all processes of a role, in the order in which they first came by a point.
    pub fn paths(&self, role: &str) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        for line in self.world.lines(FILE) {
            let words: Vec<&str> = line.split(' ').collect();
            let [its_role, pid, point] = words[..] else { panic!("not a trace: {line:?}") };
            if its_role != role {
                continue;
            }
            let pid = pid.parse().unwrap();
            match paths.iter_mut().find(|path| path.pid == pid) {
                Some(path) => path.points.push(point.to_owned()),
                None => paths.push(Path { pid, points: vec![point.to_owned()] }),
            }
        }
        paths
    }

    /// Fails unless the newest process of that role died when it came by that point for the n-th time.
    pub fn assert_died_at(&self, role: &str, point: &str, times: u8) {
        let paths = self.paths(role);
        let path = paths.last().unwrap_or_else(|| panic!("no {role} came by any point: {point}"));
        path.assert_ends_at(point, times);
        // A process closes its pipes before it is gone.
        self.world.wait_gone(path.pid);
    }
}
