//! The reading half of the Agent Client Protocol: what an agent that speaks it prints on standard output, one JSON-RPC
//! message a line. The half that sends requests and answers the agent's own comes later; until then no backend uses
//! this.

mod ends;
mod reader;
mod updates;
mod wire;

pub use reader::AcpReader;
