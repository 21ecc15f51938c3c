//! Launcher operations.

use agent_runner_api::operations::{ListLaunchers, ReadLauncher, ShowLauncher};
use agent_runner_api::view::{
    DefinitionProblem, LauncherDetail, LauncherKind, LauncherList, LauncherSettings, LauncherSummary,
    LauncherText,
};
use agent_runner_api::{ApiError, Handle};
use agent_runner_definitions::{DefinitionError, Source};

use crate::engine::Engine;
use crate::failure::definition_error;
use crate::place::Places;

impl<S: Places> Handle<ListLaunchers> for Engine<S> {
    async fn call(&self, _: ListLaunchers) -> Result<LauncherList, ApiError> {
        let listing = self.library("/").launchers();
        let mut definitions = Vec::new();
        let mut warnings: Vec<DefinitionProblem> = Vec::new();
        for problem in &listing.problems {
            let name = match problem {
                DefinitionError::Read { path, .. } => path.to_string_lossy().into_owned(),
                _ => "launcher".to_owned(),
            };
            warnings.push(warning(name, problem));
        }
        for listed in listing.launchers {
            match listed.found {
                Ok(launcher) => definitions.push(LauncherSummary {
                    name: listed.name,
                    source: launcher.source.to_string(),
                    shadows: shown(&listed.shadows),
                    settings: settings(launcher.spec.argv),
                }),
                Err(problem) => warnings.push(warning(listed.name, &problem)),
            }
        }
        Ok(LauncherList { kind: LauncherKind::Launcher, definitions, warnings })
    }
}

fn warning(name: String, problem: &DefinitionError) -> DefinitionProblem {
    DefinitionProblem { name, message: problem.render().trim_end().to_owned() }
}

fn shown(sources: &[Source]) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}

fn settings(argv: Vec<String>) -> LauncherSettings {
    let mut words = argv.into_iter();
    LauncherSettings { command: words.next(), args: words.collect() }
}

impl<S: Places> Handle<ShowLauncher> for Engine<S> {
    async fn call(&self, request: ShowLauncher) -> Result<LauncherDetail, ApiError> {
        let library = self.library(request.caller_dir);
        let launcher = library.launcher(&request.reference).map_err(|error| definition_error(&error))?;
        let shadows = shown(&library.launcher_shadows(&launcher));
        Ok(LauncherDetail {
            kind: LauncherKind::Launcher,
            name: launcher.spec.name,
            source: launcher.source.to_string(),
            shadows,
            settings: settings(launcher.spec.argv),
        })
    }
}

impl<S: Places> Handle<ReadLauncher> for Engine<S> {
    async fn call(&self, request: ReadLauncher) -> Result<LauncherText, ApiError> {
        let found = self.library(request.caller_dir).launcher_text(&request.reference);
        let (source, text) = found.map_err(|error| definition_error(&error))?;
        Ok(LauncherText { kind: LauncherKind::Launcher, source: source.to_string(), text })
    }
}
