//! Definitions, backends and skills that a shell may offer. What cannot be used is not offered.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, ListDefinitions, ListLaunchers};
use agent_runner_backends::Registry;

use super::candidate::Candidate;
use crate::app::App;

/// The definitions of a kind, by name.
pub(super) async fn definitions(app: &App, kind: DefinitionKind) -> Vec<Candidate> {
    let Ok(list) = app.engine.call(ListDefinitions { kind }).await else { return Vec::new() };
    let candidate = |definition: agent_runner_api::view::DefinitionSummary| {
        Candidate::new(definition.name, definition.summary.as_deref().unwrap_or_default())
    };
    list.definitions.into_iter().filter_map(candidate).collect()
}

/// The launchers, the built-in one first.
pub(super) async fn launchers(app: &App) -> Vec<Candidate> {
    let Ok(list) = app.engine.call(ListLaunchers {}).await else { return Vec::new() };
    let candidate = |launcher: agent_runner_api::view::LauncherSummary| {
        Candidate::new(launcher.name, launcher.settings.command.as_deref().unwrap_or("none"))
    };
    list.definitions.into_iter().filter_map(candidate).collect()
}

/// The backends.
pub(super) fn backends() -> Vec<Candidate> {
    Registry::built_in().ids().into_iter().filter_map(|id| Candidate::new(id, "")).collect()
}

/// The skills that come with the program.
pub(super) fn skills() -> Vec<Candidate> {
    agent_runner_definitions::skills()
        .filter_map(|skill| Candidate::new(skill.name, skill.description))
        .collect()
}
