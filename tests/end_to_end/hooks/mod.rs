//! The contract of hooks, with real processes: what they are told, what they can answer, what each answer does, and that
//! nothing is lost or left when they misbehave or die.

mod builtins;
mod calls;
mod changes;
mod context;
mod kills;
mod lifecycle;
mod misbehaving;
mod mutations;
mod reference;
mod results;
mod scene;
mod stops;
mod traps;
mod verdicts;
