//! The contract between runs and hooks: the document a hook reads, and the one it answers with. Both are JSON with the
//! names of the reference's format, and both have a JSON Schema. Must not decide what an answer means.

mod answer;
mod context;

pub use answer::{AddedFile, HookAction, HookAnswer, MutateAttachments, MutateRun, Mutation, ReplacedFile};
pub use context::{
    AttemptContext, AttemptResult, ContextAssignment, ContextOutcome, ContextRun, ContextTask, ContextTasks,
    HookContext, PrepareContext, TaskAfter, TaskBefore, TransitionContext, TransitionPart,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

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
