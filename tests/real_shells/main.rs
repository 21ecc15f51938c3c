//! bash, zsh and fish with the completions of the program, as a person has them: keys are typed at a terminal. Also the
//! typesetters that pages of the manual are made for. `.ci/run shells` installs all of them and runs these tests;
//! ordinary test runs do not need them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

#[path = "../end_to_end/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
mod harness;
mod hostile;
mod manual;
mod offers;
mod shell;
mod troubles;
