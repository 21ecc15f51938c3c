//! Renders texts with `template: handlebars`: the library with our functions, and with limits that it does not have.
//! A text is checked before the library sees it, so how deep it descends is bounded; what a loop costs is paid before it
//! runs; what is written is counted. Must not let a function see anything but its arguments.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender as _,
    JsonTruthy as _, JsonValue, Output, RenderContext, RenderError, RenderErrorReason, Renderable as _,
    ScopedJson, no_escape,
};

/// Most bytes that all texts of a run come to.
pub(crate) const MAX_OUTPUT: u64 = 1024 * 1024;
/// Most tags that are gone through for all texts of a run, each as often as a loop comes by it.
pub(crate) const MAX_STEPS: u64 = 200_000;
/// Bytes of a function's arguments that count as one step.
const BYTES_A_STEP: usize = 256;

/// Bytes of a text that count as one step for each tag in it.
const BYTES_READ_A_STEP: usize = 4096;

/// Why a text could not be rendered, and in which line and column of it, where that is known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) place: Option<(usize, usize)>,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// What is left for the texts of a run.
#[derive(Debug)]
struct Left {
    steps: AtomicU64,
    bytes: AtomicU64,
}

/// Takes from what is left. Says whether there was enough.
fn take(left: &AtomicU64, count: usize) -> bool {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    left.fetch_update(Memory::Relaxed, Memory::Relaxed, |left| left.checked_sub(count)).is_ok()
}

/// Whether a text holds what is shown to nobody.
type IsHidden = dyn Fn(&str) -> bool + Send + Sync;

/// Renders the texts of one run.
pub(crate) struct Renderer {
    left: Arc<Left>,
    /// Values from an environment: pieces of one would no longer be recognised, and shown.
    hidden: Arc<IsHidden>,
}

const TOO_MUCH_WORK: &str = "the loops of this run's texts do too much";
const TOO_MUCH_TEXT: &str = "this run's texts become too long";
const HIDDEN: &str = "a value that came from an environment cannot be taken apart: its pieces would be shown";
const MISTAKEN: &str = "this cannot be filled in";

impl Renderer {
    /// One with everything left.
    pub(crate) fn new(hidden: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        let left = Left { steps: MAX_STEPS.into(), bytes: MAX_OUTPUT.into() };
        Self { left: Arc::new(left), hidden: Arc::new(hidden) }
    }

    /// The text with its tags carried out. It has to be checked: that is where `tags` comes from.
    pub(crate) fn render(&self, text: &str, tags: usize, data: &Context) -> Result<String, Fault> {
        let registry = self.registry(tags);
        let mut written = Written { bytes: Vec::new(), left: &self.left };
        // To read a text, the library takes time for each tag that grows with the text.
        let reading = tags.saturating_mul(1 + text.len() / BYTES_READ_A_STEP);
        let rendered = match take(&self.left.steps, reading) {
            true => registry.render_template_with_context_to_write(text, data, &mut written),
            false => Err(stopped(TOO_MUCH_WORK)),
        };
        match rendered {
            Ok(()) => Ok(String::from_utf8_lossy(&written.bytes).into_owned()),
            Err(error) => Err(fault(&error)),
        }
    }

    /// The library without what it brings along, but for `if` and `unless`.
    fn registry(&self, tags: usize) -> Handlebars<'static> {
        let mut registry = Handlebars::new();
        for name in ["with", "lookup", "raw", "log"] {
            registry.unregister_helper(name);
        }
        registry.register_escape_fn(no_escape);
        registry.set_strict_mode(true);
        registry.register_helper("each", Box::new(Each { left: self.left.clone(), tags }));
        for (name, run) in FUNCTIONS {
            let function = Function { run, left: self.left.clone(), hidden: self.hidden.clone() };
            registry.register_helper(name, Box::new(function));
        }
        registry
    }
}

/// The output as far as it may go.
struct Written<'a> {
    bytes: Vec<u8>,
    left: &'a Left,
}

impl Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !take(&self.left.bytes, bytes.len()) {
            return Err(io::Error::other(TOO_MUCH_TEXT));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stopped(why: &'static str) -> RenderError {
    RenderErrorReason::Other(why.to_owned()).into()
}

/// The library's words may quote values, so none of them are passed on.
fn fault(error: &RenderError) -> Fault {
    let place = error.line_no.zip(error.column_no);
    let say = |message: &str, hint| Fault { place, message: message.to_owned(), hint };
    const SMALLER: &str = "use shorter lists, or fewer loops inside of loops";
    match error.reason() {
        RenderErrorReason::MissingVariable(name) => Fault {
            place,
            message: format!("variable `{}` has no value here", name.as_deref().unwrap_or_default()),
            hint: "give it a value or a default, or ask before: {{#if name}}{{name}}{{/if}}",
        },
        RenderErrorReason::IOError(_) => say(TOO_MUCH_TEXT, SMALLER),
        RenderErrorReason::Other(why) if why == TOO_MUCH_WORK => say(TOO_MUCH_WORK, SMALLER),
        RenderErrorReason::Other(why) if why == HIDDEN => {
            say(HIDDEN, "use it as a whole, or take the value from another source")
        }
        _ => say(MISTAKEN, "simplify the tag, or write `template: plain`"),
    }
}

/// `each`: as the library's own, but a loop is paid for before it runs.
struct Each {
    left: Arc<Left>,
    /// How many tags one round can come by at most.
    tags: usize,
}

impl HelperDef for Each {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let items = helper.param(0).and_then(|value| value.value().as_array());
        let items = items.map(Vec::as_slice).unwrap_or_default();
        let Some(template) = helper.template().filter(|_| !items.is_empty()) else {
            return helper.inverse().map_or(Ok(()), |other| other.render(registry, context, rc, out));
        };
        if !take(&self.left.steps, items.len().saturating_mul(self.tags.max(1))) {
            return Err(stopped(TOO_MUCH_WORK));
        }
        rc.push_block(BlockContext::new());
        for (index, item) in items.iter().enumerate() {
            if let Some(block) = rc.block_mut() {
                enter(block, helper, index, items.len(), item)?;
            }
            template.render(registry, context, rc, out)?;
        }
        rc.pop_block();
        Ok(())
    }
}

/// Makes an item what the names of a loop stand for.
fn enter<'rc>(
    block: &mut BlockContext<'rc>,
    helper: &Helper<'rc>,
    index: usize,
    count: usize,
    item: &JsonValue,
) -> Result<(), RenderError> {
    block.set_local_var("first", JsonValue::from(index == 0));
    block.set_local_var("last", JsonValue::from(index + 1 == count));
    block.set_local_var("index", JsonValue::from(index));
    block.set_base_value(item.clone());
    let mut names = BlockParams::new();
    if let Some(name) = helper.block_param() {
        names.add_value(name, item.clone())?;
    } else if let Some((name, position)) = helper.block_param_pair() {
        names.add_value(name, item.clone())?;
        names.add_value(position, JsonValue::from(index))?;
    }
    block.set_block_params(names);
    Ok(())
}

/// What a function does with its arguments.
type Run = fn(&[&JsonValue]) -> JsonValue;

/// A function of its arguments and of nothing else.
struct Function {
    run: Run,
    left: Arc<Left>,
    hidden: Arc<IsHidden>,
}

impl HelperDef for Function {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let arguments: Vec<&JsonValue> = helper.params().iter().map(|param| param.value()).collect();
        let bytes: usize = arguments.iter().map(|value| value.as_str().map_or(0, str::len)).sum();
        if !take(&self.left.steps, bytes / BYTES_A_STEP) {
            return Err(stopped(TOO_MUCH_WORK));
        }
        // A title of a task may hold such a value among other words.
        let text = arguments.first().map(|value| value.render()).unwrap_or_default();
        let is_hidden = || (self.hidden)(&text);
        if ["split", "lines"].contains(&helper.name()) && is_hidden() {
            return Err(stopped(HIDDEN));
        }
        let result = (self.run)(&arguments);
        let pieces = result.as_array().map_or(0, Vec::len);
        match take(&self.left.steps, pieces) {
            true => Ok(ScopedJson::Derived(result)),
            false => Err(stopped(TOO_MUCH_WORK)),
        }
    }
}

const FUNCTIONS: [(&str, Run); 12] = [
    ("eq", |given| first_two(given, |a, b| a == b || order(a, b) == Some(Ordering::Equal)).into()),
    ("ne", |given| first_two(given, |a, b| a != b && order(a, b) != Some(Ordering::Equal)).into()),
    ("lt", |given| first_two(given, |a, b| order(a, b).is_some_and(Ordering::is_lt)).into()),
    ("lte", |given| first_two(given, |a, b| order(a, b).is_some_and(Ordering::is_le)).into()),
    ("gt", |given| first_two(given, |a, b| order(a, b).is_some_and(Ordering::is_gt)).into()),
    ("gte", |given| first_two(given, |a, b| order(a, b).is_some_and(Ordering::is_ge)).into()),
    ("and", |given| given.iter().all(|value| value.is_truthy(false)).into()),
    ("or", |given| given.iter().any(|value| value.is_truthy(false)).into()),
    ("not", |given| (!given.iter().any(|value| value.is_truthy(false))).into()),
    ("len", |given| given.first().and_then(|list| list.as_array()).map_or(0, Vec::len).into()),
    ("lines", |given| {
        let text = given.first().map(|value| value.render()).unwrap_or_default();
        pieces(text.lines())
    }),
    ("split", |given| {
        let mut texts = given.iter().map(|value| value.render());
        let (text, at) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        if at.is_empty() { pieces(std::iter::once(text.as_str())) } else { pieces(text.split(&at)) }
    }),
];

fn first_two(given: &[&JsonValue], compare: fn(&JsonValue, &JsonValue) -> bool) -> bool {
    matches!(given, [a, b] if compare(a, b))
}

/// Numbers by their size, texts by their letters; other things have no order.
fn order(a: &JsonValue, b: &JsonValue) -> Option<Ordering> {
    match (a, b) {
        (JsonValue::Number(a), JsonValue::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (JsonValue::String(a), JsonValue::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Without blanks around them, and without empty ones.
fn pieces<'a>(texts: impl Iterator<Item = &'a str>) -> JsonValue {
    texts.map(str::trim).filter(|text| !text.is_empty()).map(JsonValue::from).collect()
}

#[cfg(test)]
mod tests;
