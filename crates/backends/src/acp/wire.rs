//! Messages of the protocol, version 1: which members are of interest. Must not interpret anything.

use serde::Deserialize;
use serde_json::value::RawValue;

type Raw<'a> = Option<&'a RawValue>;

/// A JSON-RPC message.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub method: Raw<'a>,
    #[serde(borrow)]
    pub params: Raw<'a>,
    #[serde(borrow)]
    pub result: Raw<'a>,
    #[serde(borrow)]
    pub error: Raw<'a>,
}

/// Parameters of `session/update` and `session/request_permission`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Params<'a> {
    #[serde(borrow)]
    pub update: Raw<'a>,
    #[serde(borrow)]
    pub tool_call: Raw<'a>,
}

/// Something that happened in a session.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Update<'a> {
    #[serde(borrow)]
    pub session_update: Raw<'a>,
    /// Of messages and thoughts: one block. Of tools: a list.
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub message_id: Raw<'a>,
    #[serde(borrow)]
    pub tool_call_id: Raw<'a>,
    #[serde(borrow)]
    pub name: Raw<'a>,
    #[serde(borrow)]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub title: Raw<'a>,
    #[serde(borrow)]
    pub status: Raw<'a>,
    #[serde(borrow)]
    pub raw_input: Raw<'a>,
    #[serde(borrow)]
    pub raw_output: Raw<'a>,
    /// Of a plan.
    #[serde(borrow)]
    pub entries: Raw<'a>,
    /// Of the session so far.
    #[serde(borrow)]
    pub cost: Raw<'a>,
}

/// A block of content, an item of a plan, or a tool's content around a block.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow)]
    pub text: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub status: Raw<'a>,
}

/// An amount of money.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Cost<'a> {
    #[serde(borrow)]
    pub amount: Raw<'a>,
    #[serde(borrow)]
    pub currency: Raw<'a>,
}

/// The answers to `session/new` and `session/prompt`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub session_id: Raw<'a>,
    #[serde(borrow)]
    pub stop_reason: Raw<'a>,
    #[serde(borrow)]
    pub usage: Raw<'a>,
}

/// What a turn used.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Tokens<'a> {
    #[serde(borrow)]
    pub input_tokens: Raw<'a>,
    #[serde(borrow)]
    pub output_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cached_read_tokens: Raw<'a>,
    #[serde(borrow)]
    pub cached_write_tokens: Raw<'a>,
}

/// A JSON-RPC error.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RpcError<'a> {
    #[serde(borrow)]
    pub code: Raw<'a>,
    #[serde(borrow)]
    pub message: Raw<'a>,
    #[serde(borrow)]
    pub data: Raw<'a>,
}

/// What agents add to an error.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ErrorData<'a> {
    #[serde(borrow)]
    pub error_kind: Raw<'a>,
}
