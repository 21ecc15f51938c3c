//! Assignments with hooks, hooks that say what a test tells them to, and what a run's history says of them.

use serde_json::{Value, json};

use crate::harness::World;

/// What a hook is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Shell,
    Python,
    /// JavaScript that reads the context itself.
    Script,
    /// JavaScript in the form of a module.
    Module,
}

/// Writes down what it is told, and prints the file that its configuration names, if there is one.
const SHELL: &str = r#"#!/bin/sh
context=$(cat)
say=$(printf '%s' "$context" | sed -n 's/.*"say":"\([^"]*\)".*/\1/p')
printf '%s\n' "$context" >> "$W/told/$say"
if [ -e "$W/say/$say" ]; then exec cat "$W/say/$say"; fi
"#;

const PYTHON: &str = r#"
import json, os, sys
context = json.load(sys.stdin)
say = context["config"]["say"]
with open(f"{W}/told/{say}", "a") as told:
    told.write(json.dumps(context) + "\n")
if os.path.exists(f"{W}/say/{say}"):
    sys.stdout.write(open(f"{W}/say/{say}").read())
"#;

const SCRIPT: &str = r#"
const fs = require("node:fs");
const context = JSON.parse(fs.readFileSync(0, "utf8"));
const say = context.config.say;
fs.appendFileSync(`${W}/told/${say}`, JSON.stringify(context) + "\n");
if (fs.existsSync(`${W}/say/${say}`)) process.stdout.write(fs.readFileSync(`${W}/say/${say}`));
"#;

const MODULE: &str = r#"
import * as fs from "node:fs";
const answer = async (context) => {
  const say = context.config.say;
  console.log("modules may print what they like");
  fs.appendFileSync(`${W}/told/${say}`, JSON.stringify(context) + "\n");
  return fs.existsSync(`${W}/say/${say}`) ? JSON.parse(fs.readFileSync(`${W}/say/${say}`)) : undefined;
};
export default {
  name: "parrot",
  prepare: answer,
  beforeAttempt: answer,
  afterAttempt: answer,
  afterExit: answer,
  taskTransition: answer,
};
"#;

impl World {
    /// An assignment `work` with these hooks by phase, and tasks made from their ids.
    pub fn hooked(&self, hooks: Value, tasks: &[&str]) {
        let tasks: Vec<Value> =
            tasks.iter().map(|id| json!({"id": id, "title": format!("Do {id}")})).collect();
        self.assigned(json!({ "hooks": hooks, "tasks": tasks }));
    }

    /// An assignment `work` with this front matter.
    pub fn assigned(&self, mut front: Value) {
        front["schemaVersion"] = json!(1);
        front["name"] = json!("work");
        // JSON is YAML.
        let text = format!("---\n{front:#}\n---\nThe work of this test.\n");
        self.write("config/assignments/work/assignment.md", text);
    }

    /// The hook `parrot`, which says what it is told to say.
    pub fn parrot(&self, language: Language) {
        let root = self.root().display();
        let (file, text) = match language {
            Language::Shell => ("hook.sh", SHELL.replace("$W", &root.to_string())),
            Language::Python => ("hook.py", format!("W = '{root}'\n{PYTHON}")),
            Language::Script => ("hook.js", format!("#!/usr/bin/env node\nconst W = '{root}';\n{SCRIPT}")),
            Language::Module => ("hook.mjs", format!("const W = '{root}';\n{MODULE}")),
        };
        self.write(&format!("config/hooks/parrot/{file}"), text);
        std::fs::create_dir_all(self.path("told")).unwrap();
    }

    /// What the parrot answers when it is called this.
    pub fn says(&self, name: &str, answer: &Value) {
        self.write(&format!("say/{name}"), answer.to_string());
    }

    /// The contexts that the parrot was told when it was called this, oldest first.
    pub fn told(&self, name: &str) -> Vec<Value> {
        let lines = self.lines(format!("told/{name}"));
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A hook that is a shell script, below the configuration directory. `$W` is the world's root; what it is told is
    /// on its standard input.
    pub fn hook(&self, name: &str, script: &str) {
        let root = self.root().display();
        self.write(&format!("config/hooks/{name}/hook.sh"), format!("W='{root}'\n{script}\n"));
    }

    /// What the history says of hooks: `prepare:0:parrot continue`.
    pub fn outcomes(&self, run: &str) -> Vec<String> {
        let events = self.events_of(run, HOOK);
        events.iter().map(words).collect()
    }
}

fn words(event: &Value) -> String {
    format!("{} {}", event["hookId"].as_str().unwrap(), event["outcome"].as_str().unwrap())
}

/// The type of a hook's event.
pub const HOOK: &str = "run.hook_recorded";

/// The parrot, called this.
pub fn parrot(name: &str) -> Value {
    json!({"name": "parrot", "with": {"say": name}})
}

/// The parrot, called this, when that holds.
pub fn parrot_when(name: &str, when: Value) -> Value {
    json!({"name": "parrot", "with": {"say": name}, "when": when})
}
