//! Which run somebody means who does not give a whole id: the beginning of one, `@last`, `@-2`, `@name`. Must not guess:
//! what could be several runs is none.

use agent_runner_model::RunId;

use crate::error::StoreError;
use crate::listing::{ListQuery, RunQuery};

use super::index::{self, Shelf};
use super::layout::{Layout, MANIFEST, entries};

/// Shorter beginnings are typing errors.
pub(crate) const SHORTEST: usize = 3;

/// The run that a text means.
pub(crate) fn resolve(layout: &Layout, shelf: &Shelf, text: &str) -> Result<RunId, StoreError> {
    if let Some(name) = text.strip_prefix('@') {
        return match age(name) {
            Some(age) => by_age(layout, shelf, text, age),
            None => by_name(layout, shelf, text, name),
        };
    }
    match layout.resolve(text) {
        Err(error @ StoreError::NotFound { .. }) if text.len() >= SHORTEST && RunId::parse(text).is_ok() => {
            by_beginning(layout, text, error)
        }
        resolved => resolved,
    }
}

/// Which of the newest runs is meant, the newest being 1.
fn age(name: &str) -> Option<usize> {
    match name {
        "last" => Some(1),
        name => counted(name)?.parse().ok().filter(|age| *age > 0),
    }
}

/// The digits of what looks like an age. A sign in front of them is none of them.
fn counted(name: &str) -> Option<&str> {
    let digits = name.strip_prefix('-')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn by_age(layout: &Layout, shelf: &Shelf, text: &str, age: usize) -> Result<RunId, StoreError> {
    let newest = ListQuery { limit: Some(age), ..ListQuery::default() };
    let ids = found(layout, shelf, &newest)?;
    let count = ids.len();
    ids.into_iter().nth(age - 1).ok_or_else(|| StoreError::TooFew { text: text.to_owned(), count })
}

fn by_name(layout: &Layout, shelf: &Shelf, text: &str, name: &str) -> Result<RunId, StoreError> {
    let scope = RunQuery { include_archived: true, ..RunQuery::default() };
    let named = ListQuery { scope, name: Some(name.to_owned()), ..ListQuery::default() };
    let unnamed = || match name {
        "" | "-" => StoreError::Sign { text: text.to_owned() },
        // There may be runs that are called so, but who asks for them thinks of an age.
        name if counted(name).is_some() => StoreError::Sign { text: text.to_owned() },
        _ => StoreError::Unnamed { text: text.to_owned(), state_dir: layout.state_dir().to_path_buf() },
    };
    one_of(text, found(layout, shelf, &named)?)?.ok_or_else(unnamed)
}

fn found(layout: &Layout, shelf: &Shelf, query: &ListQuery) -> Result<Vec<RunId>, StoreError> {
    // Whether a run is driven makes no difference to which one is meant.
    let page = index::list(shelf, layout, query, false)?;
    Ok(page.rows.into_iter().map(|row| row.digest.run_id).collect())
}

fn by_beginning(layout: &Layout, text: &str, missing: StoreError) -> Result<RunId, StoreError> {
    let mut ids = Vec::new();
    for bucket in layout.buckets()? {
        for dir in entries(&bucket)? {
            let name = dir.file_name().and_then(|name| name.to_str()).filter(|name| name.starts_with(text));
            if let Some(id) = name.and_then(|name| RunId::parse(name).ok())
                && dir.join(MANIFEST).exists()
            {
                ids.push(id);
            }
        }
    }
    ids.sort();
    one_of(text, ids)?.ok_or(missing)
}

fn one_of(text: &str, mut ids: Vec<RunId>) -> Result<Option<RunId>, StoreError> {
    match ids.len() {
        0 | 1 => Ok(ids.pop()),
        _ => Err(StoreError::Several { text: text.to_owned(), ids }),
    }
}
