//! The contract between runs and hooks: the document a hook reads, and the one it answers with. Both are JSON with the
//! names of the reference's format, and both have a JSON Schema. Must not decide what an answer means.

mod answer;
mod context;
mod schema;

pub use answer::{AddedFile, HookAction, HookAnswer, MutateAttachments, MutateRun, Mutation, ReplacedFile};
pub use context::{
    AttemptContext, AttemptResult, ContextAssignment, ContextOutcome, ContextRun, ContextTask, ContextTasks,
    HookContext, PrepareContext, TaskAfter, TaskBefore, TransitionContext, TransitionPart,
};
pub use schema::{HOOK_SCHEMA_VERSION, hook_answer_schema, hook_context_schema};
