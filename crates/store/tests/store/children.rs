//! Processes that use a store and can be killed: this very test program, started again as one of its tests.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use agent_runner_model::RunId;
use agent_runner_store::{Changes, FileStore, RunStore, Takeover, syncs};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::support::{Place, id, message, new_run, now, store_at, time};

const JOB: &str = "AGENT_RUNNER_STORE_TEST_JOB";
const STATE: &str = "AGENT_RUNNER_STORE_TEST_STATE";

/// What a child does. Everything it has done it says on a line of its own.
#[derive(Debug, Clone)]
pub enum Job {
    /// Commits messages `<prefix>-1`, `<prefix>-2` … to the run `run`.
    Commit {
        prefix: String,
        count: u32,
    },
    Create {
        run: String,
    },
    /// Puts a run of another place here.
    Adopt {
        run: String,
    },
    Own {
        run: String,
    },
    Delete {
        run: String,
    },
    /// Works in the directory `/ws` as a writer, in a tree of its own.
    Enter {
        run: String,
    },
    /// Watches a run although no file can be opened for it.
    Watch {
        run: String,
    },
    /// Commits to the run `run` and says how often it synced.
    CountSyncs {
        count: u32,
    },
}

impl Job {
    fn render(&self) -> String {
        match self {
            Self::Commit { prefix, count } => format!("commit {prefix} {count}"),
            Self::Create { run } => format!("create {run} 0"),
            Self::Adopt { run } => format!("adopt {run} 0"),
            Self::Own { run } => format!("own {run} 0"),
            Self::Delete { run } => format!("delete {run} 0"),
            Self::Enter { run } => format!("enter {run} 0"),
            Self::Watch { run } => format!("watch {run} 0"),
            Self::CountSyncs { count } => format!("syncs m {count}"),
        }
    }
}

/// A child at work.
pub struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub fn start(state: &Path, job: &Job, failpoint: Option<&str>) -> Self {
        let failpoint = failpoint.map(|failpoint| format!("*:{failpoint}"));
        Self::start_with(state, job, failpoint.as_deref().map(|value| ("AGENT_RUNNER_FAILPOINT", value)))
    }

    pub fn start_with(state: &Path, job: &Job, variable: Option<(&str, &str)>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["children::child", "--exact", "--nocapture", "--test-threads=1"]);
        command.env(JOB, job.render()).env(STATE, state);
        command.env_remove("AGENT_RUNNER_FAILPOINT").env_remove("AGENT_RUNNER_FAILPOINT_ERROR");
        command.envs(variable);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing the child says it has done; nothing when it is gone.
    pub fn next_done(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.unwrap();
            // libtest writes its own words in front of the first line.
            if let Some((_, done)) = line.split_once("done ") {
                return Some(done.to_owned());
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// What it has done besides, and how it ended.
    pub fn finish(mut self) -> (Vec<String>, ExitStatus) {
        let mut done = Vec::new();
        while let Some(line) = self.next_done() {
            done.push(line);
        }
        (done, self.child.wait().unwrap())
    }
}

/// What a child did before it was killed at a point, which it must come by.
pub fn killed_at(state: &Path, job: &Job, failpoint: &str) -> Vec<String> {
    let (done, status) = Worker::start(state, job, Some(failpoint)).finish();
    assert_eq!(status.signal(), Some(9), "{job:?} does not come by {failpoint}: {status}");
    done
}

/// The child's side. Started by hand it does a small job, to see that this works at all.
#[test]
fn child() {
    let (Ok(job), Ok(state)) = (std::env::var(JOB), std::env::var(STATE)) else {
        let (place, run) = Place::with_run("run");
        work("commit", "m", 2, place.dir.path());
        let manifest = now(place.store.snapshot(&run)).unwrap();
        assert_eq!(super::support::messages(&manifest), ["m-1", "m-2"]);
        return;
    };
    let words: Vec<&str> = job.split(' ').collect();
    let [verb, name, count] = words[..] else { panic!("not a job: {job}") };
    work(verb, name, count.parse().unwrap(), Path::new(&state));
}

fn work(verb: &str, name: &str, count: u32, state: &Path) {
    let store = store_at(state);
    match verb {
        "commit" => {
            for number in 1..=count {
                let text = format!("{name}-{number}");
                let manifest = now(store.commit(&id("run"), &[message(&text)], time(0))).unwrap();
                println!("done {} {text}", manifest.revision);
            }
        }
        "create" => {
            now(store.create(new_run(name, "repo"), time(0))).unwrap();
            println!("done {name}");
        }
        "adopt" => {
            now(super::adoption::adopt(&store, name)).unwrap();
            println!("done {name}");
        }
        "own" => {
            let lease = now(store.acquire_owner(&id(name), Duration::ZERO, Takeover::Never)).unwrap();
            println!("done {name}");
            // Until somebody kills it.
            std::thread::park_timeout(Duration::from_secs(60));
            drop(lease);
        }
        "enter" => {
            let entered = super::workspaces::enter(&store, &super::workspaces::writer(name));
            println!("done {name}");
            std::thread::park_timeout(Duration::from_secs(60));
            drop(entered);
        }
        "delete" => {
            now(store.delete(&id(name), &|_| Ok(()))).unwrap();
            println!("done {name}");
        }
        "watch" => watch_without_a_watcher(&store, &id(name)),
        "syncs" => {
            for number in 1..=count {
                let before = syncs();
                now(store.commit(&id("run"), &[message(&format!("m-{number}"))], time(0))).unwrap();
                println!("done {}", syncs() - before);
            }
        }
        other => panic!("not a job: {other}"),
    }
}

fn watch_without_a_watcher(store: &FileStore, run: &RunId) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let limit = getrlimit(Resource::Nofile);
        // As many files as are open now: finding the run takes one, the watcher two more.
        let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        let mut few = limit;
        few.current = Some(open);
        setrlimit(Resource::Nofile, few).unwrap();
        let mut changes = store.changes(run).await.unwrap();
        setrlimit(Resource::Nofile, limit).unwrap();
        // Nothing has changed, so nobody is woken.
        let idle = tokio::time::timeout(Duration::from_millis(700), changes.next()).await;
        assert!(idle.is_err());
        println!("done waited");
        store.commit(run, &[message("m")], time(0)).await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), changes.next()).await.unwrap();
        println!("done woken");
    });
}
