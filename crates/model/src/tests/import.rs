//! Runs that come from elsewhere: whatever they were doing there, here nobody is at work on them, and nobody waits for them.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::attempt::AttemptEnd;
use crate::digest::Digest;
use crate::event::EventBody;
use crate::fact::{ControlFact, Fact, Refusal};
use crate::ids::{Epoch, Fence, RunId};
use crate::import::is_of_reference;
use crate::import::{Import, ImportSource, among, arrived, called, digest_of, renamed};
use crate::manifest::{Dependency, Manifest, ParentNotice};
use crate::phase::{Cause, Outcome, Phase};
use crate::redact::redacted;
use crate::spec::Origin;
use crate::step::Observation;
use crate::time::Timestamp;
use crate::usage::totals;
use crate::vars::{RuntimeVar, VarProvenance, VarValue};

use super::facts::fact;
use super::life;
use super::sample::{START, Sample, ops, samples};
use super::world::World;

fn import() -> Import {
    Import {
        source: ImportSource::Archive,
        original_run_id: "quiet-otter-42".to_owned(),
        original_repo: None,
        host: None,
        program_version: None,
        format: 1,
        as_of: Timestamp::from_millis(START),
        imported_at: Timestamp::from_millis(START + 1),
        digest: None,
        worktree: None,
        earlier: Vec::new(),
    }
}

fn is_nobodys(run: &Manifest) {
    assert!(!matches!(run.state.phase, Phase::Active { .. }));
    assert!(run.state.driver.is_none() && run.state.abort_request.is_none() && run.spec.worktree.is_none());
    assert!(run.state.parent_notice.as_ref().is_none_or(|notice| notice.delivered));
    assert!(!run.state.budget.has_open_entries());
    assert!(run.state.sessions.iter().all(|session| session.ended_at.is_some()));
    assert!(matches!(run.spec.origin, Origin::Imported { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_was_doing_it_is_at_rest_here(sample in samples(), ops in ops(30)) {
        let mut world = World::new(&sample);
        let _ = world.tell(&Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None }));
        for op in ops {
            if let Some(fact) = fact(&world, op) {
                let _ = world.tell(&fact);
            }
            let before = world.manifest.clone();
            let came = arrived(&before, import(), world.now).unwrap();
            is_nobodys(&came.manifest);
            life::always(&came.manifest, world.now);
            let ends = came.events.iter().filter(|event| matches!(event, EventBody::RunFinished { .. })).count();
            let was_active = matches!(before.state.phase, Phase::Active { .. });
            prop_assert_eq!(ends, usize::from(was_active));
            let imported = matches!(came.events.first(), Some(EventBody::RunImported { .. }));
            prop_assert!(imported, "{:?}", came.events);
            if was_active {
                let outcome = came.manifest.outcome();
                prop_assert!(matches!(outcome, Some(Outcome::Aborted)), "{outcome:?}");
            } else {
                prop_assert_eq!(&came.manifest.state.final_tasks, &before.state.final_tasks);
                prop_assert_eq!(&came.manifest.state.phase, &before.state.phase);
            }
            // Once more it changes nothing but where it came from.
            let mut again = arrived(&came.manifest, import(), world.now).unwrap().manifest;
            let Origin::Imported { from } = &mut again.spec.origin else { panic!("{:?}", again.spec.origin) };
            prop_assert_eq!(from.earlier.len(), 1);
            from.earlier.clear();
            prop_assert_eq!(&again, &came.manifest);
        }
    }
}

#[test]
fn an_attempt_that_was_under_way_is_on_record() {
    let mut world = World::started(&Sample { finish: 1, after: 1, ..Sample::default() });
    while world.live().is_none() {
        world.carry_out(&super::world::results(AttemptEnd::Reported));
    }
    let came = arrived(&world.manifest, import(), world.now).unwrap();
    let last = came.manifest.state.attempt_records.last().unwrap();
    assert_eq!(last.end, AttemptEnd::Interrupted);
    is_nobodys(&came.manifest);
}

#[test]
fn what_its_parent_was_not_told_is_not_told_from_here() {
    let mut manifest = Sample::default().manifest();
    manifest.spec.parent_run_id = Some(RunId::parse("above").unwrap());
    manifest.spec.notify_parent = true;
    let notice = ParentNotice { id: "n".to_owned(), text: "It has ended.".to_owned(), delivered: false };
    manifest.state.parent_notice = Some(notice);
    manifest.state.phase = Phase::Ended { outcome: Outcome::Success };
    is_nobodys(&arrived(&manifest, import(), Timestamp::from_millis(START)).unwrap().manifest);
}

#[test]
fn a_run_of_the_reference_stays_one_on_all_its_journeys() {
    let mut run = Sample::default().manifest();
    let now = Timestamp::from_millis(START);
    let there =
        Import { source: ImportSource::Reference, digest: Some("of its manifest".to_owned()), ..import() };
    run.spec.origin = Origin::Imported { from: Box::new(there.clone()) };
    for journey in 1..40_usize {
        let from = Import { digest: Some(format!("{journey}")), ..import() };
        run = arrived(&run, from, now).unwrap().manifest;
        let Origin::Imported { from } = &run.spec.origin else { panic!("{:?}", run.spec.origin) };
        assert_eq!((from.source, from.digest.clone()), (ImportSource::Archive, Some(format!("{journey}"))));
        let first = from.earlier.last().map(|first| (first.source, first.digest.clone()));
        assert_eq!(first, Some((ImportSource::Reference, there.digest.clone())));
        assert_eq!(from.earlier.len(), journey.min(16));
        if journey > 1 {
            assert_eq!(from.earlier[0].digest, Some(format!("{}", journey - 1)), "the latest first");
        }
        assert!(is_of_reference(&run.spec.origin));
        assert_eq!(digest_of(&run.spec.origin), Some(&"of its manifest".to_owned()));
        let may = crate::capabilities(&run, crate::Lease::Free);
        assert_eq!(may.reconfigure_reason, Some(crate::capabilities::ReconfigureReason::Imported));
    }
    let native = arrived(&Sample::default().manifest(), import(), now).unwrap().manifest;
    assert!(!is_of_reference(&native.spec.origin) && digest_of(&native.spec.origin).is_none());
}

#[test]
fn numbers_that_nobody_can_count_to_are_refused() {
    let changes: [fn(&mut Manifest); 5] = [
        |run| run.revision = u64::MAX,
        |run| run.last_cursor = u64::MAX,
        |run| run.state.progress = u64::MAX,
        |run| run.state.next_fence = Fence(u64::MAX),
        |run| run.state.epoch = Epoch(u64::MAX),
    ];
    for change in changes {
        let mut manifest = Sample::default().manifest();
        change(&mut manifest);
        let refused = arrived(&manifest, import(), Timestamp::from_millis(START));
        assert!(matches!(refused, Err(Refusal::Invalid(_))));
    }
}

#[test]
fn a_run_without_its_values_is_not_started() {
    let mut manifest = Sample::default().manifest();
    let var = RuntimeVar {
        value: VarValue::Text("hidden value".to_owned()),
        source: VarProvenance::Env,
        env_name: Some("TOKEN".to_owned()),
        inherited_from_run_id: None,
    };
    manifest.spec.runtime_vars.insert("token".to_owned(), var);
    let started = Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    let now = Timestamp::from_millis(START);
    crate::apply(&manifest, &started, now).expect("with its values it is");
    let lost = redacted(&manifest).into_owned();
    for fact in [started, Fact::Control(ControlFact::Readied)] {
        let Err(Refusal::NotAllowed { why, .. }) = crate::apply(&lost, &fact, now) else {
            panic!("{fact:?}")
        };
        assert!(why.contains("`token` (environment variable TOKEN)"), "{why}");
    }
    let may = crate::capabilities(&lost, crate::Lease::Free);
    assert!(!may.can_ready && !may.can_resume);
}

#[test]
fn another_id_and_another_command_are_what_its_worker_is_told() {
    let mut manifest = Sample::default().manifest();
    manifest.spec.brief =
        "Run quiet-otter-42: `/opt/ar task set quiet-otter-42 one`, not quiet-otter-421.".to_owned();
    manifest.spec.command = "/opt/ar".to_owned();
    let run = called(&renamed(&manifest, RunId::parse("new").unwrap()), "ar");
    assert_eq!(run.spec.brief, "Run new: `ar task set new one`, not quiet-otter-421.");
    assert_eq!((run.spec.run_id.as_str(), run.state.run_group_id.as_str()), ("new", "new"));
    manifest.state.run_group_id = "team".to_owned();
    assert_eq!(renamed(&manifest, RunId::parse("new").unwrap()).state.run_group_id, "team");
}

#[test]
fn prose_about_the_program_is_nobodys_command() {
    let mut manifest = Sample::default().manifest();
    let prose = "Improve the README of agent-runner (the npm package agent-runner, in /srv/agent-runner/task).\n\
                 The agent-runner run log and `agent-runner` stay, my-agent-runner task too. \"agent-runner runs\"";
    for (there, here) in
        [("agent-runner", "/opt/ar"), ("/old/bin/agent-runner", "/opt/ar"), ("/opt/ar", "agent-runner")]
    {
        manifest.spec.command = there.to_owned();
        manifest.spec.brief = format!(
            "{prose}\n`{there} task set a b`, (`{there} task list`)\n    {there} attachment add x\n$ {there} run status a && {there} task show a"
        );
        let run = called(&manifest, here);
        assert_eq!(
            run.spec.brief,
            format!(
                "{prose}\n`{here} task set a b`, (`{here} task list`)\n    {here} attachment add x\n$ {here} run status a && {here} task show a"
            )
        );
        assert_eq!(run.spec.command, here);
    }
}

#[test]
fn relatives_that_got_other_ids_are_followed() {
    let id = |text: &str| RunId::parse(text).unwrap();
    let mut manifest = Sample::default().manifest();
    manifest.spec.parent_run_id = Some(id("above"));
    manifest.spec.further_ancestors = vec![id("top"), id("stranger")];
    manifest.spec.brief = "Ask `ar task list above`, not aboveboard.".to_owned();
    manifest.state.run_group_id = "top".to_owned();
    manifest.state.dependencies = vec![
        Dependency::Run { run_id: id("above") },
        Dependency::Run { run_id: id("stranger") },
        Dependency::Group { group_id: "top".to_owned() },
    ];
    let of = |old: &str| match old {
        "above" => Some(id("above2")),
        "top" => Some(id("top2")),
        _ => None,
    };
    let run = among(&manifest, &of);
    assert_eq!(run.spec.parent_run_id, Some(id("above2")));
    assert_eq!(run.spec.further_ancestors, [id("top2"), id("stranger")]);
    assert_eq!(run.spec.brief, "Ask `ar task list above2`, not aboveboard.");
    assert_eq!(run.state.run_group_id, "top2");
    assert_eq!(
        run.state.dependencies,
        [
            Dependency::Run { run_id: id("above2") },
            Dependency::Run { run_id: id("stranger") },
            Dependency::Group { group_id: "top2".to_owned() },
        ]
    );
    assert_eq!(among(&manifest, &|_| None), manifest);
}

/// Every value in a document, by the way to it.
fn places(value: &Value, way: &str, found: &mut Vec<String>) {
    let mut go_on = |name: &str, below: &Value| {
        let way = format!("{way}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(way.clone());
        places(below, &way, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, below)| go_on(name, below)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, below)| go_on(&at.to_string(), below));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Something else in place of a value, as somebody may forge it.
fn forge(value: &mut Value, how: usize) {
    const NUMBERS: [u64; 8] = [0, 1, 255, 1 << 31, u32::MAX as u64, (1 << 53) - 1, i64::MAX as u64, u64::MAX];
    const TEXTS: [&str; 7] = [
        "",
        "1970-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "\u{1b}[2J",
        "../x",
        "{{cwd}}",
        "[redacted]",
    ];
    match value {
        Value::Bool(yes) => *yes = !*yes,
        Value::Number(_) => *value = NUMBERS[how % NUMBERS.len()].into(),
        Value::String(text) => TEXTS[how % TEXTS.len()].clone_into(text),
        Value::Array(items) if !how.is_multiple_of(3) && !items.is_empty() => {
            items.push(items[how % items.len()].clone())
        }
        Value::Array(items) => drop(items.pop()),
        Value::Object(fields) => {
            drop(fields.keys().nth(how % 7).cloned().and_then(|name| fields.remove(&name)))
        }
        Value::Null => *value = NUMBERS[how % NUMBERS.len()].into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever forges a manifest makes none, one that is refused, or one that can be looked at and gone on with.
    #[test]
    fn a_forged_manifest_breaks_nothing(sample in samples(), ops in ops(25), forgeries in vec((any::<usize>(), any::<usize>()), 1..4)) {
        let mut world = World::started(&Sample { passive: false, ..sample });
        for op in ops {
            if let Some(fact) = fact(&world, op) {
                let _ = world.tell(&fact);
            }
        }
        let mut forged = serde_json::to_value(&world.manifest).unwrap();
        for (place, how) in forgeries {
            let mut found = Vec::new();
            places(&forged, "", &mut found);
            forge(forged.pointer_mut(&found[place % found.len()]).unwrap(), how);
        }
        let Ok(forged) = serde_json::from_value::<Manifest>(forged) else { return Ok(()) };
        let Ok(came) = arrived(&forged, import(), world.now) else { return Ok(()) };
        let mut run = came.manifest;
        // It may say of its past what it likes.
        let is_active = matches!(run.state.phase, Phase::Active { .. });
        prop_assert!(!is_active && run.state.driver.is_none() && run.spec.worktree.is_none());
        let _ = (Digest::of(&run), redacted(&run), totals(&run.state.attempt_records));
        let cause = Cause::Continue { message: Some("Go on.".to_owned()) };
        let started = Fact::Control(ControlFact::Started { cause, seen: None, on_limit: None });
        for fact in [started, Fact::Control(ControlFact::Reset)] {
            if let Ok(applied) = crate::apply(&run, &fact, world.now) {
                run = applied.manifest;
                let _ = crate::next_step(&run, &Observation::default(), world.now);
                let _ = crate::capabilities(&run, crate::Lease::Free);
            }
        }
    }
}
