//! What all measurements of the program from outside have in common.

mod bench;
mod peak;

pub use bench::*;
pub use peak::*;
