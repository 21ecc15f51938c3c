//! Laws of what may be thrown away: over random families, dependencies and policies, and one by one for what keeps a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::sample::{START, Sample};
use crate::ids::RunId;
use crate::manifest::{Dependency, Manifest, ParentNotice, QueuedMessage};
use crate::phase::{Outcome, Phase};
use crate::retention::{Candidate, Circumstances, Decision, Keep, Policy, Reason, decide, holders};
use crate::schedule::Schedule;
use crate::task::TaskStatus;
use crate::time::Timestamp;

fn id(at: usize) -> RunId {
    RunId::parse(&format!("run-{at}")).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_millis(START)
}

/// A run that is over, and that nothing keeps.
fn over(at: usize, days: i64) -> Candidate {
    Candidate {
        run_id: id(at),
        repo: "repo".to_owned(),
        group: format!("run-{at}"),
        parent: None,
        ancestors: Vec::new(),
        dependencies: Vec::new(),
        since: Timestamp::from_millis(START - days * 86_400_000),
        bytes: 100,
        in_scope: true,
        is_over: true,
        has_succeeded: true,
        kept: None,
    }
}

fn days(days: u64) -> Option<Duration> {
    Some(Duration::from_secs(days * 86_400))
}

fn by(candidates: &[Candidate], policy: &Policy) -> Decision {
    decide(candidates, &BTreeSet::new(), 0, policy, now())
}

fn ids(decision: &Decision) -> Vec<&str> {
    decision.going.iter().map(|going| going.run_id.as_str()).collect()
}

fn keeps(decision: &Decision) -> Vec<(&str, Keep, Option<&str>)> {
    let row =
        |staying: &crate::retention::Staying| (staying.run_id.clone(), staying.keep, staying.by.clone());
    let rows: Vec<_> = decision.staying.iter().map(row).collect();
    let leak = |id: RunId| -> &'static str { Box::leak(id.to_string().into_boxed_str()) };
    rows.into_iter().map(|(run, keep, by)| (leak(run), keep, by.map(leak))).collect()
}

#[test]
fn each_part_of_a_policy_takes_what_it_says() {
    let runs = [over(0, 10), over(1, 30), over(2, 20), over(3, 1)];
    let policy = Policy { older_than: days(15), ..Policy::default() };
    assert_eq!(ids(&by(&runs, &policy)), ["run-1", "run-2"]);
    let policy = Policy { keep: Some(1), ..Policy::default() };
    let counted = by(&runs, &policy);
    assert_eq!(ids(&counted), ["run-1", "run-2", "run-0"]);
    assert_eq!(counted.going[0].reason, Reason::Count);
    assert_eq!(keeps(&counted), [("run-3", Keep::Newest, None)]);
    let policy = Policy { max_bytes: Some(250), ..Policy::default() };
    let sized = by(&runs, &policy);
    assert_eq!(ids(&sized), ["run-1", "run-2"]);
    assert!(sized.staying.is_empty(), "nobody wants those that are newer than what was enough");
    let all = Policy { older_than: days(15), keep: Some(3), max_bytes: Some(250) };
    let all = by(&runs, &all);
    assert_eq!(ids(&all), ["run-1"], "the newest stay, whatever else is wanted");
    assert_eq!(keeps(&all).len(), 3);
    assert_eq!(ids(&decide(&runs, &BTreeSet::new(), 1000, &policy, now())).len(), 4, "others take room too");
    assert_eq!(by(&runs, &Policy::default()), Decision::default());
}

#[test]
fn a_family_goes_from_its_leaves() {
    let mut runs = [over(0, 30), over(1, 29), over(2, 2)];
    for (at, parent) in [(1, 0), (2, 1)] {
        runs[at].parent = Some(id(parent));
        runs[at].ancestors = (0..=parent).rev().map(id).collect();
    }
    let old = Policy { older_than: days(15), ..Policy::default() };
    let kept = by(&runs, &old);
    assert!(kept.going.is_empty());
    assert_eq!(
        keeps(&kept),
        [("run-0", Keep::Family, Some("run-1")), ("run-1", Keep::Family, Some("run-2"))]
    );
    let all = Policy { older_than: days(1), ..Policy::default() };
    assert_eq!(ids(&by(&runs, &all)), ["run-2", "run-1", "run-0"]);
    let leaf = Policy { max_bytes: Some(299), ..Policy::default() };
    assert_eq!(ids(&by(&runs, &leaf)), ["run-2"], "the oldest that leaves nobody without the one above it");
    runs[0].is_over = false;
    runs[0].kept = Some(Keep::Active);
    assert!(by(&runs, &all).going.is_empty(), "those below a run that is not over stay");
}

#[test]
fn who_is_waited_for_or_named_stays() {
    let mut runs = [over(0, 30), over(1, 30), over(2, 30), over(3, 30)];
    runs[1].group = "team".to_owned();
    runs[3].is_over = false;
    runs[3].kept = Some(Keep::NotStarted);
    runs[3].dependencies =
        vec![Dependency::Run { run_id: id(0) }, Dependency::Group { group_id: "team".to_owned() }];
    let all = Policy { older_than: days(1), ..Policy::default() };
    let decision = by(&runs, &all);
    assert_eq!(ids(&decision), ["run-2"]);
    assert_eq!(
        keeps(&decision),
        [
            ("run-0", Keep::Needed, Some("run-3")),
            ("run-1", Keep::Needed, Some("run-3")),
            ("run-3", Keep::NotStarted, None)
        ]
    );
    runs[3].is_over = true;
    let named = BTreeSet::from(["run-2".to_owned(), "team".to_owned()]);
    let decision = decide(&runs, &named, 0, &all, now());
    assert_eq!(ids(&decision), ["run-0"], "a run that has ended waits for nobody");
}

/// An ended run, changed.
fn ended(passive: bool, change: impl FnOnce(&mut Manifest)) -> Option<Keep> {
    let mut manifest = Sample { passive, ..Sample::default() }.manifest();
    manifest.state.phase = Phase::Ended { outcome: Outcome::Success };
    change(&mut manifest);
    Candidate::of(&manifest, Circumstances::default()).kept
}

#[test]
fn a_run_is_kept_by_what_it_is() {
    let phase = |phase: Phase| ended(false, |run| run.state.phase = phase);
    assert_eq!(ended(false, |_| ()), None);
    assert_eq!(phase(Phase::Initialized), Some(Keep::NotStarted));
    assert_eq!(phase(Phase::Ready), Some(Keep::NotStarted));
    assert_eq!(ended(false, |run| run.state.pinned = true), Some(Keep::Pinned));
    assert_eq!(ended(false, |run| run.state.archived_at = Some(now())), None);
    assert_eq!(ended(true, |_| ()), Some(Keep::OpenTasks));
    let done = |run: &mut Manifest| {
        run.state.final_tasks.values_mut().for_each(|task| task.status = TaskStatus::Completed);
    };
    assert_eq!(ended(true, done), None);
    let schedule = Some(Schedule { enabled: true, run_at: now(), recurrence: None });
    assert_eq!(ended(false, |run| run.state.schedule = schedule), Some(Keep::Scheduled));
    let notice = |delivered| Some(ParentNotice { id: "n".to_owned(), text: String::new(), delivered });
    assert_eq!(ended(false, |run| run.state.parent_notice = notice(false)), Some(Keep::Notice));
    assert_eq!(ended(false, |run| run.state.parent_notice = notice(true)), None);
    let message =
        QueuedMessage { id: "m".to_owned(), text: String::new(), queued_at: now(), from_run_id: None };
    assert_eq!(ended(false, |run| run.state.queued_resume_messages.push(message)), Some(Keep::Messages));
    let manifest = Sample::default().manifest();
    let in_worktree = Circumstances { has_worktree: true, ..Circumstances::default() };
    let mut over = manifest.clone();
    over.state.phase = Phase::Ended { outcome: Outcome::Aborted };
    assert_eq!(Candidate::of(&over, in_worktree).kept, Some(Keep::Worktree));
}

#[derive(Debug, Clone)]
struct Drawn {
    parent: Option<usize>,
    depends_on: Option<usize>,
    group: usize,
    days: i64,
    bytes: u64,
    repo: usize,
    in_scope: bool,
    is_over: bool,
    has_succeeded: bool,
    kept: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        (option::of(0..30_usize), option::weighted(0.2, 0..30_usize), 0..6_usize, 0..40_i64),
        (
            0..1000_u64,
            0..2_usize,
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.85),
            any::<bool>(),
            prop::bool::weighted(0.1),
        ),
    )
        .prop_map(
            |((parent, depends_on, group, days), (bytes, repo, in_scope, is_over, has_succeeded, kept))| {
                Drawn { parent, depends_on, group, days, bytes, repo, in_scope, is_over, has_succeeded, kept }
            },
        )
}

fn scene() -> impl Strategy<Value = Vec<Candidate>> {
    vec(drawn(), 0..30).prop_map(|drawn| {
        let mut runs: Vec<Candidate> = Vec::new();
        for (at, draw) in drawn.into_iter().enumerate() {
            // A run descends from an older one only.
            let parent = draw.parent.filter(|parent| *parent < at);
            let above = parent.map(|parent| {
                std::iter::once(id(parent)).chain(runs[parent].ancestors.clone()).collect::<Vec<_>>()
            });
            let mut run = over(at, draw.days);
            run.parent = parent.map(id);
            run.ancestors = above.unwrap_or_default();
            run.group = format!("group-{}", draw.group);
            run.repo = format!("repo-{}", draw.repo);
            run.bytes = draw.bytes;
            run.in_scope = draw.in_scope;
            run.is_over = draw.is_over;
            run.has_succeeded = draw.is_over && draw.has_succeeded;
            run.kept = match (draw.is_over, draw.kept) {
                (false, _) => Some(Keep::Active),
                (true, true) => Some(Keep::Pinned),
                (true, false) => None,
            };
            run.dependencies = draw
                .depends_on
                .map(|on| match on % 2 {
                    0 => Dependency::Run { run_id: id(on) },
                    _ => Dependency::Group { group_id: format!("group-{}", on % 6) },
                })
                .into_iter()
                .collect();
            runs.push(run);
        }
        runs
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    (option::of(0..40_u64), option::of(0..6_u32), option::of(0..12_000_u64))
        .prop_map(|(age, keep, max_bytes)| Policy { older_than: age.and_then(days), keep, max_bytes })
}

/// Written down from what is promised, without regard to how it is decided.
fn is_protected(run: &Candidate, runs: &[Candidate]) -> bool {
    let open = runs.iter().filter(|other| !other.is_over);
    let is_needed = open.clone().any(|other| {
        other.ancestors.contains(&run.run_id)
            || run.ancestors.contains(&other.run_id)
            || other.dependencies.iter().any(|dependency| match dependency {
                Dependency::Run { run_id } => *run_id == run.run_id,
                Dependency::Group { group_id } => *group_id == run.group,
            })
    });
    !run.is_over || run.kept.is_some() || !run.in_scope || is_needed
}

fn set(decision: &Decision) -> BTreeSet<RunId> {
    decision.going.iter().map(|going| going.run_id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_protected_never_goes(runs in scene(), policy in policy()) {
        let decision = by(&runs, &policy);
        let going = set(&decision);
        prop_assert_eq!(going.len(), decision.going.len(), "nobody goes twice");
        for run in runs.iter().filter(|run| going.contains(&run.run_id)) {
            prop_assert!(!is_protected(run, &runs), "{:?}", run.run_id);
            let newer = runs.iter().filter(|other| {
                other.repo == run.repo && (other.since, &other.run_id) > (run.since, &run.run_id)
            });
            prop_assert!(policy.keep.is_none_or(|keep| newer.count() >= keep as usize));
        }
        for staying in &decision.staying {
            prop_assert!(!going.contains(&staying.run_id));
        }
    }

    #[test]
    fn no_run_is_left_without_the_one_above_it_at_any_moment(runs in scene(), policy in policy()) {
        let mut there: BTreeMap<RunId, Option<RunId>> =
            runs.iter().map(|run| (run.run_id.clone(), run.parent.clone())).collect();
        for going in by(&runs, &policy).going {
            prop_assert!(there.remove(&going.run_id).is_some());
            prop_assert!(!there.values().any(|parent| parent.as_ref() == Some(&going.run_id)));
        }
    }

    #[test]
    fn no_run_that_may_be_gone_on_with_loses_what_it_depends_on(runs in scene(), policy in policy()) {
        let mut there: BTreeMap<&RunId, &Candidate> = runs.iter().map(|run| (&run.run_id, run)).collect();
        for going in by(&runs, &policy).going {
            let gone = there.remove(&going.run_id).unwrap();
            let needs = |other: &&Candidate| !other.has_succeeded && other.dependencies.iter().any(|dependency| match dependency {
                Dependency::Run { run_id } => *run_id == gone.run_id,
                Dependency::Group { group_id } => *group_id == gone.group,
            });
            prop_assert!(!there.values().copied().any(|other| needs(&other)));
        }
    }

    #[test]
    fn who_wants_less_kept_keeps_no_more(runs in scene(), policy in policy(), age in 0..40_u64, less in 0..12_000_u64, fewer in 0..6_u32) {
        let going = set(&by(&runs, &policy));
        let younger = Policy { older_than: policy.older_than.map(|span| span.min(Duration::from_secs(age * 86_400))), ..policy.clone() };
        prop_assert!(going.is_subset(&set(&by(&runs, &younger))));
        let smaller = Policy { max_bytes: policy.max_bytes.map(|max| max.min(less)), ..policy.clone() };
        prop_assert!(going.is_subset(&set(&by(&runs, &smaller))));
        // By size, others may go in place of those that are no longer among the newest.
        if policy.max_bytes.is_none() {
            let fewer = Policy { keep: policy.keep.map(|keep| keep.min(fewer)), ..policy };
            prop_assert!(going.is_subset(&set(&by(&runs, &fewer))));
        }
    }

    #[test]
    fn one_part_after_another_takes_what_all_of_it_takes(runs in scene(), policy in policy(), until in 0..30_usize) {
        let whole = by(&runs, &policy);
        let first: BTreeSet<&RunId> = whole.going.iter().take(until).map(|going| &going.run_id).collect();
        let left: Vec<Candidate> = runs.iter().filter(|run| !first.contains(&run.run_id)).cloned().collect();
        let rest = by(&left, &policy);
        let expected: Vec<&RunId> = whole.going.iter().skip(until).map(|going| &going.run_id).collect();
        prop_assert_eq!(rest.going.iter().map(|going| &going.run_id).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_room_that_is_wanted_is_there_or_nothing_more_may_go(runs in scene(), max in 0..12_000_u64) {
        let policy = Policy { max_bytes: Some(max), ..Policy::default() };
        let decision = by(&runs, &policy);
        let going = set(&decision);
        let in_scope = runs.iter().filter(|run| run.in_scope);
        let left: u64 = in_scope.filter(|run| !going.contains(&run.run_id)).map(|run| run.bytes).sum();
        let may_go = |run: &&Candidate| {
            let holders = holders(&runs);
            let is_held = holders.get(&run.run_id).is_some_and(|by| by.iter().any(|by| !going.contains(*by)));
            !going.contains(&run.run_id) && !is_protected(run, &runs) && !is_held
        };
        prop_assert!(left <= max || !runs.iter().any(|run| may_go(&run)));
    }
}
