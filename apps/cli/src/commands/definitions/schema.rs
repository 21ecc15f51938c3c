//! `schema`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, GetSchema};

use crate::app::App;
use crate::args::{KindChoice, SchemaArgs};
use crate::exit::Outcome;
use crate::output::print_json;

pub(crate) async fn schema(app: &App, args: SchemaArgs) -> Outcome {
    // A schema is JSON for people, too.
    let SchemaArgs { kind, output: _ } = args;
    let kind = match kind {
        KindChoice::Agent => DefinitionKind::Agent,
        KindChoice::Assignment => DefinitionKind::Assignment,
        KindChoice::Task => DefinitionKind::Task,
    };
    let reply = app.engine.call(GetSchema { kind }).await?;
    print_json(&reply.schema)?;
    Ok(0)
}
