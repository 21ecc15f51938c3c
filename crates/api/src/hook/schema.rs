//! The JSON Schemas of the two documents.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::{HookAnswer, HookContext};

/// The layout of both documents.
pub const HOOK_SCHEMA_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of what a hook reads.
pub fn hook_context_schema() -> serde_json::Value {
    schema_of::<HookContext>()
}

/// The JSON Schema (draft 2020-12) of what a hook answers.
pub fn hook_answer_schema() -> serde_json::Value {
    schema_of::<HookAnswer>()
}

fn schema_of<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}
