//! `run abort`: end a running run, and wait until it has.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::AbortRun;
use agent_runner_store::RunStore as _;
use anyhow::Context as _;

use crate::app::App;
use crate::args::AbortArgs;
use crate::exit::Outcome;
use crate::follow::{End, Prompts, follow};
use crate::output::reply;
use crate::render::{View, closing};

pub(crate) async fn abort(app: &App, args: AbortArgs) -> Outcome {
    let AbortArgs { run, now, output } = args;
    let by = "`agent-runner run abort`".to_owned();
    let run_id = app.store.resolve(&run).map_err(anyhow::Error::new);
    // Watch first: what happens between the request and the watch must not be missed.
    let changes = match run_id {
        Ok(run_id) => Some(app.store.changes(&run_id).await.context("cannot watch the run")?),
        Err(_) => None,
    };
    let mut detail = app.engine.call(AbortRun { run, at_once: now, by }).await?;
    if let (true, Some(changes)) = (detail.is_live, changes) {
        let run_id = detail.summary.run_id.clone();
        match follow(app, &run_id, 0, Prompts::Files(changes), &mut View::Silent).await? {
            End::Over(ended) => detail = *ended,
            End::LetGo(code) => return Ok(code),
        }
    }
    reply(output.output_format, &detail, closing)?;
    Ok(0)
}
