//! Runs in a list: one a line with everything, or as much as a screen has room for. Must not look anything up.

use agent_runner_api::view::{RunList, RunSummary};
use agent_runner_model::phase::{RunStatus, Wait};

use super::clean::{one_line, width};
use super::span::{reason_words, waiting_words};
use super::table::columns;
use crate::wall::Wall;

/// The runs, of one directory or of all: for a screen of that width, or one a line and nothing left out.
pub(crate) fn run_list(list: &RunList, scope: Option<&str>, wall: &Wall, screen: Option<usize>) -> String {
    if list.runs.is_empty() {
        return match scope {
            Some(cwd) => {
                format!("There are no runs of {cwd}; `agent-runner list runs --global` lists all.\n")
            }
            None => "There are no such runs.\n".to_owned(),
        };
    }
    let rows: Vec<[String; 7]> =
        list.runs.iter().map(|run| row(run, scope.is_none(), wall, screen.is_some())).collect();
    let table = columns(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
    match screen {
        Some(room) if table.lines().any(|line| width(line) > room) => {
            rows.iter().map(|row| in_two_lines(row, room)).collect()
        }
        Some(_) | None => table,
    }
}

/// Id, status, tasks, backend, what it is about, when it was created, and where it works unless that is known.
fn row(run: &RunSummary, with_cwd: bool, wall: &Wall, is_short: bool) -> [String; 7] {
    let what = run.name.clone().or_else(|| run.assignment_name.clone()).unwrap_or_else(|| "-".to_owned());
    let (status, created) = match is_short {
        true => (short_status(run, wall), wall.minute(run.created_at)),
        false => (status(run, wall), run.created_at.to_string()),
    };
    [
        run.run_id.to_string(),
        status,
        format!("{}/{}", run.tasks_completed, run.tasks_total),
        run.backend.clone(),
        what,
        created,
        if with_cwd { run.cwd.clone() } else { String::new() },
    ]
}

fn in_two_lines([run, status, tasks, backend, what, created, cwd]: &[String; 7], room: usize) -> String {
    let head = one_line(&format!("{run}  {status}  {tasks}  {what}"), room);
    let below = format!("{created}  {backend}  {cwd}");
    format!("{head}\n  {}\n", one_line(below.trim_end(), room.saturating_sub(2)))
}

/// What a run waits for, if it does.
fn wait_of(run: &RunSummary) -> Option<&Wait> {
    run.wait.as_ref().filter(|_| matches!(run.effective_status, RunStatus::Running))
}

/// The status, and until when the run waits, if it does.
fn status(run: &RunSummary, wall: &Wall) -> String {
    let status = run.effective_status.as_str();
    match wait_of(run) {
        Some(Wait { until: Some(until), why, .. }) => {
            format!("{status}, waits until {} ({})", wall.moment(*until), reason_words(*why))
        }
        Some(Wait { until: None, why, .. }) => format!("{status}, waits ({})", reason_words(*why)),
        None => status.to_owned(),
    }
}

/// The status, or how long the run waits still.
fn short_status(run: &RunSummary, wall: &Wall) -> String {
    match wait_of(run) {
        Some(wait) => format!("waits {}", waiting_words(wait, wall)).trim_end().to_owned(),
        None => run.effective_status.as_str().to_owned(),
    }
}
