//! The attempts: how each went, what its worker said last, what it was refused and what went wrong.

use std::collections::HashMap;

use agent_runner_api::view::{AttemptDigest, AttemptView};
use agent_runner_model::usage::Usage;

use super::super::last_words::prints_lines;
use super::super::usage::usage_words;
use super::block::{Block, Line, Part, Section, Span, code, column, line, numbers, paragraph, text};
use super::data::Report;
use super::foreign::{beginning, ending};
use super::outcome::end_line;
use super::page::Room;
use super::words;

pub(super) fn attempts<'a>(report: &'a Report, room: &Room) -> Section<'a> {
    let detail = &report.run.run;
    if detail.attempts.is_empty() {
        return Section::new("Attempts", "attempts", vec![paragraph("No worker was started.")]);
    }
    let digests: HashMap<u32, &AttemptDigest> =
        report.run.digests.iter().map(|digest| (digest.attempt_number, digest)).collect();
    let columns = vec![
        numbers("Attempt"),
        numbers("Session"),
        column("Told"),
        column("Started"),
        numbers("Took"),
        column("Ended"),
        numbers("Tool calls"),
        column("Used"),
        numbers("Left running"),
    ];
    let last_words = |attempt: &'a AttemptView| {
        let digest = digests.get(&attempt.attempt_number).copied();
        digest.and_then(|digest| digest.last_words.as_deref()).unwrap_or(attempt.output_tail.trim())
    };
    let rows = detail.attempts.iter().map(|attempt| {
        let digest = digests.get(&attempt.attempt_number).copied();
        row(report, attempt, digest, !last_words(attempt).is_empty())
    });
    let mut section =
        Section::new("Attempts", "attempts", vec![Block::Table { columns, rows: rows.collect() }]);
    let last = detail.attempts.len() - 1;
    let parts = detail.attempts.iter().enumerate().filter_map(|(index, attempt)| {
        let words = last_words(attempt);
        (!words.is_empty()).then(|| said(report, attempt, words, index < last, room))
    });
    section.parts = parts.collect();
    section
}

fn row<'a>(
    report: &'a Report,
    attempt: &'a AttemptView,
    digest: Option<&AttemptDigest>,
    has_words: bool,
) -> Vec<Line<'a>> {
    let number = attempt.attempt_number.to_string();
    let name = if has_words {
        Span::Link { anchor: anchor(attempt), text: number.into() }
    } else {
        Span::Text(number.into())
    };
    let until = attempt.ended_at.unwrap_or(report.run.seen_at);
    let tools = match digest {
        None => "unknown".to_owned(),
        Some(AttemptDigest { tool_calls: 0, .. }) => "-".to_owned(),
        Some(AttemptDigest { tool_calls, failed_tool_calls: 0, .. }) => tool_calls.to_string(),
        Some(AttemptDigest { tool_calls, failed_tool_calls, .. }) => {
            format!("{tool_calls}, {failed_tool_calls} failed")
        }
    };
    let left = match attempt.leftovers {
        0 => "-".to_owned(),
        count => format!("{}, ended", words::counted(u64::from(count), "process", "processes")),
    };
    vec![
        vec![name],
        line(attempt.session_index.to_string()),
        line(words::prompt(attempt.prompt)),
        line(words::time(attempt.started_at)),
        line(words::took(attempt.started_at, until)),
        end_line(attempt.end.as_ref()),
        line(tools),
        line(attempt.usage.as_ref().map_or_else(|| "not over".to_owned(), used)),
        line(left),
    ]
}

fn used(usage: &Usage) -> String {
    if usage.is_unknown() { "not measured".to_owned() } else { usage_words(usage) }
}

fn anchor(attempt: &AttemptView) -> String {
    format!("attempt-{}", attempt.attempt_number)
}

fn said<'a>(report: &Report, attempt: &AttemptView, words: &'a str, folded: bool, room: &Room) -> Part<'a> {
    let (shown, missing) = ending(words, room.words);
    let run = &report.run.run.summary.run_id;
    let number = attempt.attempt_number;
    let mut blocks = Vec::new();
    if missing > 0 {
        blocks.push(Block::Paragraph(vec![
            text(format!("The first {} of it are left out; all that was kept: ", words::bytes(missing))),
            code(format!("agent-runner run timeline {run} --attempt {number} --full")),
        ]));
    }
    blocks.push(match prints_lines(&report.run.run.summary.backend) {
        // What a program prints is no Markdown.
        true => Block::Literal(shown.into()),
        false => Block::Words(shown.into()),
    });
    Part {
        heading: line(format!("What the worker said last in attempt {number}")),
        anchor: anchor(attempt),
        folded,
        blocks,
    }
}

/// What workers were refused, and what went wrong.
pub(super) fn problems(report: &Report) -> Section<'_> {
    const HEADING: &str = "Refused permissions and errors";
    let mut refused: Vec<Vec<Line<'_>>> = Vec::new();
    let mut errors: Vec<Vec<Line<'_>>> = Vec::new();
    let (mut more_refused, mut more_errors) = (0u64, 0u64);
    for digest in &report.run.digests {
        let number = || line(digest.attempt_number.to_string());
        refused.extend(digest.refusals.iter().map(|refusal| {
            vec![
                number(),
                line(words::time(refusal.at)),
                vec![code(refusal.tool.as_str())],
                line(beginning(&refusal.detail, 400)),
            ]
        }));
        errors.extend(
            digest
                .errors
                .iter()
                .map(|error| vec![number(), line(words::time(error.at)), line(beginning(&error.text, 600))]),
        );
        more_refused = more_refused.saturating_add(digest.more_refusals);
        more_errors = more_errors.saturating_add(digest.more_errors);
    }
    if refused.is_empty() && errors.is_empty() {
        return Section::new(HEADING, "problems", vec![paragraph("None that the backend told of.")]);
    }
    let mut blocks = Vec::new();
    if !refused.is_empty() {
        blocks.push(paragraph("The backend's own safety rules refused:"));
        let columns = vec![numbers("Attempt"), column("When"), column("Tool"), column("What, or why")];
        blocks.push(Block::Table { columns, rows: refused });
        blocks.extend(more(more_refused));
    }
    if !errors.is_empty() {
        blocks.push(paragraph("What went wrong; a turn may still have gone on after it:"));
        blocks.push(Block::Table {
            columns: vec![numbers("Attempt"), column("When"), column("What")],
            rows: errors,
        });
        blocks.extend(more(more_errors));
    }
    Section::new(HEADING, "problems", blocks)
}

fn more<'a>(count: u64) -> Option<Block<'a>> {
    (count > 0).then(|| paragraph(format!("And {count} more.")))
}
