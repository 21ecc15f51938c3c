//! `run` without a subcommand, and `init`: make a run, or go on with one, and see it through.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{CreateRun, ResumeRun, Start, WorktreeRequest};
use agent_runner_api::view::RunDetail;
use agent_runner_definitions::similar;
use agent_runner_engine::driver::{CALL_DEPTH, DESKTOP_NOTIFIER, PARENT_RUN_ID, RUN_GROUP_ID};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::{BusyPolicy, Effort, LimitPolicy, NotifySpec, OrphanPolicy};
use rustix::fs::{Access, access};

use clap::Subcommand as _;

use super::conclude::conclude;
use super::resume;
use super::watch::{Held, watch};
use crate::app::App;
use crate::args::{
    BusyChoice, InitArgs, LimitChoice, NewRunArgs, OrphanChoice, OutputFormat, RelationArgs, RunArgs,
    RunCommand,
};
use crate::drive::orphan_policy;
use crate::exit::{Failure, Outcome, usage};
use crate::follow::{End, Followed, Watch, follow};
use crate::output::{file_text, reply, screen_width};
use crate::prompts::Prompts;
use crate::render::View;
use crate::render::{clean, closing, initialized};
use crate::settings::{count, variable};
use crate::signals::Signals;
use crate::wall::Wall;

/// What `run` was asked for.
enum Wanted {
    New(Box<CreateRun>),
    Resume(ResumeRun),
}

pub(crate) async fn run(app: &App, args: RunArgs) -> Outcome {
    let RunArgs { command: _, new, resume_run, detach, no_notify_parent_on_complete, on_orphan, take_over } =
        args;
    let format = new.output.output_format;
    let on_hang_up = on_orphan.map_or(OrphanPolicy::Continue, orphan_policy);
    let on_orphan = orphan(on_orphan, detach);
    let tell_parent = detach && !no_notify_parent_on_complete;
    if take_over && resume_run.is_none() {
        return Err(usage("--take-over is for --resume-run", "a new run has no driver to take it over from"));
    }
    if !detach {
        app.front.hold_next();
    }
    if detach && std::process::id() == 1 {
        let words =
            "warning: this is the first process of a container; when it ends, the detached run ends with it";
        let _ = writeln!(std::io::stderr().lock(), "{words}");
    }
    // Everything is read before signals are taken up: a command that still waits for its input can simply be ended.
    let wanted = match resume_run {
        Some(run) => Wanted::Resume(resume::request(run, new, on_orphan, take_over, tell_parent)?),
        None => {
            hint_at_subcommand(&new)?;
            let mut request = request(app, new, Start::Now { on_orphan })?;
            request.notify_parent = tell_parent;
            if !detach {
                refuse_deadlock(&request.after)?;
            }
            Wanted::New(Box::new(request))
        }
    };
    // What is asked of this command while the run starts is heard as soon as there is a run. One that returns at once
    // can simply be ended.
    let signals = if detach { None } else { Some(Signals::new()?) };
    let (detail, after, past) = match wanted {
        Wanted::Resume(request) => {
            let detail = app.engine.call(request).await?;
            // What happened before is in the audit; what is watched is what comes now.
            let after = detail.last_cursor;
            let past = detail.attempts.last().map(|attempt| attempt.attempt_number);
            (detail, after, past)
        }
        Wanted::New(request) => {
            let wants_desktop = matches!(request.notify, Some(NotifySpec::Desktop));
            let detail = app.engine.call(*request).await?;
            say_notes(app, &detail, wants_desktop, format);
            (detail, 0, None)
        }
    };
    let wall = &app.settings.display.wall;
    if detail.is_passive() {
        let detail = match prepared(app, detail, format).await? {
            Preparation::Done(detail) => detail,
            Preparation::Ended(code) => return Ok(code),
        };
        reply(format, &detail, |detail| initialized(detail, wall, screen_width()))?;
        return Ok(0);
    }
    let Some(signals) = signals else {
        reply(format, &detail, |detail| started(detail, wall))?;
        return Ok(0);
    };
    watch(app, Held { run_id: detail.summary.run_id, after, past, on_hang_up }, signals, format).await
}

pub(crate) async fn init(app: &App, args: InitArgs) -> Outcome {
    let InitArgs { new, run_id } = args;
    let format = new.output.output_format;
    let request = CreateRun { run_id, ..request(app, new, Start::Later)? };
    let wants_desktop = matches!(request.notify, Some(NotifySpec::Desktop));
    app.front.hold_next();
    let detail = app.engine.call(request).await?;
    say_notes(app, &detail, wants_desktop, format);
    let detail = match prepared(app, detail, format).await? {
        Preparation::Done(detail) => detail,
        Preparation::Ended(code) => return Ok(code),
    };
    reply(format, &detail, |detail| initialized(detail, &app.settings.display.wall, screen_width()))?;
    Ok(0)
}

/// What became of a run that hooks were to prepare.
enum Preparation {
    /// It is initialized.
    Done(Box<RunDetail>),
    /// It has ended, or this command let go of it, with this exit code.
    Ended(u8),
}

/// Waits until hooks have prepared the run, if there are any.
async fn prepared(app: &App, detail: RunDetail, format: OutputFormat) -> Result<Preparation, Failure> {
    let Some((leash, wake)) = app.front.take() else { return Ok(Preparation::Done(Box::new(detail))) };
    let mut watch = Watch::new(View::silent(), Signals::new()?);
    let prompts = Prompts::held(leash, wake, OrphanPolicy::Abort)?;
    let run_id = detail.summary.run_id;
    let followed = Followed { run_id, after: 0, past: None, replaceable: false };
    match follow(app, followed, prompts, &mut watch).await? {
        End::Over(detail) if matches!(detail.summary.status, RunStatus::Initialized) => {
            Ok(Preparation::Done(detail))
        }
        // It can also have been started at once by somebody else; then that is shown.
        End::Over(detail) => Ok(Preparation::Ended(conclude(app, &mut watch, &detail, format).await?)),
        End::LetGo(code) => Ok(Preparation::Ended(code)),
    }
}

/// Says once, when a run is made, what people should know about its backend's own safety rules, and that a notification
/// they asked for cannot be shown.
fn say_notes(app: &App, detail: &RunDetail, wants_desktop: bool, format: OutputFormat) {
    match format {
        OutputFormat::Text => {}
        OutputFormat::Json => return,
    }
    let mut err = std::io::stderr().lock();
    if let Some(note) = &detail.safety_note {
        let _ = writeln!(err, "note: {}", clean(note));
    }
    if wants_desktop && !is_in_path(&app.engine.config().search_path, DESKTOP_NOTIFIER) {
        let _ = writeln!(
            err,
            "note: {DESKTOP_NOTIFIER} is not in PATH: no notification will be shown when the run has ended"
        );
    }
}

fn is_in_path(search_path: &OsStr, program: &str) -> bool {
    let is_program = |file: &Path| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    std::env::split_paths(search_path).any(|directory| is_program(&directory.join(program)))
}

/// From a terminal, a run that loses its starter goes on; from a pipe or a job, it must not go on spending.
fn orphan(choice: Option<OrphanChoice>, detach: bool) -> OrphanPolicy {
    let has_terminal = || {
        std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal()
    };
    match choice {
        Some(choice) => orphan_policy(choice),
        None if detach || has_terminal() => OrphanPolicy::Continue,
        None => OrphanPolicy::Abort,
    }
}

fn started(detail: &RunDetail, wall: &Wall) -> String {
    let run = &detail.summary.run_id;
    let closing = closing(detail, None, wall, screen_width());
    format!("Run {run} is being driven in the background.\n\n{closing}")
}

pub(super) fn message(file: Option<&str>, words: &[String]) -> Result<Option<String>, Failure> {
    let message = match (file, words.is_empty()) {
        (Some(path), _) => file_text(path)?,
        (None, true) => return Ok(None),
        (None, false) => words.join(" "),
    };
    if message.trim().is_empty() {
        return Err(usage("the message is empty", "say something, or leave the message out"));
    }
    Ok(Some(message))
}

/// `run statsu abc` would otherwise be taken for a message.
fn hint_at_subcommand(new: &NewRunArgs) -> Result<(), Failure> {
    if new.agent.is_some() || new.backend.is_some() {
        return Ok(());
    }
    let Some(word) = new.message.first().map(|word| word.trim()) else { return Ok(()) };
    // A message of several words in quotes is no slip of the fingers.
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Ok(());
    }
    let known = RunCommand::augment_subcommands(clap::Command::new("run"));
    let names: Vec<&str> = known.get_subcommands().map(clap::Command::get_name).collect();
    let close = match names.contains(&word) {
        true => Some(word),
        false => similar(word, names).first().copied(),
    };
    match close {
        Some(name) => Err(usage(
            format!("`run {word}` is not a command"),
            format!("did you mean `agent-runner run {name}`? A new run needs --agent or --backend"),
        )),
        None => Ok(()),
    }
}

fn request(app: &App, new: NewRunArgs, start: Start) -> Result<CreateRun, Failure> {
    let message = message(new.message_file.as_deref(), &new.message)?;
    let NewRunArgs {
        agent,
        assignment,
        checklist,
        backend,
        launcher,
        cwd,
        worktree,
        model,
        effort,
        timeout_sec,
        max_retries,
        unrestricted,
        name,
        add_task,
        var,
        backend_session_id,
        parent_run,
        group_id,
        relations: RelationArgs { no_inherit_run_group, after, budget },
        on_limit,
        on_busy,
        notify,
        message_file: _,
        message: _,
        output: _,
    } = new;
    let from_environment = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let effort = match effort {
        None => None,
        Some(word) => Some(
            Effort::parse(&word).ok_or_else(|| usage(format!("invalid --effort {word:?}"), "see --help"))?,
        ),
    };
    let caller_dir = app.settings.caller_dir()?.to_owned();
    let asked = super::extend::budget(&budget)?;
    Ok(CreateRun {
        agent,
        assignment,
        checklist,
        backend,
        model,
        effort,
        timeout_sec,
        max_retries,
        unrestricted: unrestricted.then_some(true),
        name,
        cwd,
        worktree: worktree.map(|branch| WorktreeRequest { branch: (!branch.is_empty()).then_some(branch) }),
        caller_dir,
        add_tasks: add_task,
        message,
        parent_run_id: parent_run.or_else(|| from_environment(PARENT_RUN_ID)),
        run_group_id: match no_inherit_run_group {
            true => None,
            false => group_id.or_else(|| from_environment(RUN_GROUP_ID)),
        },
        inherit_run_group: !no_inherit_run_group,
        call_depth: count(CALL_DEPTH)?.unwrap_or(0),
        notify_parent: false,
        budget: asked.hard,
        budget_soft_percent: asked.soft_percent,
        on_unmeasured: asked.on_unmeasured,
        after,
        vars: variables(var)?,
        launcher,
        web_vars: BTreeMap::new(),
        backend_session_id,
        run_id: None,
        on_limit: on_limit.map(limit_policy),
        on_busy: on_busy.map(busy_policy),
        notify: notify.map(notify_spec).transpose()?,
        start,
    })
}

/// A worker that waits for a run which waits for the worker's own run waits for ever.
fn refuse_deadlock(after: &[String]) -> Result<(), Failure> {
    let own = variable(PARENT_RUN_ID).and_then(|own| own.into_string().ok());
    let Some(own) = own.filter(|own| after.contains(own)) else { return Ok(()) };
    Err(usage(
        format!(
            "run {own} waits for this command, so a run that this command waits for cannot wait for {own}"
        ),
        "start it with --detach",
    ))
}

/// `--var key=value`, divided at the first `=`.
pub(super) fn variables(given: Vec<String>) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    for text in given {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(usage(format!("--var {text:?} is not KEY=VALUE"), "write --var range=main..HEAD"));
        };
        if variables.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(usage(format!("--var {key} is given twice"), "keep one of them"));
        }
    }
    Ok(variables)
}

pub(super) fn limit_policy(choice: LimitChoice) -> LimitPolicy {
    match choice {
        LimitChoice::Wait => LimitPolicy::Wait,
        LimitChoice::Stop => LimitPolicy::Stop,
    }
}

fn busy_policy(choice: BusyChoice) -> BusyPolicy {
    match choice {
        BusyChoice::Wait => BusyPolicy::Wait,
        BusyChoice::Fail => BusyPolicy::Fail,
        BusyChoice::Share => BusyPolicy::Share,
    }
}

/// The one word `desktop` has a meaning of its own; a program of that name can be called by its path.
fn notify_spec(text: String) -> Result<NotifySpec, Failure> {
    match text.trim() {
        "" => Err(usage("--notify is empty", "say `desktop`, or give a shell command line")),
        "desktop" => Ok(NotifySpec::Desktop),
        _ => Ok(NotifySpec::Command { line: text }),
    }
}
