//! Where the index of a state directory is: opens it, makes it where there is none, and throws it away where it is no use.
//! Who cannot have it on a disk gets one in memory. Must not make any difference to what is found.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use sha2::{Digest as _, Sha256};

use crate::host::Holder;
use crate::space::{Loose, LooseKind, Space};

use super::super::layout::Layout;
use super::super::network::network_file_system;
use super::super::usage::space_of;
use super::super::{durable, lock};
use super::{fold, schema};

/// How long somebody waits for those who write the index. Making it anew takes half of that.
const PATIENCE: Duration = Duration::from_secs(1);
const FILE: &str = "runs.sqlite";
/// Says since which start of the machine there is one.
pub(super) const BOOT: &str = "boot";
/// Names the state directory.
pub(super) const STATE_DIR: &str = "state-dir";
/// What the names of indexes begin with that are being thrown away, after a dot.
pub(super) const AWAY: &str = "away-";

/// The place of an index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    place: Option<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    dir: PathBuf,
    /// What it is the index of.
    state_dir: PathBuf,
}

/// Why an index is not used.
#[derive(Debug)]
enum Unusable {
    /// It is damaged, or of another layout.
    Bad,
    /// Somebody has it, there is no place for it, or it is on a network.
    NotNow,
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        // What is no error of the database is a value that no reader of ours has written.
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) => Self::Bad,
            // No such table: another program's database.
            Some(ErrorCode::Unknown) | None => Self::Bad,
            Some(_) => Self::NotNow,
        }
    }
}

impl Shelf {
    /// The index of a state directory below a directory of this host.
    pub(crate) fn new(below: &Path, state_dir: &Path) -> Self {
        let real = fs::canonicalize(state_dir).unwrap_or_else(|_| state_dir.to_path_buf());
        let digest = Sha256::digest(real.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { place: Some(Place { dir: below.join(name), state_dir: real }) }
    }

    /// What the index takes, if there is one.
    pub(crate) fn account(&self) -> Option<Loose> {
        let path = self.place.as_ref()?.dir.clone();
        let space = space_of(&path);
        (space != Space::default()).then_some(Loose { kind: LooseKind::Index, path, run_id: None, space })
    }

    /// Asks an index that is up to date: the one on the disk, and where that cannot be asked, one that is made for this.
    pub(crate) fn ask<T>(
        &self,
        layout: &Layout,
        mut question: impl FnMut(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if let Some(place) = &self.place {
            for _ in 0..2 {
                match ask_on_disk(place, layout, &mut question) {
                    Ok(answer) => return Ok(answer),
                    Err(Unusable::Bad) => throw_away(&place.dir),
                    Err(Unusable::NotNow) => break,
                }
            }
        }
        let mut db = Connection::open_in_memory()?;
        schema::make(&db)?;
        fold::fold(&mut db, layout)?;
        question(&mut db)
    }
}

fn ask_on_disk<T>(
    place: &Place,
    layout: &Layout,
    question: &mut impl FnMut(&mut Connection) -> rusqlite::Result<T>,
) -> Result<T, Unusable> {
    let mut db = open(place)?;
    fold::fold(&mut db, layout)?;
    Ok(question(&mut db)?)
}

/// Opens what is there; makes it if there is nothing.
fn open(place: &Place) -> Result<Connection, Unusable> {
    let dir = place.dir.as_path();
    let not_now = |_| Unusable::NotNow;
    let guard = guard(dir);
    if let Some(parent) = dir.parent() {
        durable::make_dirs(parent).map_err(not_now)?;
    }
    {
        let _shared = lock::shared(&guard, PATIENCE).map_err(not_now)?;
        if let Some(db) = try_open(dir)? {
            return Ok(db);
        }
    }
    let _alone = lock::exclusive(&guard, PATIENCE).map_err(not_now)?;
    if let Some(db) = try_open(dir)? {
        return Ok(db);
    }
    // What belongs to a database that is gone would be taken for this one's.
    clear(dir);
    durable::make_dir(dir).map_err(not_now)?;
    if network_file_system(dir).ok().flatten().is_some() {
        return Err(Unusable::NotNow);
    }
    let path = dir.join(FILE);
    durable::private().write(true).create(true).truncate(false).open(&path).map_err(|_| Unusable::NotNow)?;
    let db = prepare(&path)?;
    schema::make(&db)?;
    // Whoever clears up has to know when that is gone.
    fs::write(dir.join(STATE_DIR), place.state_dir.as_os_str().as_encoded_bytes())
        .map_err(|_| Unusable::NotNow)?;
    fs::write(dir.join(BOOT), Holder::current().boot_id).map_err(|_| Unusable::NotNow)?;
    Ok(db)
}

/// The index if there is one that was made since this machine was started: without syncs, nobody knows what a power cut
/// left of an older one.
fn try_open(dir: &Path) -> Result<Option<Connection>, Unusable> {
    let path = dir.join(FILE);
    let Ok(found) = fs::metadata(&path) else { return Ok(None) };
    let boot = fs::read_to_string(dir.join(BOOT)).unwrap_or_default();
    if boot != Holder::current().boot_id || network_file_system(dir).ok().flatten().is_some() {
        return Ok(None);
    }
    let db = prepare(&path)?;
    if !schema::fits(&db)? {
        return Err(Unusable::Bad);
    }
    // Its side files are opened by name: they must be those of the file that was opened.
    match fs::metadata(&path) {
        Ok(now) if now.ino() == found.ino() => Ok(Some(db)),
        Ok(_) | Err(_) => Err(Unusable::NotNow),
    }
}

fn prepare(path: &Path) -> Result<Connection, Unusable> {
    let db = Connection::open(path)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(32);
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
    Ok(db)
}

/// The file that is locked by who opens or makes an index.
pub(super) fn guard(dir: &Path) -> PathBuf {
    dir.with_extension("lock")
}

/// Takes an index away that is no use. Whoever has it open goes on with what they have.
fn throw_away(dir: &Path) {
    if let Ok(_alone) = lock::exclusive(&guard(dir), PATIENCE) {
        clear(dir);
    }
}

/// All files of an index go at one stroke, out of the way of the next one.
fn clear(dir: &Path) {
    let away = dir.with_extension(format!("{AWAY}{}", std::process::id()));
    let moved = fs::rename(dir, &away).or_else(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => fs::remove_dir_all(dir),
    });
    let _ = moved;
    let _ = fs::remove_dir_all(&away);
}
