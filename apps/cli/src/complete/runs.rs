//! Runs that a shell may offer: from the index, a page at most, and from what may be shown of them.

use std::collections::HashMap;

use agent_runner_model::phase::RunStatus;
use agent_runner_model::{Digest, Lease, RunId};
use agent_runner_store::{ListQuery, PageRow, RunQuery, RunStore as _};

use super::candidate::Candidate;
use super::topic::Runs;
use crate::app::App;

/// Most runs that are offered at once. Nobody reads more, and every one costs a look at the disk.
const SHOWN: usize = 100;
/// Among how many of the newest runs names, groups and repositories are looked for.
const LOOKED_AT: usize = 250;
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
        [row] if text.len() >= SHORTEST => Some(row.digest.run_id.clone()),
        _ => None,
    }
}

/// Ids of runs, newest first.
pub(super) async fn by_id(app: &App, which: Runs, typed: &str) -> Vec<Candidate> {
    let mut query = which.query();
    // Those that were put away are offered to whoever knows how their id begins.
    query.scope.include_archived |= which == Runs::Any && !typed.is_empty();
    query.begins = (!typed.is_empty()).then(|| typed.to_owned());
    query.limit = Some(SHOWN);
    let rows = rows(app, &query).await;
    rows.iter().filter_map(|row| Candidate::new(row.digest.run_id.as_str(), &about(row))).collect()
}

/// `@last`, `@-2` and names, newest first.
pub(super) async fn by_sign(app: &App, which: Runs) -> Vec<Candidate> {
    let newest = rows(app, &ListQuery { limit: Some(AGES), ..ListQuery::default() }).await;
    let mut found = Vec::new();
    for (index, row) in newest.iter().enumerate().filter(|(_, row)| which.wants(row)) {
        let sign = if index == 0 { "@last".to_owned() } else { format!("@-{}", index + 1) };
        found.extend(Candidate::new(sign, &format!("{}  {}", row.digest.run_id, about(row))));
    }
    found.extend(names(app, which).await);
    found
}

/// A name that several runs have means none of them, whichever of them make sense here.
async fn names(app: &App, which: Runs) -> Vec<Candidate> {
    let scope = RunQuery { include_archived: true, ..RunQuery::default() };
    let all = rows(app, &ListQuery { scope, limit: Some(LOOKED_AT), ..ListQuery::default() }).await;
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in all.iter().filter_map(|row| row.digest.name.as_deref()) {
        *count.entry(name).or_default() += 1;
    }
    let single = all.iter().filter(|row| which.wants(row)).filter_map(|row| {
        let name = row.digest.name.as_deref().filter(|name| count.get(name) == Some(&1))?;
        // That would be read as an age.
        let is_age = name == "last" || name.strip_prefix('-').is_some_and(|age| age.parse::<u64>().is_ok());
        if is_age {
            None
        } else {
            Candidate::new(format!("@{name}"), &format!("{}  {}", row.digest.run_id, standing(row)))
        }
    });
    single.take(SHOWN).collect()
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

impl Runs {
    fn query(self) -> ListQuery {
        let statuses = match self {
            Self::Any | Self::Archived => Vec::new(),
            Self::Initialized => vec![RunStatus::Initialized],
            Self::Active => vec![RunStatus::Running, RunStatus::Interrupted],
            Self::Unended => {
                vec![RunStatus::Initialized, RunStatus::Ready, RunStatus::Running, RunStatus::Interrupted]
            }
            Self::Interrupted => vec![RunStatus::Interrupted],
            Self::Resting => vec![
                RunStatus::Initialized,
                RunStatus::Ready,
                RunStatus::Success,
                RunStatus::Blocked,
                RunStatus::Exhausted,
                RunStatus::Aborted,
                RunStatus::Error,
            ],
        };
        let archived = self == Self::Archived;
        let scope = RunQuery { include_archived: archived, ..RunQuery::default() };
        ListQuery { scope, statuses, archived, ..ListQuery::default() }
    }

    fn wants(self, row: &PageRow) -> bool {
        let query = self.query();
        let archived = row.digest.archived_at.is_some();
        (archived == query.archived || self == Self::Any)
            && (query.statuses.is_empty() || query.statuses.contains(&status(row)))
    }
}

fn status(row: &PageRow) -> RunStatus {
    match &row.active {
        Some(active) => active.manifest.status(active.lease == Lease::Free),
        None => row.digest.status,
    }
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
