//! Definitions that extend others, as they are shown. Must not resolve them.

use std::collections::BTreeMap;

use agent_runner_api::operations::DefinitionKind;
use agent_runner_api::view::{DefinitionBase, DefinitionDetail, DefinitionTask};
use agent_runner_definitions::{AgentLauncher, Budget, Heritage, WorktreeAsk, Written};
use agent_runner_model::budget::BudgetKind;
use serde_json::{Map, Number, Value, json};

use super::definitions::{hidden, kind_of};

/// What its file says of a definition.
pub(super) fn written_detail(kind: DefinitionKind, written: Written) -> DefinitionDetail {
    let shadows = hidden(kind_of(kind), &written.name, &written.source);
    let tasks = written.tasks.into_iter().map(|task| DefinitionTask {
        id: task.id,
        title: task.title.unwrap_or_default(),
        body: task.body.unwrap_or_default(),
        source: task.source.map(|source| source.to_string()),
    });
    DefinitionDetail {
        kind,
        name: written.name,
        source: written.source.to_string(),
        shadows,
        extends: Some(written.extends),
        resolved: false,
        bases: Vec::new(),
        origins: BTreeMap::new(),
        settings: written.settings,
        tasks: tasks.collect(),
        hooks: written.hooks,
        instructions: written.instructions,
    }
}

/// The definitions it extends, nearest first.
pub(super) fn bases(heritage: &Heritage) -> Vec<DefinitionBase> {
    let bases = heritage.bases.iter();
    bases.map(|base| DefinitionBase { name: base.name.clone(), source: base.source.to_string() }).collect()
}

/// The files that inherited settings come from.
pub(super) fn origins(heritage: &Heritage) -> BTreeMap<String, Vec<String>> {
    let origins = heritage.origins.iter();
    origins.map(|(name, files)| (name.clone(), files.iter().map(ToString::to_string).collect())).collect()
}

/// A worktree as it is asked for.
pub(super) fn worktree_setting(ask: &WorktreeAsk) -> Value {
    let fields = [("branch", &ask.branch), ("from", &ask.from), ("path", &ask.path)];
    let written =
        fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
    let written: Map<String, Value> = written.collect();
    if written.is_empty() { Value::Bool(true) } else { Value::Object(written) }
}

/// A launcher as it is written.
pub(super) fn launcher_setting(launcher: &AgentLauncher) -> Value {
    match launcher {
        AgentLauncher::Named(reference) => json!(reference),
        AgentLauncher::Inline(argv) => match argv.split_first() {
            Some((command, args)) => json!({ "command": command, "args": args }),
            None => Value::Null,
        },
    }
}

/// A budget as it is written.
pub(super) fn budget_setting(budget: &Budget) -> Value {
    let mut settings = Map::new();
    for kind in BudgetKind::ALL {
        let Some(value) = budget.hard.get(kind) else { continue };
        let value = match kind {
            BudgetKind::CostUsd => dollars(value),
            BudgetKind::WallClock | BudgetKind::Tokens | BudgetKind::Attempts | BudgetKind::Turns => {
                json!(value)
            }
        };
        settings.insert(kind.as_str().to_owned(), value);
    }
    if let Some(percent) = budget.soft_percent {
        settings.insert("soft".to_owned(), json!(percent));
    }
    if let Some(word) = budget.on_unmeasured {
        settings.insert("onUnmeasured".to_owned(), json!(word));
    }
    Value::Object(settings)
}

/// Millionths of a dollar as dollars.
fn dollars(micro: u64) -> Value {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    let number = text.trim_end_matches('0').trim_end_matches('.').parse::<Number>();
    number.map_or(Value::Null, Value::Number)
}
