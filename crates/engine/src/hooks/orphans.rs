//! Hooks of commands that are gone: a command that is killed takes nobody with it. Must not touch those of living commands.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_runner_model::RunId;
use agent_runner_store::Holder;
use agent_runner_supervisor::{Leftover, Marker, descends_from, end_leftovers, identity_of, marker_values};

use crate::clock::random_text;
use crate::environment::HOOK_MARKER;

/// Characters of the part of a marker that is made up.
const MARKER_LENGTH: usize = 24;
/// How long those that are left have to go by themselves.
const GRACE: Duration = Duration::from_secs(2);

/// What the processes of a hook carry that this process runs: it says who runs it.
pub(crate) fn command_marker(run_id: &RunId) -> std::io::Result<Marker> {
    let here = Holder::current();
    let text = random_text(MARKER_LENGTH).map_err(std::io::Error::other)?;
    let value = format!("{}{} {} {text}", beginning(run_id, &here), here.pid, here.start_time);
    Ok(Marker { name: HOOK_MARKER.to_owned(), value })
}

/// Ends what hooks of this run have left that were run by commands which are gone.
pub(crate) async fn end_orphans(run_id: &RunId) -> Vec<Leftover> {
    let mut ended = Vec::new();
    for marker in orphans_of(run_id) {
        ended.extend(end_leftovers(&marker, None, GRACE).await);
    }
    ended
}

/// What such hooks carry.
pub(crate) fn orphans_of(run_id: &RunId) -> Vec<Marker> {
    let beginning = beginning(run_id, &Holder::current());
    let values = marker_values(HOOK_MARKER).into_iter();
    let orphaned = values.filter(|value| value.strip_prefix(&beginning).is_some_and(is_orphaned));
    orphaned.map(|value| Marker { name: HOOK_MARKER.to_owned(), value }).collect()
}

/// The runs that any such hook is of, wherever they are kept.
pub(crate) fn orphaned_runs() -> BTreeSet<String> {
    let values = marker_values(HOOK_MARKER).into_iter();
    values.filter_map(|value| value.split(' ').next().map(str::to_owned)).collect()
}

/// Numbers of processes mean something only where they were given out.
fn beginning(run_id: &RunId, here: &Holder) -> String {
    format!("{run_id} {} {} ", here.boot_id, here.pid_namespace)
}

fn is_orphaned(host: &str) -> bool {
    // Where the system did not say who it was, nobody can tell.
    let Some((pid, start_time)) = host_of(host).filter(|(_, start_time)| *start_time != 0) else {
        return false;
    };
    identity_of(pid).is_none_or(|now| now.start_time != start_time)
}

fn host_of(rest: &str) -> Option<(u32, u64)> {
    let mut words = rest.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Whether this process really works for the hook whose marker it was given: whoever runs that hook is above it. A worker
/// that only says so is not.
pub(crate) fn is_inside_hook(marker: &str) -> bool {
    let here = Holder::current();
    let place = format!(" {} {} ", here.boot_id, here.pid_namespace);
    let host = marker.split_once(&place).and_then(|(_, rest)| host_of(rest));
    host.is_some_and(|(pid, start_time)| descends_from(pid, start_time))
}
