//! Fake agents and the work they are given.

use std::fmt::Write as _;

use super::command::Command;
use super::world::World;

impl World {
    /// `run` with the agent `fake` and the assignment `work`, and what else is said.
    pub fn fake(&self, more: &[&str]) -> Command<'_> {
        let args = ["run", "--agent", "fake", "--assignment", "work", "--output-format", "json"];
        self.command(&args.iter().chain(more).copied().collect::<Vec<_>>())
    }

    /// An agent whose worker is a shell script. In the script, `$W` is the world's root, `$FENCE` counts the attempts
    /// from 1, `$PROMPT` is a file with the prompt of this attempt (`prompt-1`), `set_task` and `complete` report.
    pub fn agent(&self, name: &str, script: &str) {
        let path = self.script(name, script);
        self.agent_argv(name, &["sh", path.to_str().unwrap()]);
    }

    /// Writes a fake agent's script without an agent file.
    pub fn script(&self, name: &str, script: &str) -> std::path::PathBuf {
        let root = self.root().display();
        let text = format!(
            r#"W='{root}'
RUN="$AGENT_RUNNER_RUN_ID"
FENCE="$AGENT_RUNNER_ATTEMPT_FENCE"
PROMPT="$W/prompt-$FENCE"
cat > "$PROMPT"
set_task() {{ "$AGENT_RUNNER_CMD" task set "$RUN" "$@" >> "$W/reports" 2>&1; }}
complete() {{ for id in "$@"; do set_task "$id" --status completed || exit 97; done; }}
{script}
"#
        );
        self.write(&format!("scripts/{name}.sh"), text)
    }

    /// An agent whose worker is started with these arguments.
    pub fn agent_argv(&self, name: &str, argv: &[&str]) {
        let argv: Vec<String> = argv.iter().map(|arg| format!("{arg:?}")).collect();
        let text = format!(
            "---\nschemaVersion: 1\nname: {name}\nbackend: command\nbackendConfig:\n  command:\n    argv: [{}]\n---\n\
             You are the fake agent {name}.\n",
            argv.join(", ")
        );
        self.write(&format!("config/agents/{name}/agent.md"), text);
    }

    /// An assignment `work` with these tasks; their titles are made from their ids.
    pub fn work(&self, ids: &[&str]) {
        let tasks: Vec<(&str, &str)> = ids.iter().map(|id| (*id, "")).collect();
        self.assignment("work", &tasks);
    }

    /// An assignment with tasks: ids and bodies.
    pub fn assignment(&self, name: &str, tasks: &[(&str, &str)]) {
        let mut text = format!("---\nschemaVersion: 1\nname: {name}\ntasks:\n");
        for (id, body) in tasks {
            let _ = writeln!(text, "  - id: {id}\n    title: Do {id}");
            if !body.is_empty() {
                text.push_str("    body: |\n");
                for line in body.lines() {
                    let _ = writeln!(text, "      {line}");
                }
            }
        }
        text.push_str("---\nThe work of this test.\n");
        self.write(&format!("config/assignments/{name}/assignment.md"), text);
    }
}
