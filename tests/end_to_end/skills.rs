//! Skills are installed as they are, renewed while nobody has touched them, and never taken from whoever has.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::{Finished, World};

const NAMES: [&str; 3] =
    ["agent-runner", "agent-runner-seed-plan-implement-run", "agent-runner-seed-plan-run"];

fn install(world: &World, more: &[&str]) -> Finished {
    let args = [&["skills", "install", "--output-format", "json"], more].concat();
    world.ok(&args)
}

/// What became of each skill, by name.
fn fates(done: &Finished) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let json = done.json();
    json["skills"].as_array().unwrap().iter().map(|one| (text(&one["name"]), text(&one["written"]))).collect()
}

#[track_caller]
fn assert_fates(done: &Finished, expected: &[(&str, &str)]) {
    let found = fates(done);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, fate)| (name.as_str(), fate.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn all_are_listed_and_installed_where_the_client_of_this_directory_finds_them() {
    let world = World::new();
    let list = world.ok(&["skills", "list", "--output-format", "json"]).json();
    let names: Vec<&str> =
        list["skills"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES);
    let text = world.ok(&["skills", "list"]);
    assert_eq!(text.stdout.lines().count(), NAMES.len(), "{}", text.stdout);
    let done = install(&world, &[]);
    assert_fates(&done, &NAMES.map(|name| (name, "created")));
    assert_eq!(done.json()["directory"], world.path("repo/.claude/skills").to_str().unwrap());
    for name in NAMES {
        let text = world.read(format!("repo/.claude/skills/{name}/SKILL.md"));
        assert!(text.starts_with(&format!("---\nname: {name}\ndescription: ")), "{text}");
    }
    assert_fates(&install(&world, &[]), &NAMES.map(|name| (name, "unchanged")));
    let again = world.ok(&["skills", "install", "agent-runner"]);
    assert_eq!(
        again.stdout,
        format!("unchanged  {}\n", world.path("repo/.claude/skills/agent-runner/SKILL.md").display())
    );
    assert_eq!(std::fs::read_dir(world.path("repo/.claude/skills/agent-runner")).unwrap().count(), 1);
}

#[test]
fn what_somebody_has_changed_stays_and_even_by_force_is_not_lost() {
    let world = World::new();
    let (name, place) = ("agent-runner", "other/skills/agent-runner/SKILL.md");
    let to = world.path("other/skills").display().to_string();
    let only = |more: &[&str]| install(&world, &[&[name, "--to", &to], more].concat());
    assert_fates(&only(&[]), &[(name, "created")]);
    let original = world.read(place);

    let changed = original.replacen("agent-runner", "our runner", 3);
    world.write(place, &changed);
    assert_fates(&only(&[]), &[(name, "kept")]);
    assert_eq!(world.read(place), changed);
    world.ok(&["skills", "install", name, "--to", &to]).expect_stdout("--force replaces it");

    for number in ["", ".2"] {
        let done = only(&["--force"]);
        assert_fates(&done, &[(name, "replaced")]);
        let old = format!("{place}.old{number}");
        assert_eq!(done.json()["skills"][0]["old"], world.path(&old).to_str().unwrap());
        assert_eq!(world.read(old), changed);
        assert_eq!(world.read(place), original);
        world.write(place, &changed);
    }
    // Even what is no text is somebody's.
    world.write(place, b"\xff\xfe".as_slice());
    assert_fates(&only(&[]), &[(name, "kept")]);
    // A link that leads nowhere is not written through.
    std::fs::remove_file(world.path(place)).unwrap();
    std::os::unix::fs::symlink("nowhere.md", world.path(place)).unwrap();
    assert_fates(&only(&[]), &[(name, "kept")]);
    assert!(!world.path("other/skills/agent-runner/nowhere.md").exists());
}

#[test]
fn what_another_version_has_installed_is_brought_up_to_date() {
    let world = World::new();
    let place = "repo/.claude/skills/agent-runner/SKILL.md";
    install(&world, &["agent-runner"]);
    let original = world.read(place);
    // As another version would have written it: another text, with its own sum.
    let (text, sum) = original.rsplit_once("<!-- ").unwrap();
    let other = text.replacen("# ", "# Once: ", 1);
    world.write("other.md", &other);
    let output = std::process::Command::new("sha256sum").arg(world.path("other.md")).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    let (words, old_sum) = sum.trim_end().trim_end_matches(" -->").rsplit_once(' ').unwrap();
    assert_eq!(old_sum.len(), 64);
    world.write(place, format!("{other}<!-- {words} {digest} -->\n"));
    let done = install(&world, &["agent-runner"]);
    assert_fates(&done, &[("agent-runner", "updated")]);
    assert_eq!(done.json()["skills"][0]["old"], Value::Null);
    assert_eq!(world.read(place), original);
}

#[test]
fn names_that_do_not_exist_and_places_that_cannot_be_written_are_said() {
    let world = World::new();
    world
        .run(&["skills", "install", "agent-runner", "agent-runner-seed-plan"])
        .expect_code(3)
        .expect_stderr("there is no skill \"agent-runner-seed-plan\"")
        .expect_stderr("did you mean agent-runner-seed-plan-run?");
    assert!(!world.path("repo/.claude").exists(), "nothing is written if one name is wrong");
    world.run(&["skills", "install", "--to", ""]).expect_code(3).expect_stderr("--to is empty");
    let file = world.write("file", "").display().to_string();
    world.run(&["skills", "install", "--to", &file]).expect_code(3).expect_stderr("cannot ");
    let locked = world.path("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    let refused = world.run(&["skills", "install", "--to", locked.to_str().unwrap()]);
    // Root may write everywhere.
    if !rustix::process::geteuid().is_root() {
        refused.expect_code(3).expect_stderr("cannot make ");
    }
}
