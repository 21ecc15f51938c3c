//! Arguments of `task`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::Output;

/// `task`.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: TaskCommand,
}

/// `task …`.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List a run's tasks
    List(TaskListArgs),
    /// Show one task
    Show(TaskShowArgs),
    /// Set a task's status, its notes, or both
    Set(SetArgs),
    /// Add text at the end of a task's notes
    AppendNotes(AppendNotesArgs),
    /// Add a task
    Add(AddArgs),
    /// Change the title or body of a pending task
    Edit(EditArgs),
    /// Delete a pending task
    Delete(DeleteArgs),
}

/// `task list`.
#[derive(Debug, Args)]
pub struct TaskListArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task show`.
#[derive(Debug, Args)]
pub struct TaskShowArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The task
    #[arg(value_name = "TASK-ID")]
    pub task: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The task
    #[arg(value_name = "TASK-ID")]
    pub task: String,
    /// The new status
    #[arg(long, value_parser = PossibleValuesParser::new(["pending", "in_progress", "completed", "blocked"]))]
    pub status: Option<String>,
    /// The new notes, in place of the old ones; `-` reads standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub notes: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task append-notes`.
#[derive(Debug, Args)]
pub struct AppendNotesArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The task
    #[arg(value_name = "TASK-ID")]
    pub task: String,
    /// The text; `-` reads standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
    /// Makes the command count once, however often it is repeated with the same id
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// One line
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    pub title: String,
    /// Markdown; `-` reads standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, default_value = "")]
    pub body: String,
    /// Makes the command count once, however often it is repeated with the same id
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task edit`.
#[derive(Debug, Args)]
pub struct EditArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The task
    #[arg(value_name = "TASK-ID")]
    pub task: String,
    /// The new title
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    pub title: Option<String>,
    /// The new body, Markdown; `-` reads standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub body: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `task delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The task
    #[arg(value_name = "TASK-ID")]
    pub task: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
