//! Commands that people start are killed at every point they come by: while they make a run, approve it, start its
//! driver, follow it, or recover it.

use crate::harness::Manifest as _;

use super::scene::{Scene, Worker, at};
use super::table::{Column, visits};
use super::trace::FAILPOINT;

/// Points of a commit from which on it has landed.
const LANDED: [&str; 2] = ["store.commit.renamed", "store.commit.dir_synced"];

#[test]
fn chaos_command_killed_while_it_makes_and_starts_a_run() {
    for (point, times) in visits(Column::New) {
        let mut scene = Scene::bare(Worker::Script, 1);
        scene.hang();
        let front = scene.start_new().env(FAILPOINT, at("command", point, times)).run();
        assert_eq!(front.signal, Some(9), "{point}: {front}");
        scene.assert_died_at("command", point, times);
        scene.wait_undriven();
        scene.world.assert_nothing_left();
        scene.hang_no_more();
        let listed = scene.command(&["list", "runs", "--output-format", "json"]).run().expect_code(0).json();
        scene.command(&["recover", "--dry-run"]).run().expect_code(0);
        let made =
            point.starts_with("command.") || ["store.create.renamed", "store.create.synced"].contains(&point);
        assert_eq!(listed["runs"].as_array().unwrap().len(), usize::from(made), "{point}: {listed}");
        if made {
            scene.run = scene.world.only_run();
            let driven = point.starts_with("command.") && point != "command.created";
            // Its driver lost its starter, which nobody had told it to survive.
            assert_eq!(scene.effective_status(), if driven { "aborted" } else { "interrupted" }, "{point}");
            scene.note("after-the-kill");
            scene.conclude();
        } else {
            let again = scene.start_new().arg("--output-format").arg("json").run().expect_code(0);
            scene.run = again.run_id();
            scene.conclude();
        }
    }
}

#[test]
fn chaos_command_killed_while_it_approves_a_run() {
    for (point, times) in visits(Column::Ready) {
        let scene = Scene::new(Worker::Script, 1);
        let follower = scene.follow();
        let approve = || scene.command(&["run", "ready", &scene.run]);
        let killed = approve().env(FAILPOINT, at("command", point, times)).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        scene.assert_died_at("command", point, times);
        let before = scene.check();
        assert_eq!(before.phase(), if LANDED.contains(&point) { "ready" } else { "initialized" }, "{point}");
        scene.note("after-the-kill");
        approve().run().expect_code(0);
        let ready = scene.check();
        assert_eq!(scene.world.events_of(&scene.run, "run.ready").len(), 1, "{ready}");
        scene.conclude();
        follower.finish();
    }
}

#[test]
fn chaos_command_killed_while_it_starts_and_follows_a_run() {
    for (point, times) in visits(Column::Resume) {
        let scene = Scene::ready(Worker::Script, 1);
        let follower = scene.follow();
        scene.hang();
        let front = scene.resume().env(FAILPOINT, at("command", point, times)).run();
        assert_eq!(front.signal, Some(9), "{point}: {front}");
        scene.assert_died_at("command", point, times);
        scene.wait_undriven();
        scene.world.assert_nothing_left();
        scene.hang_no_more();
        let before = scene.check();
        let expected = match point {
            _ if point.starts_with("command.") => "aborted",
            _ if LANDED.contains(&point) => "interrupted",
            _ => "ready",
        };
        assert_eq!(scene.effective_status(), expected, "{point}: {before}");
        scene.note("after-the-kill");
        scene.conclude();
        follower.finish();
    }
}

#[test]
fn chaos_command_killed_whose_run_is_to_go_on() {
    for point in ["command.driver_spawned", "command.lease_seen", "command.following"] {
        let scene = Scene::ready(Worker::Script, 1);
        let follower = scene.follow();
        let front = scene.resume().arg("--on-orphan").arg("continue");
        let front = front.env(FAILPOINT, at("command", point, 1)).run();
        assert_eq!(front.signal, Some(9), "{point}: {front}");
        scene.assert_died_at("command", point, 1);
        scene.wait_undriven();
        let after = scene.check();
        assert_eq!((after.outcome(), after.ends().as_str()), ("success", "reported"), "{point}");
        assert_eq!(scene.world.events_of(&scene.run, "run.starter_lost").len(), 1, "{point}");
        scene.world.assert_nothing_left();
        follower.finish();
    }
}

#[test]
fn chaos_command_killed_while_it_recovers_a_run() {
    for (point, times) in visits(Column::Recover) {
        let scene = Scene::ready(Worker::Script, 1);
        let follower = scene.follow();
        scene.lose_driver();
        let before = scene.check();
        let recover = || scene.command(&["recover", &scene.run]);
        let killed = recover().env(FAILPOINT, at("command", point, times)).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        scene.assert_died_at("command", point, times);
        scene.check();
        assert_eq!(scene.effective_status(), "interrupted", "{point}");
        scene.note("after-the-kill");
        recover().run().expect_code(0);
        scene.world.assert_nothing_left();
        scene.assert_recorded(&before, "interrupted");
        assert_eq!(scene.effective_status(), "interrupted", "{point}");
        scene.hang_no_more();
        let after = scene.conclude();
        assert_eq!((after.ends().as_str(), after.spent()), ("interrupted reported", vec![1]), "{point}");
        follower.finish();
    }
}

#[test]
fn chaos_command_killed_while_it_aborts_an_interrupted_run() {
    for (point, times) in visits(Column::Abort) {
        let scene = Scene::ready(Worker::Script, 1);
        let follower = scene.follow();
        scene.lose_driver();
        let before = scene.check();
        let abort = || scene.command(&["run", "abort", &scene.run]);
        let killed = abort().env(FAILPOINT, at("command", point, times)).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        scene.assert_died_at("command", point, times);
        scene.check();
        let ended = times == 2 && LANDED.contains(&point);
        assert_eq!(scene.effective_status(), if ended { "aborted" } else { "interrupted" }, "{point}");
        scene.note("after-the-kill");
        let again = abort().run().expect_code(if ended { 3 } else { 0 });
        scene.world.assert_nothing_left();
        scene.assert_recorded(&before, "interrupted");
        assert_eq!(scene.effective_status(), "aborted", "{point}: {again}");
        let requests = scene.world.events_of(&scene.run, "run.abort_requested").len();
        assert_eq!(requests, 1, "{point}: asked for once");
        scene.hang_no_more();
        scene.conclude();
        follower.finish();
    }
}
