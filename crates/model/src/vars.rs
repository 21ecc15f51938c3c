//! Variables of a run: what a definition declares, what they came to, and where each value came from. Must not look
//! anything up: sources are asked elsewhere.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::redact::REDACTED;

/// A value of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VarValue {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(#[schemars(with = "f64")] serde_json::Number),
    /// A text.
    Text(String),
}

impl fmt::Display for VarValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// What a variable may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum VarType {
    /// Any text.
    String,
    /// A number.
    Number,
    /// `true`, `1`, `false`, `0`.
    Boolean,
    /// One of these.
    Enum {
        /// The words.
        values: Vec<String>,
    },
}

/// Names that every run has a value for and nobody else may give one to.
pub const INJECTED: [&str; 7] =
    ["run_id", "run_group_id", "cwd", "config_dir", "state_dir", "assignment_name", "agent_runner_cmd"];
/// Longest name of a variable, in bytes.
pub const MAX_VAR_NAME: usize = 128;

/// Why a text cannot be the name of a variable.
pub fn check_var_name(name: &str) -> Result<(), String> {
    if INJECTED.contains(&name) {
        return Err(format!("every run sets `{name}` itself"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.len() > MAX_VAR_NAME || !name.chars().all(allowed) {
        return Err(format!("a name has 1 to {MAX_VAR_NAME} letters, digits and _ . -"));
    }
    Ok(())
}

impl VarType {
    /// The spelling in files and output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Enum { .. } => "enum",
        }
    }

    /// The value that a text stands for. The error says what is expected, and never what was given.
    pub fn coerce(&self, text: &str) -> Result<VarValue, String> {
        match self {
            Self::String => Ok(VarValue::Text(text.to_owned())),
            Self::Number => number(text.trim()).map(VarValue::Number).ok_or_else(|| "a number".to_owned()),
            Self::Boolean => match text {
                "true" | "1" => Ok(VarValue::Bool(true)),
                "false" | "0" => Ok(VarValue::Bool(false)),
                _ => Err("true, 1, false or 0".to_owned()),
            },
            Self::Enum { values } if values.iter().any(|value| value == text) => {
                Ok(VarValue::Text(text.to_owned()))
            }
            Self::Enum { values } => Err(format!("one of {}", values.join(", "))),
        }
    }
}

/// Decimal numbers, and whole ones with 0x, 0o or 0b in front. A fraction of nothing is a whole number.
fn number(text: &str) -> Option<serde_json::Number> {
    /// Whole numbers up to here are told apart by a float.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let lower = text.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            let plain = digits.chars().all(|c| c.is_digit(radix));
            return i64::from_str_radix(digits, radix).ok().filter(|_| plain).map(Into::into);
        }
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    // Words such as `inf` and `nan` are numbers to the parser, and to nobody else.
    let value = text.parse::<f64>().ok().filter(|_| text.bytes().any(|byte| byte.is_ascii_digit()))?;
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        return format!("{value:.0}").parse::<i64>().ok().map(Into::into);
    }
    serde_json::Number::from_f64(value)
}

/// Where a value may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VarSource {
    /// `--var` on the command line.
    Cli,
    /// A form of a dashboard.
    Web,
    /// The environment of whoever creates the run.
    Env,
    /// The nearest ancestor run that has it.
    Parent,
}

impl VarSource {
    /// Every source, in the documented order.
    pub const ALL: [Self; 4] = [Self::Cli, Self::Web, Self::Env, Self::Parent];

    /// The spelling in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Web => "web",
            Self::Env => "env",
            Self::Parent => "parent",
        }
    }

    /// The source with that spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// When a required variable must have its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum RequiredAt {
    /// When the run is created.
    #[default]
    Initial,
    /// When the hooks that prepare the run have run.
    Prepare,
}

/// A variable as a definition declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VarSpec {
    /// Its name in `{{name}}` and `--var name=…`.
    pub name: String,
    /// What it may hold.
    #[serde(flatten)]
    pub kind: VarType,
    /// Whether a run needs a value for it.
    pub required: bool,
    /// When.
    pub required_at: RequiredAt,
    /// Where a value may come from, first the first.
    pub sources: Vec<VarSource>,
    /// The environment variable for [`VarSource::Env`].
    pub env_name: String,
    /// The value when no source has one.
    pub default: Option<VarValue>,
    /// For people.
    pub description: Option<String>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VarProvenance {
    /// See [`VarSource::Cli`].
    Cli,
    /// See [`VarSource::Web`].
    Web,
    /// See [`VarSource::Env`].
    Env,
    /// See [`VarSource::Parent`].
    Parent,
    /// The definition's default.
    Default,
    /// A hook that prepared the run.
    Hook,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeVar {
    /// The value.
    pub value: VarValue,
    /// Where it came from.
    pub source: VarProvenance,
    /// The environment variable it was read from, here or by the ancestor it came from.
    pub env_name: Option<String>,
    /// The ancestor it came from.
    pub inherited_from_run_id: Option<RunId>,
}

impl RuntimeVar {
    /// Whether it came from an environment, which may hold secrets: it is shown to nobody.
    pub fn is_redacted(&self) -> bool {
        self.env_name.is_some()
    }

    /// Whether nobody here knows the value any more: it was left out when the run was exported.
    pub fn is_lost(&self) -> bool {
        match &self.value {
            VarValue::Text(text) => self.is_redacted() && text == REDACTED,
            VarValue::Bool(_) | VarValue::Number(_) => false,
        }
    }
}
