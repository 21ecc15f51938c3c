//! Who waits for whom: circles through runs and groups, and how dependencies stand.

use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::{Outcome, Phase};
use agent_runner_model::{ControlFact, Fact, Manifest, RunId, Timestamp};
use agent_runner_store::{Problem, ProblemKind};

use super::world::World;
use crate::graph::{check, depends_on, unsatisfied};

fn id(text: &str) -> RunId {
    RunId::parse(text).unwrap()
}

fn on_run(run: &str) -> Dependency {
    Dependency::Run { run_id: id(run) }
}

fn on_group(group: &str) -> Dependency {
    Dependency::Group { group_id: group.to_owned() }
}

/// Runs: an id, a group, and what each depends on.
async fn runs(rows: &[(&str, &str, &[Dependency])]) -> Vec<Manifest> {
    let world = World::new(Vec::new());
    let run_id = world.create(&["one"], 0).await;
    let sample = world.manifest(&run_id).await;
    let one = |(run, group, dependencies): &(&str, &str, &[Dependency])| {
        let mut manifest = sample.clone();
        manifest.spec.run_id = id(run);
        manifest.state.run_group_id = (*group).to_owned();
        manifest.state.dependencies = dependencies.to_vec();
        manifest.state.phase = Phase::Initialized;
        manifest
    };
    rows.iter().map(one).collect()
}

fn adding(manifests: &[Manifest], run: &str, dependency: Dependency) -> Result<(), String> {
    let fact = Fact::Control(ControlFact::DependencyAdded { dependency });
    check(manifests, &[], &id(run), &[fact], Timestamp::from_millis(1)).map_err(|refusal| refusal.to_string())
}

fn grouping(manifests: &[Manifest], run: &str, group: &str) -> Result<(), String> {
    let fact = Fact::Control(ControlFact::Grouped { group_id: group.to_owned() });
    check(manifests, &[], &id(run), &[fact], Timestamp::from_millis(1)).map_err(|refusal| refusal.to_string())
}

#[tokio::test]
async fn circles_are_found_through_runs_and_groups() {
    let found = runs(&[
        ("a", "ga", &[]),
        ("b", "gb", &[on_run("a")]),
        ("c", "gc", &[on_group("gb")]),
        ("d", "gb", &[]),
    ])
    .await;
    let refusal = adding(&found, "a", on_run("c")).unwrap_err();
    assert!(refusal.contains("run a -> run c -> group gb -> run b -> run a"), "{refusal}");
    assert!(adding(&found, "a", on_group("gc")).unwrap_err().contains("would wait for itself"));
    assert!(adding(&found, "d", on_run("c")).is_err(), "c waits for all of gb, and d is one of them");
    assert_eq!(adding(&found, "c", on_run("a")), Ok(()), "two ways to the same end are no circle");
    assert_eq!(adding(&found, "b", on_group("nobody")), Ok(()));
    assert!(adding(&found, "b", on_run("nobody")).unwrap_err().contains("there is no run nobody"));
    assert!(adding(&found, "b", on_run("b")).is_err() && adding(&found, "b", on_group("gb")).is_err());
}

#[tokio::test]
async fn joining_a_group_can_close_a_circle() {
    let found = runs(&[("a", "ga", &[on_run("b")]), ("b", "gb", &[on_group("gc")]), ("c", "gc", &[])]).await;
    let refusal = grouping(&found, "a", "gc").unwrap_err();
    assert!(refusal.starts_with("changing the group is not possible"), "{refusal}");
    assert_eq!(grouping(&found, "c", "gb"), Ok(()));
    assert_eq!(grouping(&found, "a", "gb"), Ok(()), "it waits for one of them, nobody waits for all");
}

#[tokio::test]
async fn what_cannot_be_read_may_close_a_circle() {
    let found = runs(&[
        ("a", "ga", &[]),
        ("b", "gb", &[on_run("broken")]),
        ("c", "gc", &[on_group("gd")]),
        ("d", "gd", &[]),
    ])
    .await;
    let problem = |kind, run: &str| Problem {
        path: format!("/state/runs/repo/{run}/run.json").into(),
        kind,
        message: "in words".to_owned(),
    };
    let with = |problems: &[Problem], run: &str, fact: ControlFact| {
        check(&found, problems, &id(run), &[Fact::Control(fact)], Timestamp::from_millis(1))
            .map_err(|refusal| refusal.to_string())
    };
    let add = |dependency| ControlFact::DependencyAdded { dependency };
    for kind in [ProblemKind::Unreadable, ProblemKind::Newer] {
        let broken = [problem(kind, "broken")];
        for dependency in [on_run("broken"), on_run("b"), on_group("gd"), on_run("c")] {
            let refusal = with(&broken, "a", add(dependency)).unwrap_err();
            assert!(refusal.contains("repo/broken/run.json cannot be read, so nobody can tell"), "{refusal}");
        }
        assert_eq!(with(&broken, "a", add(on_run("d"))), Ok(()), "nothing unknown is on the way");
        assert!(with(&broken, "b", ControlFact::Grouped { group_id: "gc".to_owned() }).is_err());
        assert_eq!(with(&broken, "d", ControlFact::Grouped { group_id: "gx".to_owned() }), Ok(()));
        let removed = ControlFact::DependencyRemoved { dependency: on_run("broken") };
        assert_eq!(with(&broken, "b", removed), Ok(()), "what opens circles is always possible");
    }
    // Runs of another program wait for nobody here.
    let foreign = [problem(ProblemKind::Reference, "other")];
    assert_eq!(with(&foreign, "a", add(on_group("gd"))), Ok(()));
}

#[tokio::test]
async fn a_run_waits_until_all_it_depends_on_is_success() {
    let mut found = runs(&[
        ("a", "g", &[]),
        ("b", "g", &[]),
        ("c", "c", &[on_run("a"), on_group("g"), on_group("none")]),
    ])
    .await;
    let words = unsatisfied(&found, &found[2]).unwrap();
    assert_eq!(words, "run a (initialized), group g (0 of 2 runs are success), group none (it has no runs)");
    found[0].state.phase = Phase::Ended { outcome: Outcome::Exhausted };
    assert!(unsatisfied(&found, &found[2]).unwrap().contains("run a (exhausted; it has to be resumed)"));
    found[0].state.phase = Phase::Ended { outcome: Outcome::Success };
    // Who is put away does not count for a group.
    found[1].state.archived_at = Some(Timestamp::from_millis(1));
    assert_eq!(unsatisfied(&found, &found[2]).unwrap(), "group none (it has no runs)");
    found[2].state.dependencies.pop();
    assert_eq!(unsatisfied(&found, &found[2]), None);
    assert!(depends_on(&found[2], &found[1]) && !depends_on(&found[1], &found[2]));
    let gone = found.split_off(1);
    assert!(unsatisfied(&gone, &gone[1]).unwrap().contains("run a (there is none)"));
}
