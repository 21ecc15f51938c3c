//! Random facts against a store in memory: a manifest and a list of events.

use agent_runner_model::manifest::Urgency;
use std::io::Write;

use agent_runner_model::attempt::{AttemptEnd, ProcessRef};
use agent_runner_model::event::{Event, EventRecord};
use agent_runner_model::manifest::{Departure, DriverRef};
use agent_runner_model::phase::{Cause, Outcome, PromptKind};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{
    Author, ControlFact, DriverFact, EndReport, Epoch, Fact, Fence, Manifest, Refusal, TaskFact, TaskId,
    Timestamp, apply_all,
};
use agent_runner_store::{CommitError, NewRun, RunStore};
use proptest::prelude::*;

use super::support::{Place, id, message, new_run, now, passive_run, store_at, time};

/// What happens to a run, and to its directory behind the store's back.
#[derive(Debug, Clone)]
enum Action {
    Commit(Vec<Fact>, i64),
    Reopen,
    Garbage(Vec<u8>),
    Tail(u64, Option<usize>),
}

/// The store as simple as can be.
struct Model {
    manifest: Manifest,
    events: Vec<EventRecord>,
}

impl Model {
    fn create(new: NewRun, now: Timestamp) -> Self {
        let mut model = Self { manifest: new.manifest, events: Vec::new() };
        model.manifest.state.updated_at = now.max(model.manifest.state.updated_at);
        model.log(new.events);
        model.manifest.revision = 1;
        model
    }

    fn commit(&mut self, facts: &[Fact], now: Timestamp) -> Result<(), Refusal> {
        let applied = apply_all(&self.manifest, facts, now)?;
        if applied.manifest != self.manifest || !applied.events.is_empty() {
            let at = now.max(self.manifest.state.updated_at);
            self.manifest = applied.manifest;
            self.manifest.state.updated_at = at;
            self.manifest.revision += 1;
            self.log(applied.events);
        }
        Ok(())
    }

    fn log(&mut self, events: Vec<agent_runner_model::event::EventBody>) {
        for body in events {
            self.manifest.last_cursor += 1;
            let event = Event { cursor: self.manifest.last_cursor, at: self.manifest.state.updated_at, body };
            let line = serde_json::to_string(&event).unwrap();
            self.manifest.events_len += line.len() as u64 + 1;
            self.events.push(serde_json::from_str(&line).unwrap());
        }
    }
}

fn task_id() -> impl Strategy<Value = TaskId> {
    (1..7u8).prop_map(|number| TaskId::parse(&format!("task-{number}")).unwrap())
}

fn task_fact() -> impl Strategy<Value = TaskFact> {
    let status = prop::option::of(prop::sample::select(TaskStatus::ALL.to_vec()));
    let text = "[a-zä\n\"\\\\]{0,12}";
    prop_oneof![
        4 => (task_id(), status, prop::option::of(text))
            .prop_map(|(id, status, notes)| TaskFact::Set { id, status, notes }),
        1 => (task_id(), text).prop_map(|(id, text)| TaskFact::NotesAppended { id, text }),
        1 => (task_id(), 0..3u32, text).prop_map(|(id, block, note)| TaskFact::BlockPassed { id, block, note }),
        1 => (task_id(), "[a-z ]{0,9}", text).prop_map(|(id, title, body)| TaskFact::Added { id, title, body }),
        1 => (task_id(), prop::option::of(text)).prop_map(|(id, body)| TaskFact::Edited { id, title: None, body }),
        1 => task_id().prop_map(|id| TaskFact::Deleted { id }),
    ]
}

fn driver_fact() -> impl Strategy<Value = DriverFact> {
    let driver = DriverRef { pid: 7, start_time: 8, host: "h".to_owned(), departure: Departure::None };
    let fence = (1..4u64).prop_map(Fence);
    let process =
        ProcessRef { pid: 9, pgid: 9, start_time: 10, boot_id: "b".into(), pid_namespace: "p".into() };
    prop_oneof![
        2 => Just(DriverFact::Took { driver }),
        1 => Just(DriverFact::Left { why: "told to".to_owned() }),
        1 => Just(DriverFact::StarterLost { detail: "hung up".to_owned() }),
        3 => Just(DriverFact::SessionOpened { cause: Cause::First, environment: vec!["PATH".to_owned()] }),
        3 => Just(DriverFact::AttemptStarting { marker: "m".to_owned(), prompt: PromptKind::Brief }),
        1 => fence.clone().prop_map(move |fence| DriverFact::AttemptSpawned { fence, process: process.clone() }),
        3 => fence.prop_map(|fence| DriverFact::AttemptEnded { fence, report: EndReport {
            end: AttemptEnd::Reported, exit_code: Some(0), signal: None, output_tail: "bye".to_owned(), leftovers: 0,
            usage: agent_runner_model::usage::Usage::default(),
            meter: None,
            session_lost: false,
            events_missing: None,
        } }),
        1 => Just(DriverFact::BackendSession { id: "s".to_owned() }),
        1 => Just(DriverFact::Finished { outcome: Outcome::Success }),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    let author =
        prop_oneof![3 => Just(Author::Person), 1 => (1..4u64).prop_map(|n| Author::Worker(Fence(n)))];
    let control = prop_oneof![
        1 => Just(ControlFact::Readied),
        3 => Just(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None }),
        1 => Just(ControlFact::Started { cause: Cause::Continue { message: Some("go on".to_owned()) }, seen: None, on_limit: None }),
        1 => Just(ControlFact::AbortRequested { by: "me".to_owned(), urgency: Urgency::Graceful }),
    ];
    prop_oneof![
        3 => (author, task_fact()).prop_map(|(author, fact)| Fact::Task { author, fact }),
        3 => (0..4u64, driver_fact()).prop_map(|(epoch, fact)| Fact::Driver { epoch: Epoch(epoch), fact }),
        2 => control.prop_map(Fact::Control),
        1 => "[a-z]{1,5}".prop_map(|text| message(&text)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => (prop::collection::vec(fact(), 0..4), -500..5_000i64).prop_map(|(facts, at)| Action::Commit(facts, at)),
        1 => Just(Action::Reopen),
        1 => prop::collection::vec(any::<u8>(), 1..80).prop_map(Action::Garbage),
        3 => (0..30u64, prop::option::of(0..6usize)).prop_map(|(after, limit)| Action::Tail(after, limit)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_its_model(passive in any::<bool>(), actions in prop::collection::vec(action(), 1..40)) {
        let mut place = Place::new();
        let run = id("run");
        let new = if passive { passive_run("run") } else { new_run("run", "repo") };
        let mut model = Model::create(new.clone(), time(3));
        prop_assert_eq!(&now(place.store.create(new, time(3))).unwrap(), &model.manifest);
        for action in actions {
            match action {
                Action::Commit(facts, at) => {
                    let expected = model.commit(&facts, time(at));
                    match now(place.store.commit(&run, &facts, time(at))) {
                        Ok(manifest) => {
                            prop_assert_eq!(expected, Ok(()));
                            prop_assert_eq!(&manifest, &model.manifest);
                        }
                        Err(CommitError::Refused(refusal)) => prop_assert_eq!(expected, Err(refusal)),
                        Err(CommitError::Store(error)) => panic!("{error}"),
                    }
                }
                Action::Reopen => place.store = store_at(place.dir.path()),
                Action::Garbage(bytes) => {
                    let mut log = std::fs::OpenOptions::new().append(true).open(place.log(&run)).unwrap();
                    log.write_all(&bytes).unwrap();
                }
                Action::Tail(after, limit) => {
                    let tail = now(place.store.tail(&run, after, limit)).unwrap();
                    let expected = model.events.iter().filter(|event| event.cursor > after);
                    let expected: Vec<_> = expected.take(limit.unwrap_or(usize::MAX)).cloned().collect();
                    prop_assert_eq!(tail.last_cursor, expected.last().map_or(after, |event| event.cursor));
                    prop_assert_eq!(tail.events, expected);
                }
            }
            prop_assert_eq!(&now(place.store.snapshot(&run)).unwrap(), &model.manifest);
            let tail = now(place.store.tail(&run, 0, None)).unwrap();
            prop_assert_eq!((&tail.manifest, &tail.events), (&model.manifest, &model.events));
        }
    }
}
