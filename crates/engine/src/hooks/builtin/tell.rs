//! `notify`: somebody is told. Whether anybody heard is nothing a run depends on.

use std::ffi::OsString;
use std::path::PathBuf;

use agent_runner_model::phase::RunStatus;
use agent_runner_supervisor::{Exit, MAX_LINE, Program, Stdin};
use serde::Deserialize;

use super::choice::wanted;
use super::settings::settings;
use crate::engine::Engine;
use crate::hooks::answer::Verdict;
use crate::hooks::context::{Moment, document, document_text};
use crate::hooks::exchange::SaidEnd;
use crate::hooks::running::{Host, NoAnswer, Wanted, ended_with};
use crate::place::Places;
use crate::told::{desktop, told};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    desktop: bool,
    #[serde(default)]
    on: Vec<RunStatus>,
    #[serde(default)]
    message: Option<String>,
}

pub(super) async fn notify<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
    host: &Host,
) -> Result<Wanted, NoAnswer> {
    let settings: Settings = settings(moment)?;
    let ended = document(moment).attempt.outcome.map(|outcome| outcome.status);
    if !settings.on.is_empty() && !ended.is_some_and(|status| settings.on.contains(&status)) {
        return Ok(wanted(Verdict::Skipped, String::new()));
    }
    let told = told(moment.manifest);
    let words = settings.message.unwrap_or_else(|| told.summary.clone());
    let argv: Vec<OsString> = match (settings.command, settings.desktop) {
        (Some(line), _) => vec!["/bin/sh".into(), "-c".into(), line.into()],
        (None, true) => desktop(&told.title, &words),
        (None, false) => return Err(NoAnswer::failed("it needs `command` or `desktop: true`")),
    };
    let mut env = engine.hook_environment(moment, host);
    env.extend(told.variables(&words));
    let stdin = Stdin::Bytes(document_text(moment));
    let program = Program { argv, env, cwd: place(moment), stdin, max_line: MAX_LINE };
    let heard = match engine.converse(moment, host, &program).await {
        Ok(said) => match said.end {
            SaidEnd::Exit(Exit::Code(0)) => said.stderr,
            SaidEnd::Exit(exit) => ended_with(exit, &said),
            SaidEnd::Deadline | SaidEnd::Flood | SaidEnd::Stopped => said.stderr,
        },
        Err(NoAnswer::Stopped) => return Err(NoAnswer::Stopped),
        Err(NoAnswer::Failed { detail, .. }) => detail,
    };
    Ok(wanted(Verdict::Continue, heard))
}

/// Somebody is told of a run whose directory is gone, too.
fn place(moment: &Moment<'_>) -> PathBuf {
    let cwd = PathBuf::from(&moment.manifest.spec.cwd);
    if cwd.is_dir() { cwd } else { PathBuf::from(&moment.workspace_dir) }
}
