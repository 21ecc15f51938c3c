//! The scripted model server that stands in for a provider in the tests with real clients, and its own tests. They speak
//! plain HTTP to it and need no client, so they run with all others.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

mod answers;
mod caller;
mod requests;
mod server;
mod troubles;
