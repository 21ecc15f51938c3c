//! Brings an index up to what manifests say: folds in what the change log announces, finds directories that are new or gone,
//! and looks at all of them where announcements are missing. Must not change anything in the state directory but what
//! somebody who was killed has left.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use agent_runner_model::{Digest, RunId, Words};
use rusqlite::{Connection, Result, TransactionBehavior, params};

use crate::listing::ProblemKind;

use super::super::changed::{self, Mark};
use super::super::layout::{Layout, MANIFEST, RUN_LOCK, numbered_and_remains};
use super::super::{delete, document, durable, leftovers, query};
use super::rows::{self, Spot};
use super::schema;
use super::stamp::{Stamp, changed_at};

/// A directory that was changed more recently than this may change again without another mtime: the clock has ticks.
const TICK_NANOS: i64 = 100_000_000;
/// The same where file systems keep whole seconds, or two of them.
const COARSE_NANOS: i64 = 2_500_000_000;
/// From so many directories on they are read by several threads.
const MANY: usize = 256;
const MOST_THREADS: usize = 4;

/// What an index knows of how far it is.
struct Known {
    mark: Mark,
    swept: bool,
    buckets: Vec<(String, i64)>,
    unsettled: BTreeSet<Spot>,
}

/// Folds in what happened since the last time. Looks before it takes the right to write.
pub(crate) fn fold(db: &mut Connection, layout: &Layout) -> Result<()> {
    if is_current(&known(db, layout)?, layout) {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = known(&tx, layout)?;
    // First the log: what happens from here on is in what is left of it.
    let news = changed::since(layout, &known.mark)
        .unwrap_or_else(|_| changed::News { has_gap: true, ..changed::News::default() });
    let sweep = news.has_gap || !known.swept;
    let mut stale = known.unsettled.clone();
    stale.extend(news.places.iter().filter_map(|place| spot(place)));
    look_at_buckets(&tx, layout, &known, sweep, &mut stale)?;
    read_all(&tx, layout, stale.into_iter().collect())?;
    if !known.swept {
        schema::sort(&tx)?;
    }
    let read = i64::try_from(news.mark.read).unwrap_or(0);
    tx.execute("UPDATE facts SET log = ?1, read = ?2, swept = 1", params![news.mark.log, read])?;
    tx.commit()
}

/// Reads directories again that were found to be other than they are known.
pub(crate) fn refresh(db: &mut Connection, layout: &Layout, stale: &[Spot]) -> Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    read_all(&tx, layout, stale.to_vec())?;
    tx.commit()
}

fn known(db: &Connection, layout: &Layout) -> Result<Known> {
    let (mark, swept) = db.prepare_cached("SELECT log, read, swept FROM facts")?.query_row([], |row| {
        let read: i64 = row.get(1)?;
        Ok((Mark { log: row.get(0)?, read: read.unsigned_abs() }, row.get(2)?))
    })?;
    let buckets = db
        .prepare_cached("SELECT bucket, changed FROM buckets")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut unsettled: BTreeSet<Spot> = BTreeSet::new();
    for (spot, empty) in unsettled_spots(db)? {
        if !empty || is_no_longer_empty(&spot.dir(layout.runs())) {
            unsettled.insert(spot);
        }
    }
    Ok(Known { mark, swept, buckets, unsettled })
}

fn unsettled_spots(db: &Connection) -> Result<Vec<(Spot, bool)>> {
    db.prepare_cached("SELECT bucket, name, empty FROM unsettled")?
        .query_map([], |row| Ok((Spot { bucket: row.get(0)?, name: row.get(1)? }, row.get(2)?)))?
        .collect()
}

/// A directory without a manifest is looked at by name alone, for as long as it stays so: somebody may copy a run there.
fn is_no_longer_empty(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(MANIFEST)).is_ok() || fs::symlink_metadata(dir).is_err()
}

/// Whether nothing has happened.
fn is_current(known: &Known, layout: &Layout) -> bool {
    let quiet = || {
        let news = changed::since(layout, &known.mark).ok()?;
        let still = !news.has_gap && news.places.is_empty() && news.mark == known.mark;
        let mut names = bucket_names(layout);
        names.sort();
        let same = |(name, changed): &(String, i64)| changed_at(&layout.bucket(name)) == Some(*changed);
        let mut known_names: Vec<&String> = known.buckets.iter().map(|(name, _)| name).collect();
        known_names.sort();
        Some(still && names.iter().eq(known_names) && known.buckets.iter().all(same))
    };
    known.swept && known.unsettled.is_empty() && quiet().unwrap_or(false)
}

fn bucket_names(layout: &Layout) -> Vec<String> {
    let buckets = layout.buckets().unwrap_or_default().into_iter();
    buckets.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
}

/// The directory an announcement means. Anybody may write into the log: what is no place of a run is no announcement.
fn spot(place: &str) -> Option<Spot> {
    let (bucket, name) = place.split_once('/')?;
    // Buckets that nobody would make by that name are listed, too.
    let is_bucket = !bucket.starts_with('.') && !bucket.is_empty();
    let fits = is_bucket && RunId::parse(name).is_ok();
    fits.then(|| Spot { bucket: bucket.to_owned(), name: name.to_owned() })
}

/// Finds directories that are new, gone, or other than they are known.
fn look_at_buckets(
    db: &Connection,
    layout: &Layout,
    known: &Known,
    sweep: bool,
    stale: &mut BTreeSet<Spot>,
) -> Result<()> {
    let names = bucket_names(layout);
    for (gone, _) in known.buckets.iter().filter(|(name, _)| !names.contains(name)) {
        stale.extend(known_in(db, gone)?.into_iter().map(|(spot, _)| spot));
        rows::forget_bucket_problem(db, gone)?;
        db.execute("DELETE FROM buckets WHERE bucket = ?1", [gone])?;
    }
    for bucket in names {
        let path = layout.bucket(&bucket);
        let before = known.buckets.iter().find(|(name, _)| *name == bucket).map(|(_, changed)| *changed);
        // Looked at before the names are: what comes in between changes it again.
        let changed = changed_at(&path).unwrap_or(0);
        if !sweep && before == Some(changed) {
            continue;
        }
        let how = match (sweep, before == Some(-changed)) {
            (true, _) => Compared::Manifests,
            (false, true) => Compared::Names,
            (false, false) => Compared::NamesIfExplained,
        };
        let remembered = match numbered_and_remains(&path) {
            Ok((dirs, remains)) => {
                rows::forget_bucket_problem(db, &bucket)?;
                delete::sweep(layout, &remains);
                compare(db, layout, &bucket, &dirs, how, stale)?;
                match (remains.is_empty(), is_settled(changed)) {
                    (true, true) => changed,
                    (true, false) => -changed,
                    // The next one tries again.
                    (false, _) => 0,
                }
            }
            // Nobody knows what is in there: what is known of it stays, and it is named until it can be looked into.
            Err(error) => {
                rows::put_bucket_problem(db, &bucket, &query::words(&error))?;
                0
            }
        };
        db.prepare_cached("INSERT OR REPLACE INTO buckets VALUES (?1, ?2)")?
            .execute(params![bucket, remembered])?;
    }
    Ok(())
}

/// Whether a directory that was changed then will have another mtime when it is changed again.
fn is_settled(changed: i64) -> bool {
    let is_fine = changed % 1_000_000 != 0;
    now_nanos().saturating_sub(changed) > if is_fine { TICK_NANOS } else { COARSE_NANOS }
}

/// How closely a bucket is looked at.
#[derive(Clone, Copy)]
enum Compared {
    /// Every manifest in it, by its stamp.
    Manifests,
    /// Names and numbers of directories, if all that is new or gone was announced. Otherwise somebody has been at work by
    /// hand, who may have put another directory in place of one of its name.
    NamesIfExplained,
    /// Names and numbers: it was looked at a moment ago.
    Names,
}

/// Finds directories that are new, gone, or others than those that were read. What was announced is `stale` already.
fn compare(
    db: &Connection,
    layout: &Layout,
    bucket: &str,
    dirs: &[(PathBuf, u64)],
    how: Compared,
    stale: &mut BTreeSet<Spot>,
) -> Result<()> {
    let named =
        |(dir, number): &(PathBuf, u64)| Some((dir.file_name()?.to_str()?.to_owned(), number.cast_signed()));
    let mut found: HashMap<String, i64> = dirs.iter().filter_map(named).collect();
    let mut different: Vec<String> = Vec::new();
    for (name, number) in numbers_in(db, bucket)? {
        if found.remove(&name) != Some(number) {
            different.push(name);
        }
    }
    different.extend(found.into_keys());
    let different = different.into_iter().map(|name| Spot { bucket: bucket.to_owned(), name });
    let different: Vec<Spot> = different.collect();
    let is_explained = !different.is_empty() && different.iter().all(|spot| stale.contains(spot));
    stale.extend(different);
    let by_stamps = match how {
        Compared::Manifests => true,
        Compared::NamesIfExplained => !is_explained,
        Compared::Names => false,
    };
    if by_stamps {
        for (spot, stamp) in known_in(db, bucket)? {
            if !now_is(&spot.dir(layout.runs()), stamp.as_deref()) {
                stale.insert(spot);
            }
        }
    }
    Ok(())
}

fn now_is(dir: &Path, stamp: Option<&[u8]>) -> bool {
    Stamp::of_manifest(dir).map(Stamp::as_bytes).as_ref().map(<[u8; 32]>::as_slice) == stamp
}

fn now_nanos() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

/// What is known in a bucket: names, and the numbers of the directories that were read.
fn numbers_in(db: &Connection, bucket: &str) -> Result<Vec<(String, i64)>> {
    db.prepare_cached(
        "SELECT name, ino FROM runs WHERE bucket = ?1
             UNION ALL SELECT name, ino FROM problems WHERE bucket = ?1 AND name <> ''",
    )?
    .query_map([bucket], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// The same with stamps of manifests.
fn known_in(db: &Connection, bucket: &str) -> Result<Vec<(Spot, Option<Vec<u8>>)>> {
    db.prepare_cached(
        "SELECT name, stamp FROM runs WHERE bucket = ?1
             UNION ALL SELECT name, stamp FROM problems WHERE bucket = ?1 AND name <> ''",
    )?
    .query_map([bucket], |row| Ok((Spot { bucket: bucket.to_owned(), name: row.get(0)? }, row.get(1)?)))?
    .collect()
}

/// What is in a directory.
struct Reading {
    spot: Spot,
    /// The directory's number, taken before anything was read in it.
    ino: i64,
    found: Found,
    /// Why the next one has to look again.
    unsettled: Option<Unsettled>,
}

/// What may be something else soon.
pub(super) enum Unsettled {
    /// Somebody is at work there.
    Busy,
    /// It has no manifest, and may get one.
    Empty,
}

enum Found {
    Run(Stamp, Box<(Digest, Words)>),
    Nothing,
    Problem(Option<Stamp>, ProblemKind, String),
}

/// Reads directories and keeps what is in them. Many are read by as many threads as there are processors.
fn read_all(db: &Connection, layout: &Layout, stale: Vec<Spot>) -> Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    if stale.len() < MANY || threads < 2 {
        return stale.into_iter().try_for_each(|spot| keep(db, read(layout, spot)));
    }
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(MANY);
        let mut shares: Vec<Vec<Spot>> = vec![Vec::new(); threads];
        for (number, spot) in stale.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(number % threads) {
                share.push(spot);
            }
        }
        for share in shares {
            let sender = sender.clone();
            scope.spawn(move || {
                for spot in share {
                    // Nobody listens any more when the index failed.
                    if sender.send(read(layout, spot)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.into_iter().try_for_each(|reading| keep(db, reading))
    })
}

fn read(layout: &Layout, spot: Spot) -> Reading {
    let dir = spot.dir(layout.runs());
    leftovers::clear(&dir);
    let ino = fs::symlink_metadata(&dir).map_or(0, |found| found.ino().cast_signed());
    // Tested before the manifest is read: whoever was at work has then finished, or died.
    let is_locked = is_locked(&dir);
    let stamp = Stamp::of_manifest(&dir);
    let (found, may_become) = match (document::load_listed(&dir), stamp) {
        (Ok(Some(manifest)), Some(stamp)) => (Found::Run(stamp, Box::new(Digest::of(&manifest))), false),
        // It came between two looks.
        (Ok(Some(_)), None) => (Found::Nothing, true),
        (Ok(None), _) => (Found::Nothing, dir.is_dir()),
        (Err(error), stamp) => (Found::Problem(stamp, query::kind(&error), query::words(&error)), false),
    };
    let unsettled = match (is_locked, may_become) {
        (true, _) => Some(Unsettled::Busy),
        (false, true) => Some(Unsettled::Empty),
        (false, false) => None,
    };
    Reading { spot, ino, found, unsettled }
}

fn keep(db: &Connection, Reading { spot, ino, found, unsettled }: Reading) -> Result<()> {
    match found {
        Found::Run(stamp, shown) => rows::put_run(db, &spot, ino, stamp, &shown)?,
        Found::Nothing => rows::forget(db, &spot)?,
        Found::Problem(stamp, kind, message) => rows::put_problem(db, &spot, ino, stamp, kind, &message)?,
    }
    rows::put_unsettled(db, &spot, unsettled.as_ref())
}

/// Whether somebody is at work on a run. Disturbs nobody for longer than this moment.
fn is_locked(dir: &Path) -> bool {
    let Ok(file) = durable::open_file(&dir.join(RUN_LOCK)) else { return false };
    let free = file.try_lock_shared().is_ok();
    if free {
        let _ = file.unlock();
    }
    !free
}
