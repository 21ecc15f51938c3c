//! What belongs to the run that was named before on the line: tasks, attachments, messages, attempts. From what may be
//! shown of it.

use agent_runner_model::Manifest;
use agent_runner_model::manifest::Dependency;
use agent_runner_model::redact::redacted;
use agent_runner_model::task::TaskStatus;
use agent_runner_store::RunStore as _;

use super::candidate::Candidate;
use super::line::Line;
use super::runs::named;
use crate::app::App;

/// What of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Task,
    /// A task that nobody has begun.
    PendingTask,
    Attachment,
    Message,
    Attempt,
    /// A run it depends on.
    DependencyRun,
    /// A group it depends on.
    DependencyGroup,
}

/// The parts of the run that the line names.
pub(super) async fn parts(app: &App, line: &Line<'_>, part: Part) -> Vec<Candidate> {
    let Some(run) = line.given("run").or_else(|| line.given("run_id")) else { return Vec::new() };
    let Some(id) = named(app, run).await else { return Vec::new() };
    let Ok(manifest) = app.store.snapshot(&id).await else { return Vec::new() };
    of(&redacted(&manifest), part)
}

fn of(manifest: &Manifest, part: Part) -> Vec<Candidate> {
    let state = &manifest.state;
    match part {
        Part::Task | Part::PendingTask => {
            let tasks = state.final_tasks.values();
            let tasks = tasks.filter(|task| part == Part::Task || task.status == TaskStatus::Pending);
            let about =
                |task: &agent_runner_model::task::Task| format!("{}  {}", task.status.as_str(), task.title);
            tasks.filter_map(|task| Candidate::new(task.id.as_str(), &about(task))).collect()
        }
        Part::Attachment => {
            let files = state.attachments.iter();
            files.filter_map(|file| Candidate::new(file.id.as_str(), &file.name)).collect()
        }
        Part::Message => {
            let messages = state.queued_resume_messages.iter();
            messages.filter_map(|message| Candidate::new(message.id.as_str(), &message.text)).collect()
        }
        Part::Attempt => {
            let ended = state.attempt_records.iter().map(|attempt| attempt.attempt_number);
            let live = manifest.live_attempt().map(|attempt| attempt.attempt_number);
            ended.chain(live).filter_map(|number| Candidate::new(number.to_string(), "")).collect()
        }
        Part::DependencyRun => {
            let run = |dependency: &Dependency| match dependency {
                Dependency::Run { run_id } => Candidate::new(run_id.as_str(), ""),
                Dependency::Group { .. } => None,
            };
            state.dependencies.iter().filter_map(run).collect()
        }
        Part::DependencyGroup => {
            let group = |dependency: &Dependency| match dependency {
                Dependency::Run { .. } => None,
                Dependency::Group { group_id } => Candidate::new(group_id, ""),
            };
            state.dependencies.iter().filter_map(group).collect()
        }
    }
}
