//! Keeps definitions from changing what the definition they extend has locked.

use agent_runner_model::budget::{BudgetKind, OnUnmeasured};
use agent_runner_model::spec::LockableField;

use super::{Authored, Heritage};
use crate::agent::Budget;
use crate::diagnostic::Diagnostic;
use crate::forms::BaseInstructions;
use crate::page::Place;

/// What of a base is locked.
pub(super) struct Locked<'a> {
    pub fields: &'a [LockableField],
    pub heritage: &'a Heritage,
    pub budget: Option<Budget>,
    pub instructions: &'a str,
}

/// What of a definition may touch something locked.
pub(super) struct Own<'a> {
    pub budget: Option<Budget>,
    pub instructions: &'a str,
}

/// The base's locks that stay. Complains about locks that are not there, and about what is changed in spite of one.
pub(super) fn check<T>(
    locked: &Locked<'_>,
    authored: &Authored<T>,
    own: &Own<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<LockableField> {
    for field in authored.wishes.unlock.iter().filter(|field| !locked.fields.contains(field)) {
        let words: Vec<&str> = locked.fields.iter().map(|field| field.as_str()).collect();
        problems.push(authored.problem(
            authored.item_at("unlock", field.as_str()),
            format!("`{}` is not locked by what this extends", field.as_str()),
            match words.is_empty() {
                true => "delete it; nothing is locked there".to_owned(),
                false => format!("delete it; locked there are {}", words.join(", ")),
            },
        ));
    }
    let stay: Vec<LockableField> =
        locked.fields.iter().copied().filter(|field| !authored.wishes.unlock.contains(field)).collect();
    for field in &stay {
        let Some(at) = touched(*field, locked, authored, own) else { continue };
        let place = locked.heritage.locks.get(field).map_or("the definition this extends", String::as_str);
        let smaller = match field {
            LockableField::Budget => " and can only be made smaller",
            _ => "",
        };
        problems.push(authored.problem(
            at,
            format!("`{}` is locked at {place}{smaller}", field.as_str()),
            format!("leave it as it is there, or write `unlock: [{}]` here", field.as_str()),
        ));
    }
    stay
}

/// Where the definition says something about a field that is locked.
fn touched<T>(
    field: LockableField,
    locked: &Locked<'_>,
    authored: &Authored<T>,
    own: &Own<'_>,
) -> Option<Place> {
    let name = field.as_str();
    let cleared = authored.wishes.clear.iter().find(|clear| clear.split('.').next() == Some(name));
    if let Some(cleared) = cleared {
        return Some(authored.item_at("clear", cleared));
    }
    match field {
        LockableField::Instructions if !own.instructions.is_empty() => Some(authored.body_at()),
        LockableField::Instructions => {
            let dropped = authored.wishes.base_instructions == BaseInstructions::None;
            (dropped && !locked.instructions.is_empty()).then(|| authored.at("baseInstructions"))
        }
        LockableField::Budget => {
            larger(locked.budget, own.budget?).map(|ceiling| authored.key_at("budget", ceiling))
        }
        LockableField::Tasks => ["tasks", "removeTasks"]
            .into_iter()
            .find(|name| authored.says(name))
            .map(|name| authored.at(name)),
        LockableField::Backend
        | LockableField::Model
        | LockableField::Effort
        | LockableField::TimeoutSec
        | LockableField::Unrestricted
        | LockableField::Cwd
        | LockableField::Message
        | LockableField::MaxRetries
        | LockableField::Schedule => authored.says(name).then(|| authored.at(name)),
    }
}

/// The first entry of a budget that allows more than the base's.
fn larger(base: Option<Budget>, own: Budget) -> Option<&'static str> {
    let base = base.unwrap_or_default();
    let more = |base: Option<u64>, own: Option<u64>| base.zip(own).is_some_and(|(base, own)| own > base);
    let ceiling = BudgetKind::ALL.into_iter().find(|kind| more(base.hard.get(*kind), own.hard.get(*kind)));
    if let Some(kind) = ceiling {
        return Some(kind.as_str());
    }
    if base.soft_percent.zip(own.soft_percent).is_some_and(|(base, own)| own > base) {
        return Some("soft");
    }
    let loosened = own.on_unmeasured == Some(OnUnmeasured::Allow) && base.on_unmeasured != own.on_unmeasured;
    loosened.then_some("onUnmeasured")
}
