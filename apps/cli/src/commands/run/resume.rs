//! `run --resume-run`: what may be said besides the run. Must not decide whether the run itself can go on.

use agent_runner_api::operations::ResumeRun;
use agent_runner_model::spec::OrphanPolicy;

use super::create::{limit_policy, message};
use crate::args::{NewRunArgs, RelationArgs};
use crate::exit::{Failure, usage};

/// The request of a resume. Whatever a run is made from was decided when it was made.
pub(super) fn request(
    run: String,
    new: NewRunArgs,
    on_orphan: OrphanPolicy,
    take_over: bool,
    tell_parent: bool,
) -> Result<ResumeRun, Failure> {
    refuse_frozen(&run, &new)?;
    let message = message(new.message_file.as_deref(), &new.message)?;
    let on_limit = new.on_limit.map(limit_policy);
    Ok(ResumeRun {
        run,
        message,
        add_tasks: new.add_task,
        on_limit,
        on_orphan,
        take_over,
        tell_parent: Some(tell_parent),
    })
}

/// Every flag of a new run has to be thought of here: it is allowed, or there is a reason why not.
fn refuse_frozen(run: &str, new: &NewRunArgs) -> Result<(), Failure> {
    let NewRunArgs {
        agent,
        assignment,
        checklist,
        backend,
        launcher,
        cwd,
        worktree,
        model,
        effort,
        timeout_sec,
        max_retries,
        unrestricted,
        name,
        add_task: _,
        var,
        backend_session_id,
        parent_run,
        group_id,
        on_limit: _,
        notify,
        relations,
        on_busy,
        message_file: _,
        message: _,
        output: _,
    } = new;
    const TASKS: &str = "a run keeps its tasks; --add-task adds more";
    const LIMITS: &str = "a run keeps what it was approved with; another one can be made with other limits";
    let rename = format!("`agent-runner run set-name {run} NAME` names it");
    let regroup = format!("`agent-runner run set-group {run} GROUP-ID` moves it while it is not running");
    let RelationArgs { no_inherit_run_group, after, budget } = relations;
    let extend = format!("`agent-runner run extend {run}` raises its ceilings");
    let depend =
        format!("`agent-runner run add-dep {run} --run OTHER` lets an initialized run wait for another");
    let frozen: [(&str, bool, &str); 22] = [
        ("--launcher", launcher.is_some(), "the conversation belongs to the place the run was made for"),
        (
            "--var",
            !var.is_empty(),
            "variables got their values when the run was made; `run reconfigure` changes them before its first start",
        ),
        ("--backend-session-id", backend_session_id.is_some(), "a run goes on in the conversation it has"),
        ("--agent", agent.is_some(), "a run keeps its agent; another agent needs a run of its own"),
        ("--assignment", assignment.is_some(), TASKS),
        ("--checklist", checklist.is_some(), TASKS),
        ("--backend", backend.is_some(), "the conversation belongs to the backend the run was made with"),
        ("--cwd", cwd.is_some(), "the conversation belongs to the directory the run was made for"),
        ("--worktree", worktree.is_some(), "a run stays where it was made to work; make another one"),
        ("--model", model.is_some(), LIMITS),
        ("--effort", effort.is_some(), LIMITS),
        ("--timeout-sec", timeout_sec.is_some(), LIMITS),
        ("--max-retries", max_retries.is_some(), LIMITS),
        ("--unrestricted", *unrestricted, LIMITS),
        ("--name", name.is_some(), &rename),
        ("--parent-run", parent_run.is_some(), "a run descends from whoever made it"),
        ("--group-id", group_id.is_some(), &regroup),
        ("--no-inherit-run-group", *no_inherit_run_group, &regroup),
        ("--budget", !budget.is_empty(), &extend),
        ("--after", !after.is_empty(), &depend),
        ("--on-busy", on_busy.is_some(), "a run keeps what it was made with"),
        ("--notify", notify.is_some(), "a run keeps whom it tells; make a new one to tell somebody else"),
    ];
    match frozen.iter().find(|(_, given, _)| *given) {
        Some((flag, _, why)) => Err(usage(format!("{flag} cannot be used with --resume-run"), *why)),
        None => Ok(()),
    }
}
