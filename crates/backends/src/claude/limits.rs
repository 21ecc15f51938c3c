//! Where the account stands with its limits, by the client's own figures. Must not look at words: that is
//! [`crate::reset`].

use agent_runner_model::Timestamp;
use serde_json::value::RawValue;

use super::wire::RateLimit;
use crate::json::{fields, flag, members, number, word};
use crate::reset::of_epoch;

/// When a refused window opens again, by the client's figures.
pub(super) fn of_info(info: &RateLimit<'_>, now: Timestamp) -> Option<Timestamp> {
    if let Some(at) = of_epoch(number(info.resets_at), now) {
        return Some(at);
    }
    // Several windows may be closed: the last one to open counts.
    let windows = members(info.unified_windows).into_iter();
    let windows = windows.filter_map(|(_, window)| fields::<RateLimit<'_>>(Some(window)));
    let closed = windows.filter(|window| word(window.status) == Some("rejected"));
    closed.filter_map(|window| of_epoch(number(window.resets_at), now)).max()
}

/// How requests of the account are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Allowed,
    /// Still allowed, but not for long.
    Near,
    /// The window is used up, and what is bought besides it pays for the requests.
    OnExtraUsage,
    Rejected,
}

/// How the account stands, by the client's figures.
pub(super) fn standing(info: &RateLimit<'_>) -> Standing {
    let pays_extra = flag(info.is_using_overage) == Some(true)
        && matches!(word(info.overage_status), Some("allowed" | "allowed_warning"));
    match word(info.status) {
        Some("rejected") if pays_extra => Standing::OnExtraUsage,
        Some("rejected") => Standing::Rejected,
        Some("allowed_warning") => Standing::Near,
        Some(_) | None => Standing::Allowed,
    }
}

/// A window's name in words.
pub(super) fn window_name(kind: Option<&RawValue>) -> Option<&'static str> {
    match word(kind)? {
        "five_hour" => Some("5-hour"),
        "seven_day" => Some("weekly"),
        "seven_day_opus" => Some("weekly Opus"),
        "seven_day_sonnet" => Some("weekly Sonnet"),
        "seven_day_overage_included" => Some("weekly extra usage"),
        "overage" => Some("extra usage"),
        _ => None,
    }
}
