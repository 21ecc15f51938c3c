//! A real client, installed from its vendor, against a scripted model: the program, the client and the model server work
//! together as they would for a person, without a network and without a model. `.ci/run clients` installs the client
//! and runs these tests; ordinary test runs do not need it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

mod aborting;
mod budgets;
mod driver_death;
#[path = "../end_to_end/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
mod harness;
mod limits;
mod main_job;
#[path = "../model_server/server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "its own tests use the rest of it")]
mod model_server;
mod permissions;
mod resuming;
mod stage;
mod troubles;
mod typescript;
mod watching;
