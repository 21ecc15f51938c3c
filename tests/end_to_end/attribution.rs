//! In whose name workers commit.

use crate::harness::World;

/// An agent that commits in the name that is given, and then does this.
fn committer(world: &World, name: &str, commit_as: Option<&str>, then: &str) {
    let script =
        format!("git commit --quiet --allow-empty -m {name} || exit 90\ncomplete one || exit 91\n{then}");
    let path = world.script(name, &script);
    let commit_as = commit_as.map_or(String::new(), |author| format!("commitAs: {author}\n"));
    let text = format!(
        "---\nschemaVersion: 1\nname: {name}\nbackend: command\n{commit_as}backendConfig:\n  command:\n    argv: [sh, {path:?}]\n---\n"
    );
    world.write(&format!("config/agents/{name}/agent.md"), text);
}

#[test]
fn commits_are_in_the_name_that_the_agent_has_and_else_in_that_of_whoever_started_it() {
    let world = World::new();
    world.work(&["one"]);
    let start = |agent: &str| format!("\"$AGENT_RUNNER_CMD\" run --agent {agent} --assignment work");
    committer(
        &world,
        "fake",
        Some("An Agent <agent@example.org>"),
        &format!("{}; {}", start("other"), start("none")),
    );
    committer(&world, "other", Some("Another One <other@example.org>"), "");
    committer(&world, "none", None, "");
    let run = world.fake(&[]).env("GIT_AUTHOR_NAME", "Somebody").env("GIT_COMMITTER_EMAIL", "s@example.org");
    run.run().expect_code(0);
    let mut log = std::process::Command::new("git");
    log.args(["log", "--reverse", "--format=%s: %an <%ae>, %cn <%ce>"]).current_dir(world.repo());
    let log = log.output().unwrap().stdout;
    let (agent, other) = ("An Agent <agent@example.org>", "Another One <other@example.org>");
    let expected = format!("fake: {agent}, {agent}\nother: {other}, {other}\nnone: {agent}, {agent}\n");
    assert_eq!(String::from_utf8(log).unwrap(), expected);
}
