//! The hooks of a definition, for people.

use agent_runner_api::view::DefinitionDetail;
use unicode_width::UnicodeWidthStr as _;

use crate::render::clean::{cell, one_line};

/// A line for each hook: its id, which says phase and source, the file that is run, and when.
pub(super) fn hooks(detail: &DefinitionDetail) -> String {
    if detail.hooks.is_empty() {
        return String::new();
    }
    let ids = detail.hooks.iter().map(|hook| hook.hook_id.width()).max().unwrap_or(0);
    let lines = detail.hooks.iter().map(|hook| {
        let file = hook.resolved_path.as_deref().unwrap_or("builtin");
        let when = match serde_json::to_string(&hook.when) {
            Ok(when) if !hook.when.is_empty() => format!("  when {when}"),
            Ok(_) | Err(_) => String::new(),
        };
        let line = format!(
            "  {}  {}{}",
            cell(&hook.hook_id, ids),
            one_line(file, usize::MAX),
            one_line(&when, usize::MAX)
        );
        format!("{}\n", line.trim_end())
    });
    format!("\nhooks:\n{}", lines.collect::<String>())
}
