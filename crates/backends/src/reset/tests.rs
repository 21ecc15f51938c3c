//! Times in words, as clients print them, and times that are not guessed.

use std::time::Duration;

use agent_runner_model::Timestamp;
use proptest::prelude::*;

use super::{in_text, of_epoch};

/// A Friday.
const NOW: &str = "2026-11-20T06:40:00Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

fn told(text: &str) -> Option<String> {
    in_text(text, now()).map(|at| at.to_string().replace(".000Z", "Z"))
}

#[test]
fn times_that_are_understood() {
    for (text, expected) in [
        // As measured.
        ("You've hit your 5-hour limit · resets 8:37am (UTC)", "2026-11-20T08:37:00Z"),
        ("Claude AI usage limit reached|1795163868", "2026-11-20T08:37:48Z"),
        (
            "API Error: Request rejected (429) · You've hit your limit · resets 3pm (UTC)",
            "2026-11-20T15:00:00Z",
        ),
        // As others print it, or may.
        ("usage limit reached|1795163868000", "2026-11-20T08:37:48Z"),
        ("resets 3:30 pm (UTC)", "2026-11-20T15:30:00Z"),
        ("resets at 15:30 UTC", "2026-11-20T15:30:00Z"),
        ("resets 12am (UTC)", "2026-11-21T00:00:00Z"),
        ("resets 12pm (UTC)", "2026-11-20T12:00:00Z"),
        ("resets 3am (UTC)", "2026-11-21T03:00:00Z"),
        ("Your limit will reset at 5pm (UTC+2).", "2026-11-20T15:00:00Z"),
        ("resets 5pm (GMT-03:30)", "2026-11-20T20:30:00Z"),
        ("resets 5pm (+0530)", "2026-11-20T11:30:00Z"),
        ("resets 1am (UTC+9)", "2026-11-20T16:00:00Z"),
        ("resets Nov 24, 3pm (UTC)", "2026-11-24T15:00:00Z"),
        ("resets November 24 at 3:15pm (UTC)", "2026-11-24T15:15:00Z"),
        ("resets Nov 24th, 2026, 9am (UTC)", "2026-11-24T09:00:00Z"),
        ("resets Jan 1, 9am (UTC)", "2027-01-01T09:00:00Z"),
        ("limit reset: 2026-11-20T09:00:00+02:00", "2026-11-20T07:00:00Z"),
        ("resets in 2h 30m", "2026-11-20T09:10:00Z"),
        ("resets in 1 hour and 5 minutes", "2026-11-20T07:45:00Z"),
        ("Please try again in 5 minutes.", "2026-11-20T06:45:00Z"),
        ("please retry after 30s", "2026-11-20T06:40:30Z"),
        ("Retry in 90 seconds", "2026-11-20T06:41:30Z"),
    ] {
        assert_eq!(told(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn times_that_are_not_guessed() {
    for text in [
        "",
        "You've hit your limit",
        // A name of a place is an offset only for those who know its clock changes.
        "resets 3pm (Europe/Berlin)",
        "resets 3pm (America/New_York)",
        // Letters that mean several zones.
        "resets 3pm (CST)",
        "resets 3pm",
        "resets Monday, 3pm (UTC)",
        "resets tomorrow at 3pm (UTC)",
        "resets at 15:30",
        "resets 3 (UTC)",
        "resets 25:00 (UTC)",
        "resets 13pm (UTC)",
        "resets 0am (UTC)",
        "resets 3pm (UTC+99)",
        "resets Feb 31, 3pm (UTC)",
        "resets Dec 24, 1999, 3pm (UTC)",
        // Too far to be true.
        "resets Oct 1, 3pm (UTC)",
        "usage limit reached|9999999999",
        // Long gone, or only just: then it is tried again soon.
        "usage limit reached|1700000000",
        "resets 6:30am (UTC)",
        "resets 6:40am (UTC)",
        "retry after some time",
        "try again in 99999999999999999999 seconds",
        "try again in 99999999 days",
        "try again later",
        "a table | 1234567890123456789 | of figures",
    ] {
        assert_eq!(told(text), None, "{text}");
    }
}

#[test]
fn figures_are_seconds_or_milliseconds() {
    let later = 1_795_163_868.0;
    assert_eq!(of_epoch(Some(later), now()).unwrap().as_millis(), 1_795_163_868_000);
    assert_eq!(of_epoch(Some(later * 1000.0), now()).unwrap().as_millis(), 1_795_163_868_000);
    for nonsense in [0.0, -1.0, 1e300, -1e300, f64::NAN, f64::INFINITY] {
        assert_eq!(of_epoch(Some(nonsense), now()), None, "{nonsense}");
    }
}

proptest! {
    #[test]
    fn any_words_are_survived_and_no_time_is_absurd(
        text in "(resets |retry |try again |\\|)?(in |at |after )?[0-9a-zA-Zäé:|+()., -]{0,60}",
        millis in 0_i64..4_000_000_000_000,
    ) {
        let now = Timestamp::from_millis(millis);
        if let Some(at) = in_text(&text, now) {
            prop_assert!(at > now && at.since(now) <= Duration::from_secs(46 * 24 * 3600));
        }
    }

    #[test]
    fn a_time_of_day_is_within_a_day(hour in 1_u32..=12, minute in 0_u32..60, pm: bool, zone in -14_i32..=14) {
        let half = if pm { "pm" } else { "am" };
        let text = format!("resets {hour}:{minute:02}{half} (UTC{zone:+})");
        if let Some(at) = in_text(&text, now()) {
            prop_assert!(at.since(now()) <= Duration::from_secs(24 * 3600));
            let local = (at.as_millis() / 60_000 + i64::from(zone) * 60).rem_euclid(24 * 60);
            let expected = i64::from(hour % 12 + if pm { 12 } else { 0 }) * 60 + i64::from(minute);
            prop_assert_eq!(local, expected);
        }
    }
}
