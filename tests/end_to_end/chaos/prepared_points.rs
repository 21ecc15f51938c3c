//! Points that only whoever comes after a disaster comes by: bytes that were never committed are moved aside, or the log
//! has lost some that were.

use super::scene::{Scene, Worker, at};
use super::table::{Column, prepared};
use super::trace::FAILPOINT;

const QUARANTINED: &str = "store.commit.quarantined";
const REPAIRED: &str = "store.commit.repaired";

impl Scene {
    fn log_length(&self) -> u64 {
        std::fs::metadata(self.file("run-events.jsonl")).unwrap().len()
    }

    /// Leaves bytes in the log that were never committed.
    fn tear(&self) {
        let args = ["task", "append-notes", &self.run, "one", "--text", "torn"];
        let killed = self.command(&args).env(FAILPOINT, at("task", "store.commit.appended", 1)).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        assert!(self.log_length() > self.world.manifest(&self.run)["eventsLen"].as_u64().unwrap());
    }

    /// Takes the end of the log away, as a backup does that was restored.
    fn shorten(&self) {
        let log = std::fs::File::options().write(true).open(self.file("run-events.jsonl")).unwrap();
        log.set_len(self.log_length() / 2).unwrap();
    }
}

/// Brings a run to where the next to commit is of the column, does the damage, and kills it at the point.
fn kill_after(column: Column, point: &str, damage: impl Fn(&Scene), damage_by_block: &str) -> Scene {
    let killed = |scene: &Scene, role: &str, args: &[&str]| {
        let killed = scene.command(args).env(FAILPOINT, at(role, point, 1)).run();
        assert_eq!(killed.signal, Some(9), "{column:?}: {killed}");
        scene.assert_died_at(role, point, 1);
    };
    match column {
        Column::New => panic!("a run that is being made has no history"),
        Column::Ready => {
            let scene = Scene::new(Worker::Script, 1);
            damage(&scene);
            killed(&scene, "command", &["run", "ready", &scene.run]);
            scene.command(&["run", "ready", &scene.run]).run().expect_code(0);
            scene
        }
        Column::Resume => {
            let scene = Scene::ready(Worker::Script, 1);
            damage(&scene);
            killed(&scene, "command", &["run", "--resume-run", &scene.run]);
            scene
        }
        Column::Recover | Column::Abort => {
            let scene = Scene::ready(Worker::Script, 1);
            scene.lose_driver();
            damage(&scene);
            let words = if column == Column::Abort { &["run", "abort"][..] } else { &["recover"] };
            killed(&scene, "command", &[words, &[&scene.run]].concat());
            scene
        }
        Column::Driver => {
            let scene = Scene::ready(Worker::Script, 1);
            scene.resume().env(FAILPOINT, at("driver", "driver.took_lease", 1)).run().expect_code(4);
            damage(&scene);
            // Going on after an interruption says nothing new, so the driver is the next to commit.
            scene.resume().env(FAILPOINT, at("driver", point, 1)).run().expect_code(4);
            scene.assert_died_at("driver", point, 1);
            scene
        }
        Column::Task => {
            let scene = Scene::ready(Worker::Script, 1);
            damage(&scene);
            killed(&scene, "task", &["task", "append-notes", &scene.run, "one", "--text", "killed"]);
            scene
        }
        Column::Worker => {
            let scene = Scene::ready(Worker::ShellOnce, 1);
            scene.world.write("block", damage_by_block);
            scene.world.write("fatal", at("worker", point, 1));
            scene.resume().run().expect_code(0);
            scene.paths("worker")[0].assert_ends_at(point, 1);
            scene
        }
    }
}

#[test]
fn chaos_whoever_moves_aside_what_was_never_committed_is_killed() {
    let block = format!(
        "{FAILPOINT}=task:store.commit.appended $AGENT_RUNNER_CMD task append-notes $AGENT_RUNNER_RUN_ID one \
         --text torn || echo killed\n"
    );
    let columns = prepared(QUARANTINED);
    assert_eq!(columns.len(), 7);
    for column in columns {
        let scene = kill_after(column, QUARANTINED, Scene::tear, &block);
        scene.check();
        scene.note("after-the-kill");
        let aside = std::fs::read_to_string(scene.file("run-events.quarantine.jsonl")).unwrap();
        assert!(aside.lines().count() > 1, "{column:?}: kept twice rather than not at all: {aside}");
        scene.conclude();
    }
}

#[test]
fn chaos_whoever_repairs_a_log_that_is_too_short_is_killed() {
    let block = "log=$(echo \"$AGENT_RUNNER_STATE_DIR\"/runs/*/\"$AGENT_RUNNER_RUN_ID\"/run-events.jsonl)\n\
                 if [ ! -e \"$log.cut\" ]; then touch \"$log.cut\"; truncate --size 500 \"$log\"; fi\n";
    let columns = prepared(REPAIRED);
    assert_eq!(columns.len(), 7);
    for column in columns {
        let mut scene = kill_after(column, REPAIRED, Scene::shorten, block);
        scene.history_was_lost();
        scene.check();
        scene.note("after-the-kill");
        let manifest = scene.conclude();
        let lost = |event: &&serde_json::Value| event["type"] == "run.history_lost";
        let events = scene.counted_events(&manifest);
        assert_eq!(events.iter().filter(lost).count(), 1, "{column:?}: {events:#?}");
    }
}
