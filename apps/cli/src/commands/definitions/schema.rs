//! `schema`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{GetSchema, SchemaKind};

use crate::app::App;
use crate::args::{KindChoice, SchemaArgs};
use crate::exit::Outcome;
use crate::output::print_json;

pub(crate) async fn schema(app: &App, args: SchemaArgs) -> Outcome {
    // A schema is JSON for people, too.
    let SchemaArgs { kind, output: _ } = args;
    let kind = match kind {
        KindChoice::Agent => SchemaKind::Agent,
        KindChoice::Assignment => SchemaKind::Assignment,
        KindChoice::Task => SchemaKind::Task,
        KindChoice::HookContext => SchemaKind::HookContext,
        KindChoice::HookAnswer => SchemaKind::HookAnswer,
    };
    let reply = app.engine.call(GetSchema { kind }).await?;
    print_json(&reply.schema)?;
    Ok(0)
}
