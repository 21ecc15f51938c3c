//! `task set` is killed at every point it comes by: what it was to say is said whole or not at all, and once when it is
//! said again.

use serde_json::Value;

use crate::harness::{Command, Manifest as _};

use super::dice::{Dice, play};
use super::scene::{Scene, Worker, at};
use super::table::{Column, visits};
use super::trace::FAILPOINT;
use super::victims::{kill, reach_moment};

/// Points from which on the change has landed.
const LANDED: [&str; 3] = ["store.commit.renamed", "store.commit.dir_synced", "task.after_commit"];

/// What `task set` is to say: another status than before, and words.
struct Change {
    status: &'static str,
    notes: String,
}

impl Change {
    fn after(before: &Value, notes: &str) -> Self {
        let status = if said(before).0 == "pending" { "in_progress" } else { "pending" };
        Self { status, notes: notes.to_owned() }
    }

    fn command<'a>(&self, scene: &'a Scene) -> Command<'a> {
        let words = ["--status", self.status, "--notes", &self.notes];
        scene.command(&[&["task", "set", &scene.run, "one"], &words[..]].concat())
    }
}

fn said(manifest: &Value) -> (&str, &str) {
    (manifest["state"]["finalTasks"]["one"]["status"].as_str().unwrap(), manifest.notes("one"))
}

/// Whether a killed change has landed; fails if it has by half.
fn landed(scene: &Scene, before: &Value, change: &Change) -> bool {
    let now = scene.check();
    let (old, new) = (said(before), (change.status, change.notes.as_str()));
    assert!(said(&now) == old || said(&now) == new, "{:?} is neither {old:?} nor {new:?}", said(&now));
    said(&now) == new
}

/// Says it again: then it is so, and was said once.
fn repeat(scene: &Scene, before: &Value, change: &Change) {
    change.command(scene).timeout(super::scene::PROMPTLY).run().expect_code(0);
    let after = scene.check();
    assert_eq!(said(&after), (change.status, change.notes.as_str()));
    assert_eq!(after["lastCursor"].as_u64(), before["lastCursor"].as_u64().map(|last| last + 1), "{after}");
}

#[test]
fn chaos_task_set_killed_at_every_point() {
    let scene = Scene::new(Worker::Script, 1);
    let follower = scene.follow();
    for (point, times) in visits(Column::Task) {
        let before = scene.check();
        let change = Change::after(&before, point);
        let killed = change.command(&scene).env(FAILPOINT, at("task", point, times)).run();
        assert_eq!(killed.signal, Some(9), "{point}: {killed}");
        scene.assert_died_at("task", point, times);
        assert_eq!(landed(&scene, &before, &change), LANDED.contains(&point), "{point}");
        repeat(&scene, &before, &change);
    }
    scene.command(&["run", "ready", &scene.run]).run().expect_code(0);
    scene.conclude();
    follower.finish();
}

#[test]
fn chaos_task_set_killed_at_a_moment() {
    let scene = Scene::new(Worker::Script, 1);
    let follower = scene.follow();
    let first = Change::after(&scene.check(), "first").command(&scene).run().expect_code(0);
    play(|dice: &mut Dice| {
        // Several kills a round: they are cheap.
        for kills in 0..5 {
            let before = scene.check();
            let change = Change::after(&before, &format!("{kills}-{}", before["revision"]));
            let command = change.command(&scene).spawn();
            reach_moment(&command, dice.moment(first.elapsed));
            kill(&[command.pid()]);
            let killed = command.wait();
            let applied = landed(&scene, &before, &change);
            assert!(applied || killed.code != Some(0), "acknowledged and lost: {killed}");
            repeat(&scene, &before, &change);
        }
    });
    scene.command(&["run", "ready", &scene.run]).run().expect_code(0);
    scene.conclude();
    follower.finish();
}
