//! A tree of runs in lines that fit a narrow screen.

use agent_runner_api::view::{RunTree, TreeNode};

use super::clean::{clean, one_line};
use super::usage::totals_words;

/// Columns of the narrowest screen.
const WIDTH: usize = 40;
/// Levels that are shown by their distance from the left; deeper ones by a number.
const LEVELS: usize = 3;

/// The tree; the run that was asked for has a mark.
pub(crate) fn tree_text(tree: &RunTree) -> String {
    let mut text = String::new();
    if let Some(parent) = &tree.missing_parent_run_id {
        text.push_str(&format!("(parent {parent} is gone)\n"));
    }
    if let Some(parent) = &tree.unreadable_parent_run_id {
        text.push_str(&format!("(parent {parent} cannot be read)\n"));
    }
    let mut open = vec![(0, &tree.root)];
    while let Some((depth, node)) = open.pop() {
        text.push_str(&lines(tree, node, depth));
        open.extend(node.children.iter().rev().map(|child| (depth + 1, child)));
    }
    clean(&text)
}

fn lines(tree: &RunTree, node: &TreeNode, depth: usize) -> String {
    let indent = "  ".repeat(depth.min(LEVELS));
    let mark = if node.run_id == tree.run_id { '>' } else { '-' };
    let archived = if node.archived_at.is_some() { "(archived) " } else { "" };
    let mut text = format!(
        "{indent}{mark} {} {} {}/{}\n",
        node.run_id,
        node.effective_status.as_str(),
        node.tasks_completed,
        node.tasks_total
    );
    let inner = format!("{indent}    ");
    let room = WIDTH - inner.len();
    let what = node.name.as_ref().or(node.assignment_name.as_ref()).unwrap_or(&node.agent_name);
    let level = if depth > LEVELS { format!("level {depth}: ") } else { String::new() };
    text.push_str(&format!("{inner}{}\n", one_line(&format!("{archived}{level}{what}"), room)));
    if !node.usage.usage.is_unknown() {
        text.push_str(&format!("{inner}{}\n", one_line(&totals_words(&node.usage), room)));
    }
    text
}
