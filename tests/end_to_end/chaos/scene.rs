//! A run with work to do, in a world of its own, and workers that tell what was acknowledged to them.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::harness::{Command, Finished, World};

use super::trace::{FAILPOINT, FILE, TRACE};

/// Seconds a worker has to leave. Those here leave at once, but for the one that hangs.
const GRACE: (&str, &str) = ("AGENT_RUNNER_STOP_GRACE_SEC", "2");
/// The file with a line for every write that was acknowledged.
pub const ACKS: &str = "acks";
/// The file with a line for every block that ran.
pub const RAN: &str = "ran";
/// Ids of tasks, as many as a scene can have.
const IDS: [&str; 4] = ["one", "two", "three", "four"];
/// How long anybody may have to wait for a lock after a kill. Nobody has to; the machine may be busy.
pub const PROMPTLY: Duration = Duration::from_secs(10);

/// Reports each task step by step, and writes down what was acknowledged. Started again, it goes on where it was. A
/// command that somebody kills is repeated.
const SCRIPT: &str = r#"
say() { echo "$*" >> "$W/acks"; }
note() { "$AGENT_RUNNER_CMD" task append-notes "$RUN" "$1" --text "$2" >> "$W/reports" 2>&1 && say note "$1" "$2"; }
status() { "$AGENT_RUNNER_CMD" task set "$RUN" "$1" --status "$2" >> "$W/reports" 2>&1 && say status "$1" "$2"; }
if rm "$W/hang" 2> "$W/no-hang"; then
    setsid sleep 1000 &
    if [ -p "$W/here" ]; then echo here > "$W/here"; fi
    exec sleep 1000
fi
for id in $IDS; do
    grep -qx "status $id completed" "$W/acks" 2> "$W/no-acks" && continue
    status $id in_progress || status $id in_progress || exit 97
    note $id "by-$FENCE-$id-first" || note $id "by-$FENCE-$id-first-again" || exit 97
    note $id "by-$FENCE-$id-second" || note $id "by-$FENCE-$id-second-again" || exit 97
    if [ $id = $LAST ] && [ -e "$W/linger" ]; then exec sleep 1000; fi
    status $id completed || status $id completed || exit 97
done
"#;

/// Who works the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// A script that calls the task commands.
    Script,
    /// The embedded worker: two blocks a task, each with a note of its own.
    Shell,
    /// The embedded worker started by a script, so that only the first one has a point to die at: the one in the file
    /// `fatal`. One block a task; it runs the file `block` if there is one.
    ShellOnce,
}

/// A world with a run.
pub struct Scene {
    pub world: World,
    pub run: String,
    pub worker: Worker,
    /// A part of the log was taken away, so there is a gap.
    lost_history: bool,
}

impl Scene {
    /// Definitions, and no run yet.
    pub fn bare(worker: Worker, tasks: usize) -> Self {
        let world = World::new();
        let ids = &IDS[..tasks];
        match worker {
            Worker::Script => {
                world.work(ids);
                let last = ids[tasks - 1];
                world.agent("fake", &format!("IDS='{}'\nLAST={last}\n{SCRIPT}", ids.join(" ")));
            }
            Worker::Shell => {
                let last = ids[tasks - 1];
                let bodies: Vec<String> = ids.iter().map(|id| blocks(&world, id, *id == last)).collect();
                let tasks: Vec<(&str, &str)> =
                    ids.iter().zip(&bodies).map(|(id, body)| (*id, body.as_str())).collect();
                world.assignment("work", &tasks);
            }
            Worker::ShellOnce => {
                let body =
                    format!("```sh\nif [ -e '{0}' ]; then . '{0}'; fi\n```\n", world.path("block").display());
                let tasks: Vec<(&str, &str)> = ids.iter().map(|id| (*id, body.as_str())).collect();
                world.assignment("work", &tasks);
                let script = format!(
                    "if [ -e \"$W/fatal\" ]; then export {FAILPOINT}=\"$(cat \"$W/fatal\")\"; rm \"$W/fatal\"; fi\n\
                     exec \"$AGENT_RUNNER_CMD\" shell-worker"
                );
                world.agent("fake", &script);
            }
        }
        Self { world, run: String::new(), worker, lost_history: false }
    }

    /// With a run that was not approved yet.
    pub fn new(worker: Worker, tasks: usize) -> Self {
        let mut scene = Self::bare(worker, tasks);
        let args = [&["init"], &scene.ingredients()[..], &["--output-format", "json"]].concat();
        scene.run = scene.command(&args).run().expect_code(0).run_id();
        scene.forget_paths();
        scene
    }

    /// With a run that is ready to start.
    pub fn ready(worker: Worker, tasks: usize) -> Self {
        let scene = Self::new(worker, tasks);
        scene.command(&["run", "ready", &scene.run]).run().expect_code(0);
        scene.forget_paths();
        scene
    }

    /// What a new run is made from.
    fn ingredients(&self) -> [&'static str; 4] {
        match self.worker {
            Worker::Shell => ["--backend", "shell", "--assignment", "work"],
            Worker::Script | Worker::ShellOnce => ["--agent", "fake", "--assignment", "work"],
        }
    }

    /// The program with these arguments; what it comes by is traced.
    pub fn command(&self, args: &[&str]) -> Command<'_> {
        self.world.command(args).env(TRACE, self.world.path(FILE)).env(GRACE.0, GRACE.1)
    }

    /// Makes a run and starts it.
    pub fn start_new(&self) -> Command<'_> {
        self.command(&[&["run"], &self.ingredients()[..]].concat())
    }

    /// Starts the run, or goes on with it.
    pub fn resume(&self) -> Command<'_> {
        self.command(&["run", "--resume-run", &self.run])
    }

    /// The first worker to come will hang, with a child that leaves its session.
    pub fn hang(&self) {
        self.world.write("hang", "");
    }

    /// Workers never come to the end of the last task.
    pub fn linger(&self) {
        self.world.write("linger", "");
    }

    /// No worker hangs or lingers any more.
    pub fn hang_no_more(&self) {
        for file in ["hang", "linger"] {
            let _ = std::fs::remove_file(self.world.path(file));
        }
    }

    /// Starts the run, whose worker hangs, and kills its driver.
    pub fn lose_driver(&self) {
        self.hang();
        let here = self.world.fifo("here");
        self.resume().env(FAILPOINT, at("driver", "driver.spawn_committed", 1)).run().expect_code(4);
        self.assert_died_at("driver", "driver.spawn_committed", 1);
        // The next worker is not to hang, so this one has to have begun.
        assert_eq!(here.line(), "here");
        self.forget_paths();
    }

    /// What is traced from now on is new.
    pub fn forget_paths(&self) {
        self.world.write(FILE, "");
    }

    /// What was acknowledged so far.
    pub fn acks(&self) -> Vec<String> {
        // A line that is being written has no end yet.
        let text = std::fs::read_to_string(self.world.path(ACKS)).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// Writes down what was acknowledged.
    pub fn acknowledged(&self, line: &str) {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().append(true).create(true).open(self.world.path(ACKS));
        file.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Somebody adds a note: promptly, whoever was killed before.
    pub fn note(&self, text: &str) -> Finished {
        let args = ["task", "append-notes", &self.run, "one", "--text", text];
        let done = self.world.command(&args).timeout(PROMPTLY).run().expect_code(0);
        self.acknowledged(&format!("note one {text}"));
        done
    }

    /// A part of the log was taken away: from now on it is no longer whole.
    pub fn history_was_lost(&mut self) {
        self.lost_history = true;
    }

    pub fn has_lost_history(&self) -> bool {
        self.lost_history
    }

    /// The path of a file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.world.run_dir(&self.run).join(name)
    }
}

/// The environment's value that kills a process of a role when it comes by a point for the n-th time.
pub fn at(role: &str, point: &str, times: u8) -> String {
    format!("{role}:{point}#{times}")
}

/// Two blocks that say that they ran, and leave a note.
fn blocks(world: &World, id: &str, is_last: bool) -> String {
    let root = world.root().display();
    let linger = if is_last {
        format!("if [ -e '{root}/linger' ]; then exec sleep 1000; fi\n")
    } else {
        String::new()
    };
    let block = |number: u8| {
        format!(
            "```sh\necho {id} {number} >> '{root}/{RAN}'\nnote=by-$AGENT_RUNNER_ATTEMPT_FENCE-{id}-{number}\n\
             $AGENT_RUNNER_CMD task append-notes $AGENT_RUNNER_RUN_ID {id} --text $note >> '{root}/reports' 2>&1\n\
             echo note {id} $note >> '{root}/{ACKS}'\n{}```\n",
            if number == 2 { linger.as_str() } else { "" }
        )
    };
    format!("{}\n{}", block(1), block(2))
}

/// How long a run takes that nobody disturbs: the time in which moments are drawn.
pub fn undisturbed(worker: Worker, tasks: usize) -> Duration {
    static SCRIPT: OnceLock<Duration> = OnceLock::new();
    static SHELL: OnceLock<Duration> = OnceLock::new();
    let measured = match worker {
        Worker::Script => &SCRIPT,
        Worker::Shell | Worker::ShellOnce => &SHELL,
    };
    *measured.get_or_init(|| {
        let scene = Scene::ready(worker, tasks);
        let start = Instant::now();
        scene.resume().run().expect_code(0);
        start.elapsed()
    })
}
