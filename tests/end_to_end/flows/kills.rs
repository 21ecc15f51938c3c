//! Flows whose driver is killed in the middle: they come to the same end.

use std::fs;

use rustix::process::Signal;

use crate::harness::{Manifest as _, World};

use super::scene::Shop;

/// Kills the driver of a run.
fn kill(world: &World, run: &str) {
    let driver = world.driver_pid(run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    assert_eq!(world.status(run)["effectiveStatus"], "interrupted");
}

#[test]
fn a_planner_that_is_killed_while_its_plan_is_reviewed_goes_on_with_that_review() {
    let shop = Shop::new(false);
    let world = &shop.world;
    let (ready, _go) = (world.fifo("ready"), world.fifo("go"));
    world.write("stop-at", "review");
    let front = world.command(&shop.plan_args("Search what is new, with --since.")).spawn();
    // Whether the planner has noted the id of the review by then makes no difference.
    let review = ready.line();
    let plan = world.status(&review)["parentRunId"].as_str().unwrap().to_owned();
    kill(world, &plan);
    front.wait().expect_code(4);

    shop.resume(&plan, &[]).expect_code(0);
    assert_eq!(
        shop.review_of(&plan, "plan-review")["spec"]["runId"],
        review.as_str(),
        "there is no second review"
    );
    shop.assert_reviewed(&plan, "plan-review", "planner");
    let build = shop.implementation_of(&plan);
    shop.built(&build);
    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.repo(), "main", "implementer");
    world.assert_nothing_left();
}

#[test]
fn an_implementer_that_is_killed_finds_its_worktree_as_it_left_it() {
    let shop = Shop::new(true);
    let world = &shop.world;
    let (ready, _go) = (world.fifo("ready"), world.fifo("go"));
    let (_, build) = shop.planned();
    let before = shop.main_tree();
    world.ok(&["run", "ready", &build]);
    world.write("stop-at", "implement");
    world.ok(&["run", "--resume-run", &build, "--detach"]);
    assert_eq!(ready.line(), build);
    fs::write(shop.tree().join("idea"), "half a thought\n").unwrap();
    kill(world, &build);
    let listed = world.ok(&["workspace", "list", "--output-format", "json"]).json();
    assert_eq!(
        (&listed["workspaces"][0]["runId"], &listed["workspaces"][0]["state"]),
        (&build.as_str().into(), &"dirty".into())
    );
    world.run(&["workspace", "remove", &build]).expect_code(3);

    shop.resume(&build, &[]).expect_code(2);
    assert_eq!(world.manifest(&build).ends(), "interrupted reported");
    assert_eq!(fs::read_to_string(shop.tree().join("idea")).unwrap(), "half a thought\n");

    // What is not its own keeps it from merging; then somebody has taken it away.
    shop.resume(&build, &["Merge approved."]).expect_code(2);
    fs::rename(shop.tree().join("idea"), world.path("idea")).unwrap();
    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.path("origin.git"), "main", "implementer");
    assert_eq!(shop.main_tree()[1..], before[1..]);
    shop.assert_removed(&build);
    world.assert_nothing_left();
}

#[test]
fn an_implementation_that_is_aborted_begins_anew_and_loses_nothing() {
    let shop = Shop::new(false);
    let world = &shop.world;
    let (ready, _go) = (world.fifo("ready"), world.fifo("go"));
    let (_, build) = shop.planned();
    world.ok(&["run", "ready", &build]);
    world.write("stop-at", "implement");
    world.ok(&["run", "--resume-run", &build, "--detach"]);
    ready.line();
    world.ok(&["run", "abort", &build]);
    assert_eq!(world.events_of(&build, "run.snapshot_taken").len(), 1);
    assert_eq!(fs::read_to_string(shop.tree().join("search.sh")).unwrap(), "# searches\n", "it stays, too");

    world.ok(&["run", "reset", &build, "--workspace"]);
    assert!(!shop.tree().join("search.sh").exists());
    let kept = world.path("kept");
    world.ok(&["workspace", "restore", &build, "--to", kept.to_str().unwrap()]);
    assert_eq!(world.read("kept/search.sh"), "# searches\n");
    shop.built(&build);
    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.repo(), "main", "implementer");
    shop.assert_removed(&build);
    world.assert_nothing_left();
}
