//! What to do about a refusal that the model words the same for everybody: the command that takes the run out of the way.
//! Must not decide whether something is refused.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::RunId;

/// Adds the command that helps, where a run as it stands is in the way and nobody has said more.
pub(super) fn what_to_do(error: ApiError, run_id: &RunId) -> ApiError {
    if error.code != ErrorCode::NotAllowed || error.hint.is_some() {
        return error;
    }
    let Some(hint) = hint(&error.message, run_id) else { return error };
    error.hint(hint)
}

fn hint(message: &str, run_id: &RunId) -> Option<String> {
    life(message, run_id)
        .or_else(|| start(message, run_id))
        .or_else(|| relation(message, run_id))
        .or_else(|| tasks(message, run_id))
        .or_else(|| limit(message, run_id))
}

fn life(message: &str, run: &RunId) -> Option<String> {
    let hints = [
        (" is archived", format!("`agent-runner run unarchive {run}` takes it back out")),
        (
            "it is running, or was interrupted",
            format!("`agent-runner run abort {run}` ends it, `agent-runner run attach {run}` watches it"),
        ),
        ("it is not archived", format!("`agent-runner run archive {run}` puts it away first")),
        ("only of a passive run", format!("`agent-runner run status {run}` shows the backend's session")),
        (
            "only an initialized run can be reconfigured",
            format!("`agent-runner run reset {run}` makes it initialized again"),
        ),
        (
            "its tasks were changed already",
            format!("`agent-runner run reset {run}` gives it the tasks it was created with"),
        ),
        (
            "it came from the TypeScript",
            format!("`agent-runner init --run-id {run}` with definitions of here makes it anew"),
        ),
        (
            "hooks have prepared it",
            format!("`agent-runner init --run-id {run}` with the definitions and other values makes it anew"),
        ),
        ("somebody else changed it", format!("`agent-runner run status {run}` shows how it stands now")),
    ];
    found(message, hints)
}

fn start(message: &str, run: &RunId) -> Option<String> {
    let resume = format!("agent-runner run --resume-run {run}");
    let hints = [
        (
            "only an initialized run can be approved",
            format!(
                "`{resume}` goes on with it once it has ended; `agent-runner run reset {run}` begins anew"
            ),
        ),
        (
            "a passive run is driven through the task commands",
            format!(
                "`agent-runner task list {run}` shows what is to be done; `agent-runner task set` reports it"
            ),
        ),
        ("approve it with `run ready` first", format!("`agent-runner run ready {run}` approves it")),
        (
            "a blocked run needs a message",
            format!(
                "`{resume} MESSAGE` says how to go on; `agent-runner task list {run}` shows what is blocked"
            ),
        ),
        (
            "to be in a container",
            format!(
                "`agent-runner run brief {run}` shows what there is to do, for a new run; the TypeScript agent-runner can go on with this one"
            ),
        ),
        (
            "does not hold the values",
            format!(
                "set those environment variables; then `agent-runner run reset {run}`, and `agent-runner init --run-id \
                 {run}` with its definitions, make it anew with them"
            ),
        ),
        (
            "no task is open",
            format!("`{resume} MESSAGE` or `{resume} --add-task TITLE` gives it something to do"),
        ),
        (
            "somebody else",
            format!(
                "`agent-runner run status {run}` shows how it stands, `agent-runner run attach {run}` watches it"
            ),
        ),
    ];
    found(message, hints)
}

fn relation(message: &str, run: &RunId) -> Option<String> {
    let status = format!("`agent-runner run status {run}` shows what it depends on");
    let hints = [
        (
            "only possible while the run is initialized",
            format!("`agent-runner run reset {run}` makes it initialized again, once it is not running"),
        ),
        ("there is no run", "`agent-runner list runs --global` shows every run".to_owned()),
        ("a run cannot depend on", "name another run or group".to_owned()),
        (
            "the run depends on that group",
            format!("`agent-runner run remove-dep {run} --group GROUP-ID` takes that away first"),
        ),
        ("the run has it already", status.clone()),
        ("the run does not have it", status.clone()),
        ("the run has none", status),
        (
            "would wait for itself",
            "`agent-runner run remove-dep` at one of these runs opens the circle".to_owned(),
        ),
        (
            "cannot be read, so nobody can tell",
            "nothing was changed; restore the file from a backup, or move the run's directory out of the state directory"
                .to_owned(),
        ),
    ];
    found(message, hints)
}

fn tasks(message: &str, run: &RunId) -> Option<String> {
    let hints = [
        (
            "its handoff is frozen",
            format!(
                "`agent-runner run --resume-run {run}` starts it; `agent-runner run reset {run}` takes the approval back"
            ),
        ),
        (
            "the run is running",
            format!(
                "`agent-runner task add {run}` adds a task; titles and bodies can be changed when it has ended"
            ),
        ),
        ("not pending", "only what nobody has begun can be deleted; block it with a note instead".to_owned()),
        ("it was used for something else", "give this request an id of its own".to_owned()),
        ("field is locked", "its definitions lock the task list; make a run of others".to_owned()),
    ];
    found(message, hints)
}

fn limit(message: &str, run: &RunId) -> Option<String> {
    let remove = format!(
        "`agent-runner attachment list {run} --scope run` shows what `attachment remove` can take away"
    );
    let hints = [
        ("messages that wait have at most", format!("`agent-runner run queued-messages {run}` lists them")),
        ("an attachment has at most", "divide it, or say in words where it is".to_owned()),
        ("at most 100 attachments", remove.clone()),
        ("at most 100 MiB together", remove),
        (
            "at most 100 dependencies",
            format!("`agent-runner run add-dep {run} --group GROUP-ID` counts as one"),
        ),
    ];
    found(message, hints)
}

fn found<const N: usize>(message: &str, hints: [(&str, String); N]) -> Option<String> {
    hints.into_iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| hint)
}
