//! `template: handlebars`: conditions and loops in texts, within limits, with secrets hidden as everywhere.

use serde_json::Value;

use crate::harness::World;

/// A value that nobody may find, nor its pieces.
const CANARY: &str = "canary-7f3a9,second-\"piece\"";

fn assignment(world: &World, name: &str, front: &str, body: &str) {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{front}---\n{body}\n");
    world.write(&format!("config/assignments/{name}/assignment.md"), text);
}

fn init(world: &World, assignment: &str, more: &[&str]) -> crate::harness::Finished {
    let args = ["init", "--backend", "passive", "--assignment", assignment, "--output-format", "json"];
    world.run(&args.iter().chain(more).copied().collect::<Vec<_>>())
}

/// The fenced blocks of that kind in the section about templates.
fn documented(kind: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/variables.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split("## Conditions and loops").nth(1).unwrap().split("\n## ").next().unwrap();
    let fence = format!("```{kind}\n");
    let blocks = section.split(&fence).skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_documented_example_says_what_the_documentation_says() {
    let world = World::new();
    let file = documented("md").remove(0);
    world.write("config/assignments/review-parts/assignment.md", &file);
    let run = init(&world, "review-parts", &["--var", "parts=src,docs", "--var", "depth=thorough"]);
    let run = run.expect_code(0).run_id();
    let spec = world.manifest(&run)["spec"].clone();
    let expected = documented("text");
    assert_eq!(spec["tasks"][0]["title"], "Review 2 parts");
    assert_eq!(spec["tasks"][0]["body"].as_str().unwrap().trim_end(), expected[0]);
    assert_eq!(spec["assignment"]["instructions"], expected[1]);
    world.ok(&["run", "reconfigure", &run, "--var", "strict=1", "--var", "parts=one"]);
    let spec = world.manifest(&run)["spec"].clone();
    assert!(spec["assignment"]["instructions"].as_str().unwrap().starts_with("Whatever is wrong"));
    assert_eq!(spec["tasks"][0]["title"], "Review 1 parts");
    world.ok(&["validate"]).expect_stdout("ok       assignment");
    world.ok(&["show", "assignment", "review-parts"]).expect_stdout("template: handlebars");
}

#[test]
fn each_definition_says_how_its_own_texts_are_filled_and_that_is_frozen() {
    let world = World::new();
    world.agent("fake", "complete own shared");
    let agent = "config/agents/fake/agent.md";
    let text = world.read(agent).replace(
        "---\nYou are",
        "template: handlebars\n---\n{{#if range}}You look at {{range}}{{/if}} {{len tasks}} and are",
    );
    world.write(agent, text);
    world.write(
        "config/tasks/shared.md",
        "---\nschemaVersion: 1\ntitle: Shared {{range}}\n---\n{{#if range}} $\\{{x}} {{unknown}}",
    );
    let front = "cwd: \"{{place}}\"\nmessage: \"{{#if range}} {{range}}\"\nvars:\n  range: {default: \"a{{b}}\"}\n  place: {default: .}\ntasks:\n  \
                 - id: own\n    title: \"Own {{#if range}}{{range}}{{/if}}\"\n  - shared\n";
    assignment(&world, "plain", front, "{{#if range}}{{range}}");
    let run =
        world.ok(&["run", "--agent", "fake", "--assignment", "plain", "--output-format", "json"]).run_id();
    let spec = world.manifest(&run)["spec"].clone();
    assert_eq!(spec["agent"]["instructions"], "You look at a{{b}} 2 and are the fake agent fake.");
    assert_eq!(spec["tasks"][0]["title"], "Own {{#if range}}a{{b}}{{/if}}");
    assert_eq!(spec["assignment"]["instructions"], "{{#if range}}a{{b}}");

    assignment(&world, "rich", &format!("template: handlebars\n{front}"), "{{#if range}}{{range}}{{/if}}");
    let args = ["--agent", "fake", "--assignment", "rich", "--add-task", "Added {{#if range}} {{range}}"];
    let run = world.init(&args);
    let texts = |run: &str| {
        let spec = world.manifest(run)["spec"].clone();
        let titles: Vec<Value> =
            spec["tasks"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect();
        (
            titles,
            spec["tasks"][1]["body"].clone(),
            spec["message"].clone(),
            spec["assignment"]["instructions"].clone(),
        )
    };
    let (titles, shared, message, work) = texts(&run);
    assert_eq!(titles, ["Own a{{b}}", "Shared a{{b}}", "Added {{#if range}} a{{b}}"]);
    assert_eq!(shared, "{{#if range}} $\\{{x}} {{unknown}}");
    assert_eq!((message, work), ("{{#if range}} a{{b}}".into(), "a{{b}}".into()));
    // Whatever becomes of the files, the run keeps its texts and how they are filled.
    assignment(&world, "rich", front, "Other.");
    world.ok(&["run", "reconfigure", &run, "--var", "range=new"]);
    assert_eq!((texts(&run).0[0].clone(), texts(&run).3), ("Own new".into(), "new".into()));
    world.ok(&["run", "ready", &run]);
    world.run(&["run", "--resume-run", &run]);
    world.ok(&["run", "reset", &run]);
    assert_eq!((texts(&run).0[0].clone(), texts(&run).3), ("Own new".into(), "new".into()));
    world.assert_nothing_left();
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_no_run_is_created() {
    let world = World::new();
    let front = "template: handlebars\nvars:\n  range: {}\n  long: {sources: [env], envName: LONG}\ntasks:\n  - id: one\n    title: One\n    body: |\n      Look.\n      At {{rnage}}.\n";
    assignment(&world, "work", front, "Text.");
    let refused = init(&world, "work", &[]).expect_code(3);
    refused
        .expect_stderr("work/assignment.md:13:12: there is no variable `rnage`")
        .expect_stderr("did you mean `range`?");
    let front = front.replace("rnage", "range");
    assignment(&world, "work", &front, "Text.");
    init(&world, "work", &[])
        .expect_code(3)
        .expect_stderr("the body of task `one`, line 2, column 4: variable `range` has no value here")
        .expect_stderr("{{#if name}}");
    init(&world, "work", &["--var", "range=x"]).expect_code(0);
    let runs = world.runs().len();

    world.agent("fake", "complete one");
    let agent = "config/agents/fake/agent.md";
    let text = world
        .read(agent)
        .replace("---\nYou", "template: handlebars\n---\n\nYou see {{range}}\nand {{other}}. You");
    world.write(agent, text);
    world.ok(&["validate", world.path(agent).to_str().unwrap()]);
    world
        .run(&["init", "--agent", "fake", "--assignment", "work", "--var", "range=x"])
        .expect_code(3)
        .expect_stderr("fake/agent.md:12:7: there is no variable `other`")
        .expect_stderr("declare it below `vars:` of the assignment");
    assignment(
        &world,
        "work",
        &front,
        "{{#each (split range \",\")}}{{#each (split @root.range \",\")}}x{{/each}}{{/each}}",
    );
    let many = format!("range={}", "x,".repeat(3000));
    init(&world, "work", &["--var", &many]).expect_code(3).expect_stderr("do too much");
    let text = format!("{{{{#each (split range \",\")}}}}{}{{{{/each}}}}", "word ".repeat(200));
    assignment(&world, "work", &front, &text);
    init(&world, "work", &["--var", &many]).expect_code(3).expect_stderr("become too long");
    assert_eq!(world.runs().len(), runs);
}

#[test]
fn bombs_are_refused_and_do_not_end_the_program() {
    let world = World::new();
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    for depth in [2_000, 20_000] {
        for (text, said) in [
            (nested("{{#if cwd}}", "{{/if}}", depth), "nested more than 32 deep"),
            (nested("{{#each @root.tasks}}", "{{/each}}", depth), "nested more than 32 deep"),
            (
                format!("{{{{#if cwd}}}}{}{{{{/if}}}}", "{{else if cwd}}".repeat(depth)),
                "nested more than 32 deep",
            ),
            (
                format!("{{{{#if {}cwd{}}}}}x{{{{/if}}}}", "(not ".repeat(depth), ")".repeat(depth)),
                "too long, or has no end",
            ),
            (nested("{{#*inline \"self\"}}", "{{/inline}}", depth), "are not supported"),
            ("{{#*inline \"self\"}}{{> self}}{{/inline}}{{> self}}".to_owned(), "are not supported"),
            (nested("{{{{raw}}}}", "{{{{/raw}}}}", depth), "are not supported"),
        ] {
            assignment(&world, "bomb", "template: handlebars\ntasks:\n  - id: one\n    title: One\n", &text);
            let refused = init(&world, "bomb", &[]).expect_code(3);
            assert!(
                refused.stderr.contains(said) || refused.stderr.contains("at most 64 KiB"),
                "{said}: {refused}"
            );
        }
    }
    assert!(world.runs().is_empty());
}

#[test]
fn secrets_in_templates_are_hidden_and_cannot_be_taken_apart() {
    let world = World::new();
    world.agent("fake", "complete one");
    let front = "template: handlebars\ncallerInstructions: \"{{#if token}}It is {{token}}.{{/if}}\"\nvars:\n  token: {sources: [env], envName: TOKEN}\n\
                 tasks:\n  - id: one\n    title: \"Call with {{token}}\"\n    body: \"{{#each tasks}}{{title}}{{/each}}\"\n";
    assignment(
        &world,
        "work",
        front,
        "{{#each tasks as |task|}}Use {{../token}} for {{task.title}}.{{/each}}",
    );
    let run = || world.fake(&[]).env("TOKEN", CANARY).run();
    let ended = run().expect_code(0);
    let mut outputs = vec![format!("{}{}", ended.stdout, ended.stderr)];
    let id = world.only_run();
    assert_eq!(world.read("prompt-1").matches(CANARY).count(), 2, "the worker has to know");
    let spec = &world.manifest(&id)["spec"];
    assert_eq!(spec["tasks"][0]["body"], format!("Call with {CANARY}"));
    for command in [
        ["run", "status"],
        ["run", "audit"],
        ["run", "timeline"],
        ["run", "report"],
        ["run", "brief"],
        ["task", "list"],
    ] {
        for format in ["text", "json"] {
            let shown = world.ok(&[command[0], command[1], &id, "--output-format", format]);
            outputs.push(format!("{}{}", shown.stdout, shown.stderr));
        }
    }
    for text in [
        "{{#each (split token \",\")}}{{this}} {{/each}}",
        "{{#each (lines token)}}{{this}} {{/each}}",
        "{{#each tasks}}{{#each (split title \",\")}}{{this}} {{/each}}{{/each}}",
    ] {
        assignment(&world, "work", front, text);
        let refused = run().expect_code(3).expect_stderr("cannot be taken apart");
        outputs.push(format!("{}{}", refused.stdout, refused.stderr));
    }
    assert!(outputs.iter().any(|output| output.contains("It is [redacted].")));
    for output in &outputs {
        assert!(!output.contains("canary") && !output.contains("second-"), "{output}");
    }
    assert_eq!(world.runs().len(), 1);
    world.assert_nothing_left();
}

#[test]
fn who_extends_a_template_is_one_and_mistakes_are_shown_where_they_stand() {
    let world = World::new();
    let front = "template: handlebars\ntasks:\n  - id: one\n    title: Look at {{count}}\n";
    assignment(&world, "base", front, "{{#each (split parts \",\")}}[{{this}}]{{/each}}");
    let vars = "extends: base\nvars:\n  parts: {required: true}\n  count: {default: all}\n";
    assignment(&world, "heir", vars, "{{#if parts}}And more.{{/if}}");
    let run = init(&world, "heir", &["--var", "parts=a,b"]).expect_code(0).run_id();
    let spec = world.manifest(&run)["spec"].clone();
    assert_eq!(spec["assignment"]["instructions"], "[a][b]\n\nAnd more.");
    assert_eq!(spec["tasks"][0]["title"], "Look at all");
    // The base alone asks for what only the heir has; an heir that has less is wrong at the base's line.
    let place = |name: &str| format!("{name}/assignment.md:");
    init(&world, "base", &[]).expect_code(3).expect_stderr(&place("base"));
    assignment(&world, "poor", "extends: base\nvars:\n  count: {default: all}\n", "");
    let refused = init(&world, "poor", &[]).expect_code(3).expect_stderr(&format!("{}9:", place("base")));
    refused.expect_stderr("parts");
    assignment(&world, "wrong", vars, "{{#if parts}}");
    init(&world, "wrong", &[]).expect_code(3).expect_stderr(&format!("{}9:", place("wrong")));
    assignment(&world, "plain", &format!("{vars}template: plain\n"), "");
    let run = init(&world, "plain", &["--var", "parts=a,b"]).expect_code(0).run_id();
    let spec = world.manifest(&run)["spec"].clone();
    assert!(spec["assignment"]["instructions"].as_str().unwrap().starts_with("{{#each"));
}

#[test]
fn short_values_of_an_environment_do_not_forbid_what_has_nothing_to_do_with_them() {
    let world = World::new();
    let front = "template: handlebars\nvars:\n  n: {type: number, sources: [env], envName: N}\n  parts: {required: true}\n\
                 tasks:\n  - id: one\n    title: One\n";
    assignment(&world, "work", front, "{{#each (split parts \",\")}}[{{this}}]{{/each}}");
    let args = ["init", "--backend", "passive", "--assignment", "work", "--var", "parts=src1,docs"];
    world.command(&args).env("N", "1").run().expect_code(0);
}
