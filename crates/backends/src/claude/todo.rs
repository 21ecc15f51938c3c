//! The worker's own plan, as the client's tools for it leave it. Clients offer them only where they are asked to.

use agent_runner_model::turn::PlanItem;
use serde_json::value::RawValue;

use super::wire::{PlanChange, PlanEntry};
use crate::json::{fields, items, text};
use crate::text::{MAX_LINE, one_line};

/// Items that are kept.
const MAX_ITEMS: usize = 100;
/// The status of an item that is no longer one.
const DELETED: &str = "deleted";

/// The plan as it stands.
#[derive(Debug, Default)]
pub(super) struct Todo {
    items: Vec<(String, PlanItem)>,
}

impl Todo {
    /// Takes up what a tool of that name answered. Returns the plan if it has changed.
    pub(super) fn answered(&mut self, tool: &str, answer: Option<&RawValue>) -> Option<Vec<PlanItem>> {
        let change: PlanChange<'_> = match tool {
            "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList" => fields(answer)?,
            _ => return None,
        };
        if let Some(whole) = change.new_todos.or(change.tasks) {
            self.items =
                items(Some(whole), MAX_ITEMS).into_iter().filter_map(|raw| item(Some(raw))).collect();
        } else if change.task.is_some() {
            let new = item(change.task)?;
            if self.items.len() >= MAX_ITEMS || self.items.iter().any(|(id, _)| *id == new.0) {
                return None;
            }
            self.items.push(new);
        } else {
            let id = text(change.task_id)?;
            let status = fields::<PlanEntry<'_>>(change.status_change).and_then(|change| text(change.to))?;
            if status == DELETED {
                self.items.retain(|(known, _)| *known != id);
            } else {
                let (_, known) = self.items.iter_mut().find(|(known, _)| *known == id)?;
                known.status = one_line(&status, MAX_LINE);
            }
        }
        Some(self.items.iter().map(|(_, item)| item.clone()).collect())
    }
}

fn item(raw: Option<&RawValue>) -> Option<(String, PlanItem)> {
    let entry: PlanEntry<'_> = fields(raw)?;
    let words = text(entry.content).or_else(|| text(entry.subject))?;
    let status = text(entry.status).unwrap_or("pending".into());
    let id = text(entry.id).unwrap_or_default();
    let item = PlanItem { text: one_line(&words, MAX_LINE), status: one_line(&status, MAX_LINE) };
    Some((one_line(&id, MAX_LINE), item))
}
