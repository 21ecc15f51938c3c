//! The environment variables by which workers, hooks and the commands they call know their run. Must not read any.

/// The worker's run.
pub const RUN_ID: &str = "AGENT_RUNNER_RUN_ID";
/// The run that runs started by the worker descend from.
pub const PARENT_RUN_ID: &str = "AGENT_RUNNER_PARENT_RUN_ID";
/// The group of the worker's run.
pub const RUN_GROUP_ID: &str = "AGENT_RUNNER_RUN_GROUP_ID";
/// How many runs a run that the worker starts is nested in.
pub const CALL_DEPTH: &str = "AGENT_RUNNER_CALL_DEPTH";
/// How many that may be.
pub const MAX_CALL_DEPTH: &str = "AGENT_RUNNER_MAX_CALL_DEPTH";
/// Where the worker works.
pub const CWD: &str = "AGENT_RUNNER_CWD";
/// Which attempt the worker is.
pub const ATTEMPT_FENCE: &str = "AGENT_RUNNER_ATTEMPT_FENCE";
/// What every process of an attempt carries, so that none is left behind.
pub const ATTEMPT_MARKER: &str = "AGENT_RUNNER_ATTEMPT_MARKER";
/// Where the run's driver listens.
pub const DRIVER_SOCKET: &str = "AGENT_RUNNER_DRIVER_SOCKET";
/// How workers call this program.
pub const COMMAND: &str = "AGENT_RUNNER_CMD";
/// Where runs live.
pub const STATE_DIR: &str = "AGENT_RUNNER_STATE_DIR";
/// Where named definitions are looked up.
pub const CONFIG_DIR: &str = "AGENT_RUNNER_CONFIG_DIR";

/// The hooks a command was started by, one a line, outermost first: each is a run's id and the hook's.
pub const HOOK_CHAIN: &str = "AGENT_RUNNER_HOOK";
/// What every process of a hook carries that a command runs.
pub(crate) const HOOK_MARKER: &str = "AGENT_RUNNER_HOOK_MARKER";
/// Which hook a program is.
pub(crate) const HOOK_PHASE: &str = "AGENT_RUNNER_HOOK_PHASE";

/// By these git takes another repository, index or work tree for the one it is in. Git sets them for its own hooks; whoever
/// starts a run from one does not mean the run's worktree with it.
const GIT_PLACES: [&str; 13] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Whether a variable says where git finds a repository: then workers and hooks do not inherit it.
pub(crate) fn is_git_place(name: &std::ffi::OsStr) -> bool {
    GIT_PLACES.iter().any(|place| name == *place)
}
