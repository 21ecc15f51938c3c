//! Whoever tells a parent of the end of a run is killed, at every point and at moments drawn by lot. The parent hears it
//! once, and goes on once.

use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};
use serde_json::Value;

use crate::harness::{Fifo, Manifest as _, World, pidfd, wait_readable};

use super::dice::{Dice, play_rounds};
use super::scene::at;
use super::trace::FAILPOINT;

/// Kills in an ordinary test run.
const KILLS: u32 = 10;
/// How often `recover` may be needed until nothing is left to do.
const RECOVERIES: usize = 8;
/// How often a round tries to kill in time.
const MAX_TRIES: usize = 40;
/// Where the one who tells can be killed.
const POINTS: [&str; 5] = [
    "driver.notice_pending",
    "driver.notice_told",
    "driver.notice_started",
    "driver.notice_acted",
    "driver.notice_delivered",
];
/// Where any of its commits can be cut short.
const COMMITS: [&str; 6] = [
    "store.commit.locked",
    "store.commit.torn",
    "store.commit.log_synced",
    "store.commit.tmp_written",
    "store.commit.renamed",
    "store.commit.dir_synced",
];

/// A parent that starts a child, whose driver dies as the file `fatal` says; the child ends when it is let go.
struct Family {
    world: World,
    parent: String,
    child: String,
    go: Fifo,
    /// Kept open, so that a worker that is started again finds a partner.
    _ready: Fifo,
}

impl Family {
    /// The parent has ended, and its child waits to be let go.
    fn new(fatal: Option<&str>) -> Self {
        let world = World::new();
        world.work(&["one"]);
        world.agent("inner", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
        let trap = fatal.map_or(String::new(), |fatal| format!("{FAILPOINT}='{fatal}'"));
        let script = format!(
            "if [ ! -e \"$W/begun\" ]; then\n\
             echo yes > \"$W/begun\"\n\
             env {trap} \"$AGENT_RUNNER_CMD\" run --agent inner --assignment work --detach > \"$W/started\" || exit 90\n\
             fi\ncomplete one"
        );
        world.agent("fake", &script);
        let (ready, go) = (world.fifo("ready"), world.fifo("go"));
        let parent = world.fake(&[]).run().expect_code(0).run_id();
        let child = ready.line();
        Self { world, parent, child, go, _ready: ready }
    }

    /// Lets the child end, and its worker however often it has to be started for that.
    fn let_go(&self) {
        (0..RECOVERIES).for_each(|_| self.go.release());
    }

    /// Recovers until nothing is left to do, as somebody would who does not know what happened.
    fn settle(&self) {
        for _ in 0..RECOVERIES {
            // What was launched by the one before is to come to its end first.
            self.world.ok(&["recover", "--resume"]);
            for run in [&self.child, &self.parent] {
                let pid = self.world.manifest(run)["state"]["driver"]["pid"].as_i64();
                if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) {
                    self.world.wait_gone(pid);
                }
            }
            let over = |run: &str| self.world.manifest(run).phase() == "ended";
            let told = self.world.manifest(&self.child)["state"]["parentNotice"]["delivered"] == true;
            if told && over(&self.child) && over(&self.parent) {
                return;
            }
        }
        panic!("nothing comes to rest\n{}", self.world.everything_known());
    }

    fn assert_told_once(&self, how: &str) {
        let manifest = self.world.manifest(&self.parent);
        let count = |kind: &str| self.world.events_of(&self.parent, kind).len();
        let sessions = manifest["state"]["sessions"].as_array().unwrap();
        let opened: Vec<&Value> =
            sessions.iter().filter(|session| session["cause"]["kind"] == "queued").collect();
        let known = self.world.everything_known();
        assert_eq!(count("run.child_ended"), 1, "{how}: heard more or less than once\n{known}");
        assert_eq!(opened.len(), 1, "{how}: went on more or less than once\n{known}");
        let words = opened[0]["message"].as_str().unwrap();
        assert_eq!(words.matches("which you started, has ended: success").count(), 1, "{how}: {words}");
        assert_eq!(manifest["state"]["queuedResumeMessages"], Value::Array(Vec::new()), "{how}");
        assert_eq!(manifest.outcome(), "success", "{how}\n{known}");
        assert_eq!(self.world.events_of(&self.child, "run.parent_notified").len(), 1, "{how}");
        self.world.assert_nothing_left();
    }
}

/// Whether the driver died before all was told and noted: otherwise its death was none that anybody could notice.
fn was_cut_short(family: &Family) -> bool {
    family.world.manifest(&family.child)["state"]["parentNotice"]["delivered"] != true
}

fn kill_at(point: &str, times: u8) -> Family {
    let family = Family::new(Some(&at("driver", point, times)));
    let driver = family.world.driver_pid(&family.child);
    family.let_go();
    family.world.wait_gone(driver);
    family
}

fn go_on(family: &Family, point: &str, times: u8) {
    family.settle();
    family.assert_told_once(&format!("killed at {point} for the {times}. time"));
}

#[test]
fn chaos_notices_killed_at_points_of_their_own() {
    for point in POINTS {
        let family = kill_at(point, 1);
        let child = family.world.manifest(&family.child);
        let is_noted = point == "driver.notice_delivered";
        assert_eq!(child["state"]["parentNotice"]["delivered"], is_noted, "not killed at {point}");
        go_on(&family, point, 1);
    }
}

#[test]
fn chaos_notices_killed_by_lot() {
    play_rounds(KILLS, |dice: &mut Dice| {
        // A round is one death that mattered.
        let deaths = (0..MAX_TRIES).any(|_| kill_by_lot(dice));
        assert!(deaths, "nobody was killed in {MAX_TRIES} tries");
    });
}

/// Kills the one who tells, or not in time. Says whether it was in time.
fn kill_by_lot(dice: &mut Dice) -> bool {
    if dice.once_in(2) {
        let point = COMMITS[dice.below(COMMITS.len())];
        // The first commits begin the work; later ones end it, tell the parent, start it, and note that.
        let times = u8::try_from(3 + dice.below(5)).unwrap();
        let family = kill_at(point, times);
        let in_time = was_cut_short(&family);
        go_on(&family, point, times);
        return in_time;
    }
    let family = Family::new(None);
    let driver = family.world.driver_pid(&family.child);
    let moment = dice.moment(Duration::from_millis(250));
    let handle = pidfd(driver).unwrap();
    family.let_go();
    if !wait_readable(&handle, moment) {
        // It may end by itself at this moment.
        let _ = pidfd_send_signal(&handle, Signal::KILL);
    }
    family.world.wait_gone(driver);
    let in_time = was_cut_short(&family);
    // Two at once find the same thing to do.
    if dice.once_in(2) {
        let first = family.world.command(&["recover", "--resume"]).spawn();
        let second = family.world.command(&["recover", "--resume"]).spawn();
        first.wait();
        second.wait();
    }
    family.settle();
    family.assert_told_once(&format!("killed after {moment:?}"));
    in_time
}
