//! Runs that a shell may offer: from the index, a page at most, and from what may be shown of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use agent_runner_model::{Digest, RunId};
use agent_runner_store::{ListQuery, PageRow, RunQuery, RunStore as _};

use super::candidate::Candidate;
use super::sense::status;
use super::topic::Runs;
use crate::app::App;

/// Most runs that are offered at once. Nobody reads more, and every one costs a look at the disk.
const SHOWN: usize = 100;
/// Among how many of the newest runs names, groups and repositories are looked for.
const LOOKED_AT: usize = 250;
/// After that long nothing more is asked: the index cannot be used, and whoever waits for the prompt is to get what is known.
const QUICK: Duration = Duration::from_millis(400);
/// Shorter beginnings of ids mean no run, for any command.
const SHORTEST: usize = 3;
/// How many runs are offered by their age.
const AGES: usize = 9;

/// The run that a text on the line means. The beginning of an id is looked up in the index, which is quicker than all
/// directories.
pub(super) async fn named(app: &App, text: &str) -> Option<RunId> {
    // Signs and paths hold what no id does.
    let Ok(id) = RunId::parse(text) else { return app.store.resolve(text).ok() };
    let scope = RunQuery { include_archived: true, ..RunQuery::default() };
    let query =
        ListQuery { scope, begins: Some(id.as_str().to_owned()), limit: Some(2), ..ListQuery::default() };
    match rows(app, &query).await.as_slice() {
        [row] if text.len() >= SHORTEST || row.digest.run_id == id => Some(row.digest.run_id.clone()),
        [] | [_] => None,
        // One of them may be called exactly so.
        _ => app.store.resolve(text).ok(),
    }
}

/// Ids of runs, newest first.
pub(super) async fn by_id(app: &App, which: Runs, typed: &str) -> Vec<Candidate> {
    let began = Instant::now();
    let mut query = which.query();
    // Those that were put away are offered to whoever knows how their id begins.
    query.scope.include_archived |= which == Runs::Any && !typed.is_empty();
    query.begins = (!typed.is_empty()).then(|| typed.to_owned());
    query.limit = Some(if which == Runs::Any { SHOWN } else { LOOKED_AT });
    let mut found = Vec::new();
    loop {
        let page = app.store.list(&query).await.unwrap_or_default();
        for row in page.rows {
            if found.len() < SHOWN && wanted(app, which, &row).await {
                found.extend(Candidate::new(row.digest.run_id.as_str(), &about(&row)));
            }
        }
        query.after = page.next;
        if query.after.is_none() || found.len() >= SHOWN || began.elapsed() > QUICK {
            return found;
        }
    }
}

async fn wanted(app: &App, which: Runs, row: &PageRow) -> bool {
    let listed = which == Runs::Any || which.wants(row);
    match which.is_told_by() {
        Some(tells) if listed => match app.store.snapshot(&row.digest.run_id).await {
            Ok(manifest) => tells(&manifest),
            Err(_) => false,
        },
        Some(_) | None => listed,
    }
}

/// `@last`, `@-2` and names that begin as it was typed, newest first. One list says all of it, but for names of runs that
/// are older than those of the list.
pub(super) async fn by_sign(app: &App, which: Runs, typed: &str) -> Vec<Candidate> {
    let began = Instant::now();
    let scope = RunQuery { include_archived: true, ..RunQuery::default() };
    let query = ListQuery { scope, limit: Some(LOOKED_AT), ..ListQuery::default() };
    let page = app.store.list(&query).await.unwrap_or_default();
    let mut found = Vec::new();
    let unarchived = page.rows.iter().filter(|row| row.digest.archived_at.is_none());
    for (index, row) in unarchived.take(AGES).enumerate() {
        let sign = if index == 0 { "@last".to_owned() } else { format!("@-{}", index + 1) };
        if wanted(app, which, row).await {
            found.extend(Candidate::new(sign, &format!("{}  {}", row.digest.run_id, about(row))));
        }
    }
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in page.rows.iter().filter_map(|row| row.digest.name.as_deref()) {
        *count.entry(name).or_default() += 1;
    }
    let end = found.len() + SHOWN;
    for row in &page.rows {
        // A name that several runs have means none of them, whichever of them make sense here.
        let Some(name) = row.digest.name.as_deref().filter(|name| count.get(name) == Some(&1)) else {
            continue;
        };
        let sign = format!("@{name}");
        if is_age(name) || !sign.starts_with(typed) || found.len() >= end || !wanted(app, which, row).await {
            continue;
        }
        // Older runs may be called the same. Where that takes too long to find out, nothing is promised.
        if page.next.is_some() && (began.elapsed() > QUICK || !is_only_one(app, name).await) {
            continue;
        }
        found.extend(Candidate::new(sign, &format!("{}  {}", row.digest.run_id, standing(row))));
    }
    found
}

/// What would be read as an age, not as a name.
fn is_age(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name == "last" || name.strip_prefix('-').is_some_and(digits)
}

async fn is_only_one(app: &App, name: &str) -> bool {
    let scope = RunQuery { include_archived: true, ..RunQuery::default() };
    let query = ListQuery { scope, name: Some(name.to_owned()), limit: Some(2), ..ListQuery::default() };
    rows(app, &query).await.len() == 1
}

/// Groups of the newest runs.
pub(super) async fn groups(app: &App) -> Vec<Candidate> {
    distinct(app, |digest| (digest.group.clone(), digest.name.clone().unwrap_or_default())).await
}

/// Repositories of the newest runs.
pub(super) async fn repos(app: &App) -> Vec<Candidate> {
    distinct(app, |digest| (digest.repo.clone(), String::new())).await
}

async fn distinct(app: &App, of: impl Fn(&Digest) -> (String, String)) -> Vec<Candidate> {
    let rows = rows(app, &ListQuery { limit: Some(LOOKED_AT), ..ListQuery::default() }).await;
    let mut found: Vec<Candidate> = Vec::new();
    for (value, about) in rows.iter().map(|row| of(&row.digest)) {
        if found.len() < SHOWN && found.iter().all(|known| known.value != value) {
            found.extend(Candidate::new(value, &about));
        }
    }
    found
}

/// A state directory that cannot be read holds no runs that could be offered.
async fn rows(app: &App, query: &ListQuery) -> Vec<PageRow> {
    app.store.list(query).await.map(|page| page.rows).unwrap_or_default()
}

/// How it stands, and what people call it.
fn about(row: &PageRow) -> String {
    let digest = &row.digest;
    let made_from = digest.assignment.as_deref().unwrap_or(&digest.agent);
    format!("{}  {}", standing(row), digest.name.as_deref().unwrap_or(made_from))
}

fn standing(row: &PageRow) -> String {
    let put_away = if row.digest.archived_at.is_some() { ", archived" } else { "" };
    format!("{}{put_away} {}/{}", status(row).as_str(), row.digest.tasks_completed, row.digest.tasks_total)
}
