//! What the client says about itself: limits, requests it tries again, refusals, work in the background.

use agent_runner_model::Timestamp;
use agent_runner_model::turn::TurnEvent;

use super::ends::LimitMet;
use super::limits::{self, Standing};
use super::reader::{Reader, words_of};
use super::wire::{ErrorParams, Line, RateLimit};
use crate::json::{fields, number, whole, word};
use crate::text::{MAX_LINE, one_line};

impl Reader {
    /// A `system` line. Most kinds say nothing that anybody needs.
    pub(super) fn noticed(&mut self, line: &Line<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let notice = |text: String| TurnEvent::Notice { text: one_line(&text, MAX_LINE) };
        match word(line.subtype) {
            Some("api_retry") => self.retried(line, now, events),
            Some("permission_denied") => {
                let (tool, why) = (words_of(line.tool_name), words_of(line.message));
                self.tools.refused(&tool, word(line.tool_use_id), &why, events);
            }
            Some("model_fallback" | "informational") => {
                events.push(notice(words_of(line.content).into_owned()))
            }
            Some("compact_boundary") => {
                events.push(notice("the conversation was summarised to make room".to_owned()))
            }
            // Of a call that is still open, its result will tell.
            Some("task_notification") if !self.tools.is_open(word(line.tool_use_id)) => {
                let (status, summary) = (words_of(line.status), words_of(line.summary));
                events.push(notice(format!("work in the background: {status}: {summary}")));
            }
            Some(_) | None => {}
        }
    }

    /// A request failed, and the client is going to try it again by itself.
    fn retried(&mut self, line: &Line<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let class = words_of(line.error);
        let status = whole(line.error_status);
        let delay = std::time::Duration::from_millis(whole(line.retry_delay_ms).unwrap_or(0));
        let what = match (class.as_ref(), status) {
            ("rate_limit", _) | (_, Some(429)) => "the provider limits requests",
            ("authentication_failed", _) | (_, Some(401)) => "the provider refused the credentials",
            ("overloaded", _) | (_, Some(529)) => "the provider is overloaded",
            (_, Some(_)) => "the provider failed",
            (_, None) => "the provider could not be reached, or broke off",
        };
        let status = status.map_or(String::new(), |status| format!(" ({status})"));
        let (attempt, most) = (whole(line.attempt).unwrap_or(0), whole(line.max_retries).unwrap_or(0));
        let detail = format!(
            "{what}{status}; claude tries again in {:.1} s ({attempt} of {most})",
            delay.as_secs_f64()
        );
        self.evidence.retrying = Some(format!("it was trying a request again: {what}{status}"));
        events.push(if what == "the provider limits requests" {
            let reset_at = (!delay.is_zero()).then(|| now.plus(delay));
            TurnEvent::Limit { reset_at, detail }
        } else {
            TurnEvent::Notice { text: detail }
        });
    }

    /// How the account stands with its limits. Only a refusal is a limit; the rest is printed after every answer.
    pub(super) fn rate_limit(&mut self, line: &Line<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let Some(info) = fields::<RateLimit<'_>>(line.rate_limit_info) else { return };
        let window = limits::window_name(info.rate_limit_type);
        let name = window.map_or(String::new(), |window| format!("{window} "));
        match limits::standing(&info) {
            Standing::Rejected => {
                let reset_at = limits::of_info(&info, now);
                self.evidence.limit = Some(LimitMet { reset_at, window });
                let detail = match window {
                    Some(window) => format!("the account's {window} limit is reached"),
                    None => "the provider limits requests".to_owned(),
                };
                events.push(TurnEvent::Limit { reset_at, detail });
            }
            Standing::OnExtraUsage => {
                self.evidence.limit = None;
                self.warn(format!("the account's {name}limit is reached; extra usage pays for more"), events);
            }
            Standing::Near => {
                let used = number(info.utilization)
                    .map_or(String::new(), |used| format!(": {:.0} % used", used * 100.0));
                self.warn(format!("the account's {name}limit is near{used}"), events);
            }
            Standing::Allowed => {}
        }
    }

    /// A warning about a limit, told once.
    fn warn(&mut self, text: String, events: &mut Vec<TurnEvent>) {
        if self.warned.as_ref() != Some(&text) {
            self.warned = Some(text.clone());
            events.push(TurnEvent::Notice { text });
        }
    }

    /// The same information as it comes with the error itself.
    pub(super) fn note_limit(&mut self, line: &Line<'_>, now: Timestamp) {
        let params: ErrorParams<'_> = fields(line.api_error_params).unwrap_or_default();
        let Some(info) = fields::<RateLimit<'_>>(params.rate_limit_info) else { return };
        if limits::standing(&info) == Standing::Rejected && self.evidence.limit.is_none() {
            let window = limits::window_name(info.rate_limit_type);
            self.evidence.limit = Some(LimitMet { reset_at: limits::of_info(&info, now), window });
        }
    }
}
