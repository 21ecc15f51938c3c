//! `plan-implement-feature`: one run, in a worktree of its own.

use crate::harness::Manifest as _;

use super::scene::Shop;

#[test]
fn one_run_plans_waits_builds_is_reviewed_waits_and_merges() {
    let shop = Shop::new(false);
    let world = &shop.world;
    let before = shop.main_tree();
    let args = [
        "run",
        "--agent",
        "generic",
        "--assignment",
        "plan-implement-feature",
        "--worktree=fast-search",
        "--output-format",
        "json",
        "Search what is new, with --since.",
    ];
    let run = world.run(&args).expect_code(2).run_id();
    let manifest = world.manifest(&run);
    assert!(manifest.tasks().contains("feature-plan/await-user-approval=blocked"), "{}", manifest.tasks());
    assert!(manifest.tasks().contains("feature-implement/scaffold=pending"), "{}", manifest.tasks());
    world.ok(&["attachment", "list", &run]).expect_stdout("assignment-summary.md");
    shop.resume(&run, &["Requested changes: call it --after."]).expect_code(2);
    let tree = world.status(&run)["worktree"]["path"].as_str().unwrap().to_owned();
    assert_eq!(
        shop.git_in(tree.as_ref(), &["log", "--format=%s"]),
        "First",
        "nothing is built before the approval"
    );

    shop.resume(&run, &["Approved. Continue implementation."]).expect_code(2);
    assert_eq!(shop.open_tasks(&run), ["feature-implement/merge-after-approval=blocked"]);
    shop.assert_reviewed(&run, "code-review", "implementer");
    assert_eq!(shop.review_of(&run, "code-review")["spec"]["cwd"], tree.as_str());
    assert_eq!(shop.main_tree(), before, "nothing has moved in the main work tree");

    shop.resume(&run, &["Merge approved."]).expect_code(0);
    shop.assert_merged(&world.repo(), "main", "generic");
    shop.assert_removed(&run);
    world.assert_nothing_left();
}
