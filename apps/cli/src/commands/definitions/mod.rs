//! `list`, `show`, `validate`, `new` and `schema`.

mod launchers;
mod list;
mod list_runs;
mod new;
mod schema;
mod show;
mod validate;

use crate::app::App;
use crate::args::{ListCommand, NewAgentArgs, NewCommand, ShowCommand};
use crate::exit::Outcome;

pub(crate) use list_runs::directory_of;
pub(crate) use schema::schema;
pub(crate) use validate::validate;

pub(crate) async fn list(app: &App, command: ListCommand) -> Outcome {
    use agent_runner_api::operations::DefinitionKind::{Agent, Assignment, Task};
    match command {
        ListCommand::Runs(args) => list_runs::list_runs(app, *args).await,
        ListCommand::Agents(output) => list::list(app, Agent, output).await,
        ListCommand::Assignments(output) => list::list(app, Assignment, output).await,
        ListCommand::Tasks(output) => list::list(app, Task, output).await,
        ListCommand::Launchers(output) => launchers::list(app, output).await,
    }
}

pub(crate) async fn show(app: &App, command: ShowCommand) -> Outcome {
    use agent_runner_api::operations::DefinitionKind::{Agent, Assignment, Task};
    match command {
        ShowCommand::Agent(args) => show::show(app, Agent, args).await,
        ShowCommand::Assignment(args) => show::show(app, Assignment, args).await,
        ShowCommand::Task(args) => show::show(app, Task, args).await,
        ShowCommand::Launcher(args) => launchers::show(app, args).await,
    }
}

pub(crate) async fn new(app: &App, command: NewCommand) -> Outcome {
    use agent_runner_api::operations::DefinitionKind::{Agent, Assignment, Task};
    match command {
        NewCommand::Agent(NewAgentArgs { backend, one }) => new::new(app, Agent, backend, one).await,
        NewCommand::Assignment(one) => new::new(app, Assignment, None, one).await,
        NewCommand::Task(one) => new::new(app, Task, None, one).await,
    }
}
