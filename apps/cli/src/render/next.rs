//! What somebody may do next about a run. Must not say what cannot be done.

use agent_runner_api::view::RunDetail;
use agent_runner_model::Lease;
use agent_runner_model::budget::BudgetKind;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::task::TaskStatus;

use super::clean::width;
use super::fold::fold;

/// Nobody here can tell whether the run is driven.
pub(super) fn is_in_doubt(detail: &RunDetail) -> bool {
    match (detail.summary.effective_status, detail.lease) {
        (RunStatus::Running, Lease::Unknown) => true,
        (_, Lease::Held | Lease::Free | Lease::Unknown) => false,
    }
}

/// Commands, each with words about it behind three blanks where it needs any.
pub(super) fn next_steps(detail: &RunDetail) -> Vec<String> {
    let run = &detail.summary.run_id;
    if is_in_doubt(detail) {
        return vec![format!(
            "agent-runner run --resume-run {run} --take-over   (if its driver, on another host or in another \
             container, is certainly gone)"
        )];
    }
    match detail.summary.effective_status {
        RunStatus::Initialized if detail.is_passive() && detail.tasks.is_empty() => vec![
            format!("agent-runner run brief {run}"),
            format!("agent-runner task add {run} --title \"what there is to do\""),
        ],
        RunStatus::Initialized if detail.is_passive() => vec![
            format!("agent-runner run brief {run}"),
            format!("agent-runner task set {run} <task-id> --status in_progress"),
        ],
        RunStatus::Initialized => {
            vec![format!("agent-runner run ready {run}"), format!("agent-runner run --resume-run {run}")]
        }
        RunStatus::Ready => vec![format!("agent-runner run --resume-run {run}")],
        RunStatus::Running => {
            vec![format!("agent-runner run attach {run}"), format!("agent-runner run abort {run}")]
        }
        RunStatus::Interrupted => {
            vec![format!("agent-runner run --resume-run {run}   (goes on where it was; costs no retry)")]
        }
        RunStatus::Success if detail.tasks.is_empty() => {
            vec![
                format!(
                    "agent-runner run report {run}   (what the worker said last, what it used and changed)"
                ),
                format!("agent-runner run timeline {run} --full   (all that it said and did)"),
            ]
        }
        RunStatus::Success => vec![format!("agent-runner task show {run} <task-id>   (notes and evidence)")],
        RunStatus::Blocked if detail.is_passive() => {
            vec![format!("agent-runner task set {run} <task-id> --status pending")]
        }
        RunStatus::Blocked => match over(detail) {
            Some(over) => at_ceiling(detail, over),
            None => vec![format!("agent-runner run --resume-run {run} \"how to go on\"")],
        },
        RunStatus::Exhausted | RunStatus::Aborted => {
            vec![format!("agent-runner run audit {run}"), format!("agent-runner run --resume-run {run}")]
        }
        RunStatus::Error if detail.is_passive() => vec![
            format!("agent-runner run audit {run}"),
            format!("agent-runner run reset {run}   (then `agent-runner init --run-id {run}` makes it anew)"),
        ],
        RunStatus::Error => {
            vec![format!("agent-runner run audit {run}"), format!("agent-runner run --resume-run {run}")]
        }
    }
}

/// A ceiling of its own is raised; a share of another run's budget is taken anew. A task that is blocked needs words, too.
fn at_ceiling(detail: &RunDetail, over: BudgetKind) -> Vec<String> {
    let (run, more) = (&detail.summary.run_id, over.extend_flag());
    let is_blocked = detail.tasks.iter().any(|task| task.status == TaskStatus::Blocked);
    let words = if is_blocked { " \"how to go on\"" } else { "" };
    match detail.budget.as_ref().and_then(|budget| budget.granted_by.get(&over)) {
        Some(above) => vec![
            format!(
                "agent-runner run --resume-run {run}{words}   (takes another share of what is left to run {above})"
            ),
            format!("agent-runner run extend {above} {more}   (raises what is left there)"),
        ],
        None => {
            vec![format!(
                "agent-runner run extend {run} {more} --resume{words}   (gives it more, and goes on)"
            )]
        }
    }
}

/// The ceiling that an ended run has reached.
pub(super) fn over(detail: &RunDetail) -> Option<BudgetKind> {
    let is_blocked = detail.summary.effective_status == RunStatus::Blocked;
    detail.budget.as_ref().and_then(|budget| budget.over).filter(|_| is_blocked)
}

/// What to do next, each on a line of its own. A command that may be copied is never folded; words about it stand below
/// it where they have no room beside it.
pub(super) fn next_lines(detail: &RunDetail, columns: Option<usize>) -> String {
    let line = |step: String| {
        let line = format!("Next: {step}\n");
        match (columns, step.split_once("   ")) {
            (Some(room), Some((command, words))) if width(line.trim_end()) > room => {
                format!("Next: {command}\n{}", fold(&format!("  {words}"), columns))
            }
            (Some(_) | None, _) => line,
        }
    };
    next_steps(detail).into_iter().map(line).collect()
}
