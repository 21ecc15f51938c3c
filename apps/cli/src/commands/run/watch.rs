//! Watching the run this command started.

use agent_runner_model::RunId;
use agent_runner_model::spec::OrphanPolicy;

use super::conclude::conclude;
use crate::app::App;
use crate::args::OutputFormat;
use crate::exit::Outcome;
use crate::follow::{End, Followed, Watch, follow};
use crate::prompts::Prompts;
use crate::render::{Role, View};
use crate::signals::Signals;

/// What is watched, and how.
pub(super) struct Held {
    pub(super) run_id: RunId,
    /// Events up to this cursor are not shown.
    pub(super) after: u64,
    /// What workers did up to the end of this attempt is not shown either.
    pub(super) past: Option<u32>,
    /// What becomes of the run when the terminal goes away.
    pub(super) on_hang_up: OrphanPolicy,
}

pub(super) async fn watch(app: &App, held: Held, signals: Signals, format: OutputFormat) -> Outcome {
    let Held { run_id, after, past, on_hang_up } = held;
    let Some((leash, wake)) = app.front.take() else {
        return Err(anyhow::anyhow!("the driver of run {run_id} is not held by this command").into());
    };
    let view = View::for_format(format, &app.settings.display, Role::Holds);
    let mut watch = Watch::new(view, signals);
    let prompts = Prompts::held(leash, wake, on_hang_up)?;
    let followed = Followed { run_id, after, past, replaceable: false };
    match follow(app, followed, prompts, &mut watch).await? {
        End::Over(detail) => conclude(app, &mut watch, &detail, format).await,
        End::LetGo(code) => Ok(code),
    }
}
