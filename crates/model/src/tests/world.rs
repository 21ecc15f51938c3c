//! A run under test with its clock and its driver. Every fact goes through the invariants.

use std::collections::BTreeSet;

use crate::apply::apply;
use crate::attempt::{AttemptEnd, ProcessRef};
use crate::event::EventBody;
use crate::fact::{Author, ControlFact, DriverFact, Fact, Refusal, TaskFact};
use crate::hook::{HookReport, HookVerdict, Mutations};
use crate::ids::{Epoch, Fence};
use crate::manifest::{Manifest, QueuedMessage, Urgency};
use crate::phase::{Cause, HookRef, Phase, RunStatus, Stage, Wait};
use crate::step::{Observation, Step, next_step};
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::invariants;
use super::sample::{START, Sample, driver, end, report, task_id};

/// A run, the time, and the driver that carries out its steps.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) manifest: Manifest,
    pub(super) now: Timestamp,
    /// The attempt the current driver started and watches.
    pub(super) watching: Option<Fence>,
    /// Checks that passed since anything that could have spoiled them.
    pub(super) passed: BTreeSet<String>,
}

/// How what a driver carries out turns out.
#[derive(Debug, Clone)]
pub(super) struct Results {
    pub(super) end: AttemptEnd,
    pub(super) hooks_pass: bool,
    pub(super) checks_pass: bool,
}

impl World {
    pub(super) fn new(sample: &Sample) -> Self {
        Self {
            manifest: sample.manifest(),
            now: Timestamp::from_millis(START),
            watching: None,
            passed: BTreeSet::new(),
        }
    }

    /// A run that was started and whose first session is open.
    pub(super) fn started(sample: &Sample) -> Self {
        let mut world = Self::new(sample);
        world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
        world.take_over();
        assert_eq!(world.step(), Step::OpenSession(Cause::First));
        world.carry_out(&results(AttemptEnd::Reported));
        world
    }

    pub(super) fn step(&self) -> Step {
        let observation = Observation { watching: self.watching, ..Observation::default() };
        let step = next_step(&self.manifest, &observation, self.now);
        assert_eq!(step, next_step(&self.manifest.clone(), &observation, self.now), "next_step must be pure");
        step
    }

    pub(super) fn tell(&mut self, fact: &Fact) -> Result<Vec<EventBody>, Refusal> {
        invariants::refusals(&self.manifest, fact, self.now);
        let applied = apply(&self.manifest, fact, self.now)?;
        invariants::track_checks(&mut self.passed, &applied.events);
        invariants::accepted(&self.manifest, fact, &applied, self.now, &self.passed);
        self.manifest = applied.manifest;
        Ok(applied.events)
    }

    /// A fact that has to be accepted.
    pub(super) fn must(&mut self, fact: &Fact) -> Vec<EventBody> {
        match self.tell(fact) {
            Ok(events) => events,
            Err(refusal) => {
                panic!("{fact:?} was refused in {:?}: {refusal}", self.manifest.state.phase)
            }
        }
    }

    pub(super) fn control(&mut self, fact: ControlFact) -> Vec<EventBody> {
        self.must(&Fact::Control(fact))
    }

    pub(super) fn driver(&mut self, fact: DriverFact) -> Vec<EventBody> {
        let fact = self.by_driver(fact);
        self.must(&fact)
    }

    pub(super) fn by_driver(&self, fact: DriverFact) -> Fact {
        Fact::Driver { epoch: self.manifest.state.epoch, fact }
    }

    pub(super) fn set(&mut self, author: Author, task: usize, status: TaskStatus) -> Vec<EventBody> {
        let fact = TaskFact::Set { id: task_id(task), status: Some(status), notes: None };
        self.must(&Fact::Task { author, fact })
    }

    /// The worker of the attempt under way.
    pub(super) fn worker(&self) -> Author {
        Author::Worker(self.live().expect("an attempt under way"))
    }

    pub(super) fn live(&self) -> Option<Fence> {
        match self.manifest.stage() {
            Some(Stage::Attempting { attempt }) => Some(attempt.fence),
            _ => None,
        }
    }

    pub(super) fn queue(&mut self, id: &str) {
        let message = QueuedMessage {
            id: id.into(),
            text: format!("words of {id}"),
            queued_at: self.now,
            from_run_id: None,
        };
        self.control(ControlFact::MessageQueued { message });
    }

    pub(super) fn abort(&mut self) {
        self.control(ControlFact::AbortRequested { by: "a test".into(), urgency: Urgency::Graceful });
    }

    /// A new driver takes the lease; the one before is gone.
    pub(super) fn take_over(&mut self) {
        let epoch = Epoch(self.manifest.state.epoch.0 + 1);
        self.must(&Fact::Driver { epoch, fact: DriverFact::Took { driver: driver(100) } });
        self.watching = None;
    }

    pub(super) fn status(&self) -> RunStatus {
        self.manifest.status(false)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.manifest.state.phase, Phase::Ended { .. })
    }

    pub(super) fn spent(&self) -> u32 {
        self.manifest.session().expect("a session").attempts_spent
    }

    /// The fact that reports the current step as carried out, if there is anything to carry out.
    pub(super) fn outcome_of_step(&self, results: &Results) -> Option<DriverFact> {
        Some(match self.step() {
            Step::OpenSession(cause) => {
                DriverFact::SessionOpened { cause, environment: vec!["PATH".to_owned()] }
            }
            Step::RunHook(hook) if results.hooks_pass => hook_ended(hook, HookVerdict::Continue),
            Step::RunHook(hook) => hook_ended(hook, objection()),
            Step::StartAttempt { prompt } => DriverFact::AttemptStarting { marker: "m".into(), prompt },
            Step::Verify { check } if results.checks_pass => DriverFact::CheckPassed { check },
            Step::Verify { check } => DriverFact::CheckFailed { check, detail: "3 tests fail".into() },
            Step::Recover(attempt) => {
                DriverFact::AttemptEnded { fence: attempt.fence, report: report(AttemptEnd::Interrupted) }
            }
            Step::Watch(fence) => DriverFact::AttemptEnded { fence, report: report(results.end.clone()) },
            Step::Wait(wait) => match self.manifest.stage() {
                Some(Stage::Waiting { .. }) => DriverFact::WaitEnded,
                _ => DriverFact::WaitStarted { wait },
            },
            Step::Finish(outcome) => DriverFact::Finished { outcome },
            Step::External | Step::Rest => return None,
        })
    }

    /// Carries out one step; a wait is served at once. Says whether there was one.
    pub(super) fn carry_out(&mut self, results: &Results) -> bool {
        let Some(fact) = self.outcome_of_step(results) else { return false };
        let before = self.manifest.clone();
        let waits = match &fact {
            DriverFact::WaitStarted { wait } => Some(wait.clone()),
            DriverFact::WaitEnded => match self.step() {
                Step::Wait(wait) => Some(wait),
                other => panic!("a wait ends, but the step is {other:?}"),
            },
            _ => None,
        };
        let begins = matches!(fact, DriverFact::WaitStarted { .. });
        let starts = matches!(fact, DriverFact::AttemptStarting { .. });
        self.driver(fact);
        assert_ne!(before.state, self.manifest.state, "a step that changes nothing is asked for again");
        if let Some(wait) = waits {
            if begins {
                assert_eq!(self.step(), Step::Wait(wait.clone()), "the recorded wait is what there is to do");
                self.sleep(&wait);
                self.driver(DriverFact::WaitEnded);
            } else {
                self.sleep(&wait);
            }
        }
        if starts {
            self.watching = self.live();
            let fence = self.watching.expect("the attempt that was just started");
            let process = ProcessRef {
                pid: 10,
                pgid: 10,
                start_time: 99,
                boot_id: "b".into(),
                pid_namespace: "p".into(),
            };
            self.driver(DriverFact::AttemptSpawned { fence, process });
        }
        true
    }

    fn sleep(&mut self, wait: &Wait) {
        let until = wait.until.expect("next_step only waits for a time");
        self.now = self.now.max(until);
    }

    /// Carries out steps until nothing remains, and says how many.
    pub(super) fn drive(&mut self, results: &Results, most: usize) -> usize {
        for count in 0..most {
            if !self.carry_out(results) {
                return count;
            }
        }
        panic!("still {:?} after {most} steps", self.step());
    }

    /// Starts the next attempt, hooks included, and lets it end so.
    pub(super) fn attempt(&mut self, end: AttemptEnd) {
        self.start_attempt();
        self.end_attempt(end);
    }

    pub(super) fn start_attempt(&mut self) {
        while !matches!(self.step(), Step::Watch(_)) {
            let step = self.step();
            assert!(
                matches!(step, Step::StartAttempt { .. } | Step::RunHook(_) | Step::OpenSession(_)),
                "an attempt was expected, not {step:?}"
            );
            self.carry_out(&results(AttemptEnd::Reported));
        }
    }

    pub(super) fn end_attempt(&mut self, end: AttemptEnd) {
        assert!(self.live().is_some());
        self.carry_out(&results(end));
    }

    /// Carries out the wait that has to come now, and hands it back.
    pub(super) fn wait(&mut self) -> Wait {
        match self.step() {
            Step::Wait(wait) => {
                self.carry_out(&results(AttemptEnd::Reported));
                wait
            }
            other => panic!("a wait was expected, not {other:?}"),
        }
    }
}

/// Everything passes, and attempts end so.
pub(super) fn results(end: AttemptEnd) -> Results {
    Results { end, hooks_pass: true, checks_pass: true }
}

/// Results by numbers: mostly hooks and checks pass.
pub(super) fn random_results(a: u8, b: u8, now: Timestamp) -> Results {
    Results { end: end(a, now), hooks_pass: b % 8 != 1, checks_pass: b % 5 != 2 }
}

/// What a driver reports of a hook that decided so.
pub(super) fn hook_ended(hook: HookRef, verdict: HookVerdict) -> DriverFact {
    let report = HookReport {
        verdict,
        mutations: Mutations::default(),
        spec: None,
        duration_ms: 7,
        stderr: String::new(),
        source_changed: false,
    };
    DriverFact::HookEnded { hook, report: Box::new(report) }
}

/// What a hook says that objects.
pub(super) fn objection() -> HookVerdict {
    HookVerdict::Reinvoke { prompt: "not like this".into() }
}
