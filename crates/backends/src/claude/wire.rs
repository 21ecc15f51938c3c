//! The lines of stream-json as the client prints them: which members are of interest. Everything else is skipped, a
//! member of an unexpected type counts as missing. Must not interpret anything.

use serde::Deserialize;
use serde_json::value::RawValue;

type Raw<'a> = Option<&'a RawValue>;

/// One line of standard output.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub subtype: Raw<'a>,
    #[serde(borrow)]
    pub session_id: Raw<'a>,
    #[serde(borrow)]
    pub parent_tool_use_id: Raw<'a>,
    /// `stream_event`: an event of the provider's own stream.
    #[serde(borrow)]
    pub event: Raw<'a>,
    /// `assistant`, `user`: an object. `permission_denied`: a text.
    #[serde(borrow)]
    pub message: Raw<'a>,
    /// `user`: what a tool answered, as an object of its own.
    #[serde(borrow)]
    pub tool_use_result: Raw<'a>,
    /// Lines of sub-agents: what they are to do, and of which kind they are.
    #[serde(borrow)]
    pub task_description: Raw<'a>,
    #[serde(borrow)]
    pub subagent_type: Raw<'a>,

    /// `system/init`.
    #[serde(borrow)]
    pub model: Raw<'a>,
    /// `system/api_retry`.
    #[serde(borrow)]
    pub attempt: Raw<'a>,
    #[serde(borrow)]
    pub max_retries: Raw<'a>,
    #[serde(borrow)]
    pub retry_delay_ms: Raw<'a>,
    #[serde(borrow)]
    pub error_status: Raw<'a>,
    /// `system/api_retry`, and `assistant` lines that stand for an error of the provider.
    #[serde(borrow)]
    pub error: Raw<'a>,
    /// `system/permission_denied`.
    #[serde(borrow)]
    pub tool_name: Raw<'a>,
    #[serde(borrow)]
    pub tool_use_id: Raw<'a>,
    /// `system/model_fallback`: words.
    #[serde(borrow)]
    pub content: Raw<'a>,
    /// `system/task_notification`.
    #[serde(borrow)]
    pub status: Raw<'a>,
    #[serde(borrow)]
    pub summary: Raw<'a>,
    /// `rate_limit_event`.
    #[serde(borrow)]
    pub rate_limit_info: Raw<'a>,

    /// Errors of the provider, on `assistant` and `result` lines.
    #[serde(borrow)]
    pub is_api_error_message: Raw<'a>,
    #[serde(borrow)]
    pub api_error_status: Raw<'a>,
    #[serde(borrow)]
    pub api_error_type: Raw<'a>,
    #[serde(borrow)]
    pub api_error: Raw<'a>,
    #[serde(borrow)]
    pub api_error_params: Raw<'a>,

    /// `result`.
    #[serde(borrow)]
    pub is_error: Raw<'a>,
    #[serde(borrow)]
    pub stop_reason: Raw<'a>,
    #[serde(borrow)]
    pub terminal_reason: Raw<'a>,
    #[serde(borrow)]
    pub result: Raw<'a>,
    #[serde(borrow)]
    pub errors: Raw<'a>,
    #[serde(borrow)]
    pub usage: Raw<'a>,
    #[serde(borrow)]
    pub total_cost_usd: Raw<'a>,
    #[serde(borrow)]
    pub model_usage_since_last_result: Raw<'a>,
    #[serde(borrow)]
    pub permission_denials: Raw<'a>,
}

/// The message of an `assistant` or `user` line, or of `message_start`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub model: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub usage: Raw<'a>,
}

/// A block of a message's content.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub text: Raw<'a>,
    #[serde(borrow)]
    pub thinking: Raw<'a>,
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub name: Raw<'a>,
    #[serde(borrow)]
    pub input: Raw<'a>,
    #[serde(borrow)]
    pub tool_use_id: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub is_error: Raw<'a>,
}

/// An event of the provider's stream.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct StreamEvent<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub message: Raw<'a>,
    #[serde(borrow)]
    pub delta: Raw<'a>,
    #[serde(borrow)]
    pub usage: Raw<'a>,
}

/// A piece of a message.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub text: Raw<'a>,
    #[serde(borrow)]
    pub stop_reason: Raw<'a>,
}

/// Tokens of a message or a result.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Tokens<'a> {
    #[serde(borrow)]
    pub input_tokens: Raw<'a>,
    #[serde(borrow)]
    pub output_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cache_read_input_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cache_creation_input_tokens: Raw<'a>,
}

/// What one model used.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelTokens<'a> {
    #[serde(borrow)]
    pub input_tokens: Raw<'a>,
    #[serde(borrow)]
    pub output_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cache_read_input_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cache_creation_input_tokens: Raw<'a>,
}

/// Where the account stands with its limits.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RateLimit<'a> {
    #[serde(borrow)]
    pub status: Raw<'a>,
    #[serde(borrow)]
    pub resets_at: Raw<'a>,
    #[serde(borrow)]
    pub rate_limit_type: Raw<'a>,
    #[serde(borrow)]
    pub utilization: Raw<'a>,
    #[serde(borrow)]
    pub unified_windows: Raw<'a>,
    #[serde(borrow)]
    pub overage_status: Raw<'a>,
    #[serde(borrow)]
    pub is_using_overage: Raw<'a>,
}

/// The parameters of an error of the provider.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ErrorParams<'a> {
    #[serde(borrow)]
    pub rate_limit_info: Raw<'a>,
}

/// A tool call that was refused.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Denial<'a> {
    #[serde(borrow)]
    pub tool_name: Raw<'a>,
    #[serde(borrow)]
    pub tool_use_id: Raw<'a>,
    #[serde(borrow)]
    pub tool_input: Raw<'a>,
}

/// What the tools that keep a plan take and answer.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PlanChange<'a> {
    /// The whole plan.
    #[serde(borrow)]
    pub new_todos: Raw<'a>,
    #[serde(borrow)]
    pub tasks: Raw<'a>,
    /// One item, new.
    #[serde(borrow)]
    pub task: Raw<'a>,
    /// One item, changed.
    #[serde(borrow)]
    pub task_id: Raw<'a>,
    #[serde(borrow)]
    pub status_change: Raw<'a>,
}

/// An item of a plan.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct PlanEntry<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub subject: Raw<'a>,
    #[serde(borrow)]
    pub status: Raw<'a>,
    /// Of a change of status.
    #[serde(borrow)]
    pub to: Raw<'a>,
}
