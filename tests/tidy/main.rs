//! Rules of the house as tests: who may depend on whom, how files look, and that the documentation says what the
//! program does. Must not test what the program does: that is `end_to_end`'s business.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod codes;
mod command_reference;
mod documents;
mod edges;
mod examples;
mod help;
mod json_reference;
mod modules;
mod repository;
mod rules;
mod source;
mod variables;
