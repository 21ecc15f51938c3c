//! `run attach`: watch a run that somebody else started.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetRun;

use super::conclude::{conclude, let_go};
use crate::app::App;
use crate::args::AttachArgs;
use crate::exit::Outcome;
use crate::follow::{End, Prompts, Watch, follow};
use crate::render::View;
use crate::signals::Signals;

pub(crate) async fn attach(app: &App, args: AttachArgs) -> Outcome {
    let AttachArgs { run, output } = args;
    let format = output.output_format;
    let signals = Signals::new()?;
    let detail = app.engine.call(GetRun { run }).await?;
    if !detail.is_live {
        return conclude(&mut Watch::new(View::silent(), signals), &detail, format).await;
    }
    let run_id = detail.summary.run_id;
    let prompts = Prompts::files(app, &run_id).await?;
    let mut watch = Watch::new(View::for_format(format), signals);
    match follow(app, &run_id, 0, prompts, &mut watch).await? {
        End::Over(detail) => conclude(&mut watch, &detail, format).await,
        End::LetGo(code) => let_go(&mut watch, code).await,
    }
}
