//! Waits and interruptions, sessions and their messages, what was used, where the time went.

use std::time::Duration;

use agent_runner_api::view::{AttemptView, RunDetail, SessionView};
use agent_runner_model::Timestamp;
use agent_runner_model::budget::dollars;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::usage::Usage;

use super::super::events::event_line;
use super::super::usage::amount_words;
use super::block::{Block, Line, Section, code, column, line, numbers, paragraph, strong, text};
use super::data::Report;
use super::foreign::beginning;
use super::page::Room;
use super::words::{self, run_badge};

pub(super) fn waits(report: &Report) -> Section<'_> {
    let mut blocks = Vec::new();
    let waits = &report.run.waits;
    if !waits.is_empty() {
        let columns = vec![column("From"), column("To"), numbers("Took"), column("For"), column("Why")];
        let rows = waits.iter().map(|wait| {
            let until = wait.wait.until.map(|until| words::time_beside(until, wait.started_at));
            let (to, took) = match (wait.ended_at, until) {
                (Some(ended), _) => {
                    (words::time_beside(ended, wait.started_at), words::took(wait.started_at, ended))
                }
                (None, Some(until)) => (format!("still waiting, until {until}"), String::new()),
                (None, None) => ("still waiting".to_owned(), String::new()),
            };
            vec![
                line(words::time(wait.started_at)),
                line(to),
                line(took),
                line(wait.wait.why.as_str()),
                line(beginning(&wait.wait.detail, 300)),
            ]
        });
        blocks.push(Block::Table { columns, rows: rows.collect() });
    }
    let incidents = &report.run.incidents;
    if !incidents.is_empty() {
        let items = incidents.iter().map(|event| {
            let words = event_line(event);
            vec![text(format!("{}: ", words::time(event.at))), text(beginning(&words, 400).into_owned())]
        });
        blocks.push(Block::List(items.collect()));
    }
    if blocks.is_empty() {
        blocks.push(paragraph("None."));
    }
    Section::new("Waits and interruptions", "waits", blocks)
}

pub(super) fn sessions<'a>(report: &'a Report, room: &Room) -> Section<'a> {
    let detail = &report.run.run;
    let mut blocks = Vec::new();
    if detail.sessions.is_empty() {
        blocks.push(paragraph("No session was opened."));
    } else {
        let columns = vec![
            numbers("Session"),
            column("Opened"),
            column("Why"),
            column("Closed"),
            column("Result"),
            numbers("Attempts"),
            numbers("Counted"),
        ];
        blocks.push(Block::Table { columns, rows: detail.sessions.iter().map(session).collect() });
    }
    if let Some(message) = detail.message.as_ref().filter(|message| !message.trim().is_empty()) {
        blocks.push(Block::Paragraph(vec![strong("The message it was created with:")]));
        blocks.push(Block::Words(beginning(message.trim(), room.words)));
    }
    // The first session is opened with the message the run was created with.
    for session in detail.sessions.iter().filter(|session| session.message != detail.message) {
        let Some(message) = session.message.as_deref().map(str::trim).filter(|words| !words.is_empty())
        else {
            continue;
        };
        blocks.push(Block::Paragraph(vec![strong(format!(
            "What session {} was opened with:",
            session.session_index
        ))]));
        blocks.push(Block::Words(beginning(message, room.words)));
    }
    for message in &detail.queued_resume_messages {
        let words = format!("Waits for the next session since {}:", words::time(message.queued_at));
        blocks.push(Block::Paragraph(vec![strong(words)]));
        blocks.push(Block::Words(beginning(message.text.trim(), room.words)));
    }
    if let Some(id) = &detail.backend_session_id {
        blocks.push(Block::Paragraph(vec![
            text("The backend's own name of the conversation: "),
            code(id.as_str()),
        ]));
    }
    Section::new("Sessions and messages", "sessions", blocks)
}

fn session(session: &SessionView) -> Vec<Line<'_>> {
    let closed =
        session.ended_at.map_or_else(|| "open".to_owned(), |at| words::time_beside(at, session.started_at));
    vec![
        line(session.session_index.to_string()),
        line(words::time(session.started_at)),
        line(words::cause(&session.cause)),
        line(closed),
        vec![run_badge(session.status)],
        line(session.attempt_count.to_string()),
        line(format!("{} of {}", session.attempts_spent, session.max_attempts_per_session)),
    ]
}

/// What stands before a sum that something is missing from.
const AT_LEAST: &str = "at least ";

/// One figure of what was used.
struct Figure {
    name: &'static str,
    of: fn(&Usage) -> Option<u64>,
    is_cost: bool,
}

const FIGURES: [Figure; 6] = [
    Figure { name: "Tokens read", of: |usage| usage.input_tokens, is_cost: false },
    Figure { name: "Tokens read from the cache", of: |usage| usage.cache_read_tokens, is_cost: false },
    Figure { name: "Tokens put into the cache", of: |usage| usage.cache_write_tokens, is_cost: false },
    Figure { name: "Tokens written", of: |usage| usage.output_tokens, is_cost: false },
    Figure { name: "Cost", of: |usage| usage.cost_micro_usd, is_cost: true },
    Figure { name: "Turns", of: |usage| usage.turns, is_cost: false },
];

pub(super) fn usage(report: &Report) -> Section<'_> {
    let ended: Vec<Usage> = report.run.run.attempts.iter().filter_map(|attempt| attempt.usage).collect();
    let section = |mut blocks: Vec<Block<'static>>| {
        blocks.extend(budget(&report.run.run));
        Section::new("Usage", "usage", blocks)
    };
    if ended.is_empty() {
        return section(vec![paragraph("Nothing was used yet: no attempt has ended.")]);
    }
    if ended.iter().all(Usage::is_unknown) {
        return section(vec![paragraph(
            "Not measured: the backend does not tell tokens, cost or turns. That is not zero.",
        )]);
    }
    let totals: Vec<(&'static str, String)> =
        FIGURES.iter().map(|figure| (figure.name, total(figure, &ended))).collect();
    let is_partial = totals.iter().any(|(_, total)| total.starts_with(AT_LEAST));
    let facts = totals.into_iter().map(|(name, total)| (name, line(total)));
    let mut blocks = vec![Block::Facts(facts.collect())];
    if is_partial {
        blocks.push(paragraph(
            "\"At least\": not every attempt was measured whole. What was not measured is missing from the sums.",
        ));
    }
    section(blocks)
}

/// What the run was allowed to use, and what is left of it.
fn budget(detail: &RunDetail) -> Option<Block<'static>> {
    let budget = detail.budget.as_ref()?;
    let mut facts = vec![("Budget", line(amount_words(&budget.ceilings)))];
    if !budget.reserved.is_empty() {
        facts.push(("Of it for runs that it started", line(amount_words(&budget.reserved))));
    }
    facts.push(("Left of it", line(amount_words(&budget.remaining))));
    Some(Block::Facts(facts))
}

/// A sum; the least it can be where an attempt was not measured.
fn total(figure: &Figure, ended: &[Usage]) -> String {
    let measured: Vec<u64> = ended.iter().filter_map(figure.of).collect();
    let Some(sum) = measured.iter().copied().reduce(u64::saturating_add) else {
        return "not measured".to_owned();
    };
    let shown = if figure.is_cost { dollars(sum) } else { grouped(sum) };
    if measured.len() == ended.len() { shown } else { format!("{AT_LEAST}{shown}") }
}

/// `1 234 567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = digits.get(..first).unwrap_or_default().to_owned();
    for (index, digit) in digits.chars().enumerate().skip(first) {
        if (index - first).is_multiple_of(3) && !text.is_empty() {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// Where the time went.
pub(super) fn timing(report: &Report) -> Section<'_> {
    let detail = &report.run.run;
    let summary = &detail.summary;
    let Some(started) = summary.started_at else {
        return Section::new("Timing", "timing", vec![paragraph("It was not started.")]);
    };
    let end = until(report);
    let whole = end.since(started);
    let working = sum(detail
        .attempts
        .iter()
        .map(|attempt: &AttemptView| attempt.ended_at.unwrap_or(end).since(attempt.started_at)));
    let waiting =
        sum(report.run.waits.iter().map(|wait| wait.ended_at.unwrap_or(end).since(wait.started_at)));
    let rest = whole.saturating_sub(working).saturating_sub(waiting);
    let facts = vec![
        ("From creation to the first start", line(words::took(summary.created_at, started))),
        ("From the first start on", line(words::duration(whole))),
        ("Workers at work", line(words::duration(working))),
        ("Waiting", line(words::duration(waiting))),
        ("Between attempts and sessions", line(words::duration(rest))),
    ];
    Section::new("Timing", "timing", vec![Block::Facts(facts)])
}

/// The end of what is counted: a run that nobody drives has not done anything since its last change.
fn until(report: &Report) -> Timestamp {
    let summary = &report.run.run.summary;
    match (summary.ended_at, summary.effective_status) {
        (Some(ended), _) => ended,
        (None, RunStatus::Running) => report.run.seen_at,
        (None, _) => summary.updated_at,
    }
}

fn sum(durations: impl Iterator<Item = Duration>) -> Duration {
    durations.fold(Duration::ZERO, Duration::saturating_add)
}
