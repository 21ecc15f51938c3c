//! Hooks as users of the program that introduced the form of modules have them: they work as they are.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

/// What such a hook does: it reads the run and its variables, and finds more of them.
const BODY: &str = r#"{
  name: "derive-worktree-vars",
  async prepare(ctx) {
    const slug = ctx.vars.worktree_slug;
    if (typeof slug !== "string" || slug.length === 0) {
      return { action: "block", reason: "worktree_slug is required" };
    }
    return {
      action: "continue",
      mutate: {
        vars: {
          repo_root: ctx.run.cwd,
          worktree_path: `${ctx.run.cwd}-${slug}`,
          branch_name: `feature/${slug}`,
        },
      },
    };
  },
}"#;

const HELPER: &str = "import { defineHook } from \"@kcosr/agent-runner-core/hooks\";\n";

/// A run that is prepared by a file.
fn prepared(world: &World, file: &str, text: &str) -> String {
    world.write(&format!("config/assignments/work/{file}"), text);
    world.assigned(json!({
        "vars": {
            "worktree_slug": {"type": "string", "required": true},
            "worktree_path": {"type": "string", "required": true, "requiredAt": "prepare"},
        },
        "hooks": {"prepare": [{"path": format!("./{file}")}]},
        "tasks": [{"id": "one", "title": "Do one", "body": "In {{worktree_path}} on {{branch_name}}"}],
    }));
    world.agent("fake", "complete one");
    world.fake(&["--var", "worktree_slug=fast"]).run().run_id()
}

fn assert_prepared(world: &World, run: &str, form: &str) {
    let manifest = world.manifest(run);
    assert_eq!(manifest.outcome(), "success", "{form}\n{}", world.everything_known());
    let repo = world.repo().display().to_string();
    let vars = &manifest["spec"]["runtimeVars"];
    assert_eq!(vars["repo_root"]["value"], json!(repo), "{form}");
    assert_eq!(vars["worktree_path"]["value"], json!(format!("{repo}-fast")), "{form}");
    let body = &manifest["state"]["finalTasks"]["one"]["body"];
    assert_eq!(body, &json!(format!("In {repo}-fast on feature/fast")), "{form}");
}

#[test]
fn a_prepare_hook_of_the_reference_works_unchanged() {
    let plain = format!("export default {BODY};\n");
    let defined = format!("{HELPER}\nexport default defineHook({BODY});\n");
    let named = format!("{HELPER}const hook = defineHook({BODY});\nexport {{ hook as default }};\n");
    let common = format!("module.exports = {BODY};\n");
    for (file, text) in [
        ("plain.mjs", &plain),
        ("defined.mjs", &defined),
        ("plain.js", &plain),
        ("defined.js", &defined),
        ("named.js", &named),
        ("common.js", &common),
    ] {
        let world = World::new();
        let run = prepared(&world, file, text);
        assert_prepared(&world, &run, file);
        world.assert_nothing_left();
    }
}

#[test]
fn a_module_beside_a_package_that_says_otherwise_works_as_well() {
    // What a package says of its files is for its own; a hook is known by what it looks like.
    for kind in ["commonjs", "module"] {
        let world = World::new();
        world.write("config/assignments/work/package.json", json!({"type": kind}).to_string());
        world.write("config/assignments/work/lib/slug.mjs", "export const prefix = \"feature/\";\n");
        let text = format!(
            "import {{ prefix }} from \"./lib/slug.mjs\";\nexport default {};\n",
            BODY.replace("`feature/$", "`${prefix}$")
        );
        let run = prepared(&world, "hook.js", &text);
        assert_prepared(&world, &run, kind);
    }
}

#[test]
fn typescript_needs_a_node_that_strips_types_and_the_error_says_which() {
    let world = World::new();
    // A Node of a version in between, whatever is installed.
    let node = world.write("bin/node", "#!/bin/sh\necho v20.20.2\n");
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["typed.ts", "typed.mts"] {
        let text = format!("{HELPER}const hook: unknown = defineHook({BODY});\nexport default hook;\n");
        let run = prepared(&world, file, &text);
        let failure = &world.manifest(&run)["state"]["phase"]["outcome"]["failure"]["detail"];
        let said = failure.as_str().unwrap();
        assert!(said.contains("Node 22.6 or newer") && said.contains("v20.20.2"), "{said}");
    }
    // One that is far too old for any module, and none at all.
    std::fs::write(&node, "#!/bin/sh\necho v18.1.0\n").unwrap();
    let run = prepared(&world, "plain.mjs", &format!("export default {BODY};\n"));
    let failure = world.manifest(&run)["state"]["phase"]["outcome"]["failure"]["detail"].clone();
    assert!(failure.as_str().unwrap().contains("Node 20.6 or newer, and this is v18.1.0"), "{failure}");
    world.assert_nothing_left();
}

#[test]
fn without_node_a_module_says_what_is_missing() {
    let world = World::new();
    world.write("config/assignments/work/plain.mjs", format!("export default {BODY};\n"));
    world.hooked(json!({"prepare": [{"path": "./plain.mjs"}]}), &["one"]);
    world.agent_argv("fake", &["/bin/true"]);
    for tool in ["sh", "cat"] {
        std::os::unix::fs::symlink(format!("/bin/{tool}"), world.path(format!("bin/{tool}"))).unwrap();
    }
    let run = world.fake(&[]).env("PATH", world.path("bin")).run().expect_code(4).run_id();
    let failure = world.manifest(&run)["state"]["phase"]["outcome"]["failure"]["detail"].clone();
    assert!(failure.as_str().unwrap().contains("there is no `node` in PATH"), "{failure}");
}

#[test]
fn modules_that_are_none_say_what_is_wrong() {
    let world = World::new();
    for (text, words) in [
        ("export const hook = {};\n", "must export an object with a `name`"),
        ("export default { prepare() {} };\n", "must export an object with a `name`"),
        ("export default { name: \"x\", prepare: 5 };\n", "is not a function"),
        ("export default { name: \"x\", prepare() { throw new Error(\"WORDS\"); } };\n", "exit code 1"),
        (
            "export default { name: \"x\", async prepare() { await Promise.reject(new Error(\"WORDS\")); } };\n",
            "exit code 1",
        ),
        ("export default { name: \"x\", prepare() { process.exit(3); } };\n", "exit code 3"),
        ("export default { name: \"x\", prepare() { return 5; } };\n", "not a hook's answer"),
        ("export default {{{\n", "exit code 1"),
        ("import \"./missing.mjs\";\nexport default { name: \"x\" };\n", "exit code 1"),
    ] {
        let run = prepared(&world, "odd.mjs", text);
        let manifest = world.manifest(&run);
        let failure = &manifest["state"]["phase"]["outcome"]["failure"]["detail"];
        assert!(failure.as_str().unwrap_or_default().contains(words), "{text}: {failure}");
    }
    let event: Value = {
        let run = prepared(
            &world,
            "odd.mjs",
            "export default { name: \"x\", prepare() { throw new Error(\"WORDS\"); } };\n",
        );
        world.events_of(&run, super::scene::HOOK).remove(0)
    };
    assert!(event["stderr"].as_str().unwrap().contains("WORDS"), "{event}");
    world.assert_nothing_left();
}

#[test]
fn a_module_may_print_and_keep_timers_and_has_nothing_to_say_of_other_phases() {
    let world = World::new();
    let text = "console.log(\"printed\"); process.stdout.write(\"written\\n\"); setInterval(() => {}, 1000);\n\
                export default { name: \"noisy\", afterAttempt() { console.info(\"more\"); } };\n";
    world.write("config/assignments/work/noisy.mjs", text);
    let hook = json!([{"path": "./noisy.mjs"}]);
    world.hooked(json!({"prepare": hook, "afterAttempt": hook, "taskTransition": hook}), &["one"]);
    world.agent("fake", "complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let skipped =
        ["prepare:0", "taskTransition:0", "afterAttempt:0"].map(|id| format!("{id}:./noisy.mjs skipped"));
    assert_eq!(world.outcomes(&run), skipped);
    world.assert_nothing_left();
}
