//! Answers that are no answers: an HTTP status, headers and a message instead of a model's words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// A refusal of one or more requests.
#[derive(Clone)]
pub struct Refusal {
    pub(super) status: u16,
    /// How many requests are refused in a row; for ever without a number.
    pub(super) times: Option<usize>,
    pub(super) message: String,
    headers: Vec<(String, String)>,
    resets_in: Option<Duration>,
}

impl Refusal {
    pub fn new(status: u16, message: &str) -> Self {
        Self { status, times: Some(1), message: message.to_owned(), headers: Vec::new(), resets_in: None }
    }

    /// The usage limit of a subscription, which ends that long after the first request is refused for it.
    pub fn usage_limit(resets_in: Duration) -> Self {
        let refusal = Self::new(429, "This request would exceed your account's rate limit.");
        Self { resets_in: Some(resets_in), ..refusal }
    }

    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    pub fn for_ever(self) -> Self {
        Self { times: None, ..self }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// When the limit ends, in seconds of Unix time, if it is one that says so and begins now. Rounded up, because a
    /// client that comes back at that second must not be too early.
    pub(super) fn reset_from_now(&self) -> Option<u64> {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.resets_in?;
        Some(end.as_secs() + u64::from(end.subsec_nanos() > 0))
    }

    pub(super) fn headers(&self, reset: Option<u64>) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        if let Some(reset) = reset {
            let limit = [
                ("status", "rejected".to_owned()),
                ("reset", reset.to_string()),
                ("representative-claim", "five_hour".to_owned()),
                ("5h-status", "rejected".to_owned()),
                ("5h-reset", reset.to_string()),
                ("5h-utilization", "1.0".to_owned()),
            ];
            let named = |(name, value)| (format!("anthropic-ratelimit-unified-{name}"), value);
            headers.extend(limit.map(named));
        }
        headers
    }

    pub(super) fn body(&self) -> Value {
        let kind = match self.status {
            400 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        json!({"type": "error", "error": {"type": kind, "message": self.message}})
    }
}
