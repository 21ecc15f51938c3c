//! The driver over a real store, with real processes and a backend that judges their ends as a test says.

mod accounts;
mod budgets;
mod changes;
mod drive;
mod gate;
mod graph;
mod prompts;
mod recover;
mod report;
mod requests;
mod sequences;
mod snapshots;
mod workspace;
mod worktrees;
mod world;
