//! Definitions that extend others as they are written, for people who want to see what a file says itself. Must not look
//! at what they extend.

use agent_runner_model::hook::HookSpec;
use serde_json::{Map, Value};

use crate::agent::{self, Agent};
use crate::diagnostic::DefinitionError;
use crate::hooks::arranged;
use crate::library::{Library, in_order};
use crate::node::{Entry, Node, Shape};
use crate::scalars::{Meaning, meaning};
use crate::source::{Kind, Source};

use super::Authored;

/// What the file of a definition says that extends another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// What it extends, as it is written.
    pub extends: String,
    /// The other fields, with the names and the shapes they have in the file; without the tasks and the hooks.
    pub settings: Map<String, Value>,
    /// The tasks it lists: new ones, and what is changed of others.
    pub tasks: Vec<WrittenTask>,
    /// The hooks it declares, those of its tasks among them.
    pub hooks: Vec<HookSpec>,
    /// The trimmed text below the front matter.
    pub instructions: String,
}

/// A task as a file lists it. What is missing is left to the definition that is extended.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenTask {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its body.
    pub body: Option<String>,
    /// The task file it comes from.
    pub source: Option<Source>,
}

impl Library {
    /// What the file says that the reference names; nothing if it extends nothing, because then that is all there is.
    pub fn written(&self, kind: Kind, reference: &str) -> Result<Option<Written>, DefinitionError> {
        match kind {
            Kind::Agent => {
                let authored = agent::authored(self.read(kind, reference)?).map_err(in_order)?;
                let Agent { instructions, .. } = authored.own.clone();
                Ok(written(&authored, Vec::new(), Vec::new(), instructions))
            }
            Kind::Assignment => {
                let loaded = self.read(kind, reference)?;
                let authored = self.authored_assignment(loaded).map_err(in_order)?;
                let tasks = authored.own.tasks.iter().map(|task| WrittenTask {
                    id: task.id.to_string(),
                    title: task.title.clone(),
                    body: task.body.clone(),
                    source: task.source.clone(),
                });
                let of_tasks = authored.own.tasks.iter().flat_map(|task| task.hooks.clone());
                let hooks = authored.own.rest.hooks.iter().cloned().chain(of_tasks).collect();
                let hooks = arranged(authored.own.tasks.iter().map(|task| &task.id), hooks);
                let instructions = authored.own.rest.instructions.clone();
                Ok(written(&authored, tasks.collect(), hooks, instructions))
            }
            Kind::Task => Ok(None),
        }
    }
}

fn written<T>(
    authored: &Authored<T>,
    tasks: Vec<WrittenTask>,
    hooks: Vec<HookSpec>,
    instructions: String,
) -> Option<Written> {
    let extends = authored.wishes.extends.clone()?;
    let is_setting = |entry: &&Entry| {
        !["schemaVersion", "name", "extends", "tasks", "hooks"].contains(&entry.key.as_str())
    };
    let settings = authored.entries.iter().filter(is_setting);
    let settings = settings.map(|entry| (entry.key.clone(), value(&entry.value))).collect();
    let (name, source) = (authored.name.clone(), authored.source.clone());
    Some(Written { name, source, extends, settings, tasks, hooks, instructions })
}

fn value(node: &Node) -> Value {
    match &node.shape {
        Shape::Text(text) => Value::from(text.clone()),
        Shape::Plain(text) => match meaning(text) {
            Meaning::Null => Value::Null,
            Meaning::Bool(value) => Value::from(value),
            Meaning::Whole(value) => Value::from(value),
            Meaning::OtherNumber => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.clone())),
            Meaning::Ambiguous | Meaning::Text => Value::from(text.clone()),
        },
        Shape::List(items) => items.iter().map(value).collect(),
        Shape::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect(),
    }
}
