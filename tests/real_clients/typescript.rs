//! A hook in TypeScript, run by a Node that strips types.

use std::process::Command;

use crate::harness::{Manifest as _, World};

/// The variable that leads to the directory of a Node that strips types.
const NODE: &str = "AGENT_RUNNER_TEST_NODE";

const HOOK: &str = r#"import { defineHook } from "@kcosr/agent-runner-core/hooks";
import type { PrepareHookContext } from "@kcosr/agent-runner-core/hooks";

interface Found { worktree_path: string }

export default defineHook({
  name: "typed",
  prepare(ctx: PrepareHookContext) {
    const vars: Found = { worktree_path: `${ctx.run.cwd}-${ctx.vars.slug as string}` };
    return { action: "continue" as const, mutate: { vars } };
  },
});
"#;

#[test]
fn a_hook_in_typescript_runs_where_node_strips_types() {
    let node = std::env::var(NODE).unwrap_or_else(|_| panic!("{NODE} is not set: run `.ci/run clients`"));
    let version = Command::new(format!("{node}/node")).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    for file in ["typed.ts", "typed.mts"] {
        let world = World::new();
        world.write(&format!("config/assignments/work/{file}"), HOOK);
        let front = format!(
            "---\nschemaVersion: 1\nname: work\nvars:\n  slug: {{type: string}}\nhooks:\n  prepare:\n    - path: ./{file}\n\
             tasks:\n  - id: one\n    title: Do one\n    body: In {{{{worktree_path}}}}\n---\nThe work.\n"
        );
        world.write("config/assignments/work/assignment.md", front);
        let args = [
            "init",
            "--backend",
            "passive",
            "--assignment",
            "work",
            "--var",
            "slug=fast",
            "--output-format",
            "json",
        ];
        let path = format!("{node}:{}", world.search_path());
        let run = world.command(&args).env("PATH", path).run().expect_code(0).run_id();
        let manifest = world.manifest(&run);
        let expected = format!("In {}-fast", world.repo().display());
        assert_eq!(manifest["state"]["finalTasks"]["one"]["body"], expected, "{version}");
        assert_eq!(manifest.phase(), "initialized");
        world.assert_nothing_left();
    }
}
