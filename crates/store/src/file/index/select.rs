//! Questions to the index as SQL. Must never put a value into the text of a statement.

use agent_runner_model::Digest;
use agent_runner_model::phase::RunStatus;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, Row, params_from_iter};

use crate::listing::{ListQuery, Sort};

use super::rows::Spot;

/// A run as the index has it.
pub(crate) struct Found {
    pub(crate) spot: Spot,
    pub(crate) stamp: Vec<u8>,
    pub(crate) key: i64,
    pub(crate) digest: Digest,
}

/// Where a page ends.
pub(crate) fn cursor(found: &Found) -> String {
    format!("{}/{}/{}", found.key, found.spot.name, found.spot.bucket)
}

/// What a cursor says.
pub(crate) fn parse_cursor(text: &str) -> Option<(i64, &str, &str)> {
    let mut parts = text.splitn(3, '/');
    Some((parts.next()?.parse().ok()?, parts.next()?, parts.next()?))
}

/// Shows the runs that answer a query to `each`, in order, until it has enough.
pub(crate) fn each_run(
    db: &Connection,
    query: &ListQuery,
    mut each: impl FnMut(Found) -> Result<bool>,
) -> Result<()> {
    let mut clauses: Vec<String> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut holds = |clause: &str, of: Vec<Value>| {
        clauses.push(clause.to_owned());
        values.extend(of);
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let scope = &query.scope;
    if let Some(cwd) = &scope.cwd {
        holds("(cwd = ? OR made_in = ?)", vec![text(cwd), text(cwd)]);
    }
    if let Some(repo) = &scope.repo {
        // The directory it is in decides, and what it says of itself.
        holds("bucket = ?", vec![text(repo)]);
    }
    if let Some(group) = &scope.group {
        holds("grp = ?", vec![text(group)]);
    }
    if !scope.include_archived {
        holds("archived = 0", Vec::new());
    }
    if scope.active_only {
        holds("status = 'running'", Vec::new());
    }
    if !query.statuses.is_empty() {
        let marks = vec!["?"; query.statuses.len()].join(", ");
        holds(
            &format!("status IN ({marks})"),
            query.statuses.iter().map(|status| text(kept_as(*status).as_str())).collect(),
        );
    }
    for (column, wanted) in [("agent", &query.agent), ("backend", &query.backend), ("label", &query.name)] {
        if let Some(wanted) = wanted {
            holds(&format!("{column} = ?"), vec![text(wanted)]);
        }
    }
    if let Some(begins) = &query.begins {
        holds("substr(name, 1, length(?)) = ?", vec![text(begins), text(begins)]);
    }
    if query.archived {
        holds("archived = 1", Vec::new());
    }
    if let Some(since) = query.since {
        holds("created >= ?", vec![Value::Integer(since.as_millis())]);
    }
    if let Some(until) = query.until {
        holds("created <= ?", vec![Value::Integer(until.as_millis())]);
    }
    if query.pinned {
        holds("pinned = 1", Vec::new());
    }
    if let Some(search) = &query.search {
        match phrase(search) {
            Some(phrase) => {
                holds("row IN (SELECT rowid FROM words WHERE words MATCH ?)", vec![Value::Text(phrase)]);
            }
            None => holds("0", Vec::new()),
        }
    }
    let key = match query.sort {
        Sort::Created => "created",
        Sort::Updated => "updated",
    };
    if let Some((at, name, bucket)) = query.after.as_deref().and_then(parse_cursor) {
        holds(
            &format!("({key}, name, bucket) < (?, ?, ?)"),
            vec![Value::Integer(at), text(name), text(bucket)],
        );
    }
    let condition = if clauses.is_empty() { "1".to_owned() } else { clauses.join(" AND ") };
    let sql = format!(
        "SELECT bucket, name, stamp, {key}, digest FROM runs WHERE {condition} \
         ORDER BY {key} DESC, name DESC, bucket DESC"
    );
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if !each(found(row)?)? {
            break;
        }
    }
    Ok(())
}

fn found(row: &Row<'_>) -> Result<Found> {
    let text = row.get_ref(4)?.as_str()?;
    let damaged = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())
    };
    Ok(Found {
        spot: Spot { bucket: row.get(0)?, name: row.get(1)? },
        stamp: row.get(2)?,
        key: row.get(3)?,
        digest: serde_json::from_str(text).map_err(damaged)?,
    })
}

/// The status the manifest of such a run has.
pub(crate) fn kept_as(status: RunStatus) -> RunStatus {
    match status {
        RunStatus::Running | RunStatus::Interrupted => RunStatus::Running,
        RunStatus::Initialized
        | RunStatus::Ready
        | RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted
        | RunStatus::Error => status,
    }
}

/// Words to look for as FTS5 wants them: quoted, so that nothing in them is syntax; each may be the beginning of one.
fn phrase(search: &str) -> Option<String> {
    let words = search.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric));
    let quoted: Vec<String> = words.map(|word| format!("\"{}\"*", word.replace('"', " "))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}
