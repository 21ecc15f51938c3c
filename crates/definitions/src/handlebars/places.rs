//! Shows what is wrong with a template at its place in the file it comes from. Must not decide what is wrong.

use agent_runner_model::spec::TemplateEngine;
use agent_runner_model::vars::INJECTED;

use super::{TemplateNames, TemplateProblem, check_template};
use crate::agent::Agent;
use crate::assignment::Assignment;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::inheritance::Heritage;
use crate::loading::Loaded;
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::source::Source;

/// The files that a definition's texts may stand in, its own first.
struct Files {
    own: Page,
    entries: Vec<Entry>,
    bases: Vec<Page>,
}

impl Files {
    fn of(source: &Source, text: &str, heritage: &Heritage) -> Self {
        let loaded = Loaded::new(source.clone(), text.to_owned(), None);
        // What is wrong with the fields was said when they were read.
        let entries = loaded.front().map(|front| front.entries).unwrap_or_default();
        let bases = heritage.bases.iter().map(|base| Page::new(base.source.to_string(), &base.text));
        Self { own: loaded.page, entries, bases: bases.collect() }
    }

    /// The problem at its place in a text that stands in its own file from a line on, or somewhere in a base. A text of YAML
    /// is indented there, so the line is looked for; one that is spelt in another way is shown where it starts.
    fn show(&self, problem: TemplateProblem, text: &str, from: Place) -> Diagnostic {
        let (line, column) = problem.place(text);
        let wanted = text.split('\n').nth(line - 1).unwrap_or_default().trim_end();
        let find = |page: &Page, from: u32| {
            let lines = page.text().lines().zip(1..).skip_while(|(_, number)| *number < from);
            lines.filter(|_| !wanted.is_empty()).find_map(|(shown, number)| {
                let before = shown.get(..shown.find(wanted)?)?.chars().count();
                let column = u32::try_from(before + column).unwrap_or(u32::MAX);
                Some(Place { line: number, column })
            })
        };
        let in_own = find(&self.own, from.line).map(|place| (&self.own, place));
        let in_base = || self.bases.iter().find_map(|page| find(page, 1).map(|place| (page, place)));
        let (page, place) = in_own.or_else(in_base).unwrap_or((&self.own, from));
        page.problem(place, problem.message, problem.hint)
    }

    /// Where the text below the front matter starts.
    fn below(&self) -> Place {
        let body = self.own.parts().map(|parts| parts.body).unwrap_or_default();
        self.own.place_of(self.own.text().len() - body.trim_start().len())
    }
}

impl Agent {
    /// Whether its role asks for nothing but these names.
    pub fn check_names(&self, values: &[&str]) -> Result<(), DefinitionError> {
        self.check_role(Some(values))
            .map_err(|problem| DefinitionError::Invalid { diagnostics: vec![problem] })
    }

    /// What is wrong with its role; `values` are the names that a run of it has, if they are known.
    pub(crate) fn check_role(&self, values: Option<&[&str]>) -> Result<(), Diagnostic> {
        match self.template.unwrap_or_default() {
            TemplateEngine::Plain => Ok(()),
            TemplateEngine::Handlebars => {
                let names = TemplateNames { values, has_tasks: true };
                let Err(problem) = check_template(&self.instructions, names) else { return Ok(()) };
                let files = Files::of(&self.source, &self.text, &self.heritage);
                Err(files.show(problem, &self.instructions, files.below()))
            }
        }
    }
}

impl Assignment {
    /// What is wrong with its texts, the tasks that are written out in assignments among them.
    pub(crate) fn check_work(&self) -> Vec<Diagnostic> {
        match self.template.unwrap_or_default() {
            TemplateEngine::Plain => return Vec::new(),
            TemplateEngine::Handlebars => {}
        }
        let files = Files::of(&self.source, &self.text, &self.heritage);
        let declared = self.vars.iter().map(|var| var.name.as_str());
        let values: Vec<&str> = declared.chain(INJECTED).collect();
        let check = |text: &str, from: Place, has_tasks: bool| {
            let names = TemplateNames { values: Some(&values), has_tasks };
            check_template(text, names).err().map(|problem| files.show(problem, text, from))
        };
        let mut problems = Vec::new();
        if let Some(text) = &self.caller_instructions {
            problems.extend(check(text, place(&files.entries, "callerInstructions"), true));
        }
        for task in self.tasks.iter().filter(|task| task.source.is_none()) {
            let fields = written_out(&files.entries, task.spec.id.as_str());
            problems.extend(check(&task.spec.title, place(fields, "title"), false));
            problems.extend(check(&task.spec.body, place(fields, "body"), true));
        }
        problems.extend(check(&self.instructions, files.below(), true));
        problems
    }
}

/// The fields of a task that is written out there; none if it is inherited.
fn written_out<'a>(entries: &'a [Entry], id: &str) -> &'a [Entry] {
    let nodes: &[Node] = match field(entries, "tasks").map(|node| &node.shape) {
        Some(Shape::List(nodes)) => nodes,
        Some(Shape::Plain(_) | Shape::Text(_) | Shape::Map(_)) | None => &[],
    };
    let is_it = |fields: &[Entry]| {
        field(fields, "id").is_some_and(|node| match &node.shape {
            Shape::Plain(text) | Shape::Text(text) => text == id,
            Shape::List(_) | Shape::Map(_) => false,
        })
    };
    let mut written = nodes.iter().filter_map(|node| match &node.shape {
        Shape::Map(fields) => Some(fields.as_slice()),
        Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => None,
    });
    written.find(|fields| is_it(fields)).unwrap_or_default()
}

fn field<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Node> {
    entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
}

fn place(entries: &[Entry], name: &str) -> Place {
    field(entries, name).map_or(Place::START, |node| node.at)
}
