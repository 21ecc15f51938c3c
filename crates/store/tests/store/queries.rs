//! Finding runs.

use std::fs;

use agent_runner_model::phase::{Cause, Phase};
use agent_runner_model::{ControlFact, Fact};
use agent_runner_store::{RunQuery, RunStore, StoreError};

use super::support::{Place, id, new_run, new_run_of, now, spec, time};

fn found(place: &Place, query: &RunQuery) -> Vec<String> {
    let listing = now(place.store.query(query)).unwrap();
    assert_eq!(listing.problems, []);
    listing.runs.iter().map(|run| run.manifest.spec.run_id.to_string()).collect()
}

fn populated() -> Place {
    let place = Place::new();
    for (age, name, repo) in [(3, "oldest", "a"), (2, "older", "b"), (1, "newer", "a"), (0, "newest", "b")] {
        let mut spec = spec(name, repo, "claude");
        spec.created_at = time(-age * 1000);
        spec.cwd = format!("/home/{repo}");
        let mut new = new_run_of(spec);
        new.manifest.state.phase = Phase::Initialized;
        if name == "newer" {
            new.manifest.state.run_group_id = "oldest".to_owned();
        }
        if name == "older" {
            new.manifest.state.archived_at = Some(time(0));
        }
        now(place.store.create(new, time(0))).unwrap();
    }
    place
}

#[test]
fn runs_are_found_by_every_condition_newest_first() {
    let place = populated();
    let all = RunQuery { include_archived: true, ..RunQuery::default() };
    assert_eq!(found(&place, &all), ["newest", "newer", "older", "oldest"]);
    assert_eq!(found(&place, &RunQuery::default()), ["newest", "newer", "oldest"]);
    let repo = |name: &str| RunQuery { repo: Some(name.to_owned()), ..RunQuery::default() };
    assert_eq!(found(&place, &repo("a")), ["newer", "oldest"]);
    assert_eq!(found(&place, &repo("missing")), Vec::<String>::new());
    assert_eq!(found(&place, &repo("../runs/a")), Vec::<String>::new());
    let cwd = RunQuery { cwd: Some("/home/b".to_owned()), ..all.clone() };
    assert_eq!(found(&place, &cwd), ["newest", "older"]);
    let group = RunQuery { group: Some("oldest".to_owned()), ..RunQuery::default() };
    assert_eq!(found(&place, &group), ["newer", "oldest"]);
    let active = RunQuery { active_only: true, ..all };
    assert_eq!(found(&place, &active), Vec::<String>::new());
    let start = Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    now(place.store.commit(&id("newer"), &[start], time(0))).unwrap();
    assert_eq!(found(&place, &active), ["newer"]);
    let listing = now(place.store.query(&active)).unwrap();
    assert_eq!(listing.runs[0].location, place.run_dir(&id("newer")).display().to_string());
}

#[test]
fn what_is_no_run_is_passed_over() {
    let place = populated();
    let runs = place.dir.path().join("runs");
    fs::write(runs.join("stray-file"), "x").unwrap();
    fs::write(runs.join("a/stray-file"), "x").unwrap();
    fs::create_dir_all(runs.join("a/half-made")).unwrap();
    fs::create_dir_all(runs.join("empty-bucket")).unwrap();
    assert_eq!(found(&place, &RunQuery::default()).len(), 3);
    assert_eq!(found(&Place::new(), &RunQuery::default()), Vec::<String>::new());
}

#[test]
fn a_run_is_meant_by_its_id_or_its_path() {
    let place = populated();
    let dir = place.run_dir(&id("newer"));
    let path = |tail: &str| dir.join(tail).display().to_string();
    for text in ["newer".to_owned(), path(""), path("."), path("run.json"), path("../newer")] {
        assert_eq!(place.store.resolve(&text).unwrap(), id("newer"), "{text}");
    }
    let link = place.dir.path().join("link");
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    assert_eq!(place.store.resolve(&link.display().to_string()).unwrap(), id("newer"));
    for text in [path(".."), path("run.lock"), "/tmp".to_owned(), "/no/such/place".to_owned()] {
        let error = place.store.resolve(&text).unwrap_err();
        assert!(matches!(error, StoreError::Outside { .. }), "{text}: {error}");
    }
    assert!(matches!(place.store.resolve("New er"), Err(StoreError::Spelling { .. })));
    assert!(matches!(place.store.resolve("nobody"), Err(StoreError::NotFound { .. })));
    let elsewhere = Place::new();
    now(elsewhere.store.create(new_run("newer", "a"), time(0))).unwrap();
    let foreign = elsewhere.run_dir(&id("newer")).display().to_string();
    assert!(
        matches!(place.store.resolve(&foreign), Err(StoreError::Outside { .. })),
        "another state directory"
    );
}
