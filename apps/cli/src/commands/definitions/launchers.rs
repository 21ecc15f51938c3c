//! `list launchers`, `show launcher`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{ListLaunchers, ReadLauncher, ShowLauncher};

use super::list::warn;
use super::show::authored;
use crate::app::App;
use crate::args::{Output, ShowLauncherArgs};
use crate::exit::Outcome;
use crate::output::{reply, screen_width};
use crate::render::{launcher, launcher_list};

pub(super) async fn list(app: &App, output: Output) -> Outcome {
    let list = app.engine.call(ListLaunchers {}).await?;
    reply(output.output_format, &list, |list| launcher_list(list, screen_width()))?;
    warn(output, &list.warnings);
    Ok(0)
}

pub(super) async fn show(app: &App, args: ShowLauncherArgs) -> Outcome {
    let ShowLauncherArgs { reference, raw, output } = args;
    let caller_dir = app.settings.caller_dir()?.to_owned();
    if raw {
        let found = app.engine.call(ReadLauncher { reference, caller_dir }).await?;
        reply(output.output_format, &found, |found| authored(&found.text))?;
        return Ok(0);
    }
    let detail = app.engine.call(ShowLauncher { reference, caller_dir }).await?;
    reply(output.output_format, &detail, launcher)?;
    Ok(0)
}
