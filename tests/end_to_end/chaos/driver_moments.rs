//! The driver is killed at moments drawn by lot, up to three times in a row, and now and then whoever recovers the run
//! is killed too.

use std::time::Duration;

use crate::harness::Manifest as _;

use super::dice::{Dice, play};
use super::scene::{Scene, Worker, undisturbed};
use super::victims::{driver_of, kill, reach_moment, victim_at};

/// About as long as a recovery takes.
const RECOVERY: Duration = Duration::from_millis(40);

/// Recovers the run; perhaps somebody has to do it again.
fn recover(scene: &Scene, dice: &mut Dice) {
    let recover = || scene.command(&["recover", &scene.run]);
    if dice.once_in(2) {
        let killed = recover().spawn();
        reach_moment(&killed, dice.moment(RECOVERY));
        kill(&[killed.pid()]);
        let killed = killed.wait();
        assert!(killed.code == Some(0) || killed.signal == Some(9), "{killed}");
        scene.check();
        assert_eq!(scene.effective_status(), "interrupted");
    }
    recover().run().expect_code(0);
    scene.assert_no_worker();
    assert_eq!(scene.effective_status(), "interrupted");
}

fn kill_drivers(worker: Worker, tasks: usize) {
    let whole = undisturbed(worker, tasks);
    play(|dice| {
        let scene = Scene::ready(worker, tasks);
        let follower = scene.follow();
        scene.while_notes_come(|| {
            for _ in 0..=dice.below(3) {
                let front = scene.resume().spawn();
                let victim = victim_at(&front, dice.moment(whole), driver_of);
                kill(victim.as_slice());
                let before = scene.assert_interrupted(&front.wait());
                if before.phase() == "ended" {
                    return;
                }
                if dice.once_in(3) {
                    recover(&scene, dice);
                    scene.assert_recorded(&before, "interrupted");
                }
            }
        });
        scene.conclude();
        follower.finish();
    });
}

#[test]
fn chaos_driver_killed_at_a_moment() {
    kill_drivers(Worker::Script, 3);
}

#[test]
fn chaos_driver_of_the_embedded_worker_killed_at_a_moment() {
    kill_drivers(Worker::Shell, 2);
}
