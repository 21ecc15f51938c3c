//! Speaks each worker's command line or protocol: what to execute for a turn, and what its output and its end
//! mean. Must not contain the manifest, retry decisions or hooks.
#![deny(missing_docs)]

mod acp;
mod backend;
mod claude;
mod command;
mod json;
mod passive;
mod registry;
mod reset;
mod shell;
mod tail;
mod template;
#[cfg(test)]
mod tests;
mod text;

pub use acp::AcpReader;
pub use agent_runner_model::turn::TurnEvent;
pub use backend::{
    Backend, BackendError, Plan, PromptDelivery, SafetyFacts, TurnReader, TurnReport, TurnRequest,
};
pub use registry::Registry;
pub use tail::Tail;
