//! Tests of the model: laws that hold after any fact, a simulated driver, the attempt table row by row.

mod attachment;
mod control;
mod driving;
mod facts;
mod hooks;
mod import;
mod invariants;
mod late;
mod life;
mod limits;
mod once;
mod redact;
mod regressions;
mod retention;
mod sample;
mod table;
mod tasks;
mod values;
mod vars;
mod world;
