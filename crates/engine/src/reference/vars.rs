//! Values of the reference implementation as values of ours: variables with where they came from, and configuration of
//! backends. Must not show any.

use std::collections::BTreeMap;

use agent_runner_model::spec::Value as Setting;
use agent_runner_model::vars::{RuntimeVar, VarProvenance, VarValue};
use serde_json::Value;

use super::schema::{ReferenceRun, ReferenceVarKind, ReferenceVarSource};

/// What its variables came to. What came from an environment stays a value that nobody is shown.
pub(super) fn runtime_vars(run: &ReferenceRun) -> BTreeMap<String, RuntimeVar> {
    let var = |(name, value): (&String, &Value)| {
        (name.clone(), runtime_var(name, value, run.runtime_var_sources.get(name)))
    };
    run.runtime_vars.iter().map(var).collect()
}

/// Values of an environment that a reset there goes back to, and that the run may no longer have. One that it shows as the
/// value of something else is none of them.
pub(super) fn replaced(run: &ReferenceRun) -> BTreeMap<String, RuntimeVar> {
    let now = runtime_vars(run);
    let is_shown = |var: &RuntimeVar| now.values().any(|now| !now.is_redacted() && now.value == var.value);
    let seed = &run.reset_seed;
    let var = |(name, value): (&String, &Value)| {
        (name.clone(), runtime_var(name, value, seed.runtime_var_sources.get(name)))
    };
    let all = seed.runtime_vars.iter().map(var);
    all.filter(|(_, var)| var.is_redacted() && !is_shown(var)).collect()
}

fn runtime_var(name: &str, value: &Value, source: Option<&ReferenceVarSource>) -> RuntimeVar {
    let value = match value {
        Value::Bool(flag) => VarValue::Bool(*flag),
        Value::Number(number) => VarValue::Number(number.clone()),
        Value::String(text) => VarValue::Text(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => VarValue::Text(value.to_string()),
    };
    let provenance = source.map_or(VarProvenance::Default, |source| match source.source {
        ReferenceVarKind::Cli => VarProvenance::Cli,
        ReferenceVarKind::Web => VarProvenance::Web,
        ReferenceVarKind::Env => VarProvenance::Env,
        ReferenceVarKind::Parent => VarProvenance::Parent,
        ReferenceVarKind::Default => VarProvenance::Default,
        ReferenceVarKind::Hook => VarProvenance::Hook,
    });
    RuntimeVar {
        value,
        source: provenance,
        env_name: source.and_then(|source| env_name(name, source)),
        inherited_from_run_id: source.and_then(|source| source.inherited_from_run_id.clone()),
    }
}

/// The environment variable a value was read from: whoever has one is secret. Where that is not said it has the name of
/// the variable, as it has by default.
fn env_name(name: &str, source: &ReferenceVarSource) -> Option<String> {
    let is_secret = source.redacted || source.source == ReferenceVarKind::Env;
    source.env_name.clone().or_else(|| is_secret.then(|| name.to_owned()))
}

/// What belongs to a backend. Nulls go: here what is not there is left out. A fraction becomes a text.
pub(super) fn settings(config: Option<&Value>) -> BTreeMap<String, Setting> {
    match config {
        Some(Value::Object(fields)) => fields
            .iter()
            .filter_map(|(name, value)| setting(value).map(|setting| (name.clone(), setting)))
            .collect(),
        Some(_) | None => BTreeMap::new(),
    }
}

fn setting(value: &Value) -> Option<Setting> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Setting::Bool(*flag),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Setting::Text(number.to_string()), Setting::Number)
        }
        Value::String(text) => Setting::Text(text.clone()),
        Value::Array(items) => Setting::List(items.iter().filter_map(setting).collect()),
        Value::Object(_) => Setting::Map(settings(Some(value))),
    })
}
