//! The page as a whole: what it holds, in which order, and how much of each.

use super::attempts::{attempts, problems};
use super::block::{Block, Line, Page, Section, code, line, text};
use super::changes::changes;
use super::data::Report;
use super::history::{sessions, timing, usage, waits};
use super::outcome::outcome;
use super::tasks::tasks;
use super::words::{self, run_tone};

/// Bytes of all notes together, about.
const ALL_NOTES: usize = 4 * 1024 * 1024;
/// Bytes of all last words together, about.
const ALL_WORDS: usize = 1024 * 1024;

/// How much of a text gets into the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes of a task's notes.
    pub(super) note: usize,
    /// Bytes of a worker's last words, or of a message.
    pub(super) words: usize,
    /// Rows of a list that has its own place elsewhere.
    pub(super) rows: usize,
}

impl Room {
    /// A page about much says less about each.
    fn for_page(tasks: usize, attempts: usize) -> Self {
        let share =
            |all: usize, count: usize, least: usize, most: usize| (all / count.max(1)).clamp(least, most);
        Self {
            note: share(ALL_NOTES, tasks, 500, 8192),
            words: share(ALL_WORDS, attempts, 300, 4096),
            rows: 100,
        }
    }
}

/// The page about a run.
pub(crate) fn page(report: &Report) -> Page<'_> {
    let detail = &report.run.run;
    let summary = &detail.summary;
    let room = Room::for_page(detail.tasks.len(), detail.attempts.len());
    let status = summary.effective_status;
    let name = summary.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    Page {
        title: format!("Run {}{name}: {}", summary.run_id, status.as_str()),
        tone: run_tone(status),
        sections: vec![
            outcome(report, &room),
            glance(report),
            tasks(report, &room),
            attempts(report, &room),
            waits(report),
            sessions(report, &room),
            usage(report),
            timing(report),
            problems(report),
            changes(report),
            about(report),
        ],
    }
}

/// Who, what, where, when.
fn glance(report: &Report) -> Section<'_> {
    let detail = &report.run.run;
    let summary = &detail.summary;
    let mut facts: Vec<(&'static str, Line<'_>)> = Vec::new();
    if let Some(name) = &summary.name {
        facts.push(("Name", line(name.as_str())));
    }
    facts.push(("Agent", line(summary.agent_name.as_str())));
    if let Some(assignment) = &summary.assignment_name {
        facts.push(("Assignment", line(assignment.as_str())));
    }
    let mut backend = line(summary.backend.as_str());
    if let Some(model) = &summary.model {
        backend.extend([text(", model "), code(model.as_str())]);
    }
    facts.push(("Backend", backend));
    facts.push(("Directory", vec![code(summary.cwd.as_str())]));
    facts.push(("Created", line(words::time(summary.created_at))));
    if let Some(started) = summary.started_at {
        facts.push(("Started", line(words::time(started))));
    }
    if let Some(ended) = summary.ended_at {
        let took = summary
            .started_at
            .map(|started| format!(", {} after it was started", words::took(started, ended)));
        facts.push(("Ended", line(words::time(ended) + &took.unwrap_or_default())));
    }
    if let Some(code) = detail.exit_code {
        facts.push(("Exit code", line(code.to_string())));
    }
    if let Some(parent) = &summary.parent_run_id {
        facts.push(("Started by run", vec![code(parent.as_str())]));
    }
    if summary.run_group_id != summary.run_id.as_str() {
        facts.push(("Group", vec![code(summary.run_group_id.as_str())]));
    }
    Section::new("At a glance", "glance", vec![Block::Facts(facts)])
}

/// Where it is from, and what is missing.
fn about(report: &Report) -> Section<'_> {
    let detail = &report.run.run;
    let run = &detail.summary.run_id;
    let mut blocks = vec![
        Block::Paragraph(vec![
            text(format!(
                "Made by agent-runner {} at {} from revision {} of ",
                report.version,
                words::time(report.run.seen_at),
                detail.revision
            )),
            code(format!("{}/run.json", detail.workspace_dir)),
            text(
                ". Notes and last words are the worker's own; what the tasks say is in the record, whatever a worker says.",
            ),
        ]),
        Block::Paragraph(vec![
            text("More: "),
            code(format!("agent-runner run timeline {run}")),
            text(", "),
            code(format!("agent-runner run audit {run}")),
        ]),
    ];
    if !report.run.warnings.is_empty() {
        blocks.push(Block::List(report.run.warnings.iter().map(|warning| line(warning.as_str())).collect()));
    }
    Section::new("About this report", "about", blocks)
}
