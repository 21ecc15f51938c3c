//! The contract of hooks, with real processes: what they are told, what they can answer, what each answer does, and that
//! nothing is lost or left when they misbehave or die.

mod calls;
mod context;
mod lifecycle;
mod misbehaving;
mod mutations;
mod results;
mod scene;
