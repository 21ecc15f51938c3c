//! Pictures of runs as they are drawn in terminals of different sizes. `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

use agent_runner_model::turn::{PlanItem, TurnEvent};
use agent_runner_model::usage::Usage;
use proptest::prelude::*;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::line::{Line, Look};
use super::screen::{Screen, Size};
use super::view::{Live, Role};
use crate::render::sample::{after, event, reading, run, task, told, wall, with};

fn tool(id: &str, name: &str, summary: &str) -> TurnEvent {
    TurnEvent::ToolStarted { id: id.to_owned(), name: name.to_owned(), summary: summary.to_owned() }
}

fn ended(id: &str, is_error: bool, summary: &str) -> TurnEvent {
    TurnEvent::ToolFinished { id: id.to_owned(), is_error, summary: summary.to_owned() }
}

fn says(text: &str) -> TurnEvent {
    TurnEvent::Message { text: text.to_owned() }
}

fn delta(text: &str) -> TurnEvent {
    TurnEvent::TextDelta { text: text.to_owned() }
}

/// A view of the sample run, 20 seconds into its second attempt, in which these things happened so many seconds after
/// noon.
fn view(happened: Vec<(i64, TurnEvent)>) -> Live {
    let mut live = Live::new(Role::Holds, false);
    let reported = json!({ "attemptNumber": 0, "end": { "kind": "reported" }, "exitCode": 0, "signal": null,
        "leftovers": 0, "usage": { "outputTokens": 2100, "costMicroUsd": 123_400 } });
    let events = vec![
        event(
            5,
            -60,
            "task.updated",
            &json!({ "taskId": "schema", "from": "in_progress", "status": "completed" }),
        ),
        event(6, -20, "run.attempt_recorded", &reported),
        event(7, -20, "run.attempt_started", &json!({ "attemptNumber": 1, "fence": 2, "prompt": "nudge" })),
    ];
    live.update(&reading(run(), events));
    for (seq, (seconds, event)) in (1..).zip(happened) {
        live.told(&told(1, seq, seconds, event));
    }
    live
}

/// A worker in the middle of its work.
fn busy() -> Live {
    let measured = Usage { output_tokens: Some(400), input_tokens: Some(900), ..Usage::default() };
    view(vec![
        (-19, TurnEvent::Session { id: "s-1".to_owned(), model: Some("robot-large-4-2026".to_owned()) }),
        (-18, says("I go on with the payment.\nFirst I look at what is there.")),
        (-17, tool("a", "Read", "src/payment/client.rs")),
        (-16, ended("a", false, "214 lines")),
        (-15, tool("b", "Bash", "cargo test -p shop-payment --quiet")),
        (-6, ended("b", true, "exit code 101\ntest refused_card ... FAILED")),
        (-5, TurnEvent::Usage { usage: measured }),
        (-5, says("One test fails because refusals are taken for outages.")),
        (-4, tool("c", "Edit", "src/payment/client.rs: match on the status instead of its class")),
    ])
}

fn plain(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{}\n", line.paint(false))).collect()
}

/// Compares pictures with those in a file.
fn golden(name: &str, pictures: &[(usize, usize, String)]) {
    let mut page = String::new();
    for (columns, rows, picture) in pictures {
        page.push_str(&format!("== {columns} columns, {rows} rows\n"));
        let lines = picture.lines().count();
        assert!(lines < *rows, "{name}: {lines} lines leave no row for the cursor:\n{picture}");
        for line in picture.lines() {
            assert!(line.width() <= *columns, "{name}: {line:?} takes {} columns", line.width());
            page.push_str(line.trim_end());
            page.push('\n');
        }
    }
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/live/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page);
}

fn pictures(live: &Live, seconds: i64, sizes: &[(usize, usize)]) -> Vec<(usize, usize, String)> {
    let picture = |(columns, rows): (usize, usize)| {
        (columns, rows, plain(&live.lines(columns, rows - 1, &wall(seconds))))
    };
    sizes.iter().copied().map(picture).collect()
}

const SIZES: &[(usize, usize)] =
    &[(80, 24), (40, 24), (200, 24), (80, 12), (80, 6), (40, 6), (200, 8), (20, 10)];

#[test]
fn a_worker_in_the_middle_of_its_work() {
    golden("busy", &pictures(&busy(), 0, SIZES));
}

#[test]
fn what_the_worker_does_now() {
    let after_that = |event: TurnEvent| {
        let mut live = busy();
        live.told(&told(1, 20, -3, ended("c", false, "")));
        live.told(&told(1, 21, -2, event));
        plain(&live.lines(80, 23, &wall(9)))
    };
    let line = |picture: &str| picture.lines().find(|line| line.starts_with("now ")).unwrap().to_owned();
    let mut seen = vec![line(&plain(&view(Vec::new()).lines(80, 23, &wall(5))))];
    let slow = TurnEvent::Limit {
        reset_at: Some(after(49)),
        detail: "429, the client tries again (2 of 10)".to_owned(),
    };
    let long = "a message that is being written and has become longer than the terminal is wide, so its end is shown";
    for event in [
        says("Done with that."),
        delta(long),
        TurnEvent::Thinking { text: "What if the card\nis refused twice?".to_owned() },
        slow,
        tool("d", "Bash", &"a long command line ".repeat(10)),
    ] {
        seen.push(line(&after_that(event)));
    }
    assert_eq!(
        seen,
        [
            "now nothing heard yet (25 s)",
            "now at work, last heard 11 s ago",
            "now writes: …nd has become longer than the terminal is wide, so its end is shown",
            "now thinks: What if the card is refused twice?",
            "now limit (40 s, until 14:00:49 +02:00): 429, the client tries again (2 of 10)",
            "now Bash: a long command line a long command line a long command line a … (11 s)",
        ]
    );
}

#[test]
fn a_wait_is_counted_down() {
    let limit = "usage limit reached for this week";
    let wait =
        json!({ "until": after(3600 + 7 * 60 + 5), "untilChanged": false, "why": "limit", "detail": limit });
    let live_at = |seconds| {
        let mut run = with(&json!({ "wait": wait }));
        run.attempts.pop();
        let mut live = Live::new(Role::Watches, false);
        live.update(&reading(run, vec![event(9, 0, "run.waiting", &json!({ "wait": wait }))]));
        pictures(&live, seconds, &[(80, 14), (40, 14), (80, 6)])
    };
    let mut seen = live_at(5);
    seen.extend(live_at(4 + 3600));
    seen.extend(live_at(7 * 60 + 6 + 3600));
    golden("waiting", &seen);
}

#[test]
fn many_tasks_are_shown_around_the_active_one() {
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let status = match number {
                0..40 => "completed",
                40 => "in_progress",
                _ => "pending",
            };
            task(&format!("step-{number}"), &format!("Do step {number}"), status, "")
        })
        .collect();
    let mut live = busy();
    live.update(&reading(
        with(&json!({ "tasks": tasks, "tasksTotal": 60, "tasksCompleted": 40 })),
        Vec::new(),
    ));
    golden("many-tasks", &pictures(&live, 0, &[(80, 24), (80, 9), (200, 16), (80, 75)]));
}

#[test]
fn texts_of_every_kind_stay_in_their_line() {
    let tasks = vec![
        task(
            "hebrew",
            "שלום עולם, זו כותרת ארוכה יותר משיש לה מקום בשורה אחת של מסוף צר",
            "in_progress",
            "هذا ملاحظة",
        ),
        task("wide", "漢字の長い題名をここに書くとどうなるかを見る、それだけのこと", "pending", ""),
        task(
            "emoji",
            "👩‍👩‍👧‍👦 family, ❤️ heart, 🇩🇪 flag, 1️⃣ keycap, and quite some words behind them",
            "pending",
            "",
        ),
        task(
            "marks",
            "Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}algo e\u{301}te\u{301}",
            "pending",
            "",
        ),
        task(
            "control",
            "red \u{1b}[31m, bell \u{7}, tab\there, line\nend, turned \u{202e}around",
            "blocked",
            "a\rb",
        ),
    ];
    let mut live = busy();
    live.update(&reading(
        with(&json!({ "tasks": tasks, "tasksTotal": 5, "name": "n\u{202e}\n\u{1b}]0;x\u{7}" })),
        Vec::new(),
    ));
    live.told(&told(1, 30, 0, says("\u{1b}[2J漢字\u{9b}5A and \u{2028} more")));
    let seen = pictures(&live, 0, &[(80, 24), (40, 24), (200, 24)]);
    for (_, _, picture) in &seen {
        let found =
            picture.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(found, None, "{picture:?}");
    }
    golden("texts", &seen);
}

#[test]
fn what_was_used_is_told_as_far_as_it_is_known() {
    let used = |live: &Live| {
        let lines = plain(&live.lines(80, 23, &wall(0)));
        lines.lines().find(|line| line.starts_with("used ")).map(str::to_owned)
    };
    let unmeasured = json!({ "usage": { "unmeasuredAttempts": 1 } });
    let mut live = Live::new(Role::Holds, false);
    live.update(&reading(with(&unmeasured), Vec::new()));
    assert_eq!(used(&live), None, "unknown is not zero");
    assert_eq!(used(&view(Vec::new())).unwrap(), "used at least 41.2k tokens in, 2.1k out, $0.1234");
    let whole = |tokens, cost| TurnEvent::Usage {
        usage: Usage { output_tokens: Some(tokens), cost_micro_usd: Some(cost), ..Usage::default() },
    };
    let live = view(vec![(0, whole(50, 10_000)), (0, whole(900, 2_000_000))]);
    assert_eq!(
        used(&live).unwrap(),
        "used 41.2k tokens in, 3.0k out, $2.12",
        "readings of one turn do not add up"
    );
}

#[test]
fn what_happened_is_told_in_its_order() {
    let mut live = busy();
    let refused = TurnEvent::Permission { tool: "Bash".to_owned(), detail: "rm -rf build".to_owned() };
    let items = ["completed", "in_progress", "pending"]
        .map(|status| PlanItem { text: format!("item {status}"), status: status.to_owned() });
    for (seq, (seconds, event)) in (40..).zip([(-3, refused), (-2, TurnEvent::Plan { items: items.into() })])
    {
        live.told(&told(1, seq, seconds, event));
    }
    // The history comes by another way, and later.
    let added = event(10, -3, "task.added", &json!({ "taskId": "cli-1", "title": "Found on the way" }));
    live.update(&reading(run(), vec![added]));
    let picture = plain(&live.lines(80, 40, &wall(0)));
    let news = picture.lines().filter(|line| line.starts_with("14:") || line.starts_with("13:"));
    assert_eq!(
        news.collect::<Vec<_>>(),
        [
            "13:59:44  > Read: src/payment/client.rs (1 s)",
            "13:59:54  ! Bash: cargo test -p shop-payment --quiet (9 s) failed: exit code 10…",
            "13:59:55  | One test fails because refusals are taken for outages.",
            "13:59:57  ! refused Bash: rm -rf build",
            "13:59:57  * task cli-1 added: Found on the way",
            "13:59:58  | plan: 1 of 3 done, next: item in_progress",
        ]
    );
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted_and_mean_nothing_alone() {
    let lines = busy().lines(80, 23, &wall(0));
    let painted: String = lines.iter().map(|line| line.paint(true)).collect();
    let unpainted: String = lines.iter().map(|line| line.paint(false)).collect();
    assert!(painted.contains("\x1b[32m[x]\x1b[0m") && !unpainted.contains('\x1b'));
    let mut stripped = painted;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, unpainted);
}

#[test]
fn pictures_are_drawn_over_one_another_and_the_cursor_comes_back() {
    let size = |columns| Size { columns, rows: 24 };
    let lines = |count: usize| (0..count).map(|_| Line::of(Look::Plain, "x".repeat(50))).collect::<Vec<_>>();
    let mut screen = Screen::default();
    let first = screen.draw(&lines(3), size(80), false);
    assert!(first.starts_with("\x1b[?2026h\x1b[?25l\x1b[?7l\rxxx"), "{first:?}");
    assert!(first.ends_with("\r\x1b[J\x1b[?7h\x1b[?2026l") && !first.contains("\x1b[?25h"), "{first:?}");
    assert!(screen.draw(&lines(5), size(80), false).contains("\x1b[?7l\r\x1b[3A\r"));
    // A terminal that became narrower has folded each of the five lines once.
    assert!(screen.draw(&lines(1), size(40), false).contains("\x1b[?7l\r\x1b[10A\r"));
    // A line that is as wide as the terminal leaves the cursor on its last character.
    let full = screen.draw(&lines(1), size(50), false);
    assert!(!full.contains("\x1b[K") && full.contains("\x1b[?7l\r\x1b[1A\r"), "{full:?}");
    assert_eq!(screen.erase(size(50)), "\r\x1b[1A\r\x1b[J\x1b[?25h");
    assert_eq!(screen.erase(size(50)), "", "it is given back once");
    screen.draw(&lines(2), size(80), false);
    assert_eq!(screen.leave(), "\x1b[?25h");
    assert!(!screen.draw(&lines(2), size(80), false).contains('A'), "what was left is not drawn over");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn no_text_ever_makes_a_picture_too_wide_or_too_high(
        title in any::<String>(), name in ".{0,80}", message in any::<String>(), draft in "\\PC{0,300}",
        summary in any::<String>(), columns in 1usize..220, rows in 1usize..40, tool_runs in any::<bool>(),
    ) {
        let tasks = json!([task("one", &title, "in_progress", &message), task("two", &draft, "blocked", &title)]);
        let mut live = busy();
        live.update(&reading(with(&json!({ "tasks": tasks, "name": name, "model": summary })), Vec::new()));
        live.told(&told(1, 30, 0, says(&message)));
        live.told(&told(1, 31, 0, ended("c", true, &summary)));
        live.told(&told(1, 32, 0, if tool_runs { tool("d", &name, &summary) } else { delta(&draft) }));
        let lines = live.lines(columns, rows, &wall(0));
        prop_assert!(lines.len() <= rows, "{} of {rows} rows", lines.len());
        for line in lines {
            let text = line.paint(false);
            prop_assert!(text.width() <= columns, "{text:?} takes {} of {columns}", text.width());
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}
