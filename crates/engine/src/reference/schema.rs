//! The manifest of the reference implementation, schema 25, as far as it is made into something of ours. What is not here is
//! kept with the original. Must not decide what becomes of anything.

use std::collections::BTreeMap;

use agent_runner_model::attachment::Attachment;
use agent_runner_model::hook::{HookPhase, HookSource};
use agent_runner_model::manifest::Dependency;
use agent_runner_model::schedule::RecurrenceMode;
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{RunId, TaskId, Timestamp};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `run.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceRun {
    pub(super) run_id: RunId,
    pub(super) repo: String,
    pub(super) agent: ReferenceAgent,
    pub(super) assignment: Option<ReferenceAssignment>,
    pub(super) backend: String,
    pub(super) model: Option<String>,
    pub(super) effort: Option<String>,
    pub(super) backend_config: Option<Value>,
    pub(super) resolved_backend_args: Vec<String>,
    pub(super) launcher: ReferenceLauncher,
    pub(super) message: Option<String>,
    pub(super) name: Option<String>,
    pub(super) note: Option<String>,
    pub(super) pinned: bool,
    pub(super) unrestricted: bool,
    pub(super) cwd: String,
    pub(super) locked_fields: Vec<String>,
    #[serde(deserialize_with = "count")]
    pub(super) timeout_sec: u32,
    pub(super) started_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) status: ReferenceStatus,
    pub(super) run_group_id: String,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) parent_run_id: Option<RunId>,
    pub(super) schedule: Option<ReferenceSchedule>,
    pub(super) queued_resume_messages: Vec<ReferenceMessage>,
    #[serde(deserialize_with = "count")]
    pub(super) max_attempts_per_session: u32,
    pub(super) backend_session_id: Option<String>,
    pub(super) runtime_vars: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) runtime_var_sources: BTreeMap<String, ReferenceVarSource>,
    pub(super) execution: ReferenceExecution,
    pub(super) execution_environment: Option<Value>,
    pub(super) brief: String,
    pub(super) resolved_hooks: Vec<ReferenceHook>,
    pub(super) hook_state: BTreeMap<String, Value>,
    pub(super) hook_audits: Vec<ReferenceHookAudit>,
    pub(super) caller_instructions: Option<String>,
    pub(super) reset_seed: ReferenceSeed,
    pub(super) attachments: Vec<Attachment>,
    pub(super) final_tasks: IndexMap<String, ReferenceTask>,
    pub(super) sessions: Vec<ReferenceSession>,
    pub(super) attempt_records: Vec<ReferenceAttempt>,
}

/// `agent`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceAgent {
    pub(super) name: String,
    pub(super) source_path: Option<String>,
    pub(super) instructions: String,
}

/// `assignment`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceAssignment {
    pub(super) name: String,
    pub(super) source_path: String,
}

/// `launcher`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum ReferenceLauncher {
    Direct,
    Prefix { command: String, args: Vec<String>, name: Option<String> },
}

/// `status`, of runs and of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ReferenceStatus {
    Initialized,
    Ready,
    Running,
    Success,
    Blocked,
    Exhausted,
    Aborted,
    Error,
}

/// `schedule`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceSchedule {
    pub(super) enabled: bool,
    pub(super) run_at: Timestamp,
    pub(super) recurrence: Option<ReferenceRecurrence>,
}

/// `schedule.recurrence`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceRecurrence {
    pub(super) schedule: ReferenceCron,
    pub(super) mode: RecurrenceMode,
    pub(super) continue_on_failure: bool,
}

/// `schedule.recurrence.schedule`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum ReferenceCron {
    Cron { expression: String, timezone: String },
}

/// One of `queuedResumeMessages`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceMessage {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) created_at: Timestamp,
    pub(super) source: Option<ReferenceChild>,
}

/// Whom a message or a session came from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceChild {
    pub(super) child_run_id: RunId,
}

/// One of `runtimeVarSources`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceVarSource {
    pub(super) source: ReferenceVarKind,
    pub(super) env_name: Option<String>,
    pub(super) inherited_from_run_id: Option<RunId>,
    #[serde(default)]
    pub(super) redacted: bool,
}

/// Where a variable came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ReferenceVarKind {
    Cli,
    Web,
    Env,
    Parent,
    Default,
    Hook,
}

/// `execution`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceExecution {
    pub(super) controller: ReferenceController,
}

/// `execution.controller`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceController {
    pub(super) daemon_instance_id: Option<String>,
}

/// One of `resolvedHooks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceHook {
    pub(super) hook_id: String,
    pub(super) phase: HookPhase,
    pub(super) source: HookSource,
    pub(super) resolved_path: Option<String>,
    pub(super) task_scope_id: Option<TaskId>,
    pub(super) when: Option<ReferenceWhen>,
    #[serde(default)]
    pub(super) config: Value,
}

/// The `when` of a hook; each may be one or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct ReferenceWhen {
    pub(super) session_index: OneOrMore<u32>,
    pub(super) attempt_index_in_session: OneOrMore<u32>,
    pub(super) task_id: Option<TaskId>,
    pub(super) task_ids: Vec<TaskId>,
    pub(super) from_status: OneOrMore<TaskStatus>,
    pub(super) to_status: OneOrMore<TaskStatus>,
    pub(super) source: OneOrMore<agent_runner_model::hook::TransitionSource>,
}

/// One of something, or a list of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl<T> OneOrMore<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// One of `hookAudits`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceHookAudit {
    pub(super) phase: String,
    pub(super) hook_id: String,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) outcome: String,
    pub(super) session_index: Option<u32>,
    pub(super) attempt_number: Option<u32>,
    pub(super) task_id: Option<TaskId>,
    pub(super) summary: Option<String>,
}

/// `resetSeed`, as far as a reset of ours goes back to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceSeed {
    pub(super) backend: String,
    pub(super) model: Option<String>,
    pub(super) effort: Option<String>,
    pub(super) backend_config: Option<Value>,
    pub(super) resolved_backend_args: Vec<String>,
    pub(super) cwd: String,
    pub(super) locked_fields: Vec<String>,
    pub(super) unrestricted: bool,
    #[serde(deserialize_with = "count")]
    pub(super) timeout_sec: u32,
    pub(super) hook_state: BTreeMap<String, Value>,
    pub(super) final_tasks: IndexMap<String, ReferenceTask>,
    #[serde(default)]
    pub(super) runtime_vars: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) runtime_var_sources: BTreeMap<String, ReferenceVarSource>,
}

/// One of `finalTasks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceTask {
    pub(super) id: TaskId,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) status: TaskStatus,
    pub(super) notes: String,
}

/// One of `sessions`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceSession {
    pub(super) session_index: u32,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) status: ReferenceStatus,
    pub(super) message: Option<String>,
    pub(super) max_attempts_per_session: u32,
    pub(super) resume_source: Option<ReferenceChild>,
}

/// Who made a session or an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum ReferenceProvenance {
    TaskRunner,
    BackendSession { backend: String, backend_turn_id: String },
}

/// One of `attemptRecords`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceAttempt {
    pub(super) attempt_number: u32,
    pub(super) session_index: u32,
    pub(super) attempt_index_in_session: u32,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) prompt: String,
    pub(super) session_id_captured: Option<String>,
    /// Systems differ in how far these go.
    pub(super) exit_code: Option<serde_json::Number>,
    pub(super) signal: Option<String>,
    pub(super) timed_out: bool,
    pub(super) transcript: Option<String>,
    pub(super) invalid_statuses: Vec<ReferenceInvalidStatus>,
    pub(super) provenance: ReferenceProvenance,
}

/// A status a worker gave a task that is none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceInvalidStatus {
    pub(super) task_id: String,
    pub(super) raw_value: String,
}

/// `attempts/NN.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceAttemptLog {
    #[serde(default)]
    pub(super) stderr: String,
}

/// A line of `run-events.jsonl`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferenceEvent {
    pub(super) recorded_at: Timestamp,
    pub(super) event_type: String,
    #[serde(flatten)]
    pub(super) details: serde_json::Map<String, Value>,
}

impl ReferenceAttempt {
    /// The exit code, if it is one here.
    pub(super) fn code(&self) -> Option<i32> {
        let number = self.exit_code.as_ref()?;
        let float = || number.as_f64().filter(|float| float.fract() == 0.0);
        let whole = number.as_i64().or_else(|| format!("{:.0}", float()?).parse().ok());
        whole.and_then(|whole| i32::try_from(whole).ok())
    }
}

/// A whole number, which JavaScript may write with a fraction of nothing.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && *float >= 0.0)?;
        format!("{float:.0}").parse().ok()
    });
    whole
        .and_then(|whole| u32::try_from(whole).ok())
        .ok_or_else(|| serde::de::Error::custom(format!("{number} is not a whole number that fits")))
}
