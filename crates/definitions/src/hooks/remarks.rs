//! What is worth knowing about the hooks of an assignment that is valid. Must not refuse anything.

use crate::assignment::Assignment;
use crate::diagnostic::Diagnostic;
use crate::loading::Loaded;
use crate::node::{Entry, Node, Shape};
use crate::similar::similar;

/// Hooks that wait for a task that the assignment does not list. Tasks can be added to a run, so that is no mistake.
pub(crate) fn remarks(loaded: &Loaded, assignment: &Assignment) -> Vec<Diagnostic> {
    let Ok(front) = loaded.front() else { return Vec::new() };
    let ids: Vec<&str> = assignment.tasks.iter().map(|task| task.spec.id.as_str()).collect();
    let hooks = field(&front.entries, "hooks").and_then(|hooks| field(map(hooks), "taskTransition"));
    let mut remarks = Vec::new();
    for when in hooks.into_iter().flat_map(list).filter_map(|hook| field(map(hook), "when")) {
        let one = field(map(when), "taskId").into_iter();
        let many = field(map(when), "taskIds").into_iter().flat_map(list);
        for node in one.chain(many) {
            let (Shape::Plain(id) | Shape::Text(id)) = &node.shape else { continue };
            if ids.contains(&id.as_str()) {
                continue;
            }
            let near = match similar(id, ids.iter().copied()).first() {
                Some(near) => format!("did you mean `{near}`? "),
                None => String::new(),
            };
            remarks.push(loaded.page.problem(
                node.at,
                format!("no task of this assignment has the id {}", quoted(node)),
                format!("{near}The hook has nothing to do until a run gets such a task"),
            ));
        }
    }
    remarks
}

/// The id as it is written: what comes from the environment is not repeated.
fn quoted(node: &Node) -> String {
    match (&node.shape, &node.expression) {
        (Shape::Text(id) | Shape::Plain(id), None) => format!("`{id}`"),
        (Shape::Text(_) | Shape::Plain(_) | Shape::List(_) | Shape::Map(_), _) => node.described(),
    }
}

fn field<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Node> {
    entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
}

fn map(node: &Node) -> &[Entry] {
    match &node.shape {
        Shape::Map(entries) => entries,
        Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => &[],
    }
}

fn list(node: &Node) -> &[Node] {
    match &node.shape {
        Shape::List(items) => items,
        Shape::Plain(_) | Shape::Text(_) | Shape::Map(_) => &[],
    }
}
