//! Arguments of `run` and its subcommands, of `init` and of `recover`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

use super::acts::{
    OneRunArgs, QueueMessageArgs, RemoveMessageArgs, ResetArgs, SetBackendSessionArgs, SetGroupArgs,
    SetNameArgs, SetNoteArgs, WaitArgs,
};
use super::examples::examples;
use super::{
    BusyChoice, ClearDependenciesArgs, DependencyArgs, ExportArgs, ExtendArgs, ImportArgs, LimitChoice,
    OrphanChoice, Output, ReconfigureArgs, RelationArgs,
};

/// What a new run is made from.
#[derive(Debug, Args)]
pub struct NewRunArgs {
    /// Agent: a name, or a path that is absolute or starts with ./ or ../
    #[arg(long, value_name = "NAME|PATH")]
    pub agent: Option<String>,
    /// Assignment: a name, or a path that is absolute or starts with ./ or ../
    #[arg(long, value_name = "NAME|PATH", conflicts_with = "checklist")]
    pub assignment: Option<String>,
    /// Markdown file whose unchecked `- [ ]` items are the tasks
    #[arg(long, value_name = "FILE")]
    pub checklist: Option<String>,
    /// Backend instead of the agent's: claude, shell, command or passive
    #[arg(long, value_name = "ID")]
    pub backend: Option<String>,
    /// Launcher instead of the agent's: its name, or `direct` for none
    #[arg(long, value_name = "NAME")]
    pub launcher: Option<String>,
    /// Directory to work in [default: the assignment's, else the current one]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<String>,
    /// Work in a git worktree of its own, on this branch [default: agent-runner/<run-id>]
    #[arg(long, value_name = "BRANCH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub worktree: Option<String>,
    /// Model instead of the agent's
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// How hard the model is asked to think, instead of the agent's choice
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(["off", "minimal", "low", "medium", "high", "xhigh", "max"]))]
    pub effort: Option<String>,
    /// Seconds one attempt may take [default: the agent's, else 3600]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub timeout_sec: Option<u32>,
    /// Retries after the first attempt, 0 to 20 [default: the assignment's, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20))]
    pub max_retries: Option<u32>,
    /// Let the backend bypass its own safety prompts
    #[arg(long)]
    pub unrestricted: bool,
    /// Display name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Add a task; can be repeated
    #[arg(long, value_name = "TITLE")]
    pub add_task: Vec<String>,
    /// Give a variable of the assignment a value; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub var: Vec<String>,
    /// Begin in this conversation of the backend, instead of a new one
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub backend_session_id: Option<String>,
    /// Run this one descends from [default: $AGENT_RUNNER_PARENT_RUN_ID]
    #[arg(long, value_name = "RUN-ID")]
    pub parent_run: Option<String>,
    /// Group of runs this one belongs to [default: $AGENT_RUNNER_RUN_GROUP_ID, else its parent's, else its own]
    #[arg(long, value_name = "ID", conflicts_with = "no_inherit_run_group")]
    pub group_id: Option<String>,
    /// Its relations to other runs.
    #[command(flatten)]
    pub relations: RelationArgs,
    /// When a usage or rate limit is met: wait for its end, or end the run with exit code 75 [default: wait]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_limit: Option<LimitChoice>,
    /// When another run works in the directory: wait until it is done, fail, or share it [default: wait]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_busy: Option<BusyChoice>,
    /// When the run has ended: `desktop` shows a notification, anything else is a shell command line
    #[arg(long, value_name = "desktop|COMMAND")]
    pub notify: Option<String>,
    /// File with the message to the worker; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "message")]
    pub message_file: Option<String>,
    /// Message to the worker
    #[arg(value_name = "MESSAGE")]
    pub message: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: Option<RunCommand>,
    /// What a new run is made from.
    #[command(flatten)]
    pub new: NewRunArgs,
    /// Start a ready run, or go on with one that ended or was interrupted
    #[arg(long, value_name = "RUN-ID|PATH")]
    pub resume_run: Option<String>,
    /// Return as soon as the run is being driven
    #[arg(long)]
    pub detach: bool,
    /// With --detach: do not tell the parent run when this one has ended
    #[arg(long, requires = "detach")]
    pub no_notify_parent_on_complete: bool,
    /// What happens if this command is killed outright [default: continue from a terminal or with --detach, else abort]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_orphan: Option<OrphanChoice>,
    /// With --resume-run: also if the run was last driven on another host or in another container
    #[arg(long)]
    pub take_over: bool,
}

/// `run …`.
#[derive(Debug, Subcommand)]
pub enum RunCommand {
    /// Approve an initialized run for its first start
    #[command(after_long_help = examples!("Approve the newest run" => "run ready @last"))]
    Ready(ReadyArgs),
    /// Make an initialized run anew from other values of its variables, or with another message
    #[command(after_long_help = examples!("Say something else to the worker before it starts" => "run reconfigure @last \"Only the kitchen.\""))]
    Reconfigure(ReconfigureArgs),
    /// Show a run
    #[command(after_long_help = examples!("Look at the newest run" => "run status @last", "Print how a run stands, and nothing else" => "run status @Chores --field effectiveStatus"))]
    Status(RunStatusArgs),
    /// Print what a run's worker is told
    #[command(after_long_help = examples!("Read what its worker is told" => "run brief @last"))]
    Brief(BriefArgs),
    /// Print a run's history
    #[command(after_long_help = examples!("See what happened lately" => "run audit @last --limit 20"))]
    Audit(AuditArgs),
    /// Print what happened in a run and what its workers did
    #[command(after_long_help = examples!("Read all that workers did" => "run timeline @last --full", "Only what the first one did" => "run timeline @last --attempt 0"))]
    Timeline(TimelineArgs),
    /// Write one page about a run: what it came to, its tasks, attempts, cost and changes
    #[command(after_long_help = examples!("Write a page for a browser" => "run report @last --output report.html"))]
    Report(ReportArgs),
    /// Watch a running run
    #[command(after_long_help = examples!("Watch the newest run" => "run attach @last"))]
    Attach(AttachArgs),
    /// End a running run
    #[command(after_long_help = examples!("End the newest run" => "run abort @last", "End a run that does not listen" => "run abort @Chores --now"))]
    Abort(AbortArgs),
    /// Wait until runs have ended
    #[command(after_long_help = examples!("Wait ten minutes at most for two runs" => "run wait @last @-2 --timeout-sec 600"))]
    Wait(WaitArgs),
    /// Show the runs above and below a run
    #[command(after_long_help = examples!("See which runs it was started by, and has started" => "run tree @last"))]
    Tree(OneRunArgs),
    /// Make a run what it was when it was created
    #[command(after_long_help = examples!("Begin anew" => "run reset @last"))]
    Reset(ResetArgs),
    /// Put a run away
    #[command(after_long_help = examples!("Put the newest run away" => "run archive @last"))]
    Archive(OneRunArgs),
    /// Take a run back out of the archive
    #[command(after_long_help = examples!("Take it back out, by its name" => "run unarchive @Chores"))]
    Unarchive(OneRunArgs),
    /// Delete an archived run for good
    #[command(after_long_help = examples!("Delete a run that was put away, by its name" => "run delete @Chores"))]
    Delete(OneRunArgs),
    /// Give a run a display name
    #[command(after_long_help = examples!("Call the newest run something" => "run set-name @last \"Chores of May\"", "Call it nothing" => "run set-name @last --clear"))]
    SetName(SetNameArgs),
    /// Give a run a note for people
    #[command(after_long_help = examples!("Remember what is to be done with it" => "run set-note @last \"Ask Ada before **deleting** it.\""))]
    SetNote(SetNoteArgs),
    /// Take a run's note away
    #[command(after_long_help = examples!("Take its note away" => "run clear-note @last"))]
    ClearNote(OneRunArgs),
    /// Let boards show a run first
    #[command(after_long_help = examples!("Show it first" => "run pin @last"))]
    Pin(OneRunArgs),
    /// Let boards show a run in its place
    #[command(after_long_help = examples!("Show it in its place" => "run unpin @last"))]
    Unpin(OneRunArgs),
    /// Move a run to another group
    #[command(after_long_help = examples!("Let two runs belong together" => "run set-group @last spring-clean"))]
    SetGroup(SetGroupArgs),
    /// Let a run stand alone
    #[command(after_long_help = examples!("Let it stand alone" => "run clear-group @last"))]
    ClearGroup(OneRunArgs),
    /// Record the conversation a passive run is worked on in
    #[command(after_long_help = examples!("Remember where a person works on it" => "run set-backend-session @last my-session"))]
    SetBackendSession(SetBackendSessionArgs),
    /// Forget the conversation of a passive run
    #[command(after_long_help = examples!("Forget that" => "run clear-backend-session @last"))]
    ClearBackendSession(OneRunArgs),
    /// Leave a message for the next session of a running run
    #[command(after_long_help = examples!("Tell the worker something when it next starts" => "run queue-message @last \"Mind the wet floor.\""))]
    QueueMessage(QueueMessageArgs),
    /// List the messages that wait for a run's next session
    #[command(after_long_help = examples!("See what it will be told" => "run queued-messages @last"))]
    QueuedMessages(OneRunArgs),
    /// Take back a message that waits
    #[command(
        override_usage = "agent-runner run remove-queued-message [OPTIONS]\n           <RUN-ID|PATH> <MESSAGE-ID>"
    )]
    #[command(after_long_help = examples!("Take a message back, by its id" => "run remove-queued-message @last msg-4k2p9d7w"))]
    RemoveQueuedMessage(RemoveMessageArgs),
    /// Make an initialized run wait until another run, or a group of runs, has ended as success
    #[command(
        override_usage = "agent-runner run add-dep [OPTIONS] <RUN-ID|PATH> --run <RUN-ID|PATH>\n       agent-runner run add-dep [OPTIONS] <RUN-ID|PATH> --group <ID>"
    )]
    #[command(after_long_help = examples!("Let the newest run wait for the one before it" => "run add-dep @last --run @-2", "Let it wait for a whole group" => "run add-dep @last --group spring-clean"))]
    AddDep(DependencyArgs),
    /// Take that back
    #[command(
        override_usage = "agent-runner run remove-dep [OPTIONS] <RUN-ID|PATH> --run <RUN-ID|PATH>\n       agent-runner run remove-dep [OPTIONS] <RUN-ID|PATH> --group <ID>"
    )]
    #[command(after_long_help = examples!("Let it not wait for that run any more" => "run remove-dep @last --run @-2"))]
    RemoveDep(DependencyArgs),
    /// Make an initialized run wait for nothing
    #[command(after_long_help = examples!("Let it wait for nothing" => "run clear-deps @last"))]
    ClearDeps(ClearDependenciesArgs),
    /// Raise the ceilings of a run's budget
    #[command(after_long_help = examples!("Give a run more tokens, and let it go on" => "run extend @last --tokens 200000 --resume"))]
    Extend(ExtendArgs),
    /// Write a run as an archive that can be imported elsewhere
    #[command(after_long_help = examples!("Write the newest run as a file that can be mailed" => "run export @last --output last.agent-run.tar.gz"))]
    Export(ExportArgs),
    /// Take runs over from archives, or from the TypeScript agent-runner
    #[command(after_long_help = examples!("Take a run over that somebody sent" => "run import last.agent-run.tar.gz --as-new-id", "See what would be imported from the TypeScript agent-runner" => "run import --all --dry-run"))]
    Import(ImportArgs),
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// What the run is made from.
    #[command(flatten)]
    pub new: NewRunArgs,
    /// Make this initialized run anew instead of creating one; it keeps its id, its group and its parent
    #[arg(long, value_name = "RUN-ID|PATH", conflicts_with_all = ["parent_run", "group_id"])]
    pub run_id: Option<String>,
}

/// `run ready`.
#[derive(Debug, Args)]
pub struct ReadyArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run status`.
#[derive(Debug, Args)]
pub struct RunStatusArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Print only this field of the JSON; can be repeated
    #[arg(long, value_name = "NAME")]
    pub field: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run brief`.
#[derive(Debug, Args)]
pub struct BriefArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Only the newest N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run timeline`.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Only what the worker of this attempt did, from 0
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only the newest N entries
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Show long texts whole
    #[arg(long)]
    pub full: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For terminals, and for places that render it
    Markdown,
    /// One file for a browser, without scripts
    Html,
}

/// `run report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// How the page is written [default: html if FILE ends with .html, else markdown]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ReportFormat>,
    /// Write the page to this file instead of standard output
    #[arg(long = "output", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run abort`.
#[derive(Debug, Args)]
pub struct AbortArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Do not give the worker time to leave
    #[arg(long)]
    pub now: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `recover`.
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// Only this run [default: every interrupted run]
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Start new drivers for the recovered runs
    #[arg(long, conflicts_with = "dry_run")]
    pub resume: bool,
    /// Also runs that were last driven on another host or in another container
    #[arg(long)]
    pub take_over: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
