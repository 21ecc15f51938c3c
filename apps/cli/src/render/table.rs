//! Columns of text.

use agent_runner_api::view::TaskView;

use super::clean::{cell, one_line, width};
use super::fold::fold_line;

/// Widest a column gets before its text is cut; the last column is never cut.
const MAX_COLUMN: usize = 72;

/// Rows in columns, two blanks apart.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let column_width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| width(cell)).max().unwrap_or(0).min(MAX_COLUMN)
    };
    let widths: Vec<usize> = (0..count).map(column_width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (index, text) in row.iter().enumerate() {
            let width = widths.get(index).copied().unwrap_or(0);
            if index + 1 == count {
                line.push_str(&one_line(text, usize::MAX));
            } else {
                line.push_str(&cell(text, width));
                line.push_str("  ");
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Names and values, one a line; on a screen of so many columns, values that do not fit go on below themselves.
pub(crate) fn fields(pairs: &[(&str, String)], columns: Option<usize>) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 1;
    let line = |(name, value): &(&str, String)| {
        let name = format!("{name}:");
        fold_line(&format!("{name:<width$} {}", one_line(value, usize::MAX)), columns, width + 1) + "\n"
    };
    pairs.iter().map(line).collect()
}

/// Tasks with their status.
pub(crate) fn task_table(tasks: &[TaskView]) -> String {
    let row =
        |task: &TaskView| vec![task.status.as_str().to_owned(), task.id.to_string(), task.title.clone()];
    columns(&tasks.iter().map(row).collect::<Vec<_>>())
}
