//! The driver is killed at every point it comes by. The run says that it was interrupted and goes on without spending a
//! retry.

use crate::harness::Manifest as _;

use super::scene::{Scene, Worker, at};
use super::table::{Column, visits};
use super::trace::FAILPOINT;

/// The last commit of the run, which ends it.
const LAST: u8 = 3;

fn kill_driver_at(point: &str, times: u8) {
    let scene = Scene::ready(Worker::Script, 1);
    let follower = scene.follow();
    let front = scene.resume().env(FAILPOINT, at("driver", point, times)).run();
    scene.assert_died_at("driver", point, times);
    let before = scene.assert_interrupted(&front);
    let over = point == "driver.finished"
        || times == LAST && ["store.commit.renamed", "store.commit.dir_synced"].contains(&point);
    assert_eq!(before.phase() == "ended", over, "killed at {point} for the {times}. time");
    scene.note("after-the-kill");
    let after = scene.conclude();
    let spent: u64 = after.spent().iter().sum();
    assert!(spent <= 1, "an interruption cost a retry: {}", after.ends());
    follower.finish();
}

fn kill_driver_where(wanted: impl Fn(&str, u8) -> bool) {
    let mut kills = 0;
    for (point, times) in visits(Column::Driver).into_iter().filter(|(point, times)| wanted(point, *times)) {
        kill_driver_at(point, times);
        kills += 1;
    }
    assert!(kills > 5, "{kills} points are too few");
}

#[test]
fn chaos_driver_killed_at_points_of_its_own() {
    kill_driver_where(|point, _| !point.starts_with("store.commit."));
}

#[test]
fn chaos_driver_killed_within_the_commit_of_an_attempts_start() {
    kill_driver_where(|point, times| point.starts_with("store.commit.") && times == 1);
}

#[test]
fn chaos_driver_killed_within_the_commit_of_a_worker() {
    kill_driver_where(|point, times| point.starts_with("store.commit.") && times == 2);
}

#[test]
fn chaos_driver_killed_within_its_last_commit() {
    kill_driver_where(|point, times| point.starts_with("store.commit.") && times == LAST);
}
