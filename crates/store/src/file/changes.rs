//! Wakes whoever watches a run. It is the rename of the manifest that wakes, never the growth of the log. Must not
//! read what has changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::broadcast::{self, error::RecvError};

use super::layout::MANIFEST;
use super::network::network_file_system;

/// How often a run is looked at where the system cannot watch it.
const REREAD: Duration = Duration::from_millis(500);
/// Changes that wait for a slow watcher; more of them are one big change.
const BACKLOG: usize = 64;

/// The one watcher of a store. Systems allow few of them, and ending one takes milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    watching: Mutex<Option<Watching>>,
}

#[derive(Debug)]
struct Watching {
    watcher: RecommendedWatcher,
    /// How many watch a directory.
    counts: BTreeMap<PathBuf, usize>,
    sender: broadcast::Sender<Arc<Path>>,
}

/// A watch over one run.
#[derive(Debug)]
pub struct FileChanges {
    manifest: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Watched { hub: Arc<Hub>, dir: PathBuf, receiver: broadcast::Receiver<Arc<Path>> },
    Reread { seen: Option<Identity> },
}

/// What differs between two manifests in the same place.
type Identity = (u64, i64, i64, u64);

impl Hub {
    /// Watches a run's directory, or looks at it now and then where that is not possible.
    pub(crate) fn watch(self: &Arc<Self>, dir: &Path) -> FileChanges {
        let manifest = dir.join(MANIFEST);
        let remote = network_file_system(dir).is_ok_and(|found| found.is_some());
        let receiver = if remote { None } else { self.subscribe(dir) };
        let source = match receiver {
            Some(receiver) => Source::Watched { hub: Arc::clone(self), dir: dir.to_path_buf(), receiver },
            None => Source::Reread { seen: identity(&manifest) },
        };
        FileChanges { manifest, source }
    }

    fn subscribe(&self, dir: &Path) -> Option<broadcast::Receiver<Arc<Path>>> {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_none() {
            *watching = Watching::start();
        }
        let watching = watching.as_mut()?;
        let receiver = watching.sender.subscribe();
        // Even if it is watched: it may have been deleted and made anew.
        watching.watcher.watch(dir, RecursiveMode::NonRecursive).ok()?;
        *watching.counts.entry(dir.to_path_buf()).or_default() += 1;
        Some(receiver)
    }

    fn unsubscribe(&self, dir: &Path) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watching) = watching.as_mut() else { return };
        let Some(count) = watching.counts.get_mut(dir) else { return };
        *count -= 1;
        if *count == 0 {
            watching.counts.remove(dir);
            // It fails when the directory is gone, and then there is nothing to end.
            let _ = watching.watcher.unwatch(dir);
        }
    }
}

impl Watching {
    fn start() -> Option<Self> {
        let (sender, _) = broadcast::channel(BACKLOG);
        let wake = sender.clone();
        let watcher = notify::recommended_watcher(move |event| announce(&wake, event)).ok()?;
        Some(Self { watcher, counts: BTreeMap::new(), sender })
    }
}

/// Passes on what may be a new manifest. A path that is empty concerns everybody.
fn announce(wake: &broadcast::Sender<Arc<Path>>, event: notify::Result<notify::Event>) {
    let everybody = || Arc::from(Path::new(""));
    // Nobody listens while nobody watches; that is no failure.
    let _ = match event {
        Err(_) => wake.send(everybody()),
        Ok(event) if event.need_rescan() => wake.send(everybody()),
        Ok(event) => {
            let replaced = match event.kind {
                EventKind::Modify(ModifyKind::Name(_)) | EventKind::Create(_) | EventKind::Remove(_) => true,
                EventKind::Modify(_) | EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
            };
            // The manifest, or the directory itself; run ids have no dot.
            let concerned = |path: &&PathBuf| path.ends_with(MANIFEST) || path.extension().is_none();
            match event.paths.iter().find(concerned) {
                Some(path) if replaced => wake.send(Arc::from(path.as_path())),
                Some(_) | None => return,
            }
        }
    };
}

impl crate::run_store::Changes for FileChanges {
    async fn next(&mut self) {
        match &mut self.source {
            Source::Watched { dir, receiver, .. } => loop {
                match receiver.recv().await {
                    Ok(path) if path.as_os_str().is_empty() || *path == **dir || *path == *self.manifest => {
                        // One commit is told several times; what waits already is answered by the same look.
                        *receiver = receiver.resubscribe();
                        return;
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => {
                        *receiver = receiver.resubscribe();
                        return;
                    }
                    // The watcher is gone, which cannot be while its store is there; do not spin.
                    Err(RecvError::Closed) => return tokio::time::sleep(REREAD).await,
                }
            },
            Source::Reread { seen } => loop {
                tokio::time::sleep(REREAD).await;
                let now = identity(&self.manifest);
                if *seen != now {
                    *seen = now;
                    return;
                }
            },
        }
    }
}

impl Drop for FileChanges {
    fn drop(&mut self) {
        if let Source::Watched { hub, dir, .. } = &self.source {
            hub.unsubscribe(dir);
        }
    }
}

fn identity(manifest: &Path) -> Option<Identity> {
    let data = fs::metadata(manifest).ok()?;
    Some((data.ino(), data.mtime(), data.mtime_nsec(), data.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_run_is_watched_not_looked_at_now_and_then() {
        let dir = tempfile::tempdir().unwrap();
        let hub = Arc::new(Hub::default());
        assert!(matches!(hub.watch(dir.path()).source, Source::Watched { .. }));
        let missing = hub.watch(&dir.path().join("missing"));
        assert!(matches!(missing.source, Source::Reread { seen: None }));
    }

    #[test]
    fn a_watch_that_nobody_needs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let hub = Arc::new(Hub::default());
        let watched = || hub.watching.lock().unwrap().as_ref().map_or(0, |watching| watching.counts.len());
        let (first, second) = (hub.watch(dir.path()), hub.watch(dir.path()));
        drop(first);
        assert_eq!(watched(), 1);
        drop(second);
        assert_eq!(watched(), 0);
    }
}
