//! The start of the program: parses the command line, wires the rooms, runs one command.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use agent_runner_backends::Registry;
use agent_runner_engine::Engine;
use agent_runner_engine::clock::SystemClock;
use agent_runner_store::{FileOptions, FileStore, failpoint};
use agent_runner_supervisor::keep_inherited_private;
use anyhow::Context as _;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser as _};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Cli, Command};
use crate::exit::{Failure, Outcome, USAGE, finish};
use crate::front::Front;
use crate::launcher::DriverLauncher;
use crate::output::printed;
use crate::render::clean;
use crate::settings::{Settings, settings};
use crate::signals::stop_requests;
use crate::{commands, complete, drive, worker};

/// The engine as this program wires it.
pub(crate) type LocalEngine = Engine<FileStore>;

/// Everything a command works with.
pub(crate) struct App {
    pub(crate) engine: Arc<LocalEngine>,
    pub(crate) store: Arc<FileStore>,
    pub(crate) settings: Settings,
    pub(crate) front: Front,
}

/// Runs the program with the arguments and environment of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes. Mistakes must not end with 2: that is a blocked run.
            if error.use_stderr() {
                print_usage(&without_hidden(error));
                return ExitCode::from(USAGE);
            }
            return finish(print_answer(&error));
        }
    };
    failpoint::set_role(role(&cli.command));
    match cli.command {
        Command::Complete(args) => complete::answer(args),
        // What they print is the same for everybody: whoever packs this program has neither a home nor runs.
        Command::Completions(args) => finish(commands::completions(args)),
        Command::Man(args) => finish(commands::man(args)),
        command => finish(run(command)),
    }
}

/// A mistake without the advice to try what is for nobody: commands that only this program itself calls.
fn without_hidden(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::Strings(similar)) = error.get(ContextKind::SuggestedSubcommand) else {
        return error;
    };
    let root = Cli::command();
    let is_hidden = |name: &String| root.find_subcommand(name).is_some_and(clap::Command::is_hide_set);
    let shown = similar.iter().filter(|name| !is_hidden(name)).cloned().collect();
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(shown));
    error
}

/// Says what the parser says. Arguments are quoted in it, and they may come from somebody else: a script, an agent.
fn print_usage(error: &clap::Error) {
    let may_steer = |arg: std::ffi::OsString| arg.to_string_lossy().chars().any(char::is_control);
    if std::env::args_os().any(may_steer) {
        let _ = std::io::stderr().lock().write_all(clean(&error.to_string()).as_bytes());
    } else {
        let _ = error.print();
    }
}

/// Prints help, or the version.
fn print_answer(answer: &clap::Error) -> Outcome {
    printed(answer.print().and_then(|()| std::io::stdout().flush()))?;
    Ok(0)
}

/// What this process is, for the crash tests.
fn role(command: &Command) -> &'static str {
    match command {
        Command::Drive(_) => "driver",
        Command::ShellWorker => "worker",
        Command::Task(_) => "task",
        Command::Run(_)
        | Command::Init(_)
        | Command::Attachment(_)
        | Command::Workspace(_)
        | Command::List(_)
        | Command::Show(_)
        | Command::Validate(_)
        | Command::New(_)
        | Command::Schema(_)
        | Command::Skills(_)
        | Command::Status(_)
        | Command::Du(_)
        | Command::Gc(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Complete(_)
        | Command::Recover(_) => "command",
    }
}

/// Whether the command starts drivers, workers or hooks.
fn starts_processes(command: &Command) -> bool {
    match command {
        Command::Run(_)
        | Command::Init(_)
        | Command::Workspace(_)
        | Command::Task(_)
        | Command::Recover(_)
        | Command::Gc(_)
        | Command::Drive(_)
        | Command::ShellWorker => true,
        Command::Attachment(_)
        | Command::List(_)
        | Command::Show(_)
        | Command::Validate(_)
        | Command::New(_)
        | Command::Schema(_)
        | Command::Skills(_)
        | Command::Du(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Complete(_)
        | Command::Status(_) => false,
    }
}

fn run(command: Command) -> Outcome {
    if starts_processes(&command) {
        keep_inherited_private();
    }
    runtime()?.block_on(dispatch(command))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime").map_err(Failure::from)
}

/// Does something with all that a command works with, and nothing that starts processes.
pub(crate) fn in_runtime<T>(work: impl AsyncFnOnce(&App) -> T) -> Result<T, Failure> {
    let runtime = runtime()?;
    let app = {
        let _inside = runtime.enter();
        wire()?
    };
    Ok(runtime.block_on(work(&app)))
}

async fn dispatch(command: Command) -> Outcome {
    // Whoever started this process may have told it to ignore the end of its children, and what is ignored is inherited:
    // then nobody could tell how a worker ended. A handler puts that right, here and in everything started from here.
    let _children = match starts_processes(&command) {
        true => Some(signal(SignalKind::child()).context("cannot listen to signals")?),
        false => None,
    };
    let app = wire()?;
    match command {
        Command::Run(args) => commands::run::run(&app, *args).await,
        Command::Init(args) => commands::run::init(&app, *args).await,
        Command::Task(args) => commands::task::task(&app, args.command).await,
        Command::Attachment(args) => commands::attachment::attachment(&app, args.command).await,
        Command::Workspace(args) => commands::workspace::workspace(&app, args.command).await,
        Command::List(args) => commands::definitions::list(&app, args.command).await,
        Command::Show(args) => commands::definitions::show(&app, args.command).await,
        Command::Validate(args) => commands::definitions::validate(&app, args).await,
        Command::New(args) => commands::definitions::new(&app, args.command).await,
        Command::Schema(args) => commands::definitions::schema(&app, args).await,
        Command::Skills(args) => commands::skills::skills(&app, args.command),
        Command::Status(args) => commands::status(&app, args).await,
        Command::Recover(args) => commands::run::recover(&app, args).await,
        Command::Du(args) => commands::du(&app, args).await,
        Command::Gc(args) => commands::gc(&app, args).await,
        Command::Drive(args) => drive::drive(&app, args).await,
        Command::ShellWorker => worker::work(&app).await,
        // Answered before anything is made.
        Command::Completions(_) | Command::Man(_) | Command::Complete(_) => Ok(0),
    }
}

/// The rooms, wired.
fn wire() -> Result<App, Failure> {
    let settings = settings()?;
    let options = FileOptions {
        allow_network_locks: settings.allow_network_locks,
        index_dir: settings.cache_dir.as_ref().map(|dir| dir.join("index")),
        ..FileOptions::default()
    };
    let store = Arc::new(FileStore::new(settings.engine.state_dir.clone(), options));
    let front = Front::default();
    let launcher = DriverLauncher::new(Arc::clone(&store), front.clone(), settings.engine.clone());
    let engine = Engine::new(
        Arc::clone(&store),
        Registry::built_in(),
        Box::new(SystemClock),
        Box::new(launcher),
        settings.engine.clone(),
    )
    .heeding(stop_requests);
    Ok(App { engine: Arc::new(engine), store, settings, front })
}
