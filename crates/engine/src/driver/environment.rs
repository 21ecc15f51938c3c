//! The environment workers are given: the starter's, without what is meant for this program alone, with what lets
//! a worker report. Values are never recorded, names are.

use std::ffi::OsString;

use agent_runner_model::Fence;
use agent_runner_model::manifest::Manifest;

use crate::engine::{EngineConfig, Environment};
use crate::environment::{
    ATTEMPT_FENCE, ATTEMPT_MARKER, CALL_DEPTH, COMMAND, CONFIG_DIR, CWD, DRIVER_SOCKET, MAX_CALL_DEPTH,
    PARENT_RUN_ID, RUN_GROUP_ID, RUN_ID, STATE_DIR, is_git_place,
};

/// Whom git names for what a worker commits: the variables for name and mail, of authors and of committers.
const COMMITTERS: [(&str, &str); 2] =
    [("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"), ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")];

/// Variables that lead a worker's commands to a daemon, which may be dead. Workers go to the disk or the driver.
pub(super) const NOT_INHERITED: &[&str] =
    &["AGENT_RUNNER_CONNECT", "AGENT_RUNNER_CONNECT_HOST", "AGENT_RUNNER_CONNECT_LOCAL_PORT", ATTEMPT_MARKER];

/// The environment of an attempt's worker, but for the marker.
pub(crate) fn worker_environment(
    base: &Environment,
    manifest: &Manifest,
    fence: Fence,
    config: &EngineConfig,
    socket: &std::path::Path,
) -> Environment {
    let spec = &manifest.spec;
    let own: [(&str, OsString); 11] = [
        (RUN_ID, spec.run_id.as_str().into()),
        (PARENT_RUN_ID, spec.run_id.as_str().into()),
        (RUN_GROUP_ID, manifest.state.run_group_id.as_str().into()),
        (CALL_DEPTH, spec.call_depth.saturating_add(1).to_string().into()),
        (MAX_CALL_DEPTH, config.max_call_depth.to_string().into()),
        (CWD, spec.cwd.as_str().into()),
        (ATTEMPT_FENCE, fence.to_string().into()),
        (DRIVER_SOCKET, socket.as_os_str().to_owned()),
        (COMMAND, spec.command.as_str().into()),
        (STATE_DIR, config.state_dir.clone().into_os_string()),
        (CONFIG_DIR, config.config_dir.clone().into_os_string()),
    ];
    let mut own = own.to_vec();
    // A run that a worker started is told otherwise by its own spec.
    if let Some((name, mail)) = spec.commit_as.as_deref().and_then(name_and_mail) {
        own.extend(COMMITTERS.map(|(named, mailed)| [(named, name.into()), (mailed, mail.into())]).concat());
    }
    let kept = base.iter().filter(|(name, _)| {
        let named = |other: &str| name.as_os_str() == other;
        !NOT_INHERITED.iter().any(|other| named(other))
            && !is_git_place(name)
            && !own.iter().any(|(other, _)| named(other))
    });
    let mut environment: Environment = kept.cloned().collect();
    environment.extend(own.into_iter().map(|(name, value)| (OsString::from(name), value)));
    environment
}

/// `Name <mail>` in its two parts; nothing if it is none. What git would take out of them is no concern of ours.
fn name_and_mail(text: &str) -> Option<(&str, &str)> {
    let (name, mail) = text.trim().strip_suffix('>')?.split_once('<')?;
    let (name, mail) = (name.trim(), mail.trim());
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', '\n', '\0']);
    (is_plain(name) && is_plain(mail)).then_some((name, mail))
}

/// The names of an environment's variables, sorted.
pub(crate) fn names(environment: &Environment) -> Vec<String> {
    let mut names: Vec<String> =
        environment.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
