//! `run status`: how a run stands.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetRun;
use serde_json::{Map, Value};

use crate::app::App;
use crate::args::RunStatusArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::{print_json, reply, screen_width};
use crate::render::run_status;

pub(crate) async fn status(app: &App, args: RunStatusArgs) -> Outcome {
    let RunStatusArgs { run, field, output } = args;
    let with_dependents = field.is_empty() || field.iter().any(|name| name == "dependents");
    let detail = app.engine.call(GetRun { run, with_dependents }).await?;
    if field.is_empty() {
        let wall = &app.settings.display.wall;
        reply(output.output_format, &detail, |detail| run_status(detail, wall, screen_width()))?;
        return Ok(0);
    }
    let whole = serde_json::to_value(&detail).map_err(anyhow::Error::new)?;
    let Value::Object(whole) = whole else {
        return Err(Failure::from(anyhow::anyhow!("the run's view is not an object")));
    };
    let mut chosen = Map::new();
    for name in field {
        let Some(value) = whole.get(&name) else {
            let known: Vec<&str> = whole.keys().map(String::as_str).collect();
            return Err(usage(
                format!("there is no field {name:?}"),
                format!("the fields are {}", known.join(", ")),
            ));
        };
        chosen.insert(name, value.clone());
    }
    print_json(&chosen)?;
    Ok(0)
}
