//! `run attach`: watch a run that somebody else started.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetRun;
use agent_runner_store::RunStore as _;
use anyhow::Context as _;

use super::create::conclude;
use crate::app::App;
use crate::args::AttachArgs;
use crate::exit::Outcome;
use crate::follow::{End, Prompts, follow};
use crate::render::View;

pub(crate) async fn attach(app: &App, args: AttachArgs) -> Outcome {
    let AttachArgs { run, output } = args;
    let detail = app.engine.call(GetRun { run }).await?;
    if !detail.is_live {
        return conclude(&detail, output.output_format);
    }
    let run_id = detail.summary.run_id;
    let changes = app.store.changes(&run_id).await.context("cannot watch the run")?;
    let mut view = View::for_format(output.output_format);
    match follow(app, &run_id, 0, Prompts::Files(changes), &mut view).await? {
        End::Over(detail) => conclude(&detail, output.output_format),
        End::LetGo(code) => Ok(code),
    }
}
