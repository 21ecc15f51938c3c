//! The tables of the index. What is kept where is said in docs/design/0006-scale.md. Must not be changed without another
//! `LAYOUT`: there is no migration, an index of another layout is made anew.

use rusqlite::{Connection, Result};

/// Which tables these are.
const LAYOUT: i64 = 3;

const TABLES: &str = "
CREATE TABLE runs (
    row INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL, name TEXT NOT NULL, ino INTEGER NOT NULL, stamp BLOB NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL,
    status TEXT NOT NULL, cwd TEXT NOT NULL, made_in TEXT, grp TEXT NOT NULL, parent TEXT,
    agent TEXT NOT NULL, backend TEXT NOT NULL, label TEXT,
    pinned INTEGER NOT NULL, archived INTEGER NOT NULL, digest TEXT NOT NULL);
CREATE INDEX by_place ON runs (bucket, name, ino);
CREATE VIRTUAL TABLE words USING fts5(name, tasks, notes, messages,
    content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
CREATE TABLE waits (row INTEGER NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE problems (
    bucket TEXT NOT NULL, name TEXT NOT NULL, ino INTEGER NOT NULL, stamp BLOB, kind TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (bucket, name));
CREATE TABLE unsettled (
    bucket TEXT NOT NULL, name TEXT NOT NULL, empty INTEGER NOT NULL, PRIMARY KEY (bucket, name));
CREATE TABLE buckets (bucket TEXT PRIMARY KEY, changed INTEGER NOT NULL);
CREATE TABLE facts (log TEXT NOT NULL, read INTEGER NOT NULL, swept INTEGER NOT NULL);
INSERT INTO facts VALUES ('', 0, 0);
";

/// Made when the tables have been filled for the first time: that is quicker than keeping them in order meanwhile.
const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS by_creation ON runs (created, name, bucket);
CREATE INDEX IF NOT EXISTS by_update ON runs (updated, name, bucket);
CREATE INDEX IF NOT EXISTS by_group ON runs (grp);
CREATE INDEX IF NOT EXISTS by_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_worktree ON runs (made_in) WHERE made_in IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_cwd ON runs (cwd, created);
CREATE INDEX IF NOT EXISTS by_label ON runs (label) WHERE label IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_status ON runs (status, created);
CREATE INDEX IF NOT EXISTS by_wait ON waits (kind, what);
CREATE INDEX IF NOT EXISTS by_waiting ON waits (row);
";

/// Makes the tables of a database that has none.
pub(crate) fn make(connection: &Connection) -> Result<()> {
    connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;"))
}

/// Whether a database has these tables.
pub(crate) fn fits(connection: &Connection) -> Result<bool> {
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).map(|found| found == LAYOUT)
}

/// Makes what finds rows quickly.
pub(crate) fn sort(connection: &Connection) -> Result<()> {
    connection.execute_batch(INDEXES)
}
