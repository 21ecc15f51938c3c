//! A driver that is killed around the start of its worker: what is left of the attempt is found, whether its process was
//! recorded or not, and ended by `recover` alone.

use crate::harness::Manifest as _;

use super::scene::{Scene, Worker, at};
use super::trace::FAILPOINT;

/// Kills the driver at a point; its worker hangs, and has a child in another session.
fn killed_at(point: &str, has_worker: bool) -> Scene {
    let scene = Scene::ready(Worker::Script, 1);
    scene.hang();
    let here = scene.world.fifo("here");
    let front = scene.resume().env(FAILPOINT, at("driver", point, 1)).run();
    scene.assert_died_at("driver", point, 1);
    scene.assert_interrupted(&front);
    if has_worker {
        assert_eq!(here.line(), "here");
    }
    scene
}

/// Recovers the run, and returns what that says of it.
fn recover(scene: &Scene, more: &[&str]) -> serde_json::Value {
    let args = [&["recover", &scene.run, "--output-format", "json"], more].concat();
    scene.command(&args).run().expect_code(0).json()["runs"][0].take()
}

fn assert_recovered(scene: &Scene, leftovers: usize) {
    let alive = scene.world.processes().len();
    let plan = recover(scene, &["--dry-run"]);
    assert_eq!((&plan["action"], &plan["status"]), (&"wouldRecover".into(), &"interrupted".into()), "{plan}");
    assert_eq!(plan["leftovers"].as_array().unwrap().len(), leftovers, "{plan}");
    assert_eq!(scene.world.processes().len(), alive, "a dry run ends nobody");
    let before = scene.check();
    let done = recover(scene, &[]);
    assert_eq!((&done["action"], &done["status"]), (&"recovered".into(), &"interrupted".into()), "{done}");
    assert_eq!(done["leftovers"].as_array().unwrap().len(), leftovers, "{done}");
    scene.world.assert_nothing_left();
    scene.assert_recorded(&before, "interrupted");
    assert_eq!(scene.effective_status(), "interrupted");
    scene.hang_no_more();
    let after = scene.conclude();
    assert_eq!((after.ends().as_str(), after.spent()), ("interrupted reported", vec![1]));
}

#[test]
fn chaos_nothing_is_left_of_an_attempt_without_a_worker() {
    let scene = killed_at("driver.attempt_committed", false);
    assert_recovered(&scene, 0);
}

#[test]
fn chaos_a_worker_that_was_never_recorded_is_found_by_its_mark() {
    let scene = killed_at("driver.spawned", true);
    assert!(scene.check()["state"]["phase"]["stage"]["attempt"]["process"].is_null());
    assert_recovered(&scene, 2);
}

#[test]
fn chaos_a_recorded_worker_and_its_children_are_found() {
    let scene = killed_at("driver.spawn_committed", true);
    let worker = scene.world.worker_pid(&scene.run);
    assert!(scene.world.is_alive(worker));
    assert_recovered(&scene, 2);
    assert!(!scene.world.is_alive(worker));
}
