//! What is said again with the same request id counts once.

use super::sample::{START, Sample};
use crate::apply::apply;
use crate::fact::{Author, Fact, Refusal, TaskFact};
use crate::ids::TaskId;
use crate::manifest::Manifest;
use crate::time::Timestamp;

fn once(request: &str, fact: TaskFact) -> Fact {
    let fact = Fact::Task { author: Author::Person, fact };
    Fact::Once { request: request.into(), fact: Box::new(fact) }
}

fn note(manifest: &Manifest, text: &str, request: &str) -> Fact {
    let id = manifest.state.final_tasks.keys().next().unwrap().clone();
    once(request, TaskFact::NotesAppended { id, text: text.into() })
}

/// Applies a fact; says how many events there were.
fn tell(manifest: &mut Manifest, fact: &Fact) -> Result<usize, Refusal> {
    let applied = apply(manifest, fact, Timestamp::from_millis(START))?;
    *manifest = applied.manifest;
    Ok(applied.events.len())
}

#[test]
fn a_request_that_is_repeated_changes_nothing() {
    let mut run = Sample::default().manifest();
    let fact = note(&run, "a", "r1");
    assert_eq!(tell(&mut run, &fact), Ok(1));
    let before = run.clone();
    assert_eq!(tell(&mut run, &fact), Ok(0));
    assert_eq!(run, before);
    let mistake = note(&run, "something else", "r1");
    assert!(
        matches!(tell(&mut run, &mistake), Err(Refusal::NotAllowed { .. })),
        "nothing is lost in silence"
    );
    let other = note(&run, "b", "r2");
    assert_eq!(tell(&mut run, &other), Ok(1));
    assert_eq!(run.state.final_tasks.values().next().unwrap().notes, "a\nb");
}

#[test]
fn a_refused_request_is_not_remembered() {
    let mut run = Sample::default().manifest();
    let gone = once("r", TaskFact::Deleted { id: TaskId::parse("nobody").unwrap() });
    assert!(matches!(tell(&mut run, &gone), Err(Refusal::TaskNotFound { .. })));
    let fact = note(&run, "a", "r");
    assert_eq!(tell(&mut run, &fact), Ok(1), "the id is still free");
}

#[test]
fn only_the_newest_requests_are_remembered() {
    let mut run = Sample::default().manifest();
    for number in 0..100 {
        let fact = note(&run, "x", &number.to_string());
        assert_eq!(tell(&mut run, &fact), Ok(1));
    }
    assert_eq!(run.state.recent_requests.len(), 64);
    let newest = note(&run, "x", "99");
    assert_eq!(tell(&mut run, &newest), Ok(0));
    let oldest = note(&run, "x", "0");
    assert_eq!(tell(&mut run, &oldest), Ok(1), "too long ago");
}
