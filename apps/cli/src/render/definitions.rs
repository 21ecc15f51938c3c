//! Definitions for people: lists, single ones, the result of a check, new ones. Must not look anything up.

mod hooks;
mod inheritance;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use agent_runner_api::operations::DefinitionKind;
use agent_runner_api::view::{
    CheckedDefinition, DefinitionDetail, DefinitionList, DefinitionSummary, DefinitionTask,
    NewDefinitionReply, SkippedFile, Validation, Written,
};
use agent_runner_model::spec::PASSIVE_BACKEND;
use unicode_width::UnicodeWidthStr as _;

use super::clean::{cell, clean, indent, one_line};
use hooks::hooks;
use inheritance::{heritage, origins};

/// Narrowest column of summaries that is worth having.
const MIN_SUMMARY: usize = 28;
/// Valid files that are named one by one.
const MAX_NAMED: usize = 40;
/// Invalid files whose mistakes are shown.
const MAX_SHOWN: usize = 100;
/// Skipped files that are named for each reason.
const MAX_EXAMPLES: usize = 3;

/// The definitions of a kind: for a screen of that width, or one a line and nothing left out.
pub(crate) fn definition_list(list: &DefinitionList, width: Option<usize>) -> String {
    let kind = list.kind.as_str();
    if list.definitions.is_empty() {
        return format!("There are no {kind}s; `agent-runner new {kind} NAME` makes one.\n");
    }
    let rows: Vec<[String; 4]> = list.definitions.iter().map(|found| row(found, width.is_some())).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let [names, whats, abouts, sources] = [0, 1, 2, 3].map(widest);
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(names + whats + sources + 6));
    let is_table = room >= MIN_SUMMARY.min(abouts);
    let abouts = abouts.min(room);
    let mut text = String::new();
    for [name, what, about, source] in &rows {
        let line = match is_table {
            true => format!(
                "{}  {}  {}  {}",
                cell(name, names),
                cell(what, whats),
                cell(about, abouts),
                one_line(source, usize::MAX)
            ),
            false => {
                let width = width.unwrap_or(usize::MAX);
                let head = one_line(&format!("{name}  {what}  {source}"), width);
                format!("{head}\n  {}", one_line(about, width.saturating_sub(2)))
            }
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if let (Some(width), Some(own)) = (width, own_directory(list)) {
        text.push_str(&format!("own: {}\n", end_of_line(own, width.saturating_sub(5))));
    }
    text
}

/// Name, what it works with, what it is about, where it comes from.
fn row(found: &DefinitionSummary, is_short: bool) -> [String; 4] {
    let what = match (&found.backend, found.task_count) {
        (Some(backend), _) => backend.clone(),
        (None, Some(count)) => counted(count, "task"),
        (None, None) => String::new(),
    };
    let place = if is_short { "own" } else { found.source.as_str() };
    let source = match (is_bundled(found), found.shadows.is_empty()) {
        (true, _) => "bundled".to_owned(),
        (false, true) => place.to_owned(),
        (false, false) => format!("{place}, hides bundled"),
    };
    [found.name.clone(), what, found.summary.clone().unwrap_or_default(), source]
}

fn is_bundled(found: &DefinitionSummary) -> bool {
    found.source.starts_with("bundled:")
}

/// Where one's own definitions of the listed kind are.
fn own_directory(list: &DefinitionList) -> Option<&str> {
    let own = list.definitions.iter().find(|found| !is_bundled(found))?;
    let inside = format!("/{}s/{}", list.kind.as_str(), own.name);
    let start = own.source.rfind(&inside)? + inside.len() - own.name.len() - 1;
    own.source.get(..start)
}

/// The text on one line of at most `width` columns; the end of a path says more than its start.
fn end_of_line(text: &str, width: usize) -> String {
    let line = one_line(text, usize::MAX);
    if line.width() <= width {
        return line;
    }
    let mut end = line.as_str();
    while end.width() >= width {
        let mut letters = end.chars();
        if letters.next().is_none() {
            break;
        }
        end = letters.as_str();
    }
    format!("…{end}")
}

/// One definition as it is understood, on a screen of that width or without end.
pub(crate) fn definition(detail: &DefinitionDetail, width: Option<usize>) -> String {
    let mut text = format!("{} {}\nsource: {}\n", detail.kind.as_str(), detail.name, detail.source);
    for hidden in &detail.shadows {
        text.push_str(&format!("hides: {hidden}\n"));
    }
    text.push_str(&heritage(detail));
    for (name, value) in &detail.settings {
        match value.as_str() {
            Some(value) if value.contains('\n') => {
                text.push_str(&format!("{name}:\n{}\n", indent(value.trim_end())));
            }
            Some(value) => text.push_str(&format!("{name}: {value}\n")),
            None => text.push_str(&format!("{name}: {value}\n")),
        }
    }
    text.push_str(&origins(detail));
    if !detail.tasks.is_empty() {
        text.push_str(&format!("\ntasks:\n{}", task_list(detail, width)));
    }
    text.push_str(&hooks(detail));
    if !detail.instructions.trim().is_empty() {
        text.push_str(&format!("\n{}\n", detail.instructions.trim_end()));
    }
    for task in detail.tasks.iter().filter(|task| !task.body.trim().is_empty()) {
        text.push_str(&format!("\ntask {}:\n{}\n", task.id, indent(task.body.trim_end())));
    }
    clean(&text)
}

fn task_list(detail: &DefinitionDetail, width: Option<usize>) -> String {
    let width = width.map_or(usize::MAX, |width| width.saturating_sub(2));
    let widest =
        |text: fn(&DefinitionTask) -> &str| detail.tasks.iter().map(move |task| text(task).width()).max();
    let ids = widest(|task| &task.id).unwrap_or(0);
    let titles = widest(|task| &task.title).unwrap_or(0);
    let sources = widest(|task| task.source.as_deref().unwrap_or_default()).unwrap_or(0);
    if ids + titles + sources + 6 <= width {
        let lines = detail.tasks.iter().map(|task| {
            let source = task.source.as_ref().map(|source| format!("({})", one_line(source, usize::MAX)));
            let line = format!(
                "  {}  {}  {}",
                cell(&task.id, ids),
                cell(&task.title, titles),
                source.unwrap_or_default()
            );
            format!("{}\n", line.trim_end())
        });
        return lines.collect();
    }
    let lines = detail.tasks.iter().map(|task| {
        let source = task.source.as_ref().map(|source| format!("    {}\n", end_of_line(source, width - 2)));
        let title = one_line(&format!("{}  {}", task.id, task.title), width);
        format!("  {title}\n{}", source.unwrap_or_default())
    });
    lines.collect()
}

/// The result of a check: what is wrong stands last, next to the sum of it all.
pub(crate) fn validation(found: &Validation) -> String {
    let mut text = String::new();
    let valid: Vec<&CheckedDefinition> = found.files.iter().filter(|file| file.error.is_none()).collect();
    if valid.len() <= MAX_NAMED {
        for file in &valid {
            text.push_str(&format!("ok       {} {}\n", kind_of(file), file.file));
        }
    } else {
        text.push_str(&format!("ok       {}\n", kinds(&valid)));
    }
    text.push_str(&skipped(&found.skipped));
    for file in &valid {
        for remark in &file.remarks {
            text.push_str(&format!("note     {}\n{remark}\n", file.file));
        }
    }
    let wrong: Vec<(&str, &str)> =
        found.files.iter().filter_map(|file| Some((file.file.as_str(), file.error.as_deref()?))).collect();
    for (file, error) in wrong.iter().take(MAX_SHOWN) {
        text.push_str(&format!("invalid  {file}\n{error}\n"));
    }
    if let Some(more) = wrong.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(
            "invalid  and {}; --output-format json has all\n",
            counted(more, "more file")
        ));
    }
    if found.files.is_empty() {
        text.push_str("There are no definition files there; `agent-runner new agent NAME` makes one.\n");
        return clean(&text);
    }
    text.push_str(&format!(
        "{}: {} valid, {} invalid",
        counted(found.files.len(), "file"),
        valid.len(),
        wrong.len()
    ));
    if !found.skipped.is_empty() {
        text.push_str(&format!(", {} skipped", found.skipped.len()));
    }
    text.push('\n');
    clean(&text)
}

fn kind_of(file: &CheckedDefinition) -> &'static str {
    file.kind.map_or("file", |kind| kind.as_str())
}

fn kinds(files: &[&CheckedDefinition]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        *counts.entry(kind_of(file)).or_default() += 1;
    }
    counts.into_iter().map(|(kind, count)| counted(count, kind)).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What was passed by, reason by reason, with examples.
fn skipped(skipped: &[SkippedFile]) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in skipped {
        reasons.entry(one.reason.as_str()).or_default().push(one.file.as_str());
    }
    let mut text = String::new();
    for (reason, files) in reasons {
        let named = files.iter().take(MAX_EXAMPLES).copied().collect::<Vec<_>>().join(", ");
        let more = match files.len().saturating_sub(MAX_EXAMPLES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(&format!("skipped  {named}{more}: {reason}\n"));
    }
    text
}

/// A definition that was made: the text if it was only shown, else what became of it and what to do next.
pub(crate) fn new_definition(made: &NewDefinitionReply, in_config: bool) -> String {
    let did = match made.written {
        Written::No => return made.text.clone(),
        Written::Created => "Wrote",
        Written::Unchanged => "Already there, unchanged:",
        Written::Replaced => "Replaced",
    };
    let mut text = format!("{did} {}\n", made.file);
    if let Some(kept) = &made.kept {
        text.push_str(&format!("What was there before is now {kept}\n"));
    }
    if let Some(schema) = &made.schema_file {
        text.push_str(&format!("Schema: {schema}\n"));
    }
    for hidden in &made.shadows {
        text.push_str(&format!("It is used in place of {hidden}\n"));
    }
    let file = shell_word(&made.file);
    text.push_str(&format!("Next: edit it, then agent-runner validate {file}\n"));
    let reference = if in_config { made.name.clone() } else { file };
    let use_it = match made.kind {
        DefinitionKind::Agent => match made.backend.as_deref() {
            Some(PASSIVE_BACKEND) => format!("agent-runner init --agent {reference} --checklist FILE"),
            Some("shell") => format!("agent-runner run --agent {reference} --checklist FILE"),
            Some(_) | None => format!("agent-runner run --agent {reference} \"what there is to do\""),
        },
        DefinitionKind::Assignment => {
            let agent = made.agent.as_deref().unwrap_or("generic");
            format!("agent-runner run --agent {} --assignment {reference}", shell_word(agent))
        }
        DefinitionKind::Task => format!("a line `- {reference}` in the tasks of an assignment"),
    };
    text.push_str(&format!("Next: {use_it}\n"));
    clean(&text)
}

/// A path as a shell takes it.
fn shell_word(path: &str) -> String {
    shell_words::quote(path).into_owned()
}
