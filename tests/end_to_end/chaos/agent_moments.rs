//! The worker is killed at moments drawn by lot: the attempt has crashed by signal 9, and the run goes on to a good end.

use crate::harness::Manifest as _;

use super::dice::play;
use super::scene::{Scene, Worker, undisturbed};
use super::victims::{kill, victim_at, worker_of};

fn kill_workers(worker: Worker, tasks: usize) {
    let whole = undisturbed(worker, tasks);
    play(|dice| {
        let scene = Scene::ready(worker, tasks);
        let follower = scene.follow();
        let front = scene.while_notes_come(|| {
            let front = scene.resume().spawn();
            kill(victim_at(&front, dice.moment(whole), worker_of).as_slice());
            front.wait()
        });
        let front = front.expect_code(0);
        let after = scene.check();
        let record = after.attempt(0);
        // The worker may have been over when its turn came.
        match after.ends().as_str() {
            "reported" => assert_eq!(record["exitCode"], 0, "{front}"),
            "crashed" | "crashed reported" => assert_eq!(record["signal"], 9, "{front}"),
            ends => panic!("the attempts ended so: {ends}\n{front}"),
        }
        scene.conclude();
        follower.finish();
    });
}

#[test]
fn chaos_agent_killed_at_a_moment() {
    kill_workers(Worker::Script, 3);
}

#[test]
fn chaos_embedded_worker_killed_at_a_moment() {
    kill_workers(Worker::Shell, 2);
}
