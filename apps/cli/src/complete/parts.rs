//! What belongs to the run that was named before on the line: tasks, attachments, messages, attempts. From what may be
//! shown of it.

use agent_runner_model::Manifest;
use agent_runner_model::redact::redacted;
use agent_runner_store::RunStore as _;

use super::candidate::Candidate;
use super::line::Line;
use super::runs::named;
use crate::app::App;

/// What of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Task,
    Attachment,
    Message,
    Attempt,
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
        Part::Task => {
            let tasks = state.final_tasks.values();
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
    }
}
