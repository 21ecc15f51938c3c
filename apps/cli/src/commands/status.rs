//! `status`: where things are.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetStatus;
use agent_runner_api::view::SystemStatus;

use crate::app::App;
use crate::args::StatusArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::fields;

pub(crate) async fn status(app: &App, args: StatusArgs) -> Outcome {
    let StatusArgs { output } = args;
    let status = app.engine.call(GetStatus {}).await?;
    reply(output.output_format, &status, text)?;
    Ok(0)
}

fn text(status: &SystemStatus) -> String {
    let none = || "none".to_owned();
    fields(
        &[
            ("Version", status.version.clone()),
            ("Config dir", status.config_dir.clone()),
            ("State dir", status.state_dir.clone()),
            ("Runtime dir", status.runtime_dir.clone()),
            ("Host mode", status.host_mode.clone()),
            ("Connect URL", status.connect_url.clone().unwrap_or_else(none)),
            ("Daemon", status.daemon.clone().unwrap_or_else(none)),
        ],
        None,
    )
}
