//! Listings: rows of the index that still are what is on the disk, and active runs as they are. Must not show anything that
//! was found to be stale.

use std::path::PathBuf;

use agent_runner_model::{Lease, RunId};
use rusqlite::{Connection, Result};

use crate::error::StoreError;
use crate::listing::{ActiveRun, ListQuery, Page, PageRow, Problem};

use super::super::layout::{Layout, MANIFEST};
use super::super::{document, owner, query as scan};
use super::fold;
use super::place::Shelf;
use super::rows::{Spot, kind_of};
use super::select::{Found, cursor, each_run, parse_cursor};
use super::stamp::Stamp;

/// How often a listing starts over because runs changed while it was made. The last time what was folded in counts.
pub(super) const TRIES: usize = 3;

/// The runs that answer a query.
pub(crate) fn list(
    shelf: &Shelf,
    layout: &Layout,
    query: &ListQuery,
    allow_network: bool,
) -> std::result::Result<Page, StoreError> {
    if query.after.as_deref().is_some_and(|text| parse_cursor(text).is_none()) {
        return Err(StoreError::Cursor { text: query.after.clone().unwrap_or_default() });
    }
    // That the directory of runs cannot be read is not said by an index.
    layout.buckets()?;
    let asked = shelf.ask(layout, |db| page(db, layout, query, allow_network));
    asked.map_err(|source| StoreError::Index { source })
}

/// What came of a row.
enum Looked {
    Row(Box<PageRow>),
    NotThat,
    Stale,
    Problem(Problem),
}

fn page(db: &mut Connection, layout: &Layout, query: &ListQuery, allow_network: bool) -> Result<Page> {
    for trial in 1..=TRIES {
        let mut page = Page::default();
        let mut stale = Vec::new();
        let mut last = None;
        each_run(db, query, |found| {
            let is_full = query.limit.is_some_and(|limit| page.rows.len() >= limit);
            match look(layout, query, &found, allow_network, trial < TRIES) {
                // Only a run that would be shown makes another page.
                Looked::Row(_) if is_full => {
                    page.next = last.take();
                    return Ok(false);
                }
                Looked::Row(row) => {
                    last = query.limit.map(|_| cursor(&found));
                    page.rows.push(*row);
                }
                Looked::NotThat => {}
                Looked::Stale => stale.push(found.spot),
                Looked::Problem(problem) => page.problems.push(problem),
            }
            Ok(true)
        })?;
        page.problems.extend(problems(db, layout, query.scope.repo.as_deref(), &mut stale)?);
        page.problems.sort_by(|left, right| left.path.cmp(&right.path));
        if stale.is_empty() || trial == TRIES {
            return Ok(page);
        }
        fold::refresh(db, layout, &stale)?;
    }
    Ok(Page::default())
}

fn look(layout: &Layout, query: &ListQuery, found: &Found, allow_network: bool, checks: bool) -> Looked {
    let dir = found.spot.dir(layout.runs());
    let location = dir.display().to_string();
    let digest = found.digest.clone();
    if checks
        && Stamp::of_manifest(&dir).map(|stamp| stamp.as_bytes().to_vec()).as_ref() != Some(&found.stamp)
    {
        return Looked::Stale;
    }
    if !digest.is_active() {
        return Looked::Row(Box::new(PageRow { digest, location, active: None }));
    }
    match active(layout, &dir, &digest.run_id, allow_network) {
        Ok(Some(active)) => {
            let manifest = &active.manifest;
            if checks && manifest.revision != digest.revision {
                return Looked::Stale;
            }
            let status = manifest.status(active.lease == Lease::Free);
            let wanted = query.statuses.is_empty() || query.statuses.contains(&status);
            match wanted {
                true => Looked::Row(Box::new(PageRow { digest, location, active: Some(Box::new(active)) })),
                false => Looked::NotThat,
            }
        }
        Ok(None) if checks => Looked::Stale,
        Ok(None) => Looked::NotThat,
        Err(error) => {
            let path = PathBuf::from(location);
            Looked::Problem(Problem { path, kind: scan::kind(&error), message: scan::words(&error) })
        }
    }
}

/// A run and who drives it. A driver records the end before it lets go: who is not driven is read after that.
fn active(
    layout: &Layout,
    dir: &std::path::Path,
    id: &RunId,
    allow_network: bool,
) -> std::result::Result<Option<ActiveRun>, StoreError> {
    let lease = owner::observe(layout, id, allow_network)?.lease;
    let manifest = document::load(dir, id)?;
    Ok(manifest.map(|manifest| ActiveRun { lease, manifest }))
}

/// What cannot be read, in one repository or in all of them. Which of it may be something else by now goes to `stale`.
pub(super) fn problems(
    db: &Connection,
    layout: &Layout,
    repo: Option<&str>,
    stale: &mut Vec<Spot>,
) -> Result<Vec<Problem>> {
    let mut statement = db.prepare_cached(
        "SELECT bucket, name, stamp, kind, message FROM problems WHERE ?1 IS NULL OR bucket = ?1",
    )?;
    let mut rows = statement.query([repo])?;
    let mut problems = Vec::new();
    while let Some(row) = rows.next()? {
        let spot = Spot { bucket: row.get(0)?, name: row.get(1)? };
        let stamp: Option<Vec<u8>> = row.get(2)?;
        let kind: String = row.get(3)?;
        if spot.name.is_empty() {
            // Of a whole bucket: it is looked into again whenever somebody asks.
            let path = layout.bucket(&spot.bucket);
            problems.push(Problem { path, kind: kind_of(&kind), message: row.get(4)? });
            continue;
        }
        let dir = spot.dir(layout.runs());
        if Stamp::of_manifest(&dir).map(|stamp| stamp.as_bytes().to_vec()) != stamp || stamp.is_none() {
            stale.push(spot);
        }
        problems.push(Problem { path: dir.join(MANIFEST), kind: kind_of(&kind), message: row.get(4)? });
    }
    Ok(problems)
}
