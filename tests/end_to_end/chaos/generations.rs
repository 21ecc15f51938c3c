//! Drivers that are killed one after the other: the second while it recovers what the first left.

use crate::harness::Manifest as _;

use super::scene::{Scene, Worker, at};
use super::table::{Column, visits};
use super::trace::FAILPOINT;

fn kill_second_driver_where(wanted: impl Fn(&str) -> bool) {
    let points = visits(Column::Driver).into_iter().filter(|(point, times)| *times == 1 && wanted(point));
    for (point, times) in points {
        let scene = Scene::ready(Worker::Script, 1);
        let follower = scene.follow();
        scene.lose_driver();
        let first = scene.check();
        let front = scene.resume().env(FAILPOINT, at("driver", point, times)).run();
        scene.assert_died_at("driver", point, times);
        scene.assert_interrupted(&front);
        scene.note("after-two-kills");
        let after = scene.conclude();
        scene.assert_recorded(&first, "interrupted");
        assert!(after.ends().starts_with("interrupted"), "{}", after.ends());
        assert!(after.spent().iter().sum::<u64>() <= 1, "an interruption cost a retry: {}", after.ends());
        follower.finish();
    }
}

#[test]
fn chaos_second_driver_killed_at_points_of_its_own() {
    kill_second_driver_where(|point| !point.starts_with("store.commit."));
}

#[test]
fn chaos_second_driver_killed_within_its_first_commit() {
    kill_second_driver_where(|point| point.starts_with("store.commit."));
}

#[test]
fn chaos_as_many_drivers_killed_in_a_row_as_a_run_bears() {
    let scene = Scene::ready(Worker::Script, 1);
    let follower = scene.follow();
    let here = scene.world.fifo("here");
    for _ in 0..5 {
        scene.hang();
        let front = scene.resume().env(FAILPOINT, at("driver", "driver.spawned", 1)).run();
        scene.assert_died_at("driver", "driver.spawned", 1);
        scene.assert_interrupted(&front);
        // The next worker is to hang as well, so this one has to have begun.
        assert_eq!(here.line(), "here");
    }
    scene.hang_no_more();
    let after = scene.conclude();
    assert_eq!(after.ends(), "interrupted interrupted interrupted interrupted interrupted reported");
    assert_eq!((after.fences(), after.spent()), (vec![1, 2, 3, 4, 5, 6], vec![1]));
    follower.finish();
}
