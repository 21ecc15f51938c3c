//! Finds the values of a run's variables: source by source, as its definitions say. Must not print a value that came
//! from an environment, not even when it is wrong.

use std::collections::BTreeMap;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_definitions::{Found, Surroundings, similar};
use agent_runner_model::RunId;
use agent_runner_model::spec::RunSpec;
use agent_runner_model::vars::{INJECTED, RequiredAt, RuntimeVar, VarProvenance, VarSource, VarSpec};

/// A run that the new one descends from, and what its variables came to.
pub(crate) struct Ancestor {
    pub(crate) run_id: RunId,
    pub(crate) vars: BTreeMap<String, RuntimeVar>,
}

/// Where values may be found.
pub(crate) struct Given<'a> {
    pub(crate) cli: &'a BTreeMap<String, String>,
    pub(crate) web: &'a BTreeMap<String, String>,
    pub(crate) surroundings: &'a Surroundings,
    /// The nearest first.
    pub(crate) ancestors: &'a [Ancestor],
}

/// The value of each declared variable that has one.
pub(crate) fn resolve(
    declared: &[VarSpec],
    given: &Given<'_>,
) -> Result<BTreeMap<String, RuntimeVar>, ApiError> {
    check_given(declared, given.cli, VarSource::Cli)?;
    check_given(declared, given.web, VarSource::Web)?;
    let mut values = BTreeMap::new();
    for var in declared {
        if let Some(value) = resolve_one(var, given)? {
            values.insert(var.name.clone(), value);
        }
    }
    Ok(values)
}

/// Values that were given again for a run that has its variables already.
pub(crate) fn replace(
    declared: &[VarSpec],
    known: &BTreeMap<String, RuntimeVar>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, RuntimeVar>, ApiError> {
    check_given(declared, given, VarSource::Cli)?;
    let mut values = known.clone();
    for var in declared {
        if let Some(text) = given.get(&var.name) {
            values.insert(var.name.clone(), plain(var, text, VarProvenance::Cli)?);
        }
    }
    Ok(values)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Invalid, message)
}

/// Refuses values for variables that are not there, or that are not taken from there.
fn check_given(
    declared: &[VarSpec],
    given: &BTreeMap<String, String>,
    source: VarSource,
) -> Result<(), ApiError> {
    for name in given.keys() {
        if INJECTED.contains(&name.as_str()) {
            return Err(invalid(format!("variable `{name}` cannot be set: every run sets it itself"))
                .hint("leave it out, or give the variable of the assignment another name"));
        }
        let Some(var) = declared.iter().find(|var| var.name == *name) else {
            return Err(unknown(name, declared));
        };
        if !var.sources.contains(&source) {
            let sources: Vec<&str> = var.sources.iter().map(|source| source.as_str()).collect();
            let message = format!("variable `{name}` is not taken from `{}`", source.as_str());
            return Err(invalid(message).hint(format!("its sources are {}", sources.join(", "))));
        }
    }
    Ok(())
}

fn unknown(name: &str, declared: &[VarSpec]) -> ApiError {
    let error = invalid(format!("this run has no variable `{name}`"));
    let names: Vec<&str> = declared.iter().map(|var| var.name.as_str()).collect();
    if names.is_empty() {
        return error.hint("variables are declared by an assignment: `vars:` in its front matter");
    }
    error.hint(match similar(name, names.iter().copied()).first() {
        Some(near) => format!("did you mean `{near}`? Its variables are {}", names.join(", ")),
        None => format!("its variables are {}", names.join(", ")),
    })
}

fn resolve_one(var: &VarSpec, given: &Given<'_>) -> Result<Option<RuntimeVar>, ApiError> {
    for source in &var.sources {
        let found = match source {
            VarSource::Cli => {
                given.cli.get(&var.name).map(|text| plain(var, text, VarProvenance::Cli)).transpose()?
            }
            VarSource::Web => {
                given.web.get(&var.name).map(|text| plain(var, text, VarProvenance::Web)).transpose()?
            }
            VarSource::Env => from_environment(var, given.surroundings)?,
            VarSource::Parent => inherited(var, given.ancestors)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(value) = &var.default {
        return Ok(Some(RuntimeVar {
            value: value.clone(),
            source: VarProvenance::Default,
            env_name: None,
            inherited_from_run_id: None,
        }));
    }
    match (var.required, var.required_at) {
        (true, RequiredAt::Initial) => Err(missing(var)),
        (true, RequiredAt::Prepare) | (false, _) => Ok(None),
    }
}

fn missing(var: &VarSpec) -> ApiError {
    let name = &var.name;
    let ways: Vec<String> = var
        .sources
        .iter()
        .map(|source| match source {
            VarSource::Cli => format!("give it with --var {name}=VALUE"),
            VarSource::Web => "give it through the API, as dashboards do".to_owned(),
            VarSource::Env => format!("set the environment variable {}", var.env_name),
            VarSource::Parent => "start the run from one that has it".to_owned(),
        })
        .collect();
    let about = var.description.as_deref().map_or(String::new(), |words| format!(" ({})", words.trim()));
    invalid(format!("variable `{name}`{about} has no value, and the run needs one")).hint(ways.join(", or "))
}

fn plain(var: &VarSpec, text: &str, source: VarProvenance) -> Result<RuntimeVar, ApiError> {
    let value = var.kind.coerce(text).map_err(|expected| {
        let name = &var.name;
        invalid(format!("variable `{name}` must be {expected}, not {text:?}"))
            .hint(format!("`{name}` is declared as {}", var.kind.as_str()))
    })?;
    Ok(RuntimeVar { value, source, env_name: None, inherited_from_run_id: None })
}

/// A variable that is set to nothing counts as not set.
fn from_environment(var: &VarSpec, surroundings: &Surroundings) -> Result<Option<RuntimeVar>, ApiError> {
    let (name, env_name) = (&var.name, &var.env_name);
    let text = match surroundings.find(env_name) {
        Found::Unset | Found::Value("") => return Ok(None),
        Found::NotText => {
            let message = format!("variable `{name}`: the environment variable {env_name} is not UTF-8");
            return Err(invalid(message).hint("set it to a text, or unset it"));
        }
        Found::Value(text) => text,
    };
    let value = var.kind.coerce(text).map_err(|expected| {
        invalid(format!("variable `{name}` must be {expected}; the environment variable {env_name} is not"))
            .hint(format!("correct {env_name}, or unset it"))
    })?;
    let env_name = Some(env_name.clone());
    Ok(Some(RuntimeVar { value, source: VarProvenance::Env, env_name, inherited_from_run_id: None }))
}

/// What the nearest ancestor that has the variable says. It stays as secret as it was there.
fn inherited(var: &VarSpec, ancestors: &[Ancestor]) -> Result<Option<RuntimeVar>, ApiError> {
    let found = ancestors.iter().find_map(|ancestor| Some((ancestor, ancestor.vars.get(&var.name)?)));
    let Some((ancestor, theirs)) = found else { return Ok(None) };
    let value = var.kind.coerce(&theirs.value.to_string()).map_err(|expected| {
        let (name, run) = (&var.name, &ancestor.run_id);
        invalid(format!("variable `{name}` must be {expected}; what run {run} hands down is not"))
            .hint("declare it with the same type in both assignments")
    })?;
    Ok(Some(RuntimeVar {
        value,
        source: VarProvenance::Parent,
        env_name: theirs.env_name.clone(),
        inherited_from_run_id: Some(ancestor.run_id.clone()),
    }))
}

/// Whether a run that was prepared has everything that its hooks were to find out. Errors say what is missing.
pub(crate) fn check_prepared(spec: &RunSpec) -> Result<(), String> {
    let lacks = |var: &&VarSpec| var.required && !spec.runtime_vars.contains_key(&var.name);
    match spec.vars.iter().find(lacks) {
        Some(var) => Err(format!(
            "variable `{}` still has no value, and the run needs one once it is prepared",
            var.name
        )),
        None => Ok(()),
    }
}
