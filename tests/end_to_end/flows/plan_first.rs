//! `plan-feature` and the run that it makes.

use std::path::Path;

use crate::harness::Manifest as _;

use super::scene::Shop;

#[test]
fn a_request_is_questioned_planned_reviewed_approved_built_reviewed_and_merged() {
    let shop = Shop::new(false);
    let world = &shop.world;
    let before = shop.main_tree();
    let plan = world.run(&shop.plan_args("Search what is new.")).expect_code(2).run_id();
    let manifest = world.manifest(&plan);
    assert!(manifest.notes("feature-plan/capture-feature").starts_with("1. What is the flag called"));
    shop.resume(&plan, &["It is called --since."]).expect_code(0);
    let build = shop.implementation_of(&plan);
    shop.assert_reviewed(&plan, "plan-review", "planner");
    for name in ["assignment-seed.md", "assignment-summary.md"] {
        world.ok(&["attachment", "list", &plan, "--scope", "run"]).expect_stdout(name);
    }

    let status = world.status(&build);
    assert_eq!(
        (&status["effectiveStatus"], &status["parentRunId"]),
        (&"initialized".into(), &plan.as_str().into())
    );
    let canonical = world.root().canonicalize().unwrap();
    let tree = canonical.join("repo-fast-search");
    for (name, value) in [
        ("repo_root", canonical.join("repo").to_str().unwrap()),
        ("worktree_path", tree.to_str().unwrap()),
        ("worktree_slug", "fast-search"),
        ("worktree_base_ref", "main"),
    ] {
        assert_eq!(status["runtimeVars"][name], value, "inherited from the plan");
        assert_eq!(status["runtimeVarSources"][name]["inheritedFromRunId"], plan.as_str());
    }
    world.run(&["run", "--resume-run", &build]).expect_code(3).expect_stderr("run ready");
    assert!(!tree.exists(), "nothing is made before somebody has approved it");

    shop.built(&build);
    shop.assert_reviewed(&build, "code-review", "implementer");
    assert_eq!(world.status(&build)["cwd"], tree.to_str().unwrap());
    assert_eq!(shop.review_of(&build, "code-review")["spec"]["cwd"], tree.to_str().unwrap());
    assert_eq!(shop.main_tree(), before, "nothing has moved in the main work tree");
    shop.resume(&build, &["What does it do?"]).expect_code(2);
    assert_eq!(shop.main_tree(), before, "a question is no approval");

    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.repo(), "main", "implementer");
    assert_eq!(shop.main_tree()[2], "");
    shop.assert_removed(&build);
    world.assert_nothing_left();
}

#[test]
fn with_a_remote_repository_the_work_starts_from_what_is_there_and_ends_there() {
    let shop = Shop::new(true);
    let world = &shop.world;
    let (_, build) = shop.planned();
    // Meanwhile somebody else has pushed, and somebody works in the main work tree.
    let (other, origin) = (world.path("other"), world.path("origin.git"));
    shop.git(&["clone", "--quiet", origin.to_str().unwrap(), other.to_str().unwrap()]);
    world.write("other/more", "more\n");
    shop.git_in(&other, &["add", "more"]);
    shop.git_in(&other, &["commit", "--quiet", "-m", "More"]);
    shop.git_in(&other, &["push", "--quiet", "origin", "main"]);
    world.write("repo/README.md", "# Shop\n\nHalf a sentence\n");
    world.write("repo/idea", "not yet\n");
    let before = shop.main_tree();
    let pushed = shop.git_in(&origin, &["rev-parse", "main"]);

    shop.built(&build);
    shop.assert_reviewed(&build, "code-review", "implementer");
    shop.git_in(&shop.tree(), &["merge-base", "--is-ancestor", &pushed, "HEAD"]);
    assert_eq!(shop.git_in(&origin, &["rev-parse", "main"]), pushed, "nothing is merged without approval");
    assert_eq!(
        shop.git_in(&origin, &["rev-parse", "fast-search"]),
        shop.git_in(&shop.tree(), &["rev-parse", "HEAD"])
    );

    shop.resume(&build, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&origin, "main", "implementer");
    assert_eq!(shop.main_tree(), before, "what somebody is at stays as it is");
    let merged = world.manifest(&build);
    assert!(merged.notes("merge_pr_and_fast_forward_after_approval").contains("it stays as it is"));
    shop.assert_removed(&build);
    assert!(Path::new(&world.repo()).join("idea").is_file());
    world.assert_nothing_left();
}
