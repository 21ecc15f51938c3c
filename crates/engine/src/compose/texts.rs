//! Fills the texts of one run, each by the engine its definition asks for. Must not know what the texts are for.

use std::cell::Cell;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_definitions::{TASKS, TemplateNames, check_template};
use agent_runner_model::Secrets;
use agent_runner_model::spec::{RunSpec, TemplateEngine};
use agent_runner_model::task::TaskSpec;
use agent_runner_model::vars::INJECTED;
use handlebars::Context;
use serde_json::{Map, Value, json};

use super::handlebars::{Fault, Renderer};
use super::render::{Values, length, render};

/// Most bytes that the texts of a run come to. They are in its manifest, which is read whole and written whole.
const MAX_TEXTS: usize = 4 * 1024 * 1024;

/// What the texts of a run are filled with.
pub(crate) struct Texts<'a> {
    values: &'a Values,
    names: Vec<&'a str>,
    data: Map<String, Value>,
    has_tasks: bool,
    renderer: Renderer,
    /// How many bytes the texts may still have.
    left: Cell<usize>,
}

impl<'a> Texts<'a> {
    /// For a run whose keys stand for these values.
    pub(crate) fn new(spec: &'a RunSpec, values: &'a Values) -> Self {
        let declared = spec.vars.iter().map(|var| var.name.as_str());
        let mut data: Map<String, Value> =
            values.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        // Numbers and truth values stay what they are.
        data.extend(spec.runtime_vars.iter().map(|(name, var)| (name.clone(), json!(var.value))));
        let names = declared.chain(INJECTED).collect();
        let secrets = Secrets::of(spec);
        let renderer = Renderer::new(move |text| *secrets.hide(text) != *text);
        Self { values, names, data, has_tasks: false, renderer, left: MAX_TEXTS.into() }
    }

    /// The same where the tasks are known.
    pub(crate) fn with_tasks(mut self, titles: &[(&TaskSpec, String)]) -> Self {
        self.has_tasks = true;
        // A variable of this name comes first.
        let tasks = || titles.iter().map(|(task, title)| json!({ "id": task.id, "title": title })).collect();
        self.data.entry(TASKS).or_insert_with(tasks);
        self
    }

    /// The text, filled. `what` names it in errors.
    pub(crate) fn fill(&self, engine: TemplateEngine, what: &str, text: &str) -> Result<String, ApiError> {
        match engine {
            TemplateEngine::Plain => {
                self.take(what, length(text, self.values))?;
                Ok(render(text, self.values).into_owned())
            }
            TemplateEngine::Handlebars => {
                let filled = self.render(what, text)?;
                self.take(what, filled.len())?;
                Ok(filled)
            }
        }
    }

    fn take(&self, what: &str, bytes: usize) -> Result<(), ApiError> {
        let left = self.left.get().checked_sub(bytes).ok_or_else(|| {
            let message =
                format!("the texts of a run have at most {} MiB together, and this is more", MAX_TEXTS >> 20);
            refused(what, None, &message, "let it name a file instead, for long texts and long values")
        })?;
        self.left.set(left);
        Ok(())
    }

    fn render(&self, what: &str, text: &str) -> Result<String, ApiError> {
        let names = TemplateNames { values: Some(&self.names), has_tasks: self.has_tasks };
        let tags = check_template(text, names)
            .map_err(|problem| refused(what, Some(problem.place(text)), &problem.message, problem.hint))?;
        let data = Context::from(Value::Object(self.data.clone()));
        self.renderer.render(text, tags, &data).map_err(|fault| {
            let Fault { place, message, hint } = fault;
            refused(what, place, &message, hint)
        })
    }
}

fn refused(what: &str, place: Option<(usize, usize)>, message: &str, hint: impl Into<String>) -> ApiError {
    let place = place.map_or(String::new(), |(line, column)| format!(", line {line}, column {column}"));
    ApiError::new(ErrorCode::Invalid, format!("{what}{place}: {message}")).hint(hint)
}
