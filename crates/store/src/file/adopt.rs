//! Putting a run in place that was made elsewhere. It is put together in a directory nobody looks at; one rename makes it
//! a run. Who is killed before that leaves the directory to whoever lists runs next. Must not take anything from a history.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_runner_model::event::EventRecord;
use agent_runner_model::manifest::SCHEMA_VERSION;
use agent_runner_model::{Manifest, Timestamp};

use crate::adopted::{AdoptedRun, Arrival, Bring};
use crate::bucket;
use crate::error::StoreError;
use crate::run_store::Stored;

use super::create::write_seeds;
use super::folder::Folder;
use super::layout::{ARRIVING, EVENTS, Layout, MANIFEST, OWNER_LOCK, RESERVE, RUN_LOCK, is_arriving};
use super::lock::{self, Lock};
use super::log::{self, len64};
use super::{blobs, changed, delete, document, durable, graph, handed};

/// Numbers from here on are not counted on: somebody made them up.
const MAX_COUNT: u64 = 1 << 53;

/// Tells arrivals of this process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

pub(crate) fn adopt(
    layout: &Layout,
    run: AdoptedRun,
    now: Timestamp,
    bring: &mut Bring<'_>,
    patience: Duration,
) -> Result<Manifest, StoreError> {
    let repo = &run.manifest.spec.repo;
    bucket::check(repo).map_err(|why| StoreError::Name { name: repo.clone(), why })?;
    let newest = newest_cursor(&run.history)?.max(run.manifest.last_cursor);
    if newest.max(run.manifest.revision) >= MAX_COUNT {
        return Err(StoreError::History { line: 0, why: "is followed by numbers nobody can count to" });
    }
    let bucket = layout.bucket(repo);
    // Held until it is a run, and after: whoever finds the directory can tell that somebody is at work on it.
    let (dir, _lock) = claim(layout, &run.manifest, &bucket, patience)?;
    let landed = fill(&dir, run, newest, now, bring).and_then(|manifest| {
        land(layout, &dir, &bucket, &manifest, patience)?;
        Ok(manifest)
    });
    if landed.is_err() {
        // A full disk must not keep the space. Where it became a run, there is nothing of that name any more.
        let _ = fs::remove_dir_all(&dir);
    }
    landed
}

/// Makes the directory it is put together in. Whoever clears up holds the same lock, so none is taken away before it is
/// locked itself.
fn claim(
    layout: &Layout,
    manifest: &Manifest,
    bucket: &Path,
    patience: Duration,
) -> Result<(PathBuf, Lock), StoreError> {
    durable::make_dirs(layout.runs())?;
    let _lock = lock::exclusive(&layout.create_lock(), patience)?;
    let id = &manifest.spec.run_id;
    if let Some(path) = layout.taken(id)? {
        return Err(StoreError::Exists { id: id.clone(), path });
    }
    durable::make_dirs(bucket)?;
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let dir = bucket.join(format!("{ARRIVING}{id}.{}-{unique}", std::process::id()));
    // Somebody of the same number died at it, maybe in another namespace of numbers.
    if is_at_work(&dir) {
        return Err(StoreError::Exists { id: id.clone(), path: dir });
    }
    delete::remove(&dir)?;
    durable::make_dir(&dir)?;
    let locked = lock::exclusive(&dir.join(RUN_LOCK), patience)
        .and_then(|lock| durable::check("store.adopt.claimed", &dir).map(|()| lock));
    match locked {
        Ok(lock) => Ok((dir, lock)),
        Err(error) => {
            let _ = fs::remove_dir_all(&dir);
            Err(error)
        }
    }
}

/// Writes all of it, and makes it durable.
fn fill(
    dir: &Path,
    run: AdoptedRun,
    newest: u64,
    now: Timestamp,
    bring: &mut Bring<'_>,
) -> Result<Manifest, StoreError> {
    let AdoptedRun { mut manifest, mut history, events, seeds } = run;
    write_seeds(dir, &seeds)?;
    let at = now.max(manifest.state.updated_at);
    let count = events.len() as u64;
    let added = log::render(events, newest, at)
        .map_err(|source| StoreError::Encode { id: manifest.spec.run_id.clone(), source })?;
    history.extend(added);
    durable::write_new(&dir.join(EVENTS), &history)?;
    durable::check("store.adopt.wrote_log", dir)?;
    durable::open_side_file(&dir.join(OWNER_LOCK))?;
    let mut arrival = FileArrival { dir, folders: BTreeSet::new() };
    bring(&mut arrival)?;
    for folder in arrival.folders.iter().rev() {
        durable::sync_dir(&dir.join(folder))?;
    }
    durable::check("store.adopt.wrote_blobs", dir)?;
    manifest.schema_version = SCHEMA_VERSION;
    manifest.revision += 1;
    manifest.last_cursor = newest + count;
    manifest.events_len = len64(&history);
    manifest.state.updated_at = at;
    durable::write_new(&dir.join(MANIFEST), &document::render(&manifest)?)?;
    durable::check("store.adopt.wrote_manifest", dir)?;
    durable::sync_dir(dir)?;
    durable::check("store.adopt.synced", dir)?;
    Ok(manifest)
}

/// Gives the directory its name.
fn land(
    layout: &Layout,
    dir: &Path,
    bucket: &Path,
    manifest: &Manifest,
    patience: Duration,
) -> Result<(), StoreError> {
    // It may depend on others: whoever decides by what depends on what must not miss it.
    let _graph = graph::hold(layout, patience)?;
    let _lock = lock::exclusive(&layout.create_lock(), patience)?;
    let id = &manifest.spec.run_id;
    if let Some(path) = layout.taken(id)? {
        return Err(StoreError::Exists { id: id.clone(), path });
    }
    changed::begin_another(layout);
    let place = bucket.join(id.as_str());
    let announced = changed::announce(layout, &place);
    durable::rename(dir, &place)?;
    announced.landed();
    durable::check("store.adopt.renamed", &place)?;
    // Who heard of it before there was anything to read hears of it again.
    changed::announce(layout, &place).landed();
    durable::sync_dir(bucket)?;
    durable::check("store.adopt.done", &place)
}

/// Whether a directory belongs to a run on whose way here somebody is at work. The caller holds the lock of creations.
pub(crate) fn is_at_work(path: &Path) -> bool {
    if !is_arriving(path) {
        return false;
    }
    let Ok(file) = fs::File::open(path.join(RUN_LOCK)) else { return false };
    let free = lock::try_exclusive(&file).unwrap_or(false);
    if free {
        drop(Lock::taken(file));
    }
    !free
}

/// Checks that a history is one, and says how far it goes.
fn newest_cursor(history: &[u8]) -> Result<u64, StoreError> {
    let mut newest = 0;
    let mut at = 0;
    for (index, line) in history.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let fail = |why| StoreError::History { line: index + 1, why };
        at += line.len();
        if at == history.len() && !line.ends_with(b"\n") {
            return Err(fail("has no end"));
        }
        let event: EventRecord = serde_json::from_slice(line).map_err(|_| fail("is no event"))?;
        if event.cursor <= newest {
            return Err(fail("has a cursor that is not above the one before it"));
        }
        newest = event.cursor;
    }
    Ok(newest)
}

/// The directory as whoever hands over blobs sees it.
struct FileArrival<'a> {
    dir: &'a Path,
    /// Those that were made.
    folders: BTreeSet<PathBuf>,
}

impl Arrival for FileArrival<'_> {
    fn put(&mut self, name: &str, source: &mut dyn Read, limit: u64) -> Result<Stored, StoreError> {
        blobs::check(name)?;
        let (names, file) = handed::parts(name);
        // Beside the folders are files of the store itself, some of which come later.
        if names.first().is_none_or(|top| top.contains('.') || *top == RESERVE) {
            let why = "files of a run are in folders such as attempts";
            return Err(StoreError::Name { name: name.to_owned(), why });
        }
        let mut folder = Folder::of_run(self.dir)?;
        let mut way = PathBuf::new();
        for name in names {
            folder = folder.make(name)?;
            way.push(name);
            self.folders.insert(way.clone());
        }
        handed::copy(source, &folder, file, limit)
    }
}
