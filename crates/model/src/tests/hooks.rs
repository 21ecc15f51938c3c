//! What hooks decide and change, and when their turn comes.

use serde_json::json;

use crate::apply::transition_of;
use crate::attempt::AttemptEnd;
use crate::event::EventBody;
use crate::fact::{Author, ControlFact, DriverFact, Fact, Refusal, TaskFact};
use crate::hook::{HookOutcome, TransitionSource};
use crate::hook::{
    HookPhase, HookReport, HookVerdict, HookWhen, Mutations, RunMutation, TaskPatch, Worktree,
};
use crate::manifest::Manifest;
use crate::phase::{Cause, HookRef, Outcome, Phase, PromptKind, RunStatus, Stage};
use crate::step::Step;
use crate::task::TaskStatus;

use super::sample::{Sample, end, hook_spec, task_id};
use super::world::{World, hook_ended, results};

fn hook(phase: HookPhase, index: u32) -> HookRef {
    HookRef { phase, index }
}

fn report(verdict: HookVerdict, mutations: Mutations) -> HookReport {
    HookReport {
        verdict,
        mutations,
        spec: None,
        duration_ms: 1500,
        stderr: "a word".into(),
        source_changed: true,
    }
}

fn ended(hook: HookRef, verdict: HookVerdict, mutations: Mutations) -> DriverFact {
    DriverFact::HookEnded { hook, report: Box::new(report(verdict, mutations)) }
}

fn block() -> HookVerdict {
    HookVerdict::Block { reason: "not here".into() }
}

fn again() -> HookVerdict {
    HookVerdict::Reinvoke { prompt: "look again".into() }
}

/// A run that was not started, with such hooks.
fn with_hooks(sample: &Sample, phases: &[HookPhase], change: impl Fn(&mut crate::HookSpec)) -> World {
    let mut world = World::new(sample);
    let mut spec = world.manifest.spec.clone();
    spec.hooks = phases.iter().enumerate().map(|(at, phase)| hook_spec(*phase, at)).collect();
    spec.hooks.iter_mut().for_each(change);
    world.manifest = Manifest::new(spec, None).0;
    world
}

fn prepare(world: &mut World, index: u32, verdict: HookVerdict, mutations: Mutations) {
    let spec = Some(Box::new(world.manifest.spec.clone()));
    let report = HookReport { spec, ..report(verdict, mutations) };
    world.driver(DriverFact::HookEnded { hook: hook(HookPhase::Prepare, index), report: Box::new(report) });
}

fn start(world: &mut World) {
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    world.take_over();
}

#[test]
fn a_run_is_prepared_before_anything_else_and_once() {
    let mut world = with_hooks(&Sample::default(), &[HookPhase::Prepare, HookPhase::Prepare], |_| {});
    start(&mut world);
    assert_eq!(world.step(), Step::RunHook(hook(HookPhase::Prepare, 0)));
    prepare(&mut world, 0, HookVerdict::Continue, Mutations::default());
    world.take_over();
    assert_eq!(world.step(), Step::RunHook(hook(HookPhase::Prepare, 1)), "what was done is not done again");
    prepare(&mut world, 1, HookVerdict::Continue, Mutations::default());
    assert_eq!(world.step(), Step::OpenSession(Cause::First));
    assert!(world.manifest.spec.prepared);
    world.drive(&results(AttemptEnd::Reported), 40);
    world.control(ControlFact::Reset);
    assert_eq!(world.manifest.state.preparation, None, "nor after a reset");
}

#[test]
fn a_run_that_is_only_prepared_is_initialized_afterwards() {
    for passive in [false, true] {
        let sample = Sample { passive, ..Sample::default() };
        let mut world = with_hooks(&sample, &[HookPhase::Prepare], |_| {});
        world.control(ControlFact::PreparationStarted);
        world.take_over();
        assert_eq!(world.status(), RunStatus::Running);
        prepare(&mut world, 0, HookVerdict::Continue, Mutations::default());
        assert_eq!(world.manifest.state.phase, Phase::Initialized);
        assert!(matches!(world.step(), Step::Rest | Step::External));
        let again = Fact::Control(ControlFact::PreparationStarted);
        assert!(matches!(world.tell(&again), Err(Refusal::NotAllowed { .. })));
    }
}

#[test]
fn what_prepares_a_run_can_keep_it_from_starting_and_is_asked_again() {
    let mut world = with_hooks(&Sample::default(), &[HookPhase::Prepare, HookPhase::AfterExit], |_| {});
    start(&mut world);
    prepare(&mut world, 0, block(), Mutations::default());
    assert_eq!(world.status(), RunStatus::Blocked, "a run that never worked has no hooks at its end");
    let cause = Cause::Continue { message: None };
    world.control(ControlFact::Started { cause, seen: None, on_limit: None });
    world.take_over();
    assert_eq!(world.step(), Step::RunHook(hook(HookPhase::Prepare, 0)));
    prepare(&mut world, 0, HookVerdict::Failed { detail: "gone".into() }, Mutations::default());
    assert_eq!(world.status(), RunStatus::Error);
}

#[test]
fn what_a_preparation_left_survives_a_reset() {
    let mut world = with_hooks(&Sample::default(), &[HookPhase::Prepare], |_| {});
    start(&mut world);
    let patch = TaskPatch {
        task_id: task_id(0),
        status: Some(TaskStatus::Completed),
        notes_replace: None,
        notes_append: Some("known already".into()),
    };
    let mutations = Mutations {
        state: [("seed".to_owned(), json!({"a": 1}))].into(),
        patch_tasks: vec![patch],
        note: Some(Some("prepared".into())),
        ..Mutations::default()
    };
    prepare(&mut world, 0, HookVerdict::Continue, mutations);
    let seeded = |world: &World| {
        let task = &world.manifest.state.final_tasks[&task_id(0)];
        (task.status, task.notes.clone(), world.manifest.state.hook_state.clone())
    };
    let before = seeded(&world);
    assert_eq!((before.0, before.1.as_str()), (TaskStatus::Completed, "known already"));
    world.set(Author::Person, 0, TaskStatus::Pending);
    world.abort();
    world.drive(&results(AttemptEnd::Reported), 10);
    world.control(ControlFact::Reset);
    assert_eq!(seeded(&world), before);
    assert_eq!(world.manifest.state.note.as_deref(), Some("prepared"));
}

#[test]
fn filters_pass_over_hooks() {
    let mut world = with_hooks(
        &Sample::default(),
        &[HookPhase::BeforeAttempt, HookPhase::BeforeAttempt, HookPhase::AfterAttempt],
        |spec| {
            spec.when = match (spec.phase, spec.hook_id.contains(":0:")) {
                (HookPhase::BeforeAttempt, true) => {
                    HookWhen { attempt_index_in_session: vec![1], ..HookWhen::default() }
                }
                (HookPhase::AfterAttempt, _) => HookWhen { session_index: vec![1, 2], ..HookWhen::default() },
                (_, _) => HookWhen::default(),
            }
        },
    );
    start(&mut world);
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!(world.step(), Step::RunHook(hook(HookPhase::BeforeAttempt, 1)));
    world.start_attempt();
    world.end_attempt(AttemptEnd::Reported);
    assert_eq!(world.manifest.stage(), Some(&Stage::Deciding), "not in this session");
    assert_eq!(world.step(), Step::RunHook(hook(HookPhase::BeforeAttempt, 0)), "the second attempt");
}

#[test]
fn a_hook_gets_another_attempt_whatever_the_tasks_say() {
    for status in [TaskStatus::Completed, TaskStatus::Blocked] {
        let mut world = World::started(&Sample { after: 2, max_attempts: 2, ..Sample::default() });
        world.start_attempt();
        let worker = world.worker();
        world.set(worker, 0, status);
        world.set(worker, 1, TaskStatus::Completed);
        world.end_attempt(AttemptEnd::Reported);
        world.driver(ended(hook(HookPhase::AfterAttempt, 0), again(), Mutations::default()));
        assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
        assert_eq!(world.manifest.state.next_prompt.as_deref(), Some("look again"));
        world.start_attempt();
        world.end_attempt(AttemptEnd::Reported);
        assert_eq!(world.manifest.state.next_prompt, None, "heard");
        world.driver(ended(hook(HookPhase::AfterAttempt, 0), again(), Mutations::default()));
        world.drive(&results(AttemptEnd::Reported), 5);
        assert_eq!(world.status(), RunStatus::Exhausted, "no attempt is left");
    }
}

#[test]
fn words_of_a_hook_wait_for_a_worker_that_can_hear_them() {
    let mut world = World::started(&Sample { before: 1, ..Sample::default() });
    world.driver(ended(hook(HookPhase::BeforeAttempt, 0), again(), Mutations::default()));
    world.start_attempt();
    world.end_attempt(end(5, world.now));
    assert_eq!(world.manifest.state.next_prompt.as_deref(), Some("look again"), "a fault");
}

#[test]
fn objections_end_the_run_after_the_hooks_at_its_end() {
    let mut world = World::started(&Sample { after: 1, finish: 2, ..Sample::default() });
    world.start_attempt();
    world.end_attempt(AttemptEnd::Reported);
    world.driver(ended(hook(HookPhase::AfterAttempt, 0), block(), Mutations::default()));
    for index in 0..2 {
        assert_eq!(world.step(), Step::RunHook(hook(HookPhase::AfterExit, index)));
        world.driver(hook_ended(hook(HookPhase::AfterExit, index), again()));
    }
    world.carry_out(&results(AttemptEnd::Reported));
    let Some(Outcome::Blocked { by: Some(by), .. }) = world.manifest.outcome() else {
        panic!("{:?}", world.manifest.outcome())
    };
    assert_eq!(by.detail, "not here");
}

#[test]
fn a_hook_at_the_end_turns_a_success_into_what_it_found() {
    for (verdict, status) in [
        (block(), RunStatus::Blocked),
        (HookVerdict::Failed { detail: "broken".into() }, RunStatus::Error),
        (HookVerdict::Skipped, RunStatus::Success),
    ] {
        let mut world = World::started(&Sample { finish: 1, ..Sample::default() });
        world.start_attempt();
        let worker = world.worker();
        world.set(worker, 0, TaskStatus::Completed);
        world.set(worker, 1, TaskStatus::Completed);
        world.end_attempt(AttemptEnd::Reported);
        world.carry_out(&results(AttemptEnd::Reported));
        world.driver(hook_ended(hook(HookPhase::AfterExit, 0), verdict));
        world.carry_out(&results(AttemptEnd::Reported));
        assert_eq!(world.status(), status);
    }
}

#[test]
fn what_hooks_change_later_is_taken_back_by_a_reset() {
    let mut world = World::started(&Sample { before: 1, ..Sample::default() });
    let frozen = world.manifest.spec.clone();
    let run = RunMutation {
        cwd: Some("/elsewhere".into()),
        backend: Some("other".into()),
        model: Some(Some("big".into())),
        timeout_sec: Some(5),
        unrestricted: Some(true),
        ..RunMutation::default()
    };
    let mutations = Mutations { run, pinned: Some(true), ..Mutations::default() };
    world.driver(ended(hook(HookPhase::BeforeAttempt, 0), HookVerdict::Continue, mutations));
    let spec = &world.manifest.spec;
    assert_eq!((spec.cwd.as_str(), spec.backend.as_str(), spec.timeout_sec), ("/elsewhere", "other", 5));
    assert!(spec.backend_config.is_empty(), "the settings of another backend do not fit");
    world.abort();
    world.drive(&results(AttemptEnd::Reported), 10);
    world.control(ControlFact::Reset);
    assert_eq!(world.manifest.spec, frozen);
    assert!(world.manifest.state.pinned, "what was said about the run stays");
}

#[test]
fn a_worktree_that_was_made_before_an_attempt_is_known_for_good() {
    let mut world = World::started(&Sample { before: 1, ..Sample::default() });
    let worktree = Worktree {
        repo_root: "/shop".into(),
        path: "/shop-fast".into(),
        branch: "fast".into(),
        base: "0".repeat(40),
        made_branch: true,
    };
    let run = RunMutation { cwd: Some("/shop-fast".into()), ..RunMutation::default() };
    let mutations = Mutations { run, worktree: Some(worktree.clone()), ..Mutations::default() };
    let before = world.manifest.spec.cwd.clone();
    world.driver(ended(hook(HookPhase::BeforeAttempt, 0), HookVerdict::Continue, mutations));
    assert_eq!(world.manifest.spec.worktree.as_ref(), Some(&worktree));
    world.abort();
    world.drive(&results(AttemptEnd::Reported), 10);
    world.control(ControlFact::Reset);
    // What is in it is still to be put aside before anything destroys it.
    assert_eq!(world.manifest.spec.worktree, Some(worktree));
    assert_eq!(world.manifest.spec.cwd, before, "the run itself goes back to where it was made");
}

#[test]
fn a_hook_cannot_change_what_its_phase_does_not_allow() {
    let vars = Mutations { vars: [("a".to_owned(), json!("b"))].into(), ..Mutations::default() };
    let run = |run| Mutations { run, ..Mutations::default() };
    let patch = |notes_append: Option<&str>, id: usize| TaskPatch {
        task_id: task_id(id),
        status: None,
        notes_replace: Some("x".into()),
        notes_append: notes_append.map(str::to_owned),
    };
    let big = json!("x".repeat(300_000));
    for wrong in [
        vars,
        run(RunMutation { initial_prompt: Some("x".into()), ..RunMutation::default() }),
        run(RunMutation { attempt_prompt: Some("  ".into()), ..RunMutation::default() }),
        run(RunMutation { cwd: Some("here".into()), ..RunMutation::default() }),
        run(RunMutation { timeout_sec: Some(0), ..RunMutation::default() }),
        Mutations { patch_tasks: vec![patch(Some("y"), 0)], ..Mutations::default() },
        Mutations { patch_tasks: vec![patch(None, 77)], ..Mutations::default() },
        Mutations { attachments_removed: vec!["att-none".into()], ..Mutations::default() },
        Mutations { state: [("big".to_owned(), big)].into(), ..Mutations::default() },
    ] {
        let mut world = World::started(&Sample { before: 1, ..Sample::default() });
        let fact = ended(hook(HookPhase::BeforeAttempt, 0), HookVerdict::Continue, wrong);
        let fact = world.by_driver(fact);
        let before = world.manifest.clone();
        assert!(world.tell(&fact).is_err(), "{fact:?}");
        assert_eq!(world.manifest, before);
    }
}

fn set(id: usize, status: TaskStatus) -> TaskFact {
    TaskFact::Set { id: task_id(id), status: Some(status), notes: None }
}

/// A run whose changes of tasks have to pass a hook, in the middle of an attempt.
fn judged_world(when: &HookWhen) -> World {
    let mut world = with_hooks(&Sample::default(), &[HookPhase::TaskTransition], |spec| {
        spec.when = when.clone();
    });
    start(&mut world);
    world.start_attempt();
    world
}

#[test]
fn no_change_of_a_task_gets_past_its_hooks() {
    let mut world = judged_world(&HookWhen::default());
    let author = world.worker();
    for fact in [
        set(0, TaskStatus::Completed),
        TaskFact::NotesAppended { id: task_id(0), text: "x".into() },
        TaskFact::Added { id: task_id(7), title: "More".into(), body: String::new() },
    ] {
        let plain = Fact::Task { author, fact: fact.clone() };
        assert!(matches!(world.tell(&plain), Err(Refusal::HooksFirst { .. })), "{fact:?}");
        let transition = transition_of(&world.manifest, author, &fact).unwrap();
        assert_eq!(transition.source, fact.source());
        world.tell(&Fact::Judged { author, fact, from: transition.from }).unwrap();
    }
    let same = Fact::Task { author, fact: set(0, TaskStatus::Completed) };
    world.tell(&same).unwrap();
}

#[test]
fn a_judgement_counts_for_the_task_that_was_judged() {
    let mut world = judged_world(&HookWhen::default());
    let author = world.worker();
    let judged = |from| Fact::Judged { author, fact: set(0, TaskStatus::Completed), from };
    world.tell(&judged(Some(TaskStatus::Pending))).unwrap();
    let late = world.tell(&judged(Some(TaskStatus::Pending)));
    assert_eq!(late, Err(Refusal::JudgedBefore { id: task_id(0) }));
}

#[test]
fn filters_say_which_changes_a_hook_is_asked_about() {
    let open = HookWhen { to_status: vec![TaskStatus::Completed], ..HookWhen::default() };
    let other = HookWhen { task_ids: vec![task_id(1)], ..HookWhen::default() };
    let from = HookWhen { from_status: vec![TaskStatus::InProgress], ..HookWhen::default() };
    let source = HookWhen { source: vec![TransitionSource::TaskAdd], ..HookWhen::default() };
    for (when, asked) in [(open, true), (other, false), (from, false), (source, false)] {
        let mut world = judged_world(&when);
        let author = world.worker();
        let told = world.tell(&Fact::Task { author, fact: set(0, TaskStatus::Completed) });
        assert_eq!(matches!(told, Err(Refusal::HooksFirst { .. })), asked, "{when:?}");
    }
    let mut scoped = hook_spec(HookPhase::TaskTransition, 0);
    scoped.task_scope_id = Some(task_id(1));
    let world = judged_world(&HookWhen::default());
    let transition =
        |id| transition_of(&world.manifest, Author::Person, &set(id, TaskStatus::Blocked)).unwrap();
    assert!(scoped.matches_transition(&transition(1)) && !scoped.matches_transition(&transition(0)));
}

#[test]
fn what_a_hook_did_is_in_the_history() {
    let world = World::started(&Sample { before: 1, ..Sample::default() });
    let mutations = Mutations { pinned: Some(true), ..Mutations::default() };
    let fact = world.by_driver(ended(hook(HookPhase::BeforeAttempt, 0), again(), mutations));
    let events = crate::apply(&world.manifest, &fact, world.now).unwrap().events;
    let Some(EventBody::HookRecorded {
        hook_id,
        outcome,
        started_at,
        ended_at,
        duration_ms,
        session_index,
        attempt_number,
        summary,
        mutated,
        stderr,
        source_changed,
        ..
    }) = events.iter().find(|event| matches!(event, EventBody::HookRecorded { .. }))
    else {
        panic!("{events:?}")
    };
    assert_eq!((hook_id.as_str(), *outcome), ("beforeAttempt:0:true", HookOutcome::Reinvoke));
    assert_eq!(ended_at.since(*started_at).as_millis(), u128::from(*duration_ms));
    assert_eq!((*session_index, *attempt_number), (Some(0), Some(0)));
    assert_eq!((summary.as_deref(), mutated.as_slice()), (Some("look again"), &["pinned".to_owned()][..]));
    assert_eq!((stderr.as_deref(), *source_changed), (Some("a word"), true));
}
