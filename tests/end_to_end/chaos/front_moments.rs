//! The command that started a run is killed at moments drawn by lot, alone or with everybody else, or cancelled the way a
//! CI does it: asked to end, then killed.

use rustix::process::Signal;

use crate::harness::{Command, Manifest as _};

use super::dice::{Dice, play};
use super::scene::{Scene, Worker, undisturbed};
use super::victims::{family, kill, reach_moment};

const TASKS: usize = 3;

fn any_worker(dice: &mut Dice) -> Worker {
    if dice.once_in(3) { Worker::Shell } else { Worker::Script }
}

/// A run without a terminal whose starter was killed has ended, and so has its agent, although there was work left;
/// unless it was never driven.
fn assert_aborted(scene: &Scene) {
    scene.wait_undriven();
    scene.world.assert_nothing_left();
    scene.check();
    let driven = !scene.paths("driver").is_empty();
    let status = scene.effective_status();
    let expected: &[&str] = if driven { &["aborted"] } else { &["ready", "interrupted"] };
    assert!(
        expected.contains(&status.as_str()),
        "{status}, driven: {driven}\n{}",
        scene.world.everything_known()
    );
    scene.note("after-the-kill");
    scene.hang_no_more();
    scene.conclude();
}

#[test]
fn chaos_front_killed_at_a_moment() {
    play(|dice| {
        let worker = any_worker(dice);
        let scene = Scene::ready(worker, TASKS);
        let follower = scene.follow();
        scene.linger();
        let front = scene.resume().spawn();
        reach_moment(&front, dice.moment(undisturbed(worker, TASKS)));
        kill(&[front.pid()]);
        let front = front.wait();
        assert_eq!(front.signal, Some(9), "{front}");
        assert_aborted(&scene);
        follower.finish();
    });
}

#[test]
fn chaos_front_killed_at_a_moment_whose_run_is_to_go_on() {
    play(|dice| {
        let worker = any_worker(dice);
        let scene = Scene::ready(worker, TASKS);
        let follower = scene.follow();
        let front = scene.resume().arg("--on-orphan").arg("continue").spawn();
        reach_moment(&front, dice.moment(undisturbed(worker, TASKS)));
        kill(&[front.pid()]);
        front.wait();
        scene.wait_undriven();
        let after = scene.check();
        if scene.paths("driver").is_empty() {
            assert_ne!(after.phase(), "ended");
        } else {
            let known = scene.world.everything_known();
            assert_eq!((after.outcome(), after.ends().as_str()), ("success", "reported"), "{known}");
            scene.world.assert_nothing_left();
        }
        scene.conclude();
        follower.finish();
    });
}

#[test]
fn chaos_front_cancelled_at_a_moment() {
    play(|dice| {
        let worker = any_worker(dice);
        let whole = undisturbed(worker, TASKS);
        let scene = Scene::ready(worker, TASKS);
        let follower = scene.follow();
        scene.linger();
        let front = scene.resume().spawn();
        assert!(reach_moment(&front, dice.moment(whole)), "it cannot end by itself");
        front.signal(Signal::TERM);
        reach_moment(&front, dice.moment(whole / 4));
        kill(&[front.pid()]);
        let front = front.wait();
        let ended = [(Some(130), None), (None, Some(9)), (None, Some(15))];
        assert!(ended.contains(&(front.code, front.signal)), "{front}");
        assert_aborted(&scene);
        follower.finish();
    });
}

fn start_new(scene: &Scene) -> Command<'_> {
    scene.start_new().arg("--detach").arg("--output-format").arg("json")
}

#[test]
fn chaos_command_killed_at_a_moment_while_it_makes_a_run() {
    let made_undisturbed = Scene::bare(Worker::Script, 1);
    let undisturbed = start_new(&made_undisturbed).run().expect_code(0).elapsed;
    made_undisturbed.wait_undriven();
    play(|dice| {
        let mut scene = Scene::bare(Worker::Script, 1);
        let front = start_new(&scene).spawn();
        reach_moment(&front, dice.moment(undisturbed));
        kill(&[front.pid()]);
        let front = front.wait();
        scene.wait_undriven();
        let listed = scene.command(&["list", "runs", "--output-format", "json"]).run().expect_code(0).json();
        let runs = listed["runs"].as_array().unwrap();
        scene.run = match runs.first() {
            Some(run) => run["runId"].as_str().unwrap().to_owned(),
            None => {
                assert_eq!(front.signal, Some(9), "acknowledged and lost: {front}");
                start_new(&scene).run().expect_code(0).run_id()
            }
        };
        assert!(runs.len() < 2, "{listed}");
        scene.wait_undriven();
        let status = scene.effective_status();
        let driven = !scene.paths("driver").is_empty();
        assert_eq!(status, if driven { "success" } else { "interrupted" }, "{front}");
        scene.note("after-the-kill");
        scene.conclude();
    });
}

#[test]
fn chaos_everybody_killed_at_a_moment() {
    play(|dice| {
        let worker = any_worker(dice);
        let scene = Scene::ready(worker, TASKS);
        let follower = scene.follow();
        scene.while_notes_come(|| {
            let front = scene.resume().spawn();
            reach_moment(&front, dice.moment(undisturbed(worker, TASKS)));
            kill(&family(front.pid()));
            front.wait();
        });
        // What was just being started may have got away, a driver included.
        scene.wait_undriven();
        let before = scene.check();
        let status = scene.effective_status();
        assert!(["ready", "interrupted", "aborted", "success"].contains(&status.as_str()), "{status}");
        assert_eq!(status == "success", before.outcome() == "success");
        scene.conclude();
        follower.finish();
    });
}

#[test]
fn chaos_anybody_killed_at_a_moment() {
    play(|dice| {
        let worker = any_worker(dice);
        let scene = Scene::ready(worker, TASKS);
        let follower = scene.follow();
        scene.while_notes_come(|| {
            let front = scene.resume().spawn();
            if reach_moment(&front, dice.moment(undisturbed(worker, TASKS))) {
                let family = family(front.pid());
                kill(&[family[dice.below(family.len())]]);
            }
            front.wait();
        });
        scene.wait_undriven();
        scene.conclude();
        follower.finish();
    });
}
