//! The embedded worker is killed at every point it comes by: the attempt has crashed, which costs a retry, and the run
//! goes on.

use crate::harness::Manifest as _;

use super::scene::{Scene, Worker, at};
use super::table::{Column, visits};
use super::trace::FAILPOINT;

/// Points of its last report from which on the task is completed.
const COMPLETED: [&str; 3] = ["store.commit.renamed", "store.commit.dir_synced", "task.after_commit"];
/// The last of its reports.
const LAST: u8 = 3;

fn kill_worker_during(report: u8) {
    for (point, times) in visits(Column::Worker).into_iter().filter(|(_, times)| *times == report) {
        let scene = Scene::ready(Worker::ShellOnce, 1);
        let follower = scene.follow();
        scene.world.write("fatal", at("worker", point, times));
        scene.resume().run().expect_code(0);
        scene.paths("worker")[0].assert_ends_at(point, times);
        let after = scene.conclude();
        let done = times == LAST && COMPLETED.contains(&point);
        let (ends, spent) = if done { ("crashed", 1) } else { ("crashed reported", 2) };
        assert_eq!(
            (after.ends().as_str(), after.spent()),
            (ends, vec![spent]),
            "{point} for the {times}. time"
        );
        let record = after.attempt(0);
        assert_eq!(
            (&record["signal"], &record["exitCode"]),
            (&9.into(), &serde_json::Value::Null),
            "{record}"
        );
        follower.finish();
    }
}

#[test]
fn chaos_worker_killed_during_its_first_report() {
    kill_worker_during(1);
}

#[test]
fn chaos_worker_killed_during_its_second_report() {
    kill_worker_during(2);
}

#[test]
fn chaos_worker_killed_during_its_last_report() {
    kill_worker_during(LAST);
}

#[test]
fn chaos_a_worker_that_is_killed_every_time_ends_the_run_for_now() {
    let scene = Scene::ready(Worker::Shell, 1);
    let follower = scene.follow();
    let point = "task.before_commit";
    scene.resume().env(FAILPOINT, at("worker", point, 1)).run().expect_code(4);
    let paths = scene.paths("worker");
    assert_eq!(paths.len(), 3, "{paths:?}");
    paths.iter().for_each(|path| path.assert_ends_at(point, 1));
    let before = scene.check();
    assert_eq!((before.outcome(), before.ends().as_str()), ("failed", "crashed crashed crashed"));
    assert_eq!((scene.effective_status().as_str(), before.spent()), ("error", vec![3]));
    scene.world.assert_nothing_left();
    scene.resume().run().expect_code(0);
    let after = scene.conclude();
    assert_eq!(after.spent(), [3, 1]);
    follower.finish();
}
