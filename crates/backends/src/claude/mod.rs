//! Anthropic's `claude`: its command line, and its stream of JSON lines. Written from what version 2.1.328 does.

mod ends;
mod failure;
mod limits;
mod messages;
mod notices;
mod plan;
mod reader;
mod summary;
mod todo;
mod tokens;
mod tools;
mod wire;

pub(crate) use plan::Claude;
