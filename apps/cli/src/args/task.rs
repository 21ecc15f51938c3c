//! Arguments of `task`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::Output;
use super::examples::examples;

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
    #[command(after_long_help = examples!("See the tasks of the newest run" => "task list @last"))]
    List(TaskListArgs),
    /// Show one task
    #[command(after_long_help = examples!("Read one of them, notes included" => "task show @last sweep"))]
    Show(TaskShowArgs),
    /// Set a task's status, its notes, or both
    #[command(after_long_help = examples!("Begin with a task" => "task set @last sweep --status in_progress", "Say that one cannot be done, and why" => "task set @last sweep --status blocked --notes \"No broom.\""))]
    Set(SetArgs),
    /// Add text at the end of a task's notes
    #[command(
        override_usage = "agent-runner task append-notes [OPTIONS] --text <TEXT>\n           <RUN-ID|PATH> <TASK-ID>"
    )]
    #[command(after_long_help = examples!("Add to what is noted about a task" => "task append-notes @last sweep --text \"Done upstairs.\""))]
    AppendNotes(AppendNotesArgs),
    /// Add a task
    #[command(after_long_help = examples!("Add a task" => "task add @last --title \"Water the plants\""))]
    Add(AddArgs),
    /// Change the title or body of a pending task
    #[command(after_long_help = examples!("Say better what is to be done" => "task edit @last sweep --title \"Sweep the stairs, too\""))]
    Edit(EditArgs),
    /// Delete a pending task
    #[command(after_long_help = examples!("Delete a task that nobody has begun" => "task delete @last mop"))]
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
