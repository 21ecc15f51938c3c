//! Watching the run this command started.

use agent_runner_model::RunId;

use super::create::conclude;
use crate::app::App;
use crate::args::OutputFormat;
use crate::exit::Outcome;
use crate::follow::{End, Prompts, follow};
use crate::render::View;

pub(crate) async fn watch(app: &App, run_id: RunId, after: u64, format: OutputFormat) -> Outcome {
    let Some((leash, wake)) = app.front.take() else {
        return Err(anyhow::anyhow!("the driver of run {run_id} is not held by this command").into());
    };
    let mut view = View::for_format(format);
    let prompts = Prompts::held(leash, wake)?;
    match follow(app, &run_id, after, prompts, &mut view).await? {
        End::Over(detail) => conclude(&detail, format),
        End::LetGo(code) => Ok(code),
    }
}
