//! `run attach`: watch a run that somebody else started.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{GetRun, ReadRun};
use agent_runner_model::event::EventBody;

use super::conclude::{conclude, let_go};
use crate::app::App;
use crate::args::AttachArgs;
use crate::exit::{Failure, Outcome};
use crate::follow::{End, Followed, Watch, follow};
use crate::prompts::Prompts;
use crate::render::{Role, View};
use crate::signals::Signals;

pub(crate) async fn attach(app: &App, args: AttachArgs) -> Outcome {
    let AttachArgs { run, output } = args;
    let format = output.output_format;
    let signals = Signals::new()?;
    let detail = app.engine.call(GetRun { run, with_dependents: false }).await?;
    if !detail.is_live {
        return conclude(app, &mut Watch::new(View::silent(), signals), &detail, format).await;
    }
    let run_id = detail.summary.run_id;
    let prompts = Prompts::files(app, &run_id).await?;
    let (after, past) = before_newest_attempt(app, run_id.as_str()).await?;
    let mut watch = Watch::new(View::for_format(format, &app.settings.display, Role::Watches), signals);
    let followed = Followed { run_id, after, past, replaceable: true };
    match follow(app, followed, prompts, &mut watch).await? {
        End::Over(detail) => conclude(app, &mut watch, &detail, format).await,
        End::LetGo(code) => let_go(&mut watch, code).await,
    }
}

/// The cursor of the last event before the newest attempt, or before a session that has none yet, and the attempt before
/// that: what came until then is over.
async fn before_newest_attempt(app: &App, run: &str) -> Result<(u64, Option<u32>), Failure> {
    let reading = app.engine.call(ReadRun { run: run.to_owned(), after: 0, limit: None }).await?;
    let (mut after, mut past, mut newest) = (0, None, None);
    for event in &reading.events {
        let begun = match event.body() {
            Some(EventBody::AttemptStarted { attempt_number, .. }) => Some(attempt_number),
            Some(EventBody::RunStarted { .. }) if newest.is_some() => None,
            Some(_) | None => continue,
        };
        (after, past, newest) = (event.cursor.saturating_sub(1), newest, begun.or(newest));
    }
    Ok((after, past))
}
