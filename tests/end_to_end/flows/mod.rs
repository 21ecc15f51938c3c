//! The flows that come with the program, from a request to a merged change: scripted agents, real repositories and worktrees,
//! reviews in runs of their own, and people who are asked.

mod changes;
mod kills;
mod one_run;
mod plan_first;
mod scene;
