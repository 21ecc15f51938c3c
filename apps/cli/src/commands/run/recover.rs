//! `recover`: clear up after drivers that died.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::RecoverRuns;
use agent_runner_api::view::{Recovery, RecoveryAction};

use crate::app::App;
use crate::args::{OutputFormat, RecoverArgs};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::clean;

/// Exit code when a run could not be recovered.
const FAILED: u8 = 4;

pub(crate) async fn recover(app: &App, args: RecoverArgs) -> Outcome {
    let RecoverArgs { run, dry_run, resume, take_over, output } = args;
    let recovery = app.engine.call(RecoverRuns { run, dry_run, resume, take_over }).await?;
    reply(output.output_format, &recovery, text)?;
    if output.output_format == OutputFormat::Text {
        warn_of(&recovery.problems);
    }
    let failed = recovery.runs.iter().any(|run| match run.action {
        RecoveryAction::Failed => true,
        RecoveryAction::Recovered
        | RecoveryAction::Resumed
        | RecoveryAction::ToldParent
        | RecoveryAction::SettledBudget
        | RecoveryAction::WouldRecover
        | RecoveryAction::LeftAlone => false,
    });
    Ok(if failed { FAILED } else { 0 })
}

fn text(recovery: &Recovery) -> String {
    if recovery.runs.is_empty() {
        return "Nothing to recover.\n".to_owned();
    }
    let mut text = String::new();
    for run in &recovery.runs {
        let what = match run.action {
            RecoveryAction::Recovered => "recovered",
            RecoveryAction::Resumed => "recovered and resumed",
            RecoveryAction::ToldParent => "its parent was told of its end",
            RecoveryAction::SettledBudget => "what runs it started no longer hold of its budget went back",
            RecoveryAction::WouldRecover => "would be recovered",
            RecoveryAction::LeftAlone => "left alone",
            RecoveryAction::Failed => "could not be recovered",
        };
        text.push_str(&format!("{}  {what}, {}\n", run.run_id, run.status.as_str()));
        if !run.leftovers.is_empty() {
            let verb = if run.action == RecoveryAction::WouldRecover { "would end" } else { "ended" };
            text.push_str(&format!("  {verb} {}\n", run.leftovers.join(", ")));
        }
        if let Some(detail) = &run.detail {
            text.push_str(&format!("  {detail}\n"));
        }
        if run.action == RecoveryAction::Recovered {
            text.push_str(&format!("  go on: agent-runner run --resume-run {}\n", run.run_id));
        }
    }
    clean(&text)
}
