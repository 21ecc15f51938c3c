//! Reads the hooks of assignments and of tasks. Must not look for their files: whoever reads says how those are found.

use agent_runner_model::hook::{
    DEFAULT_HOOK_TIMEOUT_SEC, HookPhase, HookSource, HookSpec, MAX_HOOK_TIMEOUT_SEC,
};
use agent_runner_model::ids::TaskId;
use serde_json::Value;

use super::json::json_of;
use super::{CONTAINER, Fields, Known};
use crate::hooks::{BUILTINS, Builtin, FindHook, MAX_HOOKS, is_name};
use crate::node::{Entry, Node, Shape};
use crate::page::Place;
use crate::similar::similar;

pub(crate) const KNOWN: Known = Known {
    what: "hooks",
    fields: &["prepare", "beforeAttempt", "afterAttempt", "afterExit", "taskTransition"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("name", ENTRY_BELOW),
        ("path", ENTRY_BELOW),
        ("builtin", ENTRY_BELOW),
        ("beforeExit", "what runs when the run is about to end is a hook of the phase `afterExit`"),
    ],
};

const ENTRY_BELOW: &str = "name the phase first, such as `afterAttempt:`, and the hooks in a list below it";

const INSTEAD: &[(&str, &str)] = &[
    ("command", "write `builtin: command`, and the command below `with:`"),
    ("run", "write `builtin: command`, and the command below `with:`"),
    ("config", "write `with`"),
    ("timeout", "write `timeoutSec` with the number of seconds"),
    ("phase", "delete it; the phase is what the list of hooks is called"),
];

pub(crate) const KNOWN_ENTRY: Known = Known {
    what: "a hook",
    fields: &["builtin", "name", "path", "when", "with", "timeoutSec"],
    later: &[],
    elsewhere: &[],
    instead: INSTEAD,
};

/// The same in the phase that every run has once.
const KNOWN_PREPARING: Known = Known {
    what: "a hook of the phase prepare",
    fields: &["builtin", "name", "path", "with", "timeoutSec"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("when", "delete it; a run is prepared once, so there is nothing to choose"),
        INSTEAD[0],
        INSTEAD[1],
        INSTEAD[2],
        INSTEAD[3],
        INSTEAD[4],
    ],
};

/// A list of hooks: the phase they belong to, and the task if it is one's own.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub phase: HookPhase,
    pub task: Option<&'a TaskId>,
}

/// How a hook is written, in examples.
const EXAMPLE: &str = "- builtin: git-clean";

impl<'a> Fields<'a, '_> {
    /// `hooks` of an assignment: a map from phases to lists. They have no ids yet.
    pub(crate) fn hooks(&mut self, find: FindHook<'_>) -> Vec<HookSpec> {
        let Some(node) = self.node("hooks") else { return Vec::new() };
        let Shape::Map(entries) = &node.shape else {
            self.complain(
                node.at,
                format!("hooks must be a map, found {}", node.described()),
                match node.expression {
                    Some(_) => CONTAINER.to_owned(),
                    None => format!("write a phase below `hooks:`, and its hooks below that:\nhooks:\n  afterAttempt:\n    {EXAMPLE}"),
                },
            );
            return Vec::new();
        };
        let mut fields = Fields::new(self.page, "hooks.".to_owned(), node.at, entries, KNOWN, self.problems);
        let of = |phase: HookPhase| fields.hook_list(phase.as_str(), Scope { phase, task: None }, find);
        HookPhase::ALL.into_iter().flat_map(of).collect()
    }

    /// `hooks` of a task: a list, always of the phase `taskTransition`. They have no ids yet.
    pub(crate) fn task_hooks(&mut self, task: &TaskId, find: FindHook<'_>) -> Vec<HookSpec> {
        let phases = match self.node("hooks").map(|node| (&node.shape, node.at)) {
            Some((Shape::Map(entries), at)) => {
                entries.iter().any(|entry| KNOWN.fields.contains(&entry.key.as_str())).then_some(at)
            }
            _ => None,
        };
        if let Some(at) = phases {
            let path = self.path("hooks");
            self.complain(
                at,
                format!("{path} must be a list, found a map of phases"),
                "hooks of a task are always of the phase taskTransition: delete that line and write the list below `hooks:`",
            );
            return Vec::new();
        }
        self.hook_list("hooks", Scope { phase: HookPhase::TaskTransition, task: Some(task) }, find)
    }

    fn hook_list(&mut self, name: &str, scope: Scope<'_>, find: FindHook<'_>) -> Vec<HookSpec> {
        let nodes = self.list(name);
        let path = self.path(name);
        if let Some(first_too_many) = nodes.get(MAX_HOOKS) {
            self.complain(
                first_too_many.at,
                format!("{path} lists at most {MAX_HOOKS} hooks, here are {}", nodes.len()),
                "put what belongs together into one hook",
            );
        }
        let hooks = nodes.iter().take(MAX_HOOKS).enumerate();
        hooks.filter_map(|(index, node)| self.hook(&format!("{path}[{index}]"), node, scope, find)).collect()
    }

    fn hook(&mut self, path: &str, node: &'a Node, scope: Scope<'_>, find: FindHook<'_>) -> Option<HookSpec> {
        let Shape::Map(entries) = &node.shape else {
            self.complain(
                node.at,
                format!("{path} must be a map, found {}", node.described()),
                format!(
                    "say what is run: a line such as `{EXAMPLE}`, `- name: my-hook` or `- path: ./my-hook.sh`"
                ),
            );
            return None;
        };
        let before = self.problems.len();
        let known = match scope.phase {
            HookPhase::Prepare => KNOWN_PREPARING,
            HookPhase::BeforeAttempt
            | HookPhase::AfterAttempt
            | HookPhase::AfterExit
            | HookPhase::TaskTransition => KNOWN_ENTRY,
        };
        let mut fields = Fields::new(self.page, format!("{path}."), node.at, entries, known, self.problems);
        let source = fields.hook_source(path, scope.phase);
        let when = fields.hook_when(scope);
        let timeout_sec = fields.number("timeoutSec", 1, MAX_HOOK_TIMEOUT_SEC);
        let builtin = source.as_ref().and_then(|source| Builtin::find(source.builtin.as_deref()?));
        let config = match (builtin, &source) {
            (Some(builtin), _) => fields.settings(builtin),
            (None, Some(_)) => fields.any("with"),
            (None, None) => Value::Null,
        };
        let source = source?;
        // Without the rest in order it is not worth looking for.
        if fields.problems.len() > before {
            return None;
        }
        let file = match find(&source) {
            Ok(file) => file,
            Err(trouble) => {
                let at = fields.place(if source.name.is_some() { "name" } else { "path" });
                fields.complain(at, trouble.message, trouble.hint);
                return None;
            }
        };
        let (resolved_path, sha256) = file.map(|file| (file.path, file.sha256)).unzip();
        Some(HookSpec {
            hook_id: String::new(),
            phase: scope.phase,
            source,
            resolved_path,
            sha256,
            task_scope_id: scope.task.cloned(),
            when: when.unwrap_or_default(),
            config,
            timeout_sec: timeout_sec.unwrap_or(DEFAULT_HOOK_TIMEOUT_SEC),
        })
    }

    /// What is run: exactly one of three.
    fn hook_source(&mut self, path: &str, phase: HookPhase) -> Option<HookSource> {
        const SOURCES: [&str; 3] = ["builtin", "name", "path"];
        let given: Vec<&'a Entry> = SOURCES.into_iter().filter_map(|name| self.entry(name)).collect();
        match given.as_slice() {
            [one] => match one.key.as_str() {
                "builtin" => self.builtin(phase),
                "name" => self.hook_name(),
                _ => self.hook_path(),
            },
            [] => {
                // One that was misspelt, or a command in place of it, has been said.
                let is_said = self.meant.iter().any(|name| SOURCES.contains(name));
                if !is_said && !self.has("command") && !self.has("run") {
                    self.complain(
                        self.start,
                        format!("{path} does not say what is run"),
                        "add `builtin`, `name` or `path`",
                    );
                }
                None
            }
            [_, second, ..] => {
                self.complain(
                    second.key_at,
                    format!("{path} has more than one of builtin, name and path"),
                    "keep the one that is to be run; further hooks are further items of the list",
                );
                None
            }
        }
    }

    fn builtin(&mut self, phase: HookPhase) -> Option<HookSource> {
        let name = self.text("builtin")?;
        let at = self.place("builtin");
        let path = self.path("builtin");
        let names = |list: &mut dyn Iterator<Item = &'static str>| list.collect::<Vec<_>>().join(", ");
        let in_phase =
            || BUILTINS.iter().filter(move |builtin| builtin.knows(phase)).map(|builtin| builtin.name);
        match Builtin::find(&name) {
            Some(builtin) if builtin.knows(phase) => {
                Some(HookSource { builtin: Some(name), ..HookSource::default() })
            }
            Some(builtin) => {
                self.complain(
                    at,
                    format!("the builtin `{name}` has nothing to do in the phase {}", phase.as_str()),
                    format!(
                        "its phases: {}; builtins of this one: {}",
                        names(&mut builtin.phases.iter().map(|phase| phase.as_str())),
                        names(&mut in_phase())
                    ),
                );
                None
            }
            None => {
                let near = similar(&name, BUILTINS.iter().map(|builtin| builtin.name));
                let known =
                    format!("builtins are {}", names(&mut BUILTINS.iter().map(|builtin| builtin.name)));
                let found = self.node("builtin").map(Node::described).unwrap_or_default();
                self.complain(
                    at,
                    format!("{path} cannot be {found}: there is no such builtin"),
                    match near.first() {
                        Some(near) => format!("did you mean `{near}`? The {known}"),
                        None => format!("the {known}; one's own hooks are named with `name` or `path`"),
                    },
                );
                None
            }
        }
    }

    fn hook_name(&mut self) -> Option<HookSource> {
        let name = self.text("name")?;
        if !is_name(&name) {
            let (at, path) = (self.place("name"), self.path("name"));
            let found = self.node("name").map(Node::described).unwrap_or_default();
            self.complain(
                at,
                format!("{path} cannot be {found}"),
                "a hook's name is made of letters, digits and . _ -, and starts with a letter or a digit; a file is \
                 named with `path`",
            );
            return None;
        }
        Some(HookSource { name: Some(name), ..HookSource::default() })
    }

    fn hook_path(&mut self) -> Option<HookSource> {
        let authored = self.text("path")?;
        let (at, path) = (self.place("path"), self.path("path"));
        if authored.contains("{{") {
            self.complain(
                at,
                format!("{path} holds a placeholder, but the file is found before there are values"),
                "write the path itself, and give the hook the value below `with:`",
            );
            return None;
        }
        if authored.contains('\0') {
            self.complain(at, format!("{path} holds a NUL character"), "write the path of a file");
            return None;
        }
        Some(HookSource { path: Some(authored), ..HookSource::default() })
    }

    /// Any data; null if the field is missing.
    fn any(&mut self, name: &str) -> Value {
        let Some(node) = self.node(name) else { return Value::Null };
        let path = self.path(name);
        json_of(self.page, &path, node, self.problems).unwrap_or_default()
    }

    /// Where the map that is read starts.
    pub(super) fn start(&self) -> Place {
        self.start
    }
}
