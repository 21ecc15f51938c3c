//! Keeps values that came from an environment out of everything that is shown or logged. Such a value is in the
//! manifest and in what the worker is told, and nowhere else. Must not decide who is shown what.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::EventBody;
use crate::ids::TaskId;
use crate::manifest::Manifest;
use crate::spec::RunSpec;
use crate::turn::TurnEvent;
use crate::vars::{RuntimeVar, VarType, VarValue};

/// What stands in place of a value that is not shown.
pub const REDACTED: &str = "[redacted]";
/// Bytes from which on a value is hidden inside of longer words too. A shorter one is hidden where it stands alone.
const HIDDEN_ANYWHERE: usize = 4;
/// Fields of manifests and events that hold words in which a value may appear. Fields that hold a word of a closed list
/// or an id must not be named here: they would no longer be readable.
const TEXTS: [&str; 17] = [
    "title",
    "body",
    "notes",
    "note",
    "message",
    "messages",
    "text",
    "detail",
    "outputTail",
    "instructions",
    "brief",
    "callerInstructions",
    "argv",
    "objection",
    "hint",
    "summary",
    "line",
];

/// A value that is not shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Secret {
    text: String,
    stands_alone: bool,
}

/// The values of a run that are not shown.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// The values of this run that came from an environment, here or in the run they were inherited from.
    pub fn of(spec: &RunSpec) -> Self {
        let mut secrets = Vec::new();
        for (name, var) in spec.runtime_vars.iter().filter(|(_, var)| var.is_redacted()) {
            let kind =
                spec.vars.iter().find(|declared| declared.name == *name).map(|declared| &declared.kind);
            secrets.extend(of_value(var, kind));
        }
        // The longest first: what is part of another one must not be cut out of it.
        secrets.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self(secrets)
    }

    /// Whether everything may be shown.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without the values.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.0.iter().any(|secret| text.contains(&secret.text)) {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let before = shown_before(text, rest);
            match self.0.iter().find(|secret| secret.starts(rest, before)) {
                Some(secret) => {
                    shown.push_str(REDACTED);
                    rest = rest.get(secret.text.len()..).unwrap_or_default();
                }
                None => {
                    shown.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                }
            }
        }
        Cow::Owned(shown)
    }

    /// Bytes that are text, or nearly so, without the values.
    pub fn hide_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        match self.hide(&text) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(shown) => Cow::Owned(shown.into_bytes()),
        }
    }

    /// Events as they are logged.
    pub fn hide_events(&self, events: Vec<EventBody>) -> Vec<EventBody> {
        if self.is_empty() {
            return events;
        }
        // One whose words cannot be gone through is left out rather than logged as it is.
        events.into_iter().filter_map(|event| self.hidden_in(&event)).collect()
    }

    /// A worker's event as it is kept and shown.
    pub fn hide_turn(&self, event: TurnEvent) -> TurnEvent {
        if self.is_empty() {
            return event;
        }
        self.hidden_in(&event).unwrap_or_else(|| TurnEvent::Notice { text: REDACTED.to_owned() })
    }

    /// The same with the values taken out of its texts.
    fn hidden_in<T: Serialize + DeserializeOwned>(&self, whole: &T) -> Option<T> {
        let mut value = serde_json::to_value(whole).ok()?;
        self.hide_texts(&mut value, false);
        serde_json::from_value(value).ok()
    }

    fn hide_texts(&self, value: &mut Value, is_text: bool) {
        match value {
            Value::String(text) if is_text => {
                if let Cow::Owned(shown) = self.hide(text) {
                    *text = shown;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_texts(item, is_text)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.hide_texts(field, TEXTS.contains(&name.as_str()));
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Secret {
    /// Whether it stands at the start of `rest`, with `before` in front of it.
    fn starts(&self, rest: &str, before: Option<char>) -> bool {
        let Some(after) = rest.strip_prefix(&self.text) else { return false };
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let alone = !before.is_some_and(part_of_word) && !after.chars().next().is_some_and(part_of_word);
        !self.stands_alone || alone
    }
}

/// The character in front of the rest of a text.
fn shown_before(text: &str, rest: &str) -> Option<char> {
    let at = text.len().saturating_sub(rest.len());
    text.get(..at).and_then(|before| before.chars().next_back())
}

/// What must not be seen of a value. `true` and `false` are in every text and tell nothing.
fn of_value(var: &RuntimeVar, kind: Option<&VarType>) -> Vec<Secret> {
    let listed = matches!(kind, Some(VarType::Enum { .. }));
    let (text, stands_alone) = match &var.value {
        VarValue::Bool(_) => return Vec::new(),
        VarValue::Number(number) => (number.to_string(), true),
        VarValue::Text(text) => (text.clone(), listed || text.len() < HIDDEN_ANYWHERE),
    };
    // In JSON, as some workers print it, quotes and line ends look different; logs are written line by line.
    let escaped = serde_json::to_string(&text).unwrap_or_default();
    let escaped = escaped.trim_matches('"').to_owned();
    let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= HIDDEN_ANYWHERE);
    let mut texts: Vec<String> = lines.collect();
    texts.extend([text.trim().to_owned(), text.clone(), escaped]);
    texts.retain(|text| text.chars().any(char::is_alphanumeric) || text.trim().len() >= HIDDEN_ANYWHERE);
    texts.into_iter().map(|text| Secret { text, stands_alone }).collect()
}

/// The manifest as it may be shown.
pub fn redacted(manifest: &Manifest) -> Cow<'_, Manifest> {
    if !manifest.spec.runtime_vars.values().any(RuntimeVar::is_redacted) {
        return Cow::Borrowed(manifest);
    }
    let secrets = Secrets::of(&manifest.spec);
    let mut shown = secrets.hidden_in(manifest).unwrap_or_else(|| without_words(manifest));
    // JSON objects have no order, the task list has.
    let order = |id: &TaskId| manifest.state.final_tasks.get_index_of(id);
    shown.state.final_tasks.sort_by(|a, _, b, _| order(a).cmp(&order(b)));
    for var in shown.spec.runtime_vars.values_mut().filter(|var| var.is_redacted()) {
        var.value = VarValue::Text(REDACTED.to_owned());
    }
    Cow::Owned(shown)
}

/// What is left to show of a manifest whose words cannot be gone through.
fn without_words(manifest: &Manifest) -> Manifest {
    let (mut shown, _) = Manifest::new(manifest.spec.clone(), None);
    shown.spec.brief.clear();
    shown.spec.message = None;
    shown.spec.caller_instructions = None;
    shown.spec.agent.instructions.clear();
    shown.spec.launcher.argv.clear();
    shown.spec.tasks.clear();
    shown.state.final_tasks.clear();
    shown.state.phase = manifest.state.phase.clone();
    shown.revision = manifest.revision;
    shown
}
