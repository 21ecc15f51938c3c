//! The texts of definitions that are made from nothing. Each is valid as it stands and useful without a change. Must
//! not hold a field that the formats do not have: tests read the commented ones, too.

use super::{scalar, schema_line};
use crate::source::Kind;

pub(super) fn agent(name: &str, backend: &str, backends: &[&str]) -> String {
    let schema = schema_line(Kind::Agent, name);
    let known = match backends.split_last() {
        Some((last, others)) if !others.is_empty() => format!(": {} or {last}", others.join(", ")),
        _ => String::new(),
    };
    let settings = match backend {
        "command" => COMMAND,
        "shell" | "passive" => "",
        _ => MODEL,
    };
    let (name, backend) = (scalar(name), scalar(backend));
    format!(
        "---\n{schema}\nschemaVersion: 1\nname: {name}\n# What starts the worker{known}.\nbackend: {backend}\n{settings}\
         {LIMITS}---\n{ROLE}"
    )
}

const MODEL: &str = "\
# Model and effort are the backend's own choice unless they are named here.
# model: name-of-a-model
# effort: high
# true bypasses the backend's own safety prompts: the worker may do whatever you may.
unrestricted: true
";

const COMMAND: &str = "\
# The program and its arguments. The prompt is its standard input, unless {{prompt}} or {{prompt_file}} stands here.
backendConfig:
  command:
    argv: [my-program, --some-flag]
";

const LIMITS: &str = "\
# An agent that this one has everything from that it does not say itself.
# extends: generic
# Limit of one attempt, in seconds.
timeoutSec: 3600
# What no flag may override when a run is created.
# lockedFields: [backend, model]
# Below the next line stands the worker's role: who it is, what it must not touch, how it reports.
";

const ROLE: &str = "\
You do one task at a time. Look before you change anything, change no more than the task asks for, and see for yourself
that it works.

Write into the notes of each task what you did, in which files, and the command that shows it, with its result.
";

pub(super) fn assignment(name: &str) -> String {
    let schema = schema_line(Kind::Assignment, name);
    let name = scalar(name);
    format!("---\n{schema}\nschemaVersion: 1\nname: {name}\n{WORK}")
}

const WORK: &str = "\
# An assignment that this one has everything from that it does not say itself, its tasks among that.
# extends: repo-orientation
# The message to the worker when a run is started without one.
# message: Fix the oldest open bug.
# Retries after the first attempt, 0 to 20.
maxRetries: 3
# For whoever starts the run; the worker never sees it.
# callerInstructions: Look through the changes before you push them.
# Worked on in this order. An item is a task as below, or the name of a shared one, such as review/security.
tasks:
  - id: baseline
    title: Find out how the project is tested, and that its tests pass
    body: |
      Note the commands and their results. If tests fail before anything is changed, note which.
  - id: change
    title: Make the change that the message asks for
    body: |
      Note the files you changed and why. Set this task to blocked if the message leaves open what is wanted.
  - id: proof
    title: Show that the change works and nothing else broke
    body: |
      Run the tests again. Note the commands, their exit codes, and the test that fails without the change.
# What no flag may override when a run is created.
# lockedFields: [tasks]
# Below the next line stands what belongs to the work as a whole.
---
Work on the branch that is checked out. Commit nothing and push nothing.
";

pub(super) fn task(name: &str) -> String {
    let schema = schema_line(Kind::Task, name);
    let title = scalar(&title(name));
    let name = scalar(name);
    format!(
        "---\n{schema}\nschemaVersion: 1\n# The id in every assignment that lists this task; always the file's place below \
         tasks/.\nid: {name}\n# One line that says what is true when the task is done.\ntitle: {title}\n{DETAILS}"
    )
}

const DETAILS: &str = "\
# Below the next line stands the task's body.
---
Say what is to be done, how anybody can tell that it is done, and what the notes have to show.

A block marked `sh` is run by the `shell` backend and read by all others:

```sh
true
```
";

/// The last part of a name, as words.
fn title(name: &str) -> String {
    let words = name.rsplit('/').next().unwrap_or(name).replace(['-', '_'], " ");
    let words = words.trim();
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words.to_owned(),
    }
}
