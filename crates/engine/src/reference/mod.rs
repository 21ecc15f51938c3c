//! Runs of the reference implementation, the TypeScript agent-runner, as runs of ours. Pure: knows no files and no store.

mod attempts;
mod history;
mod hooks;
mod logs;
mod manifest;
mod mapping;
mod parse;
mod schema;
mod seen;
#[cfg(test)]
mod tests;
mod vars;

pub(crate) use logs::{AttemptLogs, end_of, stderr_of};
pub(crate) use mapping::{Circumstances, Mapped, Original, Outline, digest, map, outline};
pub(crate) use parse::ReferenceError;
