//! A model server on loopback that plays scripts. It speaks as much of the Anthropic Messages interface as real clients
//! use, and knows nothing of the program under test.

mod conversation;
mod gate;
mod http;
mod listener;
mod refusal;
mod reply;
mod request;
mod routes;
mod script;
mod tools;

pub use gate::Gate;
pub use listener::{Kind, ModelServer};
pub use refusal::Refusal;
pub use script::Script;
