//! Changes that somebody wants of a plan that was done already.

use serde_json::json;

use crate::harness::World;

use super::scene::Shop;

#[test]
fn after_requested_changes_the_same_run_is_made_anew_from_the_revised_plan() {
    let shop = Shop::new(false);
    let world = &shop.world;
    let (plan, build) = shop.planned();
    assert_eq!(world.lines("prepared").len(), 1, "its prepare hook has run");
    let wish = "DATE may be `today`.";
    assert!(!brief(world, &build).contains(wish));

    shop.resume(&plan, &[&format!("Requested changes: {wish}")]).expect_code(0);
    assert_eq!(shop.implementation_of(&plan), build);
    assert_eq!(world.lines("prepared").len(), 2, "and again when it was made anew");
    let status = world.status(&build);
    assert_eq!((&status["effectiveStatus"], &status["parentRunId"]), (&json!("initialized"), &json!(plan)));
    assert!(brief(world, &build).contains(wish));
    let attached =
        world.ok(&["attachment", "list", &plan, "--scope", "run", "--output-format", "json"]).json();
    let names: Vec<_> = attached["attachments"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["assignment-seed.md", "assignment-summary.md"]);
    shop.review_of(&plan, "plan-review");

    shop.built(&build);
    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.repo(), "main", "implementer");
    world.assert_nothing_left();
}

/// The text of the first task, where the plan stands.
fn brief(world: &World, build: &str) -> String {
    world.ok(&["task", "show", build, "orient"]).stdout
}

#[test]
fn a_run_that_was_only_made_neither_holds_a_task_back_nor_counts_for_one() {
    let world = World::new();
    world.assigned(json!({"tasks": [
        {"id": "all", "title": "All", "hooks": [{"builtin": "require-children-success"}]},
        {"id": "any", "title": "Any", "hooks": [{"builtin": "require-children-success", "with": {"requireAny": true}}]},
    ]}));
    world.agent("fake", "\"$AGENT_RUNNER_CMD\" task set $RUN $(sed 's/.*-//' \"$W/one\") --status blocked");
    let parent = world.init(&["--backend", "passive", "--assignment", "work"]);
    let set = |task: &str, status: &str| world.run(&["task", "set", &parent, task, "--status", status]);
    set("any", "completed").expect_code(3).expect_stderr("has not started any other run");
    let child = world.init(&["--agent", "fake", "--add-task", "One", "--parent-run", &parent]);
    set("any", "completed").expect_code(3).expect_stderr("one that is only made does not count");
    set("all", "completed").expect_code(0);
    set("all", "pending").expect_code(0);
    world.ok(&["run", "ready", &child]);
    set("all", "completed").expect_code(0);
    set("all", "pending").expect_code(0);

    let task = world.manifest(&child)["spec"]["tasks"][0]["id"].as_str().unwrap().to_owned();
    world.write("one", format!("x-{task}"));
    let _ = world.run(&["run", "--resume-run", &child]);
    for task in ["all", "any"] {
        set(task, "completed").expect_code(3).expect_stderr(&child);
    }
    // A reset is no way around it.
    world.ok(&["run", "reset", &child]);
    set("all", "completed").expect_code(3).expect_stderr(&format!("{child} (initialized)"));
    set("any", "completed").expect_code(3);
    world.assert_nothing_left();
}
