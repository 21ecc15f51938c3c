//! Text that is shown fits and is harmless.

use std::time::Duration;

use agent_runner_api::view::{RunDetail, Timeline, TimelineEntry};
use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_model::usage::{Usage, UsageTotals};
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::clean::{cell, clean, end_of_line, indent, one_line, squeeze, width};
use super::flood::{Flood, MOST, Passed, STRETCH};
use super::fold::fold;
use super::last_words::last_words;
use super::lines::Lines;
use super::sample::{after, event, reading, run, told, wall, with};
use super::span::{clock_words, duration_words};
use super::table::columns;
use super::usage::{totals_words, usage_words};
use super::{closing, event_line, run_status, timeline_text};
use crate::hearing::Told;

#[test]
fn a_line_never_takes_more_columns_than_it_may() {
    for text in [
        "short",
        "a rather long line of text",
        "漢字の長い題名をここに書く",
        "é\u{301}e\u{301}x",
        "tab\tand\nline",
    ] {
        for width in 1..30 {
            let line = one_line(text, width);
            assert!(line.width() <= width, "{line:?} takes {} of {width} columns", line.width());
            assert!(!line.contains(['\n', '\t']));
            assert_eq!(cell(text, width).width(), width, "{text:?} in {width}");
        }
    }
    assert_eq!(one_line("fits exactly", 12), "fits exactly");
    assert_eq!(one_line("does not fit", 8), "does no…");
}

#[test]
fn columns_line_up_whatever_they_hold() {
    let rows = [["漢字", "x"], ["plain", "y"]].map(|row| row.map(str::to_owned).to_vec());
    let text = columns(&rows);
    let ends: Vec<usize> = text.lines().map(|line| line[..line.rfind(['x', 'y']).unwrap()].width()).collect();
    assert_eq!(ends, [7, 7], "{text}");
}

#[test]
fn text_cannot_steer_a_terminal() {
    assert_eq!(clean("a\x1b[2Jb\r\u{9b}c\td\n"), "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c\td\n");
    assert_eq!(indent("a\n\nb"), "  a\n\n  b");
}

#[test]
fn text_cannot_turn_around_the_line_it_is_in() {
    assert_eq!(clean("a\u{202e}b\u{2066}c\u{2028}d"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d");
    assert_eq!(clean("שלום \u{200f}!"), "שלום \u{200f}!", "what belongs to a script stays");
    assert_eq!(squeeze("  a\u{202e}b\t\n c\u{7}\u{2029} "), "a b c");
    let marked = squeeze(&format!("a{}b", "\u{301}".repeat(50)));
    assert_eq!(marked.chars().count(), 10, "letters do not climb over other lines");
}

#[test]
fn the_end_of_a_text_is_cut_at_its_beginning() {
    assert_eq!(end_of_line("one two three", 20), "one two three");
    assert_eq!(end_of_line("one two\nthree", 9), "…wo three");
    assert_eq!(end_of_line("e\u{301}e\u{301}e\u{301}e\u{301}", 3), "…e\u{301}e\u{301}");
    assert_eq!(end_of_line("漢字漢字", 4), "…字");
    for columns in 0..12 {
        assert!(width(&end_of_line("漢 字x é 👩‍👩‍👧 and more", columns)) <= columns, "{columns}");
    }
}

#[test]
fn durations_are_for_people() {
    for (millis, words) in [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_949, "59.9 s"),
        (60_000, "1 min 00 s"),
        (3_599_999, "59 min 59 s"),
        (7_380_000, "2 h 03 min"),
    ] {
        assert_eq!(duration_words(Duration::from_millis(millis)), words);
    }
}

#[test]
fn a_duration_that_goes_on_has_no_fractions() {
    for (seconds, words) in
        [(0, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (7_380, "2 h 03 min"), (90_000, "1 d 01 h")]
    {
        assert_eq!(clock_words(Duration::from_millis(seconds * 1000 + 999)), words);
    }
}

#[test]
fn usage_is_told_as_far_as_it_was_measured() {
    let usage = |input_tokens, output_tokens, cost_micro_usd| Usage {
        input_tokens,
        output_tokens,
        cost_micro_usd,
        ..Usage::default()
    };
    for (used, words) in [
        (usage(None, None, None), "not measured"),
        (usage(Some(0), Some(0), Some(0)), "0 tokens in, 0 out, $0.0000"),
        (usage(None, Some(950), None), "950 tokens out"),
        (usage(Some(12_345), Some(4_567_890), Some(1_239_999)), "12.3k tokens in, 4.5M out, $1.23"),
        (usage(None, None, Some(123_456)), "$0.1234"),
    ] {
        assert_eq!(usage_words(&used), words);
    }
    for (turns, words) in [(0, "$0.1234, 0 turns"), (1, "$0.1234, 1 turn"), (12, "$0.1234, 12 turns")] {
        assert_eq!(usage_words(&Usage { turns: Some(turns), ..usage(None, None, Some(123_456)) }), words);
    }
    assert_eq!(usage_words(&Usage { turns: Some(1), ..Usage::default() }), "1 turn");
    let totals = |unmeasured_attempts| UsageTotals { usage: usage(None, Some(1), None), unmeasured_attempts };
    assert_eq!(
        (totals_words(&totals(0)), totals_words(&totals(2))),
        ("1 tokens out".into(), "at least 1 tokens out".into())
    );
    assert_eq!(
        totals_words(&UsageTotals { unmeasured_attempts: 3, ..UsageTotals::default() }),
        "not measured"
    );
}

#[test]
fn a_flood_is_held_back_and_counted() {
    let mut flood = Flood::default();
    let passed = |flood: &mut Flood, count: u32, seconds| {
        (0..count).filter(|_| flood.ask(0, after(seconds)).passes).count()
    };
    assert_eq!(passed(&mut flood, 10 * MOST, 0), MOST as usize);
    assert_eq!(passed(&mut flood, MOST, 9), 0, "the same stretch");
    flood.missed(0, 1000);
    let next = i64::try_from(STRETCH.as_secs()).unwrap();
    let told = Some((0, u64::from(10 * MOST) + 1000));
    assert_eq!(flood.ask(0, after(next)), Passed { before: told, passes: true });
    assert_eq!(passed(&mut flood, MOST, next), MOST as usize - 1);
    assert_eq!((flood.rest(), flood.rest()), (Some((0, 1)), None));
    assert_eq!(flood.ask(1, after(next)), Passed { before: None, passes: true }, "another attempt");
}

fn says(text: &str) -> TurnEvent {
    TurnEvent::Message { text: text.to_owned() }
}

#[test]
fn lines_tell_what_happened_in_its_order() {
    let mut lines = Lines::default();
    let started = |cursor, seconds, number: u32| {
        let fields = json!({ "attemptNumber": number, "fence": number + 1, "prompt": "brief" });
        event(cursor, seconds, "run.attempt_started", &fields)
    };
    let ended = json!({ "attemptNumber": 0, "end": { "kind": "reported" }, "exitCode": 0, "signal": null, "leftovers": 0,
        "usage": { "outputTokens": 7 } });
    let events = vec![
        event(
            1,
            0,
            "run.created",
            &json!({ "agent": "a", "assignment": null, "backend": "b", "tasksTotal": 1 }),
        ),
        started(2, 1, 0),
        event(3, 5, "task.updated", &json!({ "taskId": "mail", "from": "pending", "status": "completed" })),
        event(4, 9, "run.attempt_recorded", &ended),
        started(5, 10, 1),
        event(6, 12, "task.updated", &json!({ "taskId": "mail", "from": "completed", "status": "pending" })),
    ];
    // What the log of the first attempt has, and what has been heard of the second already.
    let heard = [
        told(0, 1, 3, says("first\nsecond line")),
        told(0, 2, 4, TurnEvent::Thinking { text: "hm".to_owned() }),
        told(0, 3, 7, says("last words \u{1b}[31m")),
        told(1, 1, 11, says("again")),
    ];
    let text = lines.update(&reading(run(), events), &heard, &wall(12));
    let expected = "\
Run k7d2p9x2aa: agent implementer, backend robot, 4 tasks, in /srv/shop
attempt 0 started
  | first second line
task mail: pending -> completed
  | last words [31m
attempt 0 ended: the worker ended its turn; used 7 tokens out
attempt 1 started
  | again
task mail: completed -> pending
";
    assert_eq!(text, expected);
}

#[test]
fn what_workers_do_is_told_in_a_line_or_not_at_all() {
    let text = |text: &str| text.to_owned();
    let mut lines = Lines::default();
    lines.update(&reading(run(), Vec::new()), &[], &wall(0));
    let summary = text("cargo test");
    for (happened, line) in [
        (says(&"long ".repeat(100)), format!("  | {}…\n", "long ".repeat(39))),
        (TurnEvent::Notice { text: text("from standard error") }, text("  | from standard error\n")),
        (
            TurnEvent::ToolStarted { id: text("1"), name: text("Bash"), summary },
            text("  > Bash: cargo test\n"),
        ),
        (TurnEvent::ToolFinished { id: text("1"), is_error: false, summary: text("ok") }, String::new()),
        (
            TurnEvent::ToolFinished { id: text("1"), is_error: true, summary: text("exit 101\nno") },
            text("  ! Bash failed: exit 101 no\n"),
        ),
        (
            TurnEvent::Limit { reset_at: Some(after(1)), detail: text("429") },
            text("  ! limit until 2026-05-04T12:00:01.000Z: 429\n"),
        ),
        (TurnEvent::Permission { tool: text("Bash"), detail: text("rm") }, text("  ! refused Bash: rm\n")),
        (TurnEvent::Error { text: text("it broke") }, text("  ! error: it broke\n")),
        (TurnEvent::TextDelta { text: text("piece") }, String::new()),
        (TurnEvent::Thinking { text: text("hm") }, String::new()),
        (TurnEvent::Usage { usage: Usage::default() }, String::new()),
    ] {
        assert_eq!(lines.told(&told(1, 1, 0, happened)), line);
    }
}

#[test]
fn what_is_held_back_is_told_when_it_is_over() {
    let mut lines = Lines::default();
    lines.update(&reading(run(), Vec::new()), &[], &wall(0));
    let all: String = (1..=500).map(|seq| lines.told(&told(1, seq, 0, says("x")))).collect();
    assert_eq!(all.lines().count(), MOST as usize);
    // Trouble does not drown in it.
    let refused = TurnEvent::Permission { tool: "Bash".to_owned(), detail: "rm".to_owned() };
    assert_eq!(lines.told(&told(1, 501, 1, refused)), "  ! refused Bash: rm\n");
    lines.told(&Told::Missed { attempt_number: 1, count: 12_000 });
    let held_back = "  … 12,470 more lines (agent-runner run timeline k7d2p9x2aa --attempt 1)\n";
    assert_eq!((lines.rest(), lines.rest()), (held_back.to_owned(), String::new()));
}

#[test]
fn a_wait_is_told_with_the_time_on_the_wall_wherever_people_look() {
    let wait =
        json!({ "until": after(2467), "untilChanged": false, "why": "limit", "detail": "weekly limit" });
    let waiting = with(&json!({ "wait": wait }));
    let began = event(9, 0, "run.waiting", &json!({ "wait": wait }));
    let line = Lines::default().update(&reading(waiting.clone(), vec![began.clone()]), &[], &wall(0));
    let told = "waiting until 14:41:07 +02:00 (41 min 07 s, usage or rate limit): weekly limit\n";
    assert_eq!(line.split_once('\n').unwrap().1, told);
    let field = "Waiting: 41 min 02 s, until 14:41:07 +02:00 (usage or rate limit): weekly limit\n";
    let squeezed = |text: String| text.lines().map(|line| squeeze(line) + "\n").collect::<String>();
    for text in [run_status(&waiting, &wall(5), None), closing(&waiting, None, &wall(5), None)] {
        assert!(squeezed(text.clone()).contains(field), "{text}");
        assert!(squeezed(text.clone()).contains("Used: 41.2k tokens in, 2.1k out, $0.1234\n"), "{text}");
    }
    // Histories keep the time as it was recorded.
    let kept = "waiting until 2026-05-04T12:41:07.000Z (usage or rate limit): weekly limit";
    assert_eq!(event_line(&began), kept);
    let interrupted = with(&json!({ "wait": wait, "effectiveStatus": "interrupted" }));
    assert!(!run_status(&interrupted, &wall(0), None).contains("Waiting"), "nobody waits any more");
}

#[test]
fn attempts_that_met_a_limit_say_so_in_the_history() {
    let limited = json!({ "kind": "limited", "resetAt": after(60), "detail": "weekly limit" });
    let fields = json!({ "attemptNumber": 0, "end": limited, "exitCode": 1, "signal": null, "leftovers": 0,
        "usage": { "inputTokens": 10, "outputTokens": 5 } });
    assert_eq!(
        event_line(&event(1, 0, "run.attempt_recorded", &fields)),
        "attempt 0 ended: weekly limit (until 2026-05-04T12:01:00.000Z); used 10 tokens in, 5 out"
    );
}

fn timeline(run: RunDetail, said: Vec<(u32, i64, TurnEvent)>) -> Timeline {
    let started = |cursor, seconds, number: u32| {
        let fields = json!({ "attemptNumber": number, "fence": number + 1, "prompt": "nudge" });
        TimelineEntry::Run { event: event(cursor, seconds, "run.attempt_started", &fields) }
    };
    let ended = json!({ "attemptNumber": 0, "end": { "kind": "reported" }, "exitCode": 0, "signal": null, "leftovers": 0 });
    let mut entries = vec![
        TimelineEntry::Run { event: event(1, 0, "run.ready", &json!({})) },
        started(2, 1, 0),
        TimelineEntry::Run { event: event(3, 9, "run.attempt_recorded", &ended) },
        started(4, 10, 1),
    ];
    for (seq, (attempt_number, seconds, event)) in (1..).zip(said) {
        let record = TurnRecord { seq, at: after(seconds), event };
        entries.push(TimelineEntry::Worker { attempt_number, record });
    }
    entries.sort_by_key(TimelineEntry::at);
    Timeline { run, entries, warnings: Vec::new() }
}

#[test]
fn a_timeline_has_its_attempts_apart_and_long_texts_indented() {
    let said = vec![
        (0, 2, says("I begin.\n\n- one\n- two")),
        (
            0,
            3,
            TurnEvent::ToolStarted { id: "1".to_owned(), name: "Bash".to_owned(), summary: "ls".to_owned() },
        ),
        (0, 4, TurnEvent::TextDelta { text: "piece".to_owned() }),
        (1, 11, says("tab\there \u{1b}[2J")),
    ];
    let expected = "\
Run k7d2p9x2aa: running, 1 of 4 tasks completed

2026-05-04T12:00:00.000Z  run       approved for its first start

attempt 0
2026-05-04T12:00:01.000Z  run       attempt 0 started: tasks are still open
2026-05-04T12:00:02.000Z  says      I begin.

                                    - one
                                    - two
2026-05-04T12:00:03.000Z  tool      Bash: ls
2026-05-04T12:00:09.000Z  run       attempt 0 ended: the worker ended its turn

attempt 1
2026-05-04T12:00:10.000Z  run       attempt 1 started: tasks are still open
2026-05-04T12:00:11.000Z  says      tab\there \u{FFFD}[2J
";
    assert_eq!(timeline_text(&timeline(run(), said), None, false), expected);
}

#[test]
fn long_texts_of_a_timeline_are_cut_unless_all_is_asked_for() {
    let many: String = (1..=40).map(|line| format!("line {line}\n")).collect();
    let long = "word ".repeat(1000);
    let timeline =
        timeline(run(), vec![(0, 2, says(&many)), (0, 3, says(&long)), (0, 4, says(&"x\n".repeat(12)))]);
    let cut = timeline_text(&timeline, None, false);
    assert!(cut.contains("line 12\n") && !cut.contains("line 13\n"), "{cut}");
    assert!(
        cut.contains("                                    … 28 more lines (--full shows them)\n"),
        "{cut}"
    );
    assert!(cut.contains("… 3,000 more characters (--full shows them)\n"), "{cut}");
    assert_eq!(cut.matches("--full").count(), 2, "{cut}");
    let full = timeline_text(&timeline, None, true);
    assert!(full.contains("line 40\n") && full.contains(long.trim()) && !full.contains("--full"), "{full}");
}

#[test]
fn text_is_folded_at_words_and_only_for_screens() {
    let text = "Waiting: one two three four five\n  set in by two columns\n/a/path/that/no/line/has/room/for\n\na  b\n";
    assert_eq!(fold(text, None), text);
    let folded = "\
Waiting: one two
  three four five
  set in by two
  columns
/a/path/that/no/line/has/room/for

a  b
";
    assert_eq!(fold(text, Some(20)), folded);
    assert_eq!(
        fold("see /a/path/that/no/line/has/room/for it\n", Some(20)),
        "see /a/path/that/no/line/has/room/for\n  it\n"
    );
    for columns in 20..60 {
        for line in fold("漢字の長い 題名をここに 書く and some more, e\u{301} too", Some(columns)).lines()
        {
            assert!(line.width() <= columns, "{line:?} in {columns}");
        }
    }
}

#[test]
fn last_words_are_shown_whole_or_their_part_that_matters() {
    let words: String = (1..=100).map(|line| format!("line {line}\n")).collect();
    let of =
        |backend: &str, words: &str| last_words(&with(&json!({ "backend": backend, "tasks": [] })), words);
    assert_eq!(of("claude", " done \n\n- one\n"), "The worker's last words:\n  done \n\n  - one\n");
    let answer = of("claude", &words);
    assert!(answer.starts_with("The beginning of the worker's last words:\n  line 1\n"), "{answer}");
    assert!(answer.ends_with("  line 60\n"), "{answer}");
    let printed = of("command", &words);
    assert!(printed.starts_with("The end of the worker's last words:\n  line 41\n"), "{printed}");
    assert!(printed.ends_with("  line 100\n"), "{printed}");
    for (backend, end) in [("claude", "xb\n"), ("shell", "xe\n")] {
        let long = of(backend, &format!("b{}e", "x".repeat(5000)));
        assert_eq!(long.lines().nth(1).unwrap().len(), 4002);
        assert_eq!(long.contains("  bx"), end == "xb\n", "{long}");
    }
}

#[test]
fn nothing_is_said_about_tasks_where_there_are_none() {
    // A run is blocked by a task only.
    for status in
        ["initialized", "ready", "running", "interrupted", "success", "exhausted", "aborted", "error"]
    {
        for backend in ["claude", "passive"] {
            let run = with(&json!({ "backend": backend, "effectiveStatus": status, "tasks": [] }));
            for text in [run_status(&run, &wall(0), None), closing(&run, None, &wall(0), None)] {
                assert!(!text.contains("<task-id>"), "{status}, {backend}\n{text}");
            }
        }
    }
}
