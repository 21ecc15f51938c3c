//! Rows of runs and of what could not be read: written, replaced and taken away. Must not read manifests.

use std::path::Path;

use agent_runner_model::manifest::Dependency;
use agent_runner_model::{Digest, RunId, Words};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::listing::ProblemKind;

use super::fold::Unsettled;
use super::stamp::Stamp;

/// A run directory, by the names it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) bucket: String,
    pub(crate) name: String,
}

impl Spot {
    /// The directory, below that of all runs.
    pub(crate) fn dir(&self, runs: &Path) -> std::path::PathBuf {
        runs.join(&self.bucket).join(&self.name)
    }
}

pub(crate) fn put_run(
    db: &Connection,
    spot: &Spot,
    ino: i64,
    stamp: Stamp,
    (digest, words): &(Digest, Words),
) -> Result<()> {
    let text = serde_json::to_string(digest)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let known = row_of(db, spot)?;
    if known.is_none() {
        db.prepare_cached("DELETE FROM problems WHERE bucket = ?1 AND name = ?2")?
            .execute(params![spot.bucket, spot.name])?;
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO runs (row, bucket, name, ino, stamp, created, updated, status, cwd, made_in, grp, parent,
             agent, backend, label, pinned, archived, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
    .execute(params![
        known,
        spot.bucket,
        spot.name,
        ino,
        stamp.as_bytes(),
        digest.created_at.as_millis(),
        digest.updated_at.as_millis(),
        digest.status.as_str(),
        digest.cwd,
        digest.made_in,
        digest.group,
        digest.parent.as_ref().map(RunId::as_str),
        digest.agent,
        digest.backend,
        digest.name,
        digest.pinned,
        digest.archived_at.is_some(),
        text,
    ])?;
    let row = known.unwrap_or_else(|| db.last_insert_rowid());
    if known.is_some() {
        forget_relatives(db, row)?;
    }
    db.prepare_cached("INSERT INTO words (rowid, name, tasks, notes, messages) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![row, words.name, words.tasks, words.notes, words.messages])?;
    for dependency in &digest.dependencies {
        let (kind, what) = match dependency {
            Dependency::Run { run_id } => ("run", run_id.as_str()),
            Dependency::Group { group_id } => ("group", group_id.as_str()),
        };
        db.prepare_cached("INSERT INTO waits VALUES (?1, ?2, ?3)")?.execute(params![row, kind, what])?;
    }
    Ok(())
}

pub(crate) fn put_problem(
    db: &Connection,
    spot: &Spot,
    ino: i64,
    stamp: Option<Stamp>,
    kind: ProblemKind,
    message: &str,
) -> Result<()> {
    forget(db, spot)?;
    db.prepare_cached("INSERT INTO problems VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        spot.bucket,
        spot.name,
        ino,
        stamp.map(Stamp::as_bytes),
        kind_text(kind),
        message
    ])?;
    Ok(())
}

/// Says that a bucket cannot be looked into. It has a name that no run has.
pub(crate) fn put_bucket_problem(db: &Connection, bucket: &str, message: &str) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO problems VALUES (?1, '', 0, NULL, ?2, ?3)")?
        .execute(params![bucket, kind_text(ProblemKind::Unreadable), message])
        .map(drop)
}

/// A bucket can be looked into, or is gone.
pub(crate) fn forget_bucket_problem(db: &Connection, bucket: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM problems WHERE bucket = ?1 AND name = ''")?.execute([bucket]).map(drop)
}

/// Takes away everything that is known of a directory.
pub(crate) fn forget(db: &Connection, spot: &Spot) -> Result<()> {
    if let Some(row) = row_of(db, spot)? {
        forget_relatives(db, row)?;
        db.prepare_cached("DELETE FROM runs WHERE row = ?1")?.execute([row])?;
    }
    db.prepare_cached("DELETE FROM problems WHERE bucket = ?1 AND name = ?2")?
        .execute(params![spot.bucket, spot.name])?;
    Ok(())
}

pub(crate) fn put_unsettled(db: &Connection, spot: &Spot, why: Option<&Unsettled>) -> Result<()> {
    let empty = match why {
        Some(Unsettled::Busy) => false,
        Some(Unsettled::Empty) => true,
        None => {
            return db
                .prepare_cached("DELETE FROM unsettled WHERE bucket = ?1 AND name = ?2")?
                .execute(params![spot.bucket, spot.name])
                .map(drop);
        }
    };
    db.prepare_cached("INSERT OR REPLACE INTO unsettled VALUES (?1, ?2, ?3)")?
        .execute(params![spot.bucket, spot.name, empty])
        .map(drop)
}

fn row_of(db: &Connection, spot: &Spot) -> Result<Option<i64>> {
    db.prepare_cached("SELECT row FROM runs WHERE bucket = ?1 AND name = ?2")?
        .query_row(params![spot.bucket, spot.name], |row| row.get(0))
        .optional()
}

fn forget_relatives(db: &Connection, row: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([row])?;
    db.prepare_cached("DELETE FROM waits WHERE row = ?1")?.execute([row])?;
    Ok(())
}

fn kind_text(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Unreadable => "unreadable",
        ProblemKind::Reference => "reference",
        ProblemKind::Newer => "newer",
    }
}

/// The kind a text stands for; what is not known is unreadable.
pub(crate) fn kind_of(text: &str) -> ProblemKind {
    let all = [ProblemKind::Reference, ProblemKind::Newer];
    all.into_iter().find(|kind| kind_text(*kind) == text).unwrap_or(ProblemKind::Unreadable)
}
