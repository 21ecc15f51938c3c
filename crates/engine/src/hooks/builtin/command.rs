//! `command`: any program, by its exit code or by what it answers.

use std::ffi::OsString;
use std::path::Path;

use agent_runner_model::Secrets;
use agent_runner_supervisor::{Exit, Program, Stdin};
use serde::Deserialize;

use super::choice::wanted;
use super::settings::settings;
use crate::engine::Engine;
use crate::hooks::answer::{self, Verdict};
use crate::hooks::context::{Moment, document_text};
use crate::hooks::exchange::{MAX_OUTPUT, STDERR_TAIL, SaidEnd};
use crate::hooks::running::{Host, NoAnswer, Wanted, directory, ended_with};
use crate::place::Places;
use crate::words::last_bytes;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    mode: Mode,
    command: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    cwd: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Mode {
    Status,
    Json,
}

pub(super) async fn run<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
    host: &Host,
) -> Result<Wanted, NoAnswer> {
    let settings: Settings = settings(moment)?;
    let here = directory(moment.manifest)?;
    let program = Program {
        argv: [settings.command].into_iter().chain(settings.args).map(OsString::from).collect(),
        env: engine.hook_environment(moment, host),
        cwd: settings.cwd.map_or_else(|| here.clone(), |cwd| here.join(Path::new(&cwd))),
        stdin: Stdin::Bytes(document_text(moment)),
        max_line: MAX_OUTPUT,
    };
    let said = engine.converse(moment, host, &program).await?;
    let stderr = said.stderr.clone();
    let failed = |detail| NoAnswer::Failed { detail, stderr: said.stderr.clone(), source_changed: false };
    match (settings.mode, said.end) {
        (Mode::Status, SaidEnd::Exit(Exit::Code(0))) => Ok(wanted(Verdict::Continue, stderr)),
        (Mode::Status, SaidEnd::Exit(exit @ Exit::Code(code))) => {
            // 126 and 127 are a shell's words for a program that cannot be run.
            if code == 126 || code == 127 {
                return Err(failed(ended_with(exit, &said)));
            }
            let reason = match said.stderr.trim() {
                "" => format!("the command ended with exit code {code}"),
                words => last_bytes(words, STDERR_TAIL).to_owned(),
            };
            Ok(wanted(Verdict::Block(reason), stderr))
        }
        (Mode::Json, SaidEnd::Exit(Exit::Code(0))) => {
            let answer = answer::read(moment.hook.phase, &said.stdout, &Secrets::of(&moment.manifest.spec))
                .map_err(failed)?;
            Ok(Wanted { answer, worktree: None, stderr, source_changed: false })
        }
        (Mode::Status | Mode::Json, SaidEnd::Exit(exit)) => Err(failed(ended_with(exit, &said))),
        (_, SaidEnd::Deadline | SaidEnd::Flood | SaidEnd::Stopped) => Err(NoAnswer::Stopped),
    }
}
