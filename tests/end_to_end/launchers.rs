//! Launchers: what is put in front of a worker's program.

use crate::harness::{Manifest as _, World};

/// A world with an agent that is started by what its file says besides.
fn world(front: &str) -> World {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let file = "config/agents/fake/agent.md";
    let text = world.read(file).replace("backend: command\n", &format!("backend: command\n{front}"));
    world.write(file, text);
    let script = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do echo \"$1\" >> \"$0.words\"; shift; done\nshift\nexec \"$@\"\n";
    for name in ["wrap", "other"] {
        let path = world.write(&format!("bin/{name}"), script);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let file = format!(
            "schemaVersion: 1\nname: {name}\ncommand: {name}\nargs: ['{name} of {{{{run_id}}}}', --]\n"
        );
        world.write(&format!("config/launchers/{name}.yaml"), file);
    }
    world
}

#[test]
fn an_agents_launcher_is_frozen_filled_in_and_put_in_front() {
    let world = world("launcher: wrap\n");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    world.write("config/launchers/wrap.yaml", "schemaVersion: 1\ncommand: 'false'\n");
    world.ok(&["run", "--resume-run", &run]);
    assert_eq!(world.lines("bin/wrap.words"), [format!("wrap of {run}")]);
    assert_eq!(
        (world.status(&run)["launcher"].as_str(), world.manifest(&run).outcome()),
        (Some("wrap"), "success")
    );
    assert_eq!(world.manifest(&run)["spec"]["launcher"]["argv"][1], format!("wrap of {run}"));
    world.assert_nothing_left();
}

#[test]
fn a_flag_overrides_it_by_name_only() {
    let world = world("launcher: {command: wrap, args: [inline, --]}\n");
    let started = |more: &[&str]| world.fake(more).run();
    assert_eq!(started(&[]).expect_code(0).json()["launcher"], "inline");
    assert_eq!(world.lines("bin/wrap.words"), ["inline"]);
    let run = started(&["--launcher", "other"]).expect_code(0).run_id();
    assert_eq!(world.lines("bin/other.words"), [format!("other of {run}")]);
    assert_eq!(started(&["--launcher", "direct"]).expect_code(0).json()["launcher"], "direct");
    assert_eq!((world.lines("bin/wrap.words").len(), world.lines("bin/other.words").len()), (1, 1));
    started(&["--launcher", "othre"]).expect_code(3).expect_stderr("did you mean `other`?");
    started(&["--launcher", "./wrap.yaml"]).expect_code(3).expect_stderr("by its name");
    world.write("config/launchers/bad.yaml", "schemaVersion: 1\nname: good\nargv: [x]\n");
    started(&["--launcher", "bad"])
        .expect_code(3)
        .expect_stderr("bad.yaml:2:7: name is `good`")
        .expect_stderr("bad.yaml:3:1: unknown field `argv`")
        .expect_stderr("field `command` is missing");
    world.assert_nothing_left();
}

#[test]
fn a_launcher_that_is_not_there_ends_the_run_and_says_so() {
    let world = world("launcher: {command: no-such-launcher}\n");
    let ended = world.fake(&[]).run().expect_code(4);
    assert!(ended.json()["failure"]["detail"].as_str().unwrap().contains("no-such-launcher"), "{ended}");
    world.assert_nothing_left();
}

#[test]
fn launchers_are_listed_and_broken_ones_do_not_hide_the_others() {
    let world = world("");
    let list = || world.ok(&["list", "launchers", "--output-format", "json"]).json();
    let wrap = world.path("config/launchers/wrap.yaml");
    world.write("config/launchers/wrap.yml", "schemaVersion: 1\ncommand: hidden\n");
    world.write("config/launchers/ops/far.yml", "schemaVersion: 1\ncommand: ssh\nargs: ['the host']\n");
    world.write("config/launchers/bad.yaml", "schemaVersion: 1\nargv: [x]\n");
    world.write("config/launchers/direct.yaml", "schemaVersion: 1\ncommand: nice\n");
    let found = list();
    let names = |found: &serde_json::Value, field: &str| -> Vec<String> {
        let all = found[field].as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found["kind"], "launcher");
    assert_eq!(names(&found, "definitions"), ["direct", "ops/far", "other", "wrap"]);
    assert_eq!(names(&found, "warnings"), ["bad", "direct"]);
    assert_eq!(found["definitions"][0]["settings"], serde_json::json!({ "args": [] }));
    assert_eq!(
        found["definitions"][3],
        serde_json::json!({
            "name": "wrap",
            "source": wrap.to_str().unwrap(),
            "shadows": [wrap.with_extension("yml").to_str().unwrap()],
            "settings": { "command": "wrap", "args": ["wrap of {{run_id}}", "--"] },
        })
    );
    world
        .ok(&["list", "launchers"])
        .expect_stdout("direct   puts nothing in front")
        .expect_stdout("ops/far  ssh 'the host'")
        .expect_stderr("warning: bad was left out")
        .expect_stderr("bad.yaml:2:1: unknown field `argv`")
        .expect_stderr("direct.yaml:1:1: no file can be the launcher `direct`");
    world.fake(&["--launcher", "ops/fra"]).run().expect_code(3).expect_stderr("did you mean `ops/far`?");
}

#[test]
fn one_launcher_is_shown_by_name_by_path_and_as_it_was_authored() {
    let world = world("");
    let shown = world.ok(&["show", "launcher", "wrap", "--output-format", "json"]).json();
    assert_eq!((&shown["kind"], &shown["name"]), (&"launcher".into(), &"wrap".into()));
    assert_eq!(shown["settings"]["args"], serde_json::json!(["wrap of {{run_id}}", "--"]));
    world
        .ok(&["show", "launcher", world.path("config/launchers/wrap.yaml").to_str().unwrap()])
        .expect_stdout("launcher wrap\n")
        .expect_stdout("command: wrap\nargs: 'wrap of {{run_id}}' --\n");
    world.ok(&["show", "launcher", "direct"]).expect_stdout("puts nothing in front");
    let broken = "schemaVersion: 1\nargv: [x] # mine\n";
    world.write("config/launchers/bad.yaml", broken);
    let raw = world.ok(&["show", "launcher", "bad", "--raw"]);
    assert_eq!(raw.stdout, broken);
    let raw = world.ok(&["show", "launcher", "bad", "--raw", "--output-format", "json"]).json();
    assert_eq!((&raw["kind"], &raw["text"]), (&"launcher".into(), &broken.into()));
    let wrong = |args: &[&str]| world.command(&[&["show", "launcher"], args].concat()).run().expect_code(3);
    wrong(&["bad"]).expect_stderr("bad.yaml:2:1: unknown field `argv`");
    wrong(&["warp"]).expect_stderr("no launcher \"warp\"").expect_stderr("did you mean `wrap`?");
    wrong(&["zzz"]).expect_stderr("there are direct, bad, other, wrap");
    wrong(&["./zzz.yaml"]).expect_stderr("cannot read").expect_stderr("check the spelling of the path");
    wrong(&["direct", "--raw"]).expect_stderr("it is built in and has no file");
}
