//! Keeps values that came from an environment out of everything that is shown or logged. Such a value is in the
//! manifest and in what the worker is told, and nowhere else. Must not decide who is shown what.

pub(crate) mod fields;
mod reading;

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::fields::{Whole, change_all, change_fields, change_texts, kept_of_runs, kept_of_turns};
use self::reading::{Reading, readings};
use crate::attempt::AttemptEnd;
use crate::event::{EventBody, EventRecord};
use crate::ids::TaskId;
use crate::import::is_of_reference;
use crate::manifest::{Manifest, RunState};
use crate::spec::{RunSpec, Template};
use crate::turn::TurnEvent;
use crate::vars::{RuntimeVar, VarType, VarValue};

/// What stands in place of a value that is not shown.
pub const REDACTED: &str = "[redacted]";
/// Bytes from which on a value is hidden inside of longer words too. A shorter one is hidden where it stands alone.
const HIDDEN_ANYWHERE: usize = 4;
/// What a text that was cut ends with.
const CUT_MARK: char = '…';

/// A value that is not shown, in one of its spellings.
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
        // Here every value is what a text or a number says; there it may be any JSON, and is kept as the text of that.
        let is_json = is_of_reference(&spec.origin);
        for (name, var) in spec.runtime_vars.iter().filter(|(_, var)| var.is_redacted() && !var.is_lost()) {
            let kind =
                spec.vars.iter().find(|declared| declared.name == *name).map(|declared| &declared.kind);
            secrets.extend(of_value(var, kind, is_json));
        }
        secrets.sort();
        secrets.dedup();
        Self(secrets)
    }

    /// Whether everything may be shown.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that the others lack.
    #[must_use]
    pub fn without(mut self, others: &Self) -> Self {
        self.0.retain(|secret| !others.0.contains(secret));
        self
    }

    /// Whether such a value is in the text.
    pub fn are_in(&self, text: &str) -> bool {
        !self.places(text, false).is_empty()
    }

    /// The text without the values.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.replaced(text, false)
    }

    /// Bytes that are text, or nearly so, without the values. If their end was cut off, so is what may be the beginning
    /// of one.
    pub fn hide_bytes<'a>(&self, bytes: &'a [u8], is_cut: bool) -> Cow<'a, [u8]> {
        if self.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        match self.replaced(&text, is_cut) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(shown) => Cow::Owned(shown.into_bytes()),
        }
    }

    /// What is written on a run, as it is kept when the run no longer knows these values. Nothing if it cannot be gone
    /// through.
    pub fn hide_state(&self, state: &RunState) -> Option<RunState> {
        if self.is_empty() {
            return Some(state.clone());
        }
        let mut hidden: RunState = self.hidden_in(state, Whole::State, kept_of_runs)?;
        in_order(&mut hidden, state);
        Some(hidden)
    }

    /// The whole manifest without the values, and its own variables like everything else. Nothing if it cannot be gone
    /// through.
    pub fn hide_manifest(&self, manifest: &Manifest) -> Option<Manifest> {
        if self.is_empty() {
            return Some(manifest.clone());
        }
        let mut hidden: Manifest = self.hidden_in(manifest, Whole::Manifest, kept_of_runs)?;
        in_order(&mut hidden.state, &manifest.state);
        Some(hidden)
    }

    /// How an attempt ended, as it is put on record.
    pub fn hide_end(&self, end: AttemptEnd) -> AttemptEnd {
        if self.is_empty() {
            return end;
        }
        let hidden = self.hidden_in(&end, Whole::End, kept_of_runs);
        hidden.unwrap_or_else(|| AttemptEnd::Crashed { detail: REDACTED.to_owned() })
    }

    /// A view without the values, but for the fields that hold no words of anybody. Nothing if it cannot be gone through.
    pub fn hide_view<T: Serialize + DeserializeOwned>(&self, view: T, wordless: &[&str]) -> Option<T> {
        if self.is_empty() {
            return Some(view);
        }
        self.hidden_in(&view, Whole::View, |_, field| wordless.contains(&field))
    }

    /// Events as they are logged.
    pub fn hide_events(&self, events: Vec<EventBody>) -> Vec<EventBody> {
        if self.is_empty() {
            return events;
        }
        // One whose words cannot be gone through is left out rather than logged as it is.
        events.into_iter().filter_map(|event| self.hidden_in(&event, Whole::Event, kept_of_runs)).collect()
    }

    /// An event of a history as it is given away; nothing if it cannot be gone through. One that this version has no word
    /// for is somebody's own JSON.
    pub fn hide_record(&self, event: EventRecord) -> Option<EventRecord> {
        if self.is_empty() {
            return Some(event);
        }
        if event.body().is_some() {
            return self.hidden_in(&event, Whole::Event, kept_of_runs);
        }
        let EventRecord { cursor, at, kind, mut fields } = event;
        change_fields(&mut fields, &|text| self.hidden(text));
        Some(EventRecord { cursor, at, kind: self.hide(&kind).into_owned(), fields })
    }

    /// Somebody's own JSON without the values, in names of fields too.
    #[must_use]
    pub fn hide_json(&self, mut value: Value) -> Value {
        if !self.is_empty() {
            change_all(&mut value, &|text| self.hidden(text));
        }
        value
    }

    /// Bytes of the longest of them.
    pub fn longest(&self) -> usize {
        self.0.iter().map(|secret| secret.text.len()).max().unwrap_or(0)
    }

    /// A worker's event as it is kept and shown.
    pub fn hide_turn(&self, event: TurnEvent) -> TurnEvent {
        if self.is_empty() {
            return event;
        }
        let hidden = self.hidden_in(&event, Whole::Turn, kept_of_turns);
        hidden.unwrap_or_else(|| TurnEvent::Notice { text: REDACTED.to_owned() })
    }

    /// The same with the values taken out of its texts.
    fn hidden_in<T: Serialize + DeserializeOwned>(
        &self,
        whole: &T,
        kind: Whole,
        kept: impl Fn(&str, &str) -> bool,
    ) -> Option<T> {
        let mut value = serde_json::to_value(whole).ok()?;
        change_texts(&mut value, kind, &kept, &|text| self.hidden(text));
        serde_json::from_value(value).ok()
    }

    /// The text without the values, if there are any in it.
    fn hidden(&self, text: &str) -> Option<String> {
        match self.hide(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(shown) => Some(shown),
        }
    }

    fn replaced<'a>(&self, text: &'a str, is_cut: bool) -> Cow<'a, str> {
        let places = self.places(text, is_cut);
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for place in places {
            shown.push_str(text.get(at..place.start).unwrap_or_default());
            shown.push_str(REDACTED);
            at = place.end;
        }
        shown.push_str(text.get(at..).unwrap_or_default());
        Cow::Owned(shown)
    }

    /// Where the values are, in order; those that overlap are one.
    fn places(&self, text: &str, is_cut: bool) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for reading in readings(text) {
            for secret in &self.0 {
                found.extend(secret.places(&reading));
                found.extend(secret.beginning_at_end(&reading, is_cut));
            }
        }
        found.sort_by_key(|place| (place.start, place.end));
        let mut places: Vec<Range<usize>> = Vec::new();
        for place in found {
            match places.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                Some(_) | None => places.push(place),
            }
        }
        places
    }
}

impl Secret {
    /// Where it is in what was written.
    fn places<'a>(&'a self, reading: &'a Reading) -> impl Iterator<Item = Range<usize>> + 'a {
        let text = reading.text.as_str();
        let mut from = 0;
        let next = move || {
            let start = from + text.get(from..)?.find(&self.text)?;
            // It may overlap with itself.
            from = start + text.get(start..)?.chars().next().map_or(1, char::len_utf8);
            Some(start..start + self.text.len())
        };
        let fits = |place: &Range<usize>| !self.stands_alone || stands_alone(text, place);
        std::iter::from_fn(next).filter(fits).map(|place| written(reading, &place))
    }

    /// Where it begins at the end of a text that was cut, if it does.
    fn beginning_at_end(&self, reading: &Reading, is_cut: bool) -> Option<Range<usize>> {
        let whole = reading.text.trim_end_matches([char::REPLACEMENT_CHARACTER, '\n', '\r']);
        let end = match whole.strip_suffix(CUT_MARK) {
            Some(rest) => rest,
            None if is_cut => whole,
            None => return None,
        };
        if self.stands_alone {
            return None;
        }
        // The longest beginning there is.
        let borders = (HIDDEN_ANYWHERE..self.text.len()).rev().filter(|at| self.text.is_char_boundary(*at));
        let length =
            borders.into_iter().find(|at| self.text.get(..*at).is_some_and(|it| end.ends_with(it)))?;
        Some(written(reading, &(end.len() - length..end.len())))
    }
}

fn written(reading: &Reading, place: &Range<usize>) -> Range<usize> {
    reading.written(place.start)..reading.written(place.end)
}

/// Whether no word goes on before or after it.
fn stands_alone(text: &str, place: &Range<usize>) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..place.start).and_then(|before| before.chars().next_back());
    let after = text.get(place.end..).and_then(|after| after.chars().next());
    !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
}

/// What must not be seen of a value. `true` and `false` are in every text and tell nothing.
fn of_value(var: &RuntimeVar, kind: Option<&VarType>, is_json: bool) -> Vec<Secret> {
    let listed = matches!(kind, Some(VarType::Enum { .. }));
    match &var.value {
        VarValue::Bool(_) => Vec::new(),
        VarValue::Number(number) => spellings(&number.to_string(), true),
        VarValue::Text(text) => match serde_json::from_str(text).ok().filter(|_| is_json) {
            Some(Value::Null) => Vec::new(),
            Some(whole @ (Value::Array(_) | Value::Object(_))) => {
                let mut secrets = spellings(text, false);
                in_json(&whole, &mut secrets);
                secrets
            }
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                spellings(text, listed || text.len() < HIDDEN_ANYWHERE)
            }
        },
    }
}

/// What must not be seen of what is in a value.
fn in_json(value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => secrets.extend(spellings(&number.to_string(), true)),
        Value::String(text) => secrets.extend(spellings(text, text.len() < HIDDEN_ANYWHERE)),
        Value::Array(items) => items.iter().for_each(|item| in_json(item, secrets)),
        Value::Object(fields) => fields.values().for_each(|field| in_json(field, secrets)),
    }
}

/// A value in the ways it is written.
fn spellings(text: &str, stands_alone: bool) -> Vec<Secret> {
    // Logs are written line by line, and some texts are made one line.
    let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= HIDDEN_ANYWHERE);
    let mut texts: Vec<String> = lines.collect();
    texts.extend([text.trim().to_owned(), text.to_owned()]);
    for spelling in texts.clone() {
        let words: Vec<&str> = spelling.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        texts.push(words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" "));
        // What would steer a terminal is taken out of what workers print.
        let unprintable = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        texts.push(spelling.replace(unprintable, "\u{FFFD}"));
        texts.push(spelling.replace(char::is_control, " "));
    }
    texts.retain(|text| text.chars().any(char::is_alphanumeric) || text.trim().len() >= HIDDEN_ANYWHERE);
    let short = |text: &str| text.len() < HIDDEN_ANYWHERE;
    texts.into_iter().map(|text| Secret { stands_alone: stands_alone || short(&text), text }).collect()
}

/// The manifest as it may be shown.
pub fn redacted(manifest: &Manifest) -> Cow<'_, Manifest> {
    if !manifest.spec.runtime_vars.values().any(RuntimeVar::is_redacted) {
        return Cow::Borrowed(manifest);
    }
    let secrets = Secrets::of(&manifest.spec);
    let mut shown =
        secrets.hidden_in(manifest, Whole::Manifest, kept_of_runs).unwrap_or_else(|| without_words(manifest));
    in_order(&mut shown.state, &manifest.state);
    for var in shown.spec.runtime_vars.values_mut().filter(|var| var.is_redacted()) {
        var.value = VarValue::Text(REDACTED.to_owned());
    }
    Cow::Owned(shown)
}

/// JSON objects have no order, the task list has.
fn in_order(state: &mut RunState, model: &RunState) {
    let order = |id: &TaskId| model.final_tasks.get_index_of(id);
    state.final_tasks.sort_by(|a, _, b, _| order(a).cmp(&order(b)));
}

/// What is left to show of a manifest whose words cannot be gone through.
fn without_words(manifest: &Manifest) -> Manifest {
    let (mut shown, _) = Manifest::new(manifest.spec.clone(), None);
    shown.spec.brief.clear();
    shown.spec.message = None;
    shown.spec.caller_instructions = None;
    shown.spec.agent.instructions.clear();
    shown.spec.launcher.argv.clear();
    shown.spec.resolved_backend_args.clear();
    shown.spec.backend_config.clear();
    shown.spec.hooks.clear();
    shown.spec.template = Template::default();
    shown.spec.vars.clear();
    shown.spec.runtime_vars.retain(|_, var| var.is_redacted());
    shown.spec.prepared_state.clear();
    shown.spec.prepared_tasks.clear();
    shown.spec.execution_environment = None;
    shown.spec.tasks.clear();
    shown.state.hook_state.clear();
    shown.state.final_tasks.clear();
    shown.state.phase = manifest.state.phase.clone();
    shown.revision = manifest.revision;
    shown
}
