//! Changes of the task list: who may, when, what they do to notes, versions and passive runs.

use proptest::prelude::*;

use crate::apply::apply;
use crate::attempt::AttemptEnd;
use crate::event::EventBody;
use crate::fact::{Author, Fact, Refusal, TaskFact};
use crate::ids::{Fence, TaskId};
use crate::phase::{Outcome, RunStatus};
use crate::task::{MAX_NOTES, Task, TaskStatus};
use crate::time::Timestamp;

use super::sample::{Sample, task_id};
use super::world::World;

fn by_person(fact: TaskFact) -> Fact {
    Fact::Task { author: Author::Person, fact }
}

fn task(world: &World, at: usize) -> &Task {
    &world.manifest.state.final_tasks[&task_id(at)]
}

fn append(world: &mut World, text: &str) {
    world.must(&by_person(TaskFact::NotesAppended { id: task_id(0), text: text.into() }));
}

#[test]
fn setting_the_same_again_says_nothing() {
    let mut world = World::new(&Sample::default());
    let set = |status, notes: Option<&str>| {
        by_person(TaskFact::Set { id: task_id(0), status, notes: notes.map(str::to_owned) })
    };
    let fact = set(Some(TaskStatus::InProgress), Some("half"));
    let events = world.must(&fact);
    assert_eq!(
        events,
        [EventBody::TaskUpdated {
            task_id: task_id(0),
            from: Some(TaskStatus::Pending),
            status: TaskStatus::InProgress,
            fields: vec!["notes".into()],
            fence: None,
        }]
    );
    let before = world.manifest.clone();
    world.now = world.now.plus(std::time::Duration::from_secs(9));
    assert_eq!(world.must(&fact), []);
    assert_eq!(world.must(&set(None, None)), []);
    assert_eq!(world.manifest, before);
}

#[test]
fn an_unknown_task_is_named_with_those_there_are() {
    let mut world = World::new(&Sample::default());
    let id = TaskId::parse("nope").unwrap();
    let refused = world.tell(&by_person(TaskFact::Deleted { id: id.clone() }));
    let known = vec![task_id(0), task_id(1)];
    assert_eq!(refused, Err(Refusal::TaskNotFound { id, known }));
}

#[test]
fn a_task_id_is_taken_once() {
    let mut world = World::new(&Sample::default());
    let add = by_person(TaskFact::Added { id: task_id(1), title: "Again".into(), body: String::new() });
    assert_eq!(world.tell(&add), Err(Refusal::TaskExists { id: task_id(1) }));
}

#[test]
fn a_run_has_at_most_a_thousand_tasks() {
    let almost = Sample { tasks: 999, ..Sample::default() }.manifest();
    let now = almost.spec.created_at;
    let add = |at| by_person(TaskFact::Added { id: task_id(at), title: "T".into(), body: String::new() });
    let full = apply(&almost, &add(1000), now).unwrap().manifest;
    assert_eq!(full.state.final_tasks.len(), 1000);
    assert!(matches!(apply(&full, &add(1001), now), Err(Refusal::Invalid(_))));
}

#[test]
fn a_worker_counts_only_while_its_attempt_does() {
    let mut world = World::started(&Sample::default());
    world.start_attempt();
    let old = world.worker();
    world.set(old, 0, TaskStatus::InProgress);
    world.end_attempt(AttemptEnd::Reported);
    let set = TaskFact::Set { id: task_id(0), status: Some(TaskStatus::Completed), notes: None };
    let late = Fact::Task { author: old, fact: set };
    assert!(matches!(world.tell(&late), Err(Refusal::StaleFence { .. })), "between attempts");
    world.start_attempt();
    assert!(matches!(world.tell(&late), Err(Refusal::StaleFence { .. })), "during the next one");
    assert_eq!(task(&world, 0).status, TaskStatus::InProgress);
    assert_eq!(old.fence(), Some(Fence(1)));
    assert_eq!(world.worker().fence(), Some(Fence(2)));
}

#[test]
fn a_worker_can_add_a_task_unless_they_are_locked_but_not_edit_or_delete_one() {
    for locked in [false, true] {
        let mut world = World::started(&Sample { locked, ..Sample::default() });
        world.start_attempt();
        let author = world.worker();
        let id = TaskId::parse("found/more").unwrap();
        let add = TaskFact::Added { id: id.clone(), title: "More".into(), body: String::new() };
        assert_eq!(world.tell(&Fact::Task { author, fact: add }).is_err(), locked);
        let edit = TaskFact::Edited { id: task_id(0), title: Some("x".into()), body: None };
        assert!(world.tell(&Fact::Task { author, fact: edit }).is_err());
        assert!(world.tell(&Fact::Task { author, fact: TaskFact::Deleted { id: task_id(0) } }).is_err());
    }
}

#[test]
fn a_ready_run_is_frozen_but_for_notes() {
    let mut world = World::new(&Sample::default());
    world.control(crate::fact::ControlFact::Readied);
    let set = by_person(TaskFact::Set { id: task_id(0), status: Some(TaskStatus::Completed), notes: None });
    let Err(Refusal::NotAllowed { why, .. }) = world.tell(&set) else { panic!("not refused") };
    assert!(why.contains("ready"), "{why}");
    append(&mut world, "a hint");
    assert_eq!(task(&world, 0).notes, "a hint");
}

#[test]
fn an_archived_run_keeps_its_list() {
    let mut world = World::new(&Sample::default());
    world.manifest.state.archived_at = Some(Timestamp::from_millis(1));
    let Err(Refusal::NotAllowed { why, .. }) = world.tell(&by_person(TaskFact::Deleted { id: task_id(0) }))
    else {
        panic!("not refused")
    };
    assert!(why.contains("archived"), "{why}");
}

#[test]
fn only_a_pending_task_is_edited_or_deleted() {
    for status in [TaskStatus::InProgress, TaskStatus::Completed, TaskStatus::Blocked] {
        let mut world = World::new(&Sample::default());
        world.set(Author::Person, 0, status);
        let edit = TaskFact::Edited { id: task_id(0), title: None, body: Some("x".into()) };
        for fact in [edit, TaskFact::Deleted { id: task_id(0) }] {
            let Err(Refusal::NotAllowed { why, .. }) = world.tell(&by_person(fact)) else {
                panic!("not refused")
            };
            assert!(why.contains(status.as_str()), "{why}");
        }
    }
}

#[test]
fn passed_blocks_are_kept_until_the_task_starts_over() {
    let mut world = World::new(&Sample::default());
    let pass = |block| by_person(TaskFact::BlockPassed { id: task_id(0), block, note: "ok".into() });
    world.must(&pass(2));
    world.must(&pass(0));
    world.must(&pass(2));
    assert_eq!(task(&world, 0).passed_blocks, [2, 0]);
    world.set(Author::Person, 0, TaskStatus::InProgress);
    assert_eq!(task(&world, 0).passed_blocks, [2, 0]);
    world.set(Author::Person, 0, TaskStatus::Pending);
    assert_eq!(task(&world, 0).passed_blocks, [0; 0]);
    world.must(&pass(1));
    let events = world.set(Author::Person, 0, TaskStatus::Pending);
    assert!(
        matches!(&events[..], [EventBody::TaskUpdated { from: None, fields, .. }] if fields == &["passedBlocks"])
    );
    assert_eq!(task(&world, 0).passed_blocks, [0; 0], "even if it was pending");
    world.must(&pass(1));
    let title = Some("Else".to_owned());
    world.must(&by_person(TaskFact::Edited { id: task_id(0), title, body: None }));
    assert_eq!(task(&world, 0).passed_blocks, [1], "a title has no blocks");
    world.must(&by_person(TaskFact::Edited { id: task_id(0), title: None, body: Some("new".into()) }));
    assert_eq!(task(&world, 0).passed_blocks, [0; 0]);
}

#[test]
fn notes_are_paragraphs() {
    let mut world = World::new(&Sample::default());
    append(&mut world, "one");
    append(&mut world, "two\n");
    append(&mut world, "three");
    assert_eq!(task(&world, 0).notes, "one\ntwo\nthree");
}

#[test]
fn notes_that_are_set_have_a_limit() {
    let mut world = World::new(&Sample::default());
    let set = |len| by_person(TaskFact::Set { id: task_id(0), status: None, notes: Some("x".repeat(len)) });
    world.must(&set(MAX_NOTES));
    assert!(matches!(world.tell(&set(MAX_NOTES + 1)), Err(Refusal::Invalid(_))));
    append(&mut world, "the newest");
    assert!(task(&world, 0).notes.ends_with("x\nthe newest"));
    assert!(task(&world, 0).notes.starts_with("[older notes were cut]\nxxx"));
    assert_eq!(task(&world, 0).notes.len(), MAX_NOTES);
}

#[test]
fn notes_up_to_the_limit_are_not_cut() {
    let mut world = World::new(&Sample::default());
    append(&mut world, &"x".repeat(MAX_NOTES - 2));
    append(&mut world, "y");
    assert_eq!(task(&world, 0).notes.len(), MAX_NOTES);
    assert!(task(&world, 0).notes.starts_with('x'));
}

#[test]
fn a_body_has_a_limit() {
    let mut world = World::new(&Sample::default());
    let body =
        |len: usize| by_person(TaskFact::Edited { id: task_id(0), title: None, body: Some("b".repeat(len)) });
    world.must(&body(1024 * 1024));
    assert!(matches!(world.tell(&body(1024 * 1024 + 1)), Err(Refusal::Invalid(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Cutting never splits a character, whatever the widths of characters around the cut.
    #[test]
    fn notes_are_cut_between_characters(
        unit in "[aé€😀]{1,7}", last in "[aé€😀]{1,9}", short in 0..40usize,
    ) {
        let mut world = World::new(&Sample::default());
        let times = (MAX_NOTES - short) / unit.len();
        append(&mut world, &unit.repeat(times));
        append(&mut world, &last);
        append(&mut world, "end");
        let notes = &task(&world, 0).notes;
        prop_assert!(notes.len() <= MAX_NOTES);
        let newest = format!("{last}\nend");
        prop_assert!(notes.ends_with(&newest));
        if let Some(rest) = notes.strip_prefix("[older notes were cut]\n") {
            let whole = format!("{}\n{newest}", unit.repeat(times));
            prop_assert!(whole.ends_with(rest), "what is left is what was there");
            prop_assert!(MAX_NOTES - notes.len() <= 3, "no more is cut than has to be");
        }
    }
}

#[test]
fn a_passive_run_follows_its_tasks() {
    let mut world = World::new(&Sample { passive: true, ..Sample::default() });
    world.set(Author::Person, 0, TaskStatus::Completed);
    assert_eq!(world.status(), RunStatus::Initialized);
    world.set(Author::Person, 1, TaskStatus::Blocked);
    assert_eq!(
        world.manifest.outcome(),
        Some(&Outcome::Blocked { tasks: vec![task_id(1)], over: None, by: None })
    );
    let ended = world.manifest.state.ended_at;
    let events = world.set(Author::Person, 0, TaskStatus::Blocked);
    assert_eq!(
        world.manifest.outcome(),
        Some(&Outcome::Blocked { tasks: vec![task_id(0), task_id(1)], over: None, by: None })
    );
    assert!(matches!(
        events[..],
        [EventBody::TaskUpdated { .. }, EventBody::RunFinished { exit_code: 2, .. }]
    ));
    let events = world.set(Author::Person, 0, TaskStatus::Pending);
    assert!(matches!(events[..], [EventBody::TaskUpdated { .. }, EventBody::RunReopened {}]));
    assert!(ended.is_some() && world.manifest.state.ended_at.is_none());
    world.must(&by_person(TaskFact::Deleted { id: task_id(0) }));
    assert_eq!(world.status(), RunStatus::Blocked);
    world.set(Author::Person, 1, TaskStatus::Completed);
    assert_eq!(world.status(), RunStatus::Success);
    let added = TaskFact::Added { id: task_id(5), title: "More".into(), body: String::new() };
    world.must(&by_person(added));
    assert_eq!(world.status(), RunStatus::Initialized);
}

#[test]
fn a_person_who_changes_a_driven_run_after_its_end_does_not_start_it() {
    let mut world = World::started(&Sample::default());
    world.abort();
    world.carry_out(&super::world::results(AttemptEnd::Reported));
    world.set(Author::Person, 0, TaskStatus::Completed);
    world.set(Author::Person, 1, TaskStatus::Completed);
    assert_eq!(world.status(), RunStatus::Aborted);
}
