//! The program from outside: the real binary with scripted fake agents in a world of its own for each test. Sees the
//! binary and its files, never the code behind them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

mod aborting;
mod attachment_links;
mod attachments;
mod attribution;
mod authoring;
mod budgets;
mod chaos;
mod completing;
mod conversations;
mod definitions;
mod deleting;
mod dependencies;
mod disk_use;
mod doubt;
mod events;
mod example_hooks;
mod flows;
mod full_disk;
mod garbage;
mod harness;
mod hooks;
mod hostile;
mod importing;
mod inheritance;
mod interrupted;
mod launchers;
mod leash;
mod life;
mod lineage;
mod listing;
mod messages;
mod misbehaving;
mod nested;
mod notify;
mod output;
mod parents;
mod passive;
mod prompts;
mod races;
mod report;
mod reporting;
mod resuming;
mod secrets;
mod shell;
mod skills;
mod starting;
mod starts;
mod strangers;
mod templates;
mod terminal;
mod transfer;
mod truth;
mod turns;
mod unreadable;
mod usage;
mod variables;
mod verbs;
mod waiting_for;
mod watching;
mod workspaces;
mod worktrees;
