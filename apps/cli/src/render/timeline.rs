//! The timeline as text: a line for each thing, with its time in UTC as in the audit, longer texts indented below.

use agent_runner_api::view::{Timeline, TimelineEntry};
use agent_runner_model::event::EventBody;

use super::clean::clean;
use super::events::event_line;
use super::lines::grouped;
use super::turn::turn_words;

/// Lines of a text that are shown unless all of it is asked for.
const LINES: usize = 12;
/// Characters of a text that are shown unless all of it is asked for.
const CHARACTERS: usize = 2000;
/// Columns of the kind of an entry.
const KIND: usize = 8;
/// Columns in front of the text of an entry: the time, its kind, and two gaps of two.
const MARGIN: usize = 24 + 2 + KIND + 2;

/// The whole timeline, or what there is of the one attempt that was asked for; long texts are cut unless it is to be
/// `full`.
pub(crate) fn timeline_text(timeline: &Timeline, attempt: Option<u32>, full: bool) -> String {
    let run = &timeline.run.summary;
    let mut text = format!(
        "Run {}: {}, {} of {} tasks completed\n",
        run.run_id,
        run.effective_status.as_str(),
        run.tasks_completed,
        run.tasks_total
    );
    if timeline.entries.is_empty() {
        text.push_str(&match attempt {
            Some(number) => format!("\nNothing was recorded of what the worker of attempt {number} did.\n"),
            None => "\nNothing has happened yet.\n".to_owned(),
        });
    }
    let mut place = Place::Start;
    for entry in &timeline.entries {
        let Some((kind, words)) = words(entry) else { continue };
        let now = place.with(entry);
        if now != place {
            text.push('\n');
            if let Place::Attempt(number) = now {
                text.push_str(&format!("attempt {number}\n"));
            }
        }
        place = if ends_attempt(entry) { Place::Behind } else { now };
        let (shown, cut) = if full { (words.as_str(), None) } else { cut(&words) };
        let mut lines = shown.lines();
        text.push_str(&format!(
            "{}  {kind:<KIND$}  {}\n",
            entry.at(),
            clean(lines.next().unwrap_or_default())
        ));
        for line in lines.map(clean).chain(cut) {
            text.push_str(format!("{:MARGIN$}{line}", "").trim_end());
            text.push('\n');
        }
    }
    text
}

/// Where in the run an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything.
    Start,
    /// In an attempt.
    Attempt(u32),
    /// Between attempts.
    Between,
    /// An attempt has just ended.
    Behind,
}

impl Place {
    fn with(self, entry: &TimelineEntry) -> Self {
        match entry {
            TimelineEntry::Worker { attempt_number, .. } => Self::Attempt(*attempt_number),
            TimelineEntry::Run { event } => match (event.body(), self) {
                (Some(EventBody::AttemptStarted { attempt_number, .. }), _) => Self::Attempt(attempt_number),
                (_, Self::Start | Self::Behind) => Self::Between,
                (_, Self::Attempt(_) | Self::Between) => self,
            },
        }
    }
}

fn ends_attempt(entry: &TimelineEntry) -> bool {
    match entry {
        TimelineEntry::Run { event } => matches!(event.body(), Some(EventBody::AttemptRecorded { .. })),
        TimelineEntry::Worker { .. } => false,
    }
}

fn words(entry: &TimelineEntry) -> Option<(&'static str, String)> {
    match entry {
        TimelineEntry::Run { event } => Some(("run", event_line(event))),
        TimelineEntry::Worker { record, .. } => turn_words(&record.event),
    }
}

/// The beginning of a text, and what is said about the rest.
fn cut(text: &str) -> (&str, Option<String>) {
    let lines = text.lines().count();
    let by_lines = text.match_indices('\n').nth(LINES - 1).map_or(text.len(), |(at, _)| at);
    let by_characters = text.char_indices().nth(CHARACTERS).map_or(text.len(), |(at, _)| at);
    let end = by_lines.min(by_characters);
    let rest = text.get(end..).unwrap_or_default();
    if rest.trim().is_empty() {
        return (text, None);
    }
    let left = if by_lines <= by_characters {
        format!("{} more lines", lines - LINES)
    } else {
        format!("{} more characters", grouped(u64::try_from(rest.chars().count()).unwrap_or(u64::MAX)))
    };
    (text.get(..end).unwrap_or(text), Some(format!("… {left} (--full shows them)")))
}
