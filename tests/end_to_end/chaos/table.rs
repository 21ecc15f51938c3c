//! Which points each kind of process comes by, and how often. The crash tests kill at each of these visits; the trace of
//! undisturbed processes says that there are no others.

use super::scene::{Scene, Worker};
use super::trace::Path;

/// Once, but only when the log has bytes that were never committed, or has lost some that were.
pub const PREPARED: u8 = u8::MAX;

/// The kinds of processes that are killed, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `run` with an agent and an assignment: makes a run and starts its driver.
    New,
    /// `run ready`.
    Ready,
    /// `run --resume-run` of a ready run.
    Resume,
    /// `recover` after a driver died with its worker alive.
    Recover,
    /// `run abort` in the same situation.
    Abort,
    /// The driver of a run with one attempt.
    Driver,
    /// `task set` with a status and notes.
    Task,
    /// The embedded worker with one task of one block.
    Worker,
}

const P: u8 = PREPARED;

/// Point, then the visits of each column.
const VISITS: &[(&str, [u8; 8])] = &[
    //                          new ready resume recover abort driver task worker
    ("store.create.locked", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.made_dir", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.wrote_seeds", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.wrote_log", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.wrote_tmp", [2, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.announced", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.renamed", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("store.create.synced", [1, 0, 0, 0, 0, 0, 0, 0]),
    // None of these imports runs; `transfer` kills there.
    ("store.adopt.claimed", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.wrote_log", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.wrote_blobs", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.wrote_manifest", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.synced", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.renamed", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.adopt.done", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.aside.moved", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.aside.settled", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.commit.locked", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.commit.quarantined", [0, P, P, P, P, P, P, P]),
    ("store.commit.repaired", [0, P, P, P, P, P, P, P]),
    ("store.commit.guarded", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.commit.announced", [0, 1, 1, 1, 2, 3, 1, 3]),
    // A commit without events, such as that of a worker's process, leaves the log alone.
    ("store.commit.torn", [0, 1, 0, 1, 2, 2, 1, 3]),
    ("store.commit.appended", [0, 1, 0, 1, 2, 2, 1, 3]),
    ("store.commit.log_synced", [0, 1, 0, 1, 2, 2, 1, 3]),
    ("store.commit.tmp_written", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.commit.tmp_synced", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.commit.renamed", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.commit.dir_synced", [0, 1, 1, 1, 2, 3, 1, 3]),
    ("store.owner.locked", [0, 0, 0, 1, 1, 1, 0, 0]),
    ("store.owner.written", [0, 0, 0, 1, 1, 1, 0, 0]),
    ("store.workspace.entered", [0, 0, 0, 0, 0, 1, 0, 0]),
    // None of these deletes runs or hands files over; the store's own tests and those of attachments kill there.
    ("store.delete.checked", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.delete.announced", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.delete.moved", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.delete.emptied", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.blob.half_copied", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.blob.copied", [0, 0, 0, 0, 0, 0, 0, 0]),
    // Their logs are too short to be compressed, and nothing collects them; `garbage` kills there.
    ("store.blob.sealing", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("store.blob.sealed", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.started", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.took_lease", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.attempt_committed", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.spawned", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.spawn_committed", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.worker_exited", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.leftovers_ended", [0, 0, 0, 0, 0, 1, 0, 0]),
    ("driver.finished", [0, 0, 0, 0, 0, 1, 0, 0]),
    // These runs have no hooks; `hooks::kills` kills there.
    ("driver.hook_begins", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.hook_ran", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.hook_committed", [0, 0, 0, 0, 0, 0, 0, 0]),
    // They have no parent that is to be told; `notices` kills there.
    ("driver.notice_pending", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.notice_told", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.notice_started", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.notice_acted", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("driver.notice_delivered", [0, 0, 0, 0, 0, 0, 0, 0]),
    // Nor do they have a budget; `budgets` kills there.
    ("budget.reserved", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("budget.unsettled", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("gc.decided", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("command.created", [1, 0, 0, 0, 0, 0, 0, 0]),
    ("command.preparing", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("command.driver_spawned", [1, 0, 1, 0, 0, 0, 0, 0]),
    ("command.lease_seen", [1, 0, 1, 0, 0, 0, 0, 0]),
    ("command.following", [1, 0, 1, 0, 0, 0, 0, 0]),
    ("command.attachment_kept", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("task.hook_begins", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("task.hook_ran", [0, 0, 0, 0, 0, 0, 0, 0]),
    ("task.before_commit", [0, 0, 0, 0, 0, 0, 1, 3]),
    ("task.after_commit", [0, 0, 0, 0, 0, 0, 1, 3]),
];

/// Every visit of a column that needs no preparation: the point, and for which time.
pub fn visits(column: Column) -> Vec<(&'static str, u8)> {
    let row = |(point, visits): &(&'static str, [u8; 8])| (*point, visits[column as usize]);
    let counted = VISITS.iter().map(row).filter(|(_, count)| *count != PREPARED);
    counted.flat_map(|(point, count)| (1..=count).map(move |time| (point, time))).collect()
}

/// The columns that come by a point after a preparation.
pub fn prepared(point: &str) -> Vec<Column> {
    use Column::{Abort, Driver, New, Ready, Recover, Resume, Task, Worker};
    let row = VISITS.iter().find(|(name, _)| *name == point).unwrap();
    let columns = [New, Ready, Resume, Recover, Abort, Driver, Task, Worker];
    columns.into_iter().filter(|column| row.1[*column as usize] == PREPARED).collect()
}

/// The points the sources list.
fn listed() -> Vec<&'static str> {
    let source = include_str!("../../../crates/store/src/failpoint.rs");
    let list = source.split("pub const ALL: &[&str] = &[").nth(1).unwrap().split("];").next().unwrap();
    list.split('"').skip(1).step_by(2).collect()
}

#[test]
fn chaos_the_table_has_every_point() {
    let points: Vec<&str> = VISITS.iter().map(|(point, _)| *point).collect();
    assert_eq!(points, listed());
}

/// Fails unless an undisturbed process came by just the points of its column.
fn assert_as_in_table(column: Column, path: &Path) {
    let mut expected = std::collections::BTreeMap::new();
    for (point, _) in visits(column) {
        *expected.entry(point).or_insert(0u8) += 1;
    }
    assert_eq!(path.visits(), expected, "{column:?} came by: {:?}", path.points);
}

#[test]
fn chaos_the_table_is_what_processes_come_by() {
    let scene = Scene::new(Worker::Script, 1);
    let run = |args: &[&str]| scene.command(args).run().expect_code(0);
    let only = |role: &str, scene: &Scene| -> Path {
        let mut paths = scene.paths(role);
        assert_eq!(paths.len(), 1, "{paths:?}");
        scene.forget_paths();
        paths.remove(0)
    };
    run(&["task", "set", &scene.run, "one", "--status", "in_progress", "--notes", "begun"]);
    assert_as_in_table(Column::Task, &only("task", &scene));
    run(&["run", "ready", &scene.run]);
    assert_as_in_table(Column::Ready, &only("command", &scene));
    run(&["run", "--resume-run", &scene.run]);
    assert_as_in_table(Column::Driver, &scene.paths("driver")[0]);
    assert_as_in_table(Column::Resume, &only("command", &scene));

    let scene = Scene::bare(Worker::Script, 1);
    scene.start_new().run().expect_code(0);
    assert_as_in_table(Column::New, &only("command", &scene));

    let scene = Scene::ready(Worker::ShellOnce, 1);
    scene.resume().run().expect_code(0);
    assert_as_in_table(Column::Worker, &only("worker", &scene));

    for (column, words) in [(Column::Recover, &["recover"][..]), (Column::Abort, &["run", "abort"])] {
        let scene = Scene::ready(Worker::Script, 1);
        scene.lose_driver();
        scene.command(words).arg(&scene.run).run().expect_code(0);
        assert_as_in_table(column, &only("command", &scene));
    }
}
