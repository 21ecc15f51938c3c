//! `run abort`: end a running run, and wait until it has.

use agent_runner_api::operations::{AbortRun, GetRun};
use agent_runner_api::view::RunDetail;
use agent_runner_api::{ApiError, ErrorCode, Handle as _};
use agent_runner_engine::driver::HOOK_CHAIN;
use agent_runner_model::phase::RunStatus;

use super::conclude::{let_go, show};
use crate::app::App;
use crate::args::AbortArgs;
use crate::exit::{Failure, Outcome};
use crate::follow::{End, Followed, Watch, follow};
use crate::output::reply;
use crate::prompts::Prompts;
use crate::render::View;
use crate::settings::variable;
use crate::signals::Signals;

/// How often a run may lose its driver while it is being ended.
const TRIES: usize = 10;

pub(crate) async fn abort(app: &App, args: AbortArgs) -> Outcome {
    let AbortArgs { run, now, output } = args;
    let mut watch = Watch::new(View::silent(), Signals::new()?);
    let mut detail = app.engine.call(GetRun { run: run.clone(), with_dependents: false }).await?;
    for asked in 0..TRIES {
        let run_id = detail.summary.run_id.clone();
        // Watch first: what happens between the request and the watch must not be missed.
        let prompts = Prompts::files(app, &run_id).await?;
        let by = "`agent-runner run abort`".to_owned();
        detail = match app.engine.call(AbortRun { run: run.clone(), at_once: now, by }).await {
            // Somebody else has done what was asked for before.
            Err(error) if asked > 0 && error.code == ErrorCode::NotAllowed => {
                app.engine.call(GetRun { run: run.clone(), with_dependents: false }).await?
            }
            reply => reply?,
        };
        // Its driver waits for the hook that this command was called by; waiting for the driver would be waiting for ever.
        if is_called_by_hook_of(detail.summary.run_id.as_str()) {
            let run = &detail.summary.run_id;
            reply(output.output_format, &detail, |_| format!("Run {run} ends once its hooks are done.\n"))?;
            return Ok(0);
        }
        if detail.is_live {
            let followed = Followed { run_id, after: 0, past: None, replaceable: false };
            match follow(app, followed, prompts, &mut watch).await? {
                End::Over(ended) => detail = *ended,
                End::LetGo(code) => return let_go(&mut watch, code).await,
            }
        }
        // A driver that died on the way leaves the run to be ended without it.
        if !is_interrupted(&detail) {
            break;
        }
    }
    show(app, &mut watch, &detail, output.output_format).await?;
    if detail.exit_code.is_some() {
        return Ok(0);
    }
    let run_id = &detail.summary.run_id;
    let message =
        format!("run {run_id} has not ended: the request is on record, but its driver cannot be reached");
    let hint = format!("if that driver is certainly gone, use `agent-runner recover {run_id} --take-over`");
    Err(Failure::from(ApiError::new(ErrorCode::Process, message).hint(hint)))
}

fn is_called_by_hook_of(run: &str) -> bool {
    let chain = variable(HOOK_CHAIN).and_then(|chain| chain.into_string().ok()).unwrap_or_default();
    chain.lines().any(|line| line.split(' ').next() == Some(run))
}

fn is_interrupted(detail: &RunDetail) -> bool {
    matches!(detail.summary.effective_status, RunStatus::Interrupted)
}
