//! The page as it is written, and that nothing in a run can change what it is. `UPDATE_GOLDEN=1` writes the pages anew.

use std::path::{Path, PathBuf};

use agent_runner_api::view::RunReport;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::manifest::GitHead;
use agent_runner_model::phase::{Failure, FailureKind, RunStatus, Wait, WaitReason};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

use super::block::{Block, Line, Page, Span};
use super::foreign::{ending, plain, plain_line};
use super::{Report, html, markdown, page};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/report/golden").join(name)
}

/// A run whose every text is out to get the page.
fn sample() -> Report {
    let text = std::fs::read_to_string(golden("run.json")).unwrap();
    let mut parts: Value = serde_json::from_str(&text).unwrap();
    let run: RunReport = serde_json::from_value(parts["report"].take()).unwrap();
    Report { run, changes: serde_json::from_value(parts["changes"].take()).unwrap(), version: "1.2.3" }
}

fn compare(name: &str, found: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(expected, found, "{name}, line {}", number + 1);
    }
    assert_eq!(expected, found, "{name}");
}

#[test]
fn the_pages_are_as_written() {
    let report = sample();
    let page = page(&report);
    compare("run.md", &markdown(&page));
    compare("run.html", &html(&page));
}

fn words(line: &Line<'_>) -> String {
    let word = |span: &Span<'_>| match span {
        Span::Text(text) => plain(text).replace(['\n', '\t'], " "),
        Span::Strong(text) | Span::Code(text) | Span::Link { text, .. } => plain_line(text).into_owned(),
        Span::Badge(_, word) => (*word).to_owned(),
    };
    squeezed(&line.iter().map(word).collect::<String>())
}

/// Blanks are one blank: what is code keeps them, and it is not known which blanks those are.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The headings of a page: level and words.
fn headings(page: &Page<'_>) -> Vec<(usize, String)> {
    let mut found = vec![(1, squeezed(&plain(&page.title)))];
    for section in &page.sections {
        found.push((2, words(&section.heading)));
        found.extend(section.parts.iter().map(|part| (3, words(&part.heading))));
    }
    found
}

/// The tables of a page: how many cells each row has.
fn tables(page: &Page<'_>) -> Vec<Vec<usize>> {
    let blocks = page.sections.iter().flat_map(|section| {
        section.blocks.iter().chain(section.parts.iter().flat_map(|part| part.blocks.iter()))
    });
    let table = |block: &Block<'_>| match block {
        Block::Facts(facts) => Some(vec![2; facts.len() + 1]),
        Block::Table { columns, rows } => Some(vec![columns.len(); rows.len() + 1]),
        Block::Paragraph(_) | Block::List(_) | Block::Words(_) | Block::Literal(_) => None,
    };
    blocks.filter_map(table).collect()
}

/// Markdown as it is read by whoever shows it.
#[derive(Debug, Default, PartialEq)]
struct Read {
    headings: Vec<(usize, String)>,
    tables: Vec<Vec<usize>>,
    /// Fenced blocks.
    blocks: Vec<String>,
    /// What must not be there.
    foreign: Vec<String>,
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    let mut heading: Option<(usize, String)> = None;
    let mut block: Option<String> = None;
    let mut cells: Option<usize> = None;
    // What the places have that render Markdown from elsewhere.
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level as usize, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let (level, words) = heading.take().unwrap();
                read.headings.push((level, squeezed(&words)));
            }
            Event::Start(Tag::CodeBlock(_)) => block = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => read.blocks.extend(block.take()),
            Event::Start(Tag::Table(_)) => read.tables.push(Vec::new()),
            Event::Start(Tag::TableHead | Tag::TableRow) => cells = Some(0),
            Event::Start(Tag::TableCell) => cells = cells.map(|cells| cells + 1),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                read.tables.last_mut().unwrap().extend(cells.take());
            }
            Event::Text(text) | Event::Code(text) => match (&mut heading, &mut block) {
                (Some((_, words)), _) => words.push_str(&text),
                (None, Some(block)) => block.push_str(&text),
                (None, None) => {}
            },
            Event::Start(Tag::Paragraph | Tag::List(None) | Tag::Item | Tag::Strong)
            | Event::End(
                TagEnd::Paragraph
                | TagEnd::List(false)
                | TagEnd::Item
                | TagEnd::Strong
                | TagEnd::Table
                | TagEnd::TableCell,
            ) => {}
            other => read.foreign.push(format!("{other:?}")),
        }
    }
    read
}

/// What the page says in blocks, in order.
fn said(page: &Page<'_>) -> Vec<String> {
    let blocks = page.sections.iter().flat_map(|section| {
        section.blocks.iter().chain(section.parts.iter().flat_map(|part| part.blocks.iter()))
    });
    let words = |block: &Block<'_>| match block {
        Block::Words(words) | Block::Literal(words) => Some(plain(words).trim_end_matches('\n').to_owned()),
        Block::Paragraph(_) | Block::List(_) | Block::Facts(_) | Block::Table { .. } => None,
    };
    blocks.filter_map(words).collect()
}

#[track_caller]
fn check_markdown(page: &Page<'_>) {
    let text = markdown(page);
    let read = read(&text);
    assert_eq!(read.foreign, Vec::<String>::new(), "{text}");
    assert_eq!(read.headings, headings(page), "{text}");
    assert_eq!(read.tables, tables(page), "{text}");
    let blocks: Vec<&str> = read.blocks.iter().map(|block| block.trim_end_matches('\n')).collect();
    assert_eq!(blocks, said(page), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
}

/// Elements a page may have, with their attributes.
const ELEMENTS: &[(&str, &[&str])] = &[
    ("html", &["lang"]),
    ("head", &[]),
    ("meta", &["charset", "http-equiv", "content", "name"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("main", &[]),
    ("nav", &[]),
    ("section", &["id"]),
    ("details", &["id", "open"]),
    ("summary", &[]),
    ("h1", &["class"]),
    ("h2", &[]),
    ("h3", &[]),
    ("p", &[]),
    ("ul", &[]),
    ("ol", &["start"]),
    ("li", &[]),
    ("dl", &[]),
    ("dt", &[]),
    ("dd", &[]),
    ("div", &["class"]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["class"]),
    ("td", &["class"]),
    ("blockquote", &[]),
    ("pre", &[]),
    ("code", &[]),
    ("strong", &[]),
    ("em", &[]),
    ("s", &[]),
    ("b", &["class"]),
    ("br", &[]),
    ("hr", &[]),
    ("a", &["href", "rel"]),
];
/// Elements without an end.
const VOID: &[&str] = &["meta", "br", "hr"];

/// Reads the page as a browser would that forgives nothing: every `<` begins an element of the list, every element ends
/// in the order it began, attributes are quoted, and links lead to the page, to the web or to mail.
#[track_caller]
fn check_html(page: &Page<'_>) {
    let text = html(page);
    let mut open: Vec<&str> = Vec::new();
    let mut counts = (0, 0, 0);
    let rest = text.strip_prefix("<!doctype html>\n").unwrap();
    let mut pieces = rest.split('<');
    assert_eq!(pieces.next(), Some(""));
    for piece in pieces {
        let (tag, words) = piece.split_once('>').unwrap_or_else(|| panic!("not an element: {piece:?}"));
        assert!(open.last() == Some(&"style") || !words.contains(['>', '"', '\'']), "not escaped: {words:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {piece:?}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let allowed = ELEMENTS.iter().find(|(element, _)| *element == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("no element of ours: {piece:?}"));
        check_attributes(name, attributes, allowed);
        match name {
            "h1" => counts.0 += 1,
            "h2" => counts.1 += 1,
            "h3" => counts.2 += 1,
            _ => {}
        }
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    let parts: usize = page.sections.iter().map(|section| section.parts.len()).sum();
    assert_eq!(counts, (1, page.sections.len(), parts));
    assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
    assert_eq!(text.matches("http-equiv=\"Content-Security-Policy\"").count(), 1);
}

#[track_caller]
fn check_attributes(element: &str, attributes: &str, allowed: &[&str]) {
    let mut rest = attributes;
    while !rest.is_empty() {
        let (attribute, after) = match rest.split_once("=\"") {
            Some((name, after)) if !name.contains(' ') => {
                let (value, after) = after.split_once('"').unwrap();
                let fits = match name {
                    "id" => value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                    "start" => value.chars().all(|c| c.is_ascii_digit()),
                    "class" => ["good", "bad", "careful", "plain", "number", "wide"].contains(&value),
                    "href" => ["#", "http://", "https://", "mailto:"]
                        .iter()
                        .any(|start| value.to_ascii_lowercase().trim_start().starts_with(start)),
                    _ => true,
                };
                assert!(fits, "{element} {name}={value:?}");
                (name, after)
            }
            Some(_) | None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        assert!(allowed.contains(&attribute), "<{element} {attributes}> must not have {attribute:?}");
        rest = after.trim_start();
    }
}

#[test]
fn the_sample_breaks_out_of_neither_page() {
    let report = sample();
    let page = page(&report);
    check_markdown(&page);
    check_html(&page);
    let text = html(&page);
    for script in ["<script", "<img", "=\"javascript:", " onerror=\"", "src=\""] {
        assert!(!text.contains(script), "{script}");
    }
}

/// Texts that are made to break pages.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "`",
            "``",
            "```",
            "````",
            "~~~",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "\t",
            " ",
            "    ",
            "|",
            "||",
            "\\",
            "\\|",
            "#",
            "## ",
            "- ",
            "* ",
            "+ ",
            "1. ",
            "2) ",
            "> ",
            "===",
            "---",
            "***",
            "___",
            "_",
            "__",
            "*",
            "**",
            "~~",
            "[",
            "]",
            "[a](http://b)",
            "![a](http://b)",
            "[a]: http://b",
            "[^1]",
            "[^1]: x",
            "<",
            ">",
            "<script>",
            "</script>",
            "</details>",
            "</style>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<a@b.example>",
            "<http://b>",
            "&",
            "&lt;",
            "&#60;",
            "&amp;lt;",
            "\"",
            "'",
            "=\"",
            "{#id}",
            "{.class}",
            ": ",
            ":::",
            "$",
            "$$",
            "@somebody",
            "http://b.example",
            "javascript:alert(1)",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt&colon;alert(1))",
            "[x](data:text/html,x)",
            "[x](https://b/\"onclick=\"y)",
            "\u{202e}",
            "\u{2066}",
            "\u{2028}",
            "\u{feff}",
            "\0",
            "\u{1b}[31m",
            "\u{85}",
            "é",
            "漢",
            "\u{301}",
            "word",
            "Word 2",
            "- [ ] x",
            "<br>",
            "| a | b |\n|---|---|\n",
            "<div>\n",
            "\n\n</div>",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Puts texts wherever a run can have one.
fn poisoned(mut texts: impl FnMut() -> String) -> Report {
    let mut report = sample();
    let run = &mut report.run;
    let detail = &mut run.run;
    let summary = &mut detail.summary;
    summary.name = Some(texts());
    summary.agent_name = texts();
    summary.assignment_name = Some(texts());
    summary.model = Some(texts());
    summary.cwd = texts();
    summary.backend = if texts().len().is_multiple_of(2) { "shell".to_owned() } else { texts() };
    summary.run_group_id = texts();
    detail.workspace_dir = texts();
    detail.note = Some(texts());
    detail.message = Some(texts());
    detail.backend_session_id = Some(texts());
    for task in &mut detail.tasks {
        task.title = texts();
        task.notes = texts();
    }
    for attempt in &mut detail.attempts {
        attempt.output_tail = texts();
        attempt.end = Some(AttemptEnd::Crashed { detail: texts() });
    }
    for session in &mut detail.sessions {
        session.message = Some(texts());
    }
    for message in &mut detail.queued_resume_messages {
        message.text = texts();
    }
    for digest in &mut run.digests {
        digest.last_words = Some(texts());
        for refusal in &mut digest.refusals {
            (refusal.tool, refusal.detail) = (texts(), texts());
        }
        for error in &mut digest.errors {
            error.text = texts();
        }
    }
    for wait in &mut run.waits {
        wait.wait.detail = texts();
    }
    for incident in &mut run.incidents {
        incident.kind = texts();
        incident.fields.insert(texts(), Value::String(texts()));
    }
    run.warnings = vec![texts(), texts()];
    let changes = &mut report.changes;
    changes.work_tree = Some(texts());
    changes.before = Some(GitHead { commit: Some(texts()), branch: Some(texts()) });
    changes.problems = vec![texts()];
    for commit in &mut changes.commits.as_mut().unwrap().commits {
        (commit.hash, commit.author, commit.subject) = (texts(), texts(), texts());
    }
    for file in &mut changes.files.as_mut().unwrap().files {
        (file.path, file.old_path) = (texts(), Some(texts()));
    }
    for file in &mut changes.uncommitted.as_mut().unwrap().files {
        file.path = texts();
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_out_of_the_page(texts in proptest::collection::vec(text(), 1..40)) {
        let mut next = texts.iter().cycle();
        let report = poisoned(|| next.next().unwrap().clone());
        let page = page(&report);
        check_markdown(&page);
        check_html(&page);
    }
}

#[test]
fn every_way_a_run_can_stand_has_a_page() {
    for status in [
        RunStatus::Initialized,
        RunStatus::Ready,
        RunStatus::Running,
        RunStatus::Interrupted,
        RunStatus::Success,
        RunStatus::Blocked,
        RunStatus::Exhausted,
        RunStatus::Aborted,
        RunStatus::Error,
    ] {
        let mut report = sample();
        report.run.run.summary.effective_status = status;
        report.run.run.failure = (status == RunStatus::Error).then(|| Failure {
            kind: FailureKind::Authentication,
            detail: "not logged in".to_owned(),
            hint: "log in".to_owned(),
        });
        let page = page(&report);
        check_markdown(&page);
        check_html(&page);
        let text = markdown(&page);
        assert!(
            text.starts_with("# Run nightshift1 (")
                && text.contains(&format!("\n\n**{}**: ", status.as_str()))
        );
        assert_eq!(text.contains("**What helps:** log in"), status == RunStatus::Error, "{text}");
        assert!(text.contains("**What to do next:**"), "{text}");
    }
}

#[test]
fn a_run_that_has_done_nothing_has_a_page() {
    let mut report = sample();
    let run = &mut report.run;
    run.digests.clear();
    run.waits.clear();
    run.incidents.clear();
    run.task_changes.clear();
    run.run.attempts.clear();
    run.run.sessions.clear();
    run.run.tasks.clear();
    run.run.summary.started_at = None;
    run.run.summary.ended_at = None;
    run.run.summary.effective_status = RunStatus::Ready;
    let changes = &mut report.changes;
    (changes.commits, changes.files, changes.uncommitted) = (None, None, None);
    let page = page(&report);
    check_markdown(&page);
    check_html(&page);
    let text = markdown(&page);
    for words in [
        "This run has no task list.",
        "No worker was started.",
        "It was not started.",
        "Nothing was used yet",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_was_not_measured_is_not_zero() {
    let mut report = sample();
    let usage = |report: &Report| {
        let text = markdown(&page(report));
        let (_, rest) = text.split_once("## Usage\n\n").unwrap();
        rest.split_once("\n\n## ").unwrap().0.to_owned()
    };
    let shown = usage(&report);
    assert!(shown.contains("| Tokens written | at least 45\u{2009}678 |"), "{shown}");
    assert!(shown.contains("| Tokens put into the cache | not measured |"), "{shown}");
    assert!(shown.contains("| Cost | at least $1.23 |"), "{shown}");
    report.run.run.attempts.retain(|attempt| attempt.usage.is_some_and(|usage| !usage.is_unknown()));
    let shown = usage(&report);
    assert!(
        shown.contains("| Cost | $1.23 |") && shown.contains("| Tokens written | 45\u{2009}678 |"),
        "{shown}"
    );
    for attempt in &mut report.run.run.attempts {
        attempt.usage = Some(Default::default());
    }
    assert!(usage(&report).starts_with("Not measured"), "{}", usage(&report));
}

#[test]
fn a_run_that_waits_says_until_when() {
    let mut report = sample();
    let summary = &mut report.run.run.summary;
    summary.effective_status = RunStatus::Running;
    summary.wait = Some(Wait {
        until: Some(report.run.seen_at),
        until_changed: false,
        why: WaitReason::Limit,
        detail: "used up".to_owned(),
    });
    let text = markdown(&page(&report));
    assert!(text.contains("**It waits** until 2026-03-02 07:00:00 UTC: used up"), "{text}");
}

#[test]
fn long_texts_are_cut_at_the_beginning_and_say_so() {
    let mut report = sample();
    let notes: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    report.run.run.tasks[0].notes = notes;
    report.run.digests[0].last_words = Some("word ".repeat(1600));
    let text = markdown(&page(&report));
    assert!(text.len() < 40_000, "{} bytes", text.len());
    assert!(text.contains(
        "of the notes are left out; all of them: `agent-runner task show nightshift1 build/fix-it`"
    ));
    let all = "all that was kept: `agent-runner run timeline nightshift1 --attempt 0 --full`";
    assert!(text.contains(all), "a timeline cuts long texts too");
    assert!(text.contains("line 19999\n```") && !text.contains("line 100\n"), "the newest are shown");
    assert_eq!(ending("abc\ndef ghi", 9), ("def ghi", 4));
    assert_eq!(ending("éé", 3), ("é", 2));
    assert_eq!(ending("short", 5), ("short", 0));
}

#[test]
fn a_page_about_much_stays_small_and_is_made_soon() {
    let mut report = sample();
    let run = &mut report.run.run;
    let task = run.tasks[0].clone();
    run.tasks = (0..2000)
        .map(|number| {
            let mut task = task.clone();
            task.id = agent_runner_model::TaskId::parse(&format!("task-{number}")).unwrap();
            task.notes = task.notes.repeat(20);
            task
        })
        .collect();
    let attempt = run.attempts[0].clone();
    run.attempts = (0..20)
        .map(|number| {
            let mut attempt = attempt.clone();
            attempt.attempt_number = number;
            attempt
        })
        .collect();
    let started = std::time::Instant::now();
    let page = page(&report);
    let (markdown, html) = (markdown(&page), html(&page));
    let took = started.elapsed();
    assert!(
        markdown.len() < 8 * 1024 * 1024 && html.len() < 16 * 1024 * 1024,
        "{} {}",
        markdown.len(),
        html.len()
    );
    // The release build takes a twentieth; this says that nothing grows faster than the page.
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}
