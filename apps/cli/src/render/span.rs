//! Lengths of time and waits in words.

use std::time::Duration;

use agent_runner_model::Timestamp;
use agent_runner_model::phase::{Wait, WaitReason};

use crate::wall::Wall;

/// A duration for people: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub(crate) fn duration_words(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else if duration.as_secs() < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        clock_words(duration)
    }
}

/// A duration that is told while it goes on: `12 s`, `4 min 05 s`, `2 h 03 min`, `3 d 04 h`.
pub(crate) fn clock_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A wait in one line: how long still, until when, why. A wait that is over says so until the run has noticed.
pub(crate) fn wait_words(wait: &Wait, wall: &Wall) -> String {
    format!("{} ({}): {}", until_words(wait, wall), reason_words(wait.why), wait.detail)
}

/// How long still, and until when.
pub(crate) fn until_words(wait: &Wait, wall: &Wall) -> String {
    match wait.until {
        None => "until something changes".to_owned(),
        Some(until) => {
            let left = left_words(wall, until);
            let or = if wait.until_changed { ", or until something changes" } else { "" };
            match left {
                None => format!("until {}, due now{or}", wall.moment(until)),
                Some(left) => format!("{left}, until {}{or}", wall.moment(until)),
            }
        }
    }
}

/// How long still, and nothing else; empty where nobody knows.
pub(crate) fn waiting_words(wait: &Wait, wall: &Wall) -> String {
    match wait.until {
        Some(until) => left_words(wall, until).unwrap_or_else(|| clock_words(Duration::ZERO)),
        None => String::new(),
    }
}

/// How long it is until then, unless it is past. A second that has begun is still there to be waited for.
fn left_words(wall: &Wall, until: Timestamp) -> Option<String> {
    let seconds = wall.left(until).as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
    (seconds > 0).then(|| clock_words(Duration::from_secs(seconds)))
}

/// Why a run waits.
pub(crate) fn reason_words(why: WaitReason) -> &'static str {
    match why {
        WaitReason::Limit => "usage or rate limit",
        WaitReason::Backoff => "pause after a fault",
        WaitReason::Approval => "approval",
        WaitReason::Dependencies => "other runs",
        WaitReason::Schedule => "schedule",
        WaitReason::Admission => "its directory is in use",
    }
}
