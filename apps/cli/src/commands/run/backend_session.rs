//! `run set-backend-session` and `run clear-backend-session`: the conversation of a passive run, tracked by hand.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::SetBackendSession;

use crate::app::App;
use crate::args::{OneRunArgs, Output, SetBackendSessionArgs};
use crate::exit::{Outcome, usage};
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn set_backend_session(app: &App, args: SetBackendSessionArgs) -> Outcome {
    let SetBackendSessionArgs { run, session, output } = args;
    if session.trim().is_empty() {
        let hint = "`agent-runner run clear-backend-session` forgets the one there is";
        return Err(usage("the session id is empty", hint));
    }
    change(app, run, Some(session), output).await
}

pub(crate) async fn clear_backend_session(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    change(app, run, None, output).await
}

async fn change(app: &App, run: String, backend_session_id: Option<String>, output: Output) -> Outcome {
    let detail = app.engine.call(SetBackendSession { run, backend_session_id }).await?;
    reply(output.output_format, &detail, |detail| {
        let run = &detail.summary.run_id;
        match &detail.backend_session_id {
            Some(session) => clean(&format!("Set the backend session of run {run}: {session}\n")),
            None => format!("Cleared the backend session of run {run}.\n"),
        }
    })?;
    Ok(0)
}
