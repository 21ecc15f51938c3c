//! The `claude` backend from outside: what it starts, and what it makes of recorded output.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]

mod command_line;
mod events;
mod expectations;
mod mutations;
mod replay;
mod turns;
mod two_way;
mod unruly;
