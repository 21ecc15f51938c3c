//! Markdown checklists: every open item is a task. Must not lose an open item silently: what cannot become a task
//! is an error.

mod items;

use std::collections::BTreeMap;

use agent_runner_model::task::{MAX_TASKS, MAX_TITLE, TaskSpec};

use crate::assignment::{AssignedTask, Assignment};
use crate::diagnostic::Diagnostic;
use crate::inheritance::Heritage;
use crate::loading::Loaded;
use crate::page::{Page, Place};
use crate::slug::Slugs;
use items::{Item, Items, looks_open};

/// Whether the text is meant as a checklist: no front matter, but checkboxes.
pub(crate) fn is_one(page: &Page) -> bool {
    !page.text().starts_with("---") && has_boxes(page.text())
}

/// Reads a checklist from its text.
pub(crate) fn parse(loaded: Loaded) -> Result<Assignment, Vec<Diagnostic>> {
    let page = &loaded.page;
    refuse_other_files(page).map_err(|problem| vec![problem])?;
    let found = Items::find(page.text());
    let mut problems = Vec::new();
    problems.extend(found.broken.iter().map(|byte| {
        page.problem(
            page.place_of(*byte),
            "this looks like a checkbox but is not one",
            "write it as `- [ ] What to do`: a dash, a blank, [ ] with one blank inside, a blank, the text; or as `- [x]` \
             if there is nothing left to do",
        )
    }));
    problems.extend(found.stray.iter().map(|byte| {
        page.problem(
            page.place_of(*byte),
            "an open item lies below an item that is no task",
            "move it to the outermost level of the list, or give the item above it an open checkbox: - [ ]",
        )
    }));
    let specs = tasks(page, &found.items, &mut problems);
    if problems.is_empty() && specs.is_empty() {
        problems.push(nothing_open(page, &found.items));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Assignment {
        heritage: Heritage::default(),
        name: loaded.source.stem(),
        cwd: None,
        message: None,
        max_retries: None,
        caller_instructions: None,
        tasks: specs.into_iter().map(|spec| AssignedTask { spec, source: None }).collect(),
        vars: Vec::new(),
        hooks: Vec::new(),
        prompts: BTreeMap::new(),
        worktree: None,
        budget: None,
        template: None,
        locked_fields: Vec::new(),
        instructions: found.around(page.text()),
        source: loaded.source,
        text: loaded.text,
    })
}

fn refuse_other_files(page: &Page) -> Result<(), Diagnostic> {
    if let Some(byte) = page.text().find('\0') {
        return Err(page.problem(
            page.place_of(byte),
            "the file holds a NUL character",
            "a checklist is a text file; check that this is the file you meant",
        ));
    }
    let mut lines = page.text().lines();
    let opens = lines.next().is_some_and(|line| line.trim_end() == "---");
    let has_field = lines.next().is_some_and(|line| line.contains(':'));
    if opens && has_field { Err(front_matter(page)) } else { Ok(()) }
}

/// What is said about boxes below front matter.
pub(crate) fn front_matter(page: &Page) -> Diagnostic {
    page.problem(
        Place::START,
        "a checklist has no front matter",
        "delete everything up to the second --- to use the boxes as a checklist; an assignment has a field \
         `schemaVersion` and is named with --assignment",
    )
}

/// Whether a text has lines that are boxes, or were probably meant as such.
pub(crate) fn has_boxes(text: &str) -> bool {
    text.lines().any(|line| ["[ ]", "[x]", "[X]"].iter().any(|mark| line.contains(mark)) || looks_open(line))
}

fn nothing_open(page: &Page, items: &[Item]) -> Diagnostic {
    match items.first() {
        Some(first) => page.problem(
            page.place_of(first.start),
            "every item of the checklist is already ticked off",
            "change `- [x]` to `- [ ]` on the items that are to be worked on",
        ),
        None => page.problem(
            Place::START,
            "the checklist has no open item",
            "write one item a line, such as\n- [ ] Update the changelog\n- [ ] Run the tests",
        ),
    }
}

fn tasks(page: &Page, items: &[Item], problems: &mut Vec<Diagnostic>) -> Vec<TaskSpec> {
    let mut slugs = Slugs::default();
    let mut tasks = Vec::new();
    for item in items {
        let id = slugs.next(&item.title);
        if item.checked {
            continue;
        }
        if tasks.len() == MAX_TASKS {
            problems.push(page.problem(
                page.place_of(item.start),
                format!("a checklist holds at most {MAX_TASKS} open items"),
                "split it into several files, or nest steps that belong together below one item",
            ));
            break;
        }
        match id {
            Some(id) if !item.title.is_empty() => {
                let (title, body) = title_and_body(item, page.text());
                tasks.push(TaskSpec { id, title, body });
            }
            _ => problems.push(page.problem(
                page.place_of(item.start),
                "the item has no text",
                "write what is to be done after the [ ], or delete the item",
            )),
        }
    }
    tasks
}

/// A title that is too long is cut; the whole of it then starts the body.
fn title_and_body(item: &Item, text: &str) -> (String, String) {
    let body = item.body(text);
    if item.title.chars().count() <= MAX_TITLE {
        return (item.title.clone(), body);
    }
    let title: String = item.title.chars().take(MAX_TITLE - 1).collect();
    let title = format!("{}…", title.trim_end());
    let body = match body.is_empty() {
        true => item.title.clone(),
        false => format!("{}\n\n{body}", item.title),
    };
    (title, body)
}
