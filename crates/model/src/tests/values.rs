//! Small values: ids, titles, times, and the spellings of words.

use std::time::Duration;

use proptest::prelude::*;

use crate::ids::{IdError, MAX_TASK_ID, RunId, TaskId};
use crate::phase::{Outcome, RunStatus};
use crate::spec::{Effort, LockableField, OrphanPolicy};
use crate::task::{MAX_TITLE, TaskStatus, TitleError, check_title};
use crate::time::Timestamp;

/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;

#[test]
fn task_ids_are_what_checklists_use() {
    for good in ["a", "fix-build", "crates/model:1.2_x", "0", "-", "../..", &"x".repeat(MAX_TASK_ID)] {
        assert_eq!(TaskId::parse(good).unwrap().as_str(), good);
    }
    assert_eq!(TaskId::parse(""), Err(IdError::Empty));
    let long = IdError::TooLong { len: MAX_TASK_ID + 1, max: MAX_TASK_ID };
    assert_eq!(TaskId::parse(&"x".repeat(MAX_TASK_ID + 1)), Err(long));
    for (bad, character) in [("a b", ' '), ("ä", 'ä'), ("a\n", '\n'), ("a\0", '\0'), ("a\\b", '\\')] {
        assert!(matches!(TaskId::parse(bad), Err(IdError::Character { found, .. }) if found == character));
    }
}

#[test]
fn run_ids_are_directory_names() {
    assert_eq!(RunId::parse("quiet-otter-42").unwrap().to_string(), "quiet-otter-42");
    for bad in ["", "..", "a/b", "A", "a.b", "a_b", &"x".repeat(65)] {
        RunId::parse(bad).unwrap_err();
    }
}

#[test]
fn ids_are_checked_when_they_are_read() {
    assert_eq!(serde_json::to_string(&TaskId::parse("a/b").unwrap()).unwrap(), "\"a/b\"");
    assert!(serde_json::from_str::<TaskId>("\"a b\"").is_err());
    assert!(serde_json::from_str::<RunId>("\"../x\"").is_err());
}

#[test]
fn titles_are_one_line_of_up_to_200_characters() {
    assert_eq!(check_title(&"ä".repeat(MAX_TITLE)), Ok(()), "characters, not bytes");
    assert_eq!(check_title(&"ä".repeat(MAX_TITLE + 1)), Err(TitleError::TooLong(201)));
    for empty in ["", " ", "\t", "\n", "\u{a0}"] {
        assert_eq!(check_title(empty), Err(TitleError::Empty), "{empty:?}");
    }
    for lines in ["a\nb", "a\r", "\u{1b}[31m\nred"] {
        assert_eq!(check_title(lines), Err(TitleError::Lines), "{lines:?}");
    }
    for control in ["a\tb", "\u{1b}[31mred", "a\0", "a\u{85}b"] {
        assert_eq!(check_title(control), Err(TitleError::Control), "{control:?}");
    }
}

#[test]
fn times_have_one_spelling() {
    let time = Timestamp::parse("2026-01-02T04:04:05.678+01:00").unwrap();
    assert_eq!(time.to_string(), "2026-01-02T03:04:05.678Z");
    assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
    assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    assert_eq!(Timestamp::from_millis(-1), Timestamp::from_millis(0));
    for bad in ["", "2026-01-02", "2026-13-01T00:00:00Z", "now", "2026-01-02T03:04:05"] {
        assert_eq!(Timestamp::parse(bad).unwrap_err().text, bad);
        assert!(serde_json::from_value::<Timestamp>(bad.into()).is_err());
    }
}

#[test]
fn times_do_not_leave_their_range() {
    let last = Timestamp::from_millis(LAST);
    assert_eq!(last.plus(Duration::from_secs(1)), last);
    assert_eq!(last.plus(Duration::MAX), last);
    assert_eq!(Timestamp::from_millis(5).since(last), Duration::ZERO);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_time_reads_back_as_it_was_written(millis in 0..=LAST) {
        let time = Timestamp::from_millis(millis);
        prop_assert_eq!(time.as_millis(), millis);
        prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        let json = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
    }

    #[test]
    fn times_sort_as_their_texts_do(one in 0..=LAST, other in 0..=LAST) {
        let (one, other) = (Timestamp::from_millis(one), Timestamp::from_millis(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn adding_is_undone_by_asking_since(start in 0..=LAST / 2, more in 0..LAST as u64 / 2) {
        let start = Timestamp::from_millis(start);
        prop_assert_eq!(start.plus(Duration::from_millis(more)).since(start), Duration::from_millis(more));
    }

    #[test]
    fn parsing_ids_and_times_never_panics(text in any::<String>()) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        prop_assert_eq!(TaskId::parse(&text).is_ok(),
            (1..=128).contains(&text.len()) && text.chars().all(allowed));
        let _ = (RunId::parse(&text), Timestamp::parse(&text), check_title(&text));
    }
}

/// Flags, files and JSON spell a word the same way.
#[test]
fn words_have_one_spelling() {
    fn json(value: impl serde::Serialize) -> String {
        serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
    }
    for status in TaskStatus::ALL {
        assert_eq!(TaskStatus::parse(status.as_str()), Some(status));
        assert_eq!(json(status), status.as_str());
    }
    for word in Effort::ALL {
        assert_eq!(Effort::parse(word.as_str()), Some(*word));
        assert_eq!(json(word), word.as_str());
    }
    for word in LockableField::ALL {
        assert_eq!(LockableField::parse(word.as_str()), Some(*word));
        assert_eq!(json(word), word.as_str());
    }
    for word in OrphanPolicy::ALL {
        assert_eq!(OrphanPolicy::parse(word.as_str()), Some(*word));
        assert_eq!(json(word), word.as_str());
    }
    use RunStatus as S;
    for status in [
        S::Initialized,
        S::Ready,
        S::Running,
        S::Interrupted,
        S::Success,
        S::Blocked,
        S::Exhausted,
        S::Aborted,
        S::Error,
    ] {
        assert_eq!(json(status), status.as_str());
    }
    assert_eq!(TaskStatus::parse("done"), None);
    assert_eq!(TaskStatus::parse("Pending"), None);
}

#[test]
fn open_means_that_work_remains() {
    let open = TaskStatus::ALL.map(|status| (status.as_str(), status.is_open()));
    assert_eq!(open, [("pending", true), ("in_progress", true), ("completed", false), ("blocked", false)]);
}

#[test]
fn exit_codes_tell_outcomes_apart() {
    let blocked = Outcome::Blocked { tasks: Vec::new(), over: None, by: None };
    let codes = [Outcome::Success, Outcome::Exhausted, blocked, Outcome::Aborted].map(|it| it.exit_code());
    assert_eq!(codes, [0, 1, 2, 130]);
}
