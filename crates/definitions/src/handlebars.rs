//! Texts with `template: handlebars`: what may stand in them, checked before a library sees them. The library descends
//! into a text as deep as it is nested and has no limits of its own, so whatever is not understood here is refused.
//! Must not render anything.

mod blocks;
mod expression;
mod places;
mod tags;

/// Largest text that is rendered, in bytes.
pub const MAX_TEMPLATE: usize = 64 * 1024;
/// Most tags in a text, comments and braces that are text included: the library takes time for each of them that grows
/// with the text.
pub const MAX_TAGS: usize = 1000;
/// How deep blocks may be nested. Each `{{else if …}}` is a block inside the one before.
pub const MAX_NESTING: usize = 32;
/// How deep calls may be nested in a tag.
pub const MAX_CALLS: usize = 8;
/// Longest tag that is no comment, in bytes.
pub const MAX_TAG: usize = 2048;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// Where, in bytes from the start of the text.
    pub byte: usize,
    /// What is wrong.
    pub message: String,
    /// What to change.
    pub hint: String,
}

impl TemplateProblem {
    fn new(byte: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { byte, message: message.into(), hint: hint.into() }
    }

    /// Line and column in characters, both from 1, in the text that was checked.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// What a text may ask for.
#[derive(Debug, Clone, Copy)]
pub struct TemplateNames<'a> {
    /// Variables and what every run has; nothing where that is decided by somebody else.
    pub values: Option<&'a [&'a str]>,
    /// Whether there is the list of tasks.
    pub has_tasks: bool,
}

/// Names of the tasks in a template, and what each of them has.
pub const TASKS: &str = "tasks";
/// What an item of the list of tasks has.
pub const TASK_FIELDS: [&str; 2] = ["id", "title"];

/// Checks that a text is a template within all limits that asks for nothing unknown. Returns how many tags it has, comments
/// and braces that are text included.
pub fn check_template(text: &str, names: TemplateNames<'_>) -> Result<usize, TemplateProblem> {
    if text.len() > MAX_TEMPLATE {
        let message = format!("a text with template: handlebars has at most {} KiB", MAX_TEMPLATE / 1024);
        return Err(TemplateProblem::new(MAX_TEMPLATE, message, "divide it, or write `template: plain`"));
    }
    let mut blocks = blocks::Blocks::new(names);
    let mut tags = tags::Tags::new(text);
    for tag in tags.by_ref() {
        blocks.take(&tag?)?;
    }
    blocks.finish()?;
    Ok(tags.seen)
}
