//! Runs to test with: a builder, and strategies for random runs and random numbers that become facts.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::attempt::{AttemptEnd, Misconfiguration, TimeoutKind};
use crate::budget::BudgetSpec;
use crate::fact::EndReport;
use crate::hook::{HookPhase, HookSource, HookSpec, HookWhen};
use crate::ids::{RunId, TaskId};
use crate::manifest::{Departure, DriverRef, Manifest};
use crate::spec::{
    AgentSpec, AssignmentSpec, BusyPolicy, CheckSpec, LauncherSpec, LimitPolicy, LockableField, Origin,
    PASSIVE_BACKEND, RunSpec, Template, Value,
};
use crate::task::TaskSpec;
use crate::time::Timestamp;
use crate::usage::Usage;

/// A hook that could be run.
pub(super) fn hook_spec(phase: HookPhase, at: usize) -> HookSpec {
    let name = "true".to_owned();
    HookSpec {
        hook_id: format!("{}:{at}:{name}", phase.as_str()),
        phase,
        source: HookSource { name: Some(name), ..HookSource::default() },
        resolved_path: Some("/bin/true".to_owned()),
        sha256: None,
        task_scope_id: None,
        when: HookWhen::default(),
        config: serde_json::Value::Null,
        timeout_sec: 60,
    }
}

/// When every test begins.
pub(super) const START: i64 = 1_800_000_000_000;

/// What distinguishes one sample run from another.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) tasks: usize,
    pub(super) passive: bool,
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) finish: usize,
    pub(super) checks: usize,
    pub(super) locked: bool,
    pub(super) max_attempts: u32,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            tasks: 2,
            passive: false,
            before: 0,
            after: 0,
            finish: 0,
            checks: 0,
            locked: false,
            max_attempts: 4,
        }
    }
}

impl Sample {
    pub(super) fn manifest(&self) -> Manifest {
        let hooks = [
            (HookPhase::BeforeAttempt, self.before),
            (HookPhase::AfterAttempt, self.after),
            (HookPhase::AfterExit, self.finish),
        ];
        let hooks =
            hooks.into_iter().flat_map(|(phase, count)| (0..count).map(move |at| hook_spec(phase, at)));
        let spec = RunSpec {
            run_id: RunId::parse("quiet-otter-42").unwrap(),
            repo: "unknown".into(),
            cwd: "/tmp".into(),
            agent: AgentSpec {
                name: "ad-hoc".into(),
                source_path: None,
                bases: Vec::new(),
                instructions: String::new(),
            },
            assignment: (self.tasks > 0).then(|| AssignmentSpec {
                name: "work".into(),
                source_path: "work.md".into(),
                bases: Vec::new(),
                instructions: "Work.".into(),
            }),
            backend: if self.passive { PASSIVE_BACKEND.into() } else { "command".into() },
            backend_config: BTreeMap::from([
                ("depth".into(), Value::Number(-3)),
                ("list".into(), Value::List(vec![Value::Bool(true), Value::Text("x".into())])),
                ("map".into(), Value::Map(BTreeMap::from([("k".into(), Value::Text(String::new()))]))),
            ]),
            resolved_backend_args: vec!["--flag".into()],
            model: None,
            effort: None,
            unrestricted: false,
            timeout_sec: 60,
            max_attempts_per_session: self.max_attempts,
            stop_grace_sec: 5,
            on_limit: LimitPolicy::Wait,
            notify: None,
            locked_fields: if self.locked { vec![LockableField::Tasks] } else { Vec::new() },
            message: None,
            brief: "Do it.".into(),
            caller_instructions: None,
            tasks: (0..self.tasks)
                .map(|at| TaskSpec { id: task_id(at), title: format!("Task {at}"), body: String::new() })
                .collect(),
            command: "agent-runner".into(),
            created_at: Timestamp::from_millis(START),
            parent_run_id: None,
            further_ancestors: Vec::new(),
            call_depth: 0,
            notify_parent: false,
            waits_for_dependencies: false,
            on_busy: BusyPolicy::Wait,
            may_write: true,
            backend_session_id: None,
            launcher: LauncherSpec::default(),
            template: Template::default(),
            vars: Vec::new(),
            runtime_vars: BTreeMap::new(),
            origin: Origin::Local,
            budget: BudgetSpec::default(),
            checks: (0..self.checks)
                .map(|at| CheckSpec { id: format!("check-{at}"), argv: vec!["true".into()] })
                .collect(),
            hooks: hooks.collect(),
            prepared: false,
            prepared_state: BTreeMap::new(),
            prepared_tasks: Vec::new(),
            worktree: None,
            execution_environment: None,
            commit_as: None,
        };
        Manifest::new(spec, None).0
    }

    /// The most steps one attempt can need around it: its session, its hooks, its wait, checks, and two ways to the
    /// end because a hook may object to the first.
    pub(super) fn steps_per_attempt(&self) -> usize {
        let around = 1 + self.before + 2 + self.after + 2;
        around + 3 * (self.checks + self.finish + 2)
    }
}

/// The id of the task at that place of a sample.
pub(super) fn task_id(at: usize) -> TaskId {
    TaskId::parse(&format!("t{at}")).unwrap()
}

pub(super) fn driver(pid: u32) -> DriverRef {
    DriverRef { pid, start_time: 7, host: "here".into(), departure: Departure::None }
}

pub(super) fn report(end: AttemptEnd) -> EndReport {
    EndReport {
        end,
        exit_code: Some(0),
        signal: None,
        output_tail: "…\n".into(),
        leftovers: 1,
        usage: Usage { input_tokens: Some(12), ..Usage::default() },
        meter: None,
        session_lost: false,
        events_missing: None,
    }
}

/// How many kinds of ends [`end`] knows.
pub(super) const ENDS: u8 = 14;

/// An end of an attempt by number, every kind and every variety of it.
pub(super) fn end(number: u8, now: Timestamp) -> AttemptEnd {
    let detail = "something".to_owned();
    let later = |millis: i64| Some(Timestamp::from_millis(now.as_millis() + millis));
    match number % ENDS {
        0 => AttemptEnd::Reported,
        1 => AttemptEnd::TimedOut { limit: TimeoutKind::Wall },
        2 => AttemptEnd::TimedOut { limit: TimeoutKind::Idle },
        3 => AttemptEnd::Crashed { detail },
        4 => AttemptEnd::ProtocolError { detail },
        5 => AttemptEnd::Overloaded { detail },
        6 => AttemptEnd::Network { detail },
        7 => AttemptEnd::Limited { reset_at: None, detail },
        8 => AttemptEnd::Limited { reset_at: later(3_600_000), detail },
        9 => AttemptEnd::Limited { reset_at: later(-3_600_000), detail },
        10 => AttemptEnd::Misconfigured { what: Misconfiguration::BinaryMissing, detail },
        11 => AttemptEnd::Misconfigured { what: Misconfiguration::Authentication, detail },
        12 => AttemptEnd::Interrupted,
        _ => AttemptEnd::Aborted,
    }
}

/// Random runs: 0 to 6 tasks, passive or not, hooks of each phase or none, checks, locked tasks, 1 to 4 attempts.
pub(super) fn samples() -> impl Strategy<Value = Sample> {
    let counts = (0..=6usize, 0..=2usize, 0..=2usize, 0..=2usize, 0..=2usize);
    (counts, prop::bool::weighted(0.15), prop::bool::weighted(0.2), 1..=4u32).prop_map(
        |((tasks, before, after, finish, checks), passive, locked, max_attempts)| Sample {
            tasks,
            passive,
            before,
            after,
            finish,
            checks,
            locked,
            max_attempts,
        },
    )
}

/// Numbers that become a fact once the state they meet is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) kind: u8,
    pub(super) a: u8,
    pub(super) b: u8,
    /// How far the clock moves first, in milliseconds; clocks may step back.
    pub(super) tick: i32,
}

pub(super) fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = (any::<u8>(), any::<u8>(), any::<u8>(), -500..5_000i32);
    vec(op.prop_map(|(kind, a, b, tick)| Op { kind, a, b, tick }), 0..most)
}
