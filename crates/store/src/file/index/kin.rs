//! Runs that have to do with another one: the index names candidates, their manifests are read. Must not say that a run has to
//! do with another one: who asks decides that by the manifest.

use agent_runner_model::RunId;
use rusqlite::{Connection, Params, Result, Row, params};

use crate::error::StoreError;
use crate::listing::{Kin, Kindred, Problem};

use super::super::layout::{Layout, MANIFEST};
use super::super::{document, query as scan};
use super::fold;
use super::listing::{TRIES, problems};
use super::place::Shelf;
use super::rows::Spot;

/// Runs that have to do with another one.
pub(crate) fn kin(shelf: &Shelf, layout: &Layout, kin: &Kin<'_>) -> std::result::Result<Kindred, StoreError> {
    layout.buckets()?;
    let asked = shelf.ask(layout, |db| {
        for _ in 1..TRIES {
            let mut stale = Vec::new();
            let found = problems(db, layout, None, &mut stale)?;
            if stale.is_empty() {
                return Ok((candidates(db, kin)?, found));
            }
            fold::refresh(db, layout, &stale)?;
        }
        Ok((candidates(db, kin)?, problems(db, layout, None, &mut Vec::new())?))
    });
    let (spots, problems) = asked.map_err(|source| StoreError::Index { source })?;
    let mut kindred = Kindred { runs: Vec::new(), problems };
    for spot in spots {
        let dir = spot.dir(layout.runs());
        match document::load_listed(&dir) {
            Ok(Some(manifest)) => kindred.runs.push(manifest),
            // It was deleted at this moment.
            Ok(None) => {}
            Err(error) => {
                let path = dir.join(MANIFEST);
                kindred.problems.push(Problem {
                    path,
                    kind: scan::kind(&error),
                    message: scan::words(&error),
                });
            }
        }
    }
    kindred.problems.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(kindred)
}

fn candidates(db: &Connection, kin: &Kin<'_>) -> Result<Vec<Spot>> {
    match kin {
        Kin::Group(group) => spots(db, "grp = ?1", [group]),
        Kin::WaitingFor { run, group } => spots(
            db,
            "row IN (SELECT row FROM waits WHERE (kind = 'run' AND what = ?1) OR (kind = 'group' AND what = ?2))",
            params![run.as_str(), group],
        ),
        Kin::Children(run) => spots(db, "parent = ?1", [run.as_str()]),
        Kin::Descendants(run) => descendants(db, run),
        Kin::Worktrees => spots(db, "made_in IS NOT NULL", []),
    }
}

/// Without the run itself, even where manifests say that it descends from itself.
fn descendants(db: &Connection, run: &RunId) -> Result<Vec<Spot>> {
    let below = "name <> ?1 AND name IN (
        WITH RECURSIVE below (name) AS (
            VALUES (?1) UNION SELECT runs.name FROM runs JOIN below ON runs.parent = below.name)
        SELECT name FROM below)";
    spots(db, below, [run.as_str()])
}

fn spots(db: &Connection, condition: &str, of: impl Params) -> Result<Vec<Spot>> {
    let spot = |row: &Row<'_>| Ok(Spot { bucket: row.get(0)?, name: row.get(1)? });
    let order = "ORDER BY created DESC, name DESC, bucket DESC";
    db.prepare(&format!("SELECT bucket, name FROM runs WHERE {condition} {order}"))?
        .query_map(of, spot)?
        .collect()
}
