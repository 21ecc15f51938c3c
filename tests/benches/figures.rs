//! What the program costs from outside: start-up, `task set`, a run's overhead, memory. Measures the release build,
//! which it makes first. Each figure stands beside something measured in the same breath, because machines are noisy.
//! Run it with `cargo bench -p agent-runner-tests`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing else to do than stop"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const ROUNDS: usize = 60;

struct Bench {
    program: PathBuf,
    root: tempfile::TempDir,
    state: PathBuf,
}

fn main() {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == PEAK) {
        return measure_peak(&args[1..]);
    }
    let program = build();
    println!("program: {} bytes", fs::metadata(&program).unwrap().len());
    let disk = Bench::new(program.clone(), None);
    let baseline = disk.median(|_| run(Command::new("/bin/true")));
    println!("an empty program, started and waited for: {}", show(baseline));
    disk.small_commands(baseline);
    disk.runs("on disk", baseline);
    if Path::new("/dev/shm").is_dir() {
        // A file system in memory, where a sync costs nothing: what is left is the program's own.
        let memory = Bench::new(program, Some(Path::new("/dev/shm")));
        memory.small_commands(baseline);
        memory.runs("without the cost of syncs", baseline);
    }
    disk.memory();
    disk.report();
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "-p", "agent-runner", "--message-format=json"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "the release build failed");
    let messages = String::from_utf8(built.stdout).unwrap();
    let programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    programs.reduce(|_, last| last).expect("the build names its program")
}

fn run(mut command: Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

fn show(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

impl Bench {
    fn new(program: PathBuf, below: Option<&Path>) -> Self {
        let root = match below {
            Some(below) => tempfile::tempdir_in(below).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        let state = root.path().join("state");
        let agent = "---\nschemaVersion: 1\nname: quick\nbackend: command\nbackendConfig:\n  command:\n    argv: \
                     [\"/bin/true\"]\n---\nDo nothing.\n";
        fs::write(root.path().join("agent.md"), agent).unwrap();
        Self { program, root, state }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.root.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.root.path()).env("AGENT_RUNNER_STATE_DIR", &self.state);
        command.env("XDG_RUNTIME_DIR", self.root.path());
        command
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.command(args).args(["--output-format", "json"]).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn median(&self, mut once: impl FnMut(usize)) -> Duration {
        once(0);
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|round| {
                let start = Instant::now();
                once(round);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn passive(&self) -> String {
        let detail = self.json(&["init", "--backend", "passive", "--assignment", "test"]);
        detail["runId"].as_str().unwrap().to_owned()
    }

    fn small_commands(&self, baseline: Duration) {
        let run_id = self.passive();
        let version = self.median(|_| run(self.command(&["--version"])));
        let status = self.median(|_| run(self.command(&["status"])));
        let list = self.median(|_| run(self.command(&["task", "list", &run_id])));
        let set = self.median(|round| {
            let status = if round % 2 == 0 { "in_progress" } else { "pending" };
            run(self.command(&["task", "set", &run_id, "date", "--status", status]));
        });
        let syncs = self.median(|_| three_syncs(self.root.path()));
        println!("start-up (--version): {}", show(version));
        println!("start-up (status): {}, {:.1} x an empty program", show(status), ratio(status, baseline));
        println!("task list: {}", show(list));
        println!("task set: {}, of which its three syncs: {}", show(set), show(syncs));
    }

    fn runs(&self, name: &str, baseline: Duration) {
        let mut commits = 0;
        let run_once = || run(self.command(&["run", "--agent", "./agent.md", "hello"]));
        let whole = self.median(|_| run_once());
        let detached =
            // They are not to wait for one another's directory.
            self.median(|_| {
                let args = ["run", "--agent", "./agent.md", "--detach", "--on-busy", "share", "hello"];
                run(self.command(&args))
            });
        for listed in self.json(&["list", "runs"])["runs"].as_array().unwrap() {
            if listed["backend"] == "command" {
                let detail = self.json(&["run", "status", listed["runId"].as_str().unwrap()]);
                commits = commits.max(detail["revision"].as_u64().unwrap());
            }
        }
        println!("a run of an empty worker, {name}: {}", show(whole));
        println!("  overhead over the worker itself: {}", show(whole.saturating_sub(baseline)));
        println!("  until --detach returns: {}", show(detached));
        println!("  commits of a run: {commits}");
    }

    /// A page about a run of 2,000 tasks with notes and 20 attempts.
    fn report(&self) {
        let titles: Vec<String> = (0..1998).map(|number| format!("Task {number} of *many*")).collect();
        let mut args = vec!["init", "--backend", "passive", "--assignment", "test"];
        args.extend(titles.iter().flat_map(|title| ["--add-task", title.as_str()]));
        let detail = self.json(&args);
        let path = PathBuf::from(detail["workspaceDir"].as_str().unwrap()).join("run.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for task in manifest["state"]["finalTasks"].as_object_mut().unwrap().values_mut() {
            task["notes"] = "Did it, see `src/main.rs`.\n\n- one\n- two with <b>\n".repeat(10).into();
        }
        let attempt = |number: u32| {
            serde_json::json!({
                "attemptNumber": number, "sessionIndex": 0, "attemptIndexInSession": number, "fence": number + 1,
                "prompt": "nudge", "startedAt": "2026-01-01T00:00:00Z", "endedAt": "2026-01-01T00:10:00Z",
                "progressAtStart": 0, "end": { "kind": "reported" }, "exitCode": 0, "signal": null,
                "outputTail": "words ".repeat(500), "leftovers": 0, "usage": { "outputTokens": 100 }
            })
        };
        manifest["state"]["attemptRecords"] = (0..20).map(attempt).collect();
        fs::write(&path, manifest.to_string()).unwrap();
        let run_id = detail["runId"].as_str().unwrap();
        for format in ["markdown", "html"] {
            let args = ["run", "report", run_id, "--format", format];
            let took = self.median(|_| run(self.command(&args)));
            let peak = peak_kib(self.command(&args));
            println!(
                "a report of 2,000 tasks and 20 attempts, {format}: {}, {peak} KiB resident",
                show(took)
            );
        }
    }

    fn memory(&self) {
        let run_id = self.passive();
        for args in [
            vec!["--version"],
            vec!["status"],
            vec!["task", "set", &run_id, "date", "--status", "completed"],
            vec!["list", "runs"],
            vec!["run", "--agent", "./agent.md", "hello"],
        ] {
            let peak = peak_kib(self.command(&args));
            println!("peak memory of `{}`: {peak} KiB resident", args[..args.len().min(2)].join(" "));
        }
        self.driver_memory();
    }

    /// Two drivers whose workers wait for a word, looked at meanwhile: what the second one costs is what a driver
    /// costs, because the program's own pages are there once.
    fn driver_memory(&self) {
        let first = self.waiting_run("first");
        let second = self.waiting_run("second");
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", second.driver)).unwrap();
        let kib = |name: &str| -> u64 {
            let line = rollup.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        println!(
            "a driver at rest beside another one: {} KiB private, {} KiB resident",
            kib("Private_Clean:") + kib("Private_Dirty:"),
            kib("Rss:")
        );
        for mut run in [first, second] {
            run.word.write_all(b"go\n").unwrap();
            let attached = self.command(&["run", "attach", &run.id]).stdout(Stdio::null()).status().unwrap();
            assert!(attached.success());
        }
    }

    fn waiting_run(&self, name: &str) -> WaitingRun {
        let word = self.root.path().join(name);
        assert!(Command::new("mkfifo").arg(&word).status().unwrap().success());
        let agent = format!(
            "---\nschemaVersion: 1\nname: waits\nbackend: command\nbackendConfig:\n  command:\n    argv: \
             [\"/bin/sh\", \"-c\", \"read -r word < {}\"]\n---\nWait.\n",
            word.display()
        );
        fs::write(self.root.path().join("waits.md"), agent).unwrap();
        let detail = self.json(&["run", "--agent", "./waits.md", "--detach", "--on-busy", "share", "hello"]);
        let manifest = PathBuf::from(detail["workspaceDir"].as_str().unwrap()).join("run.json");
        // Opening the pipe waits until the worker does: by then the driver is at rest.
        let word = fs::OpenOptions::new().write(true).open(&word).unwrap();
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        let driver = manifest["state"]["driver"]["pid"].as_u64().unwrap();
        WaitingRun { id: detail["runId"].as_str().unwrap().to_owned(), driver, word }
    }
}

struct WaitingRun {
    id: String,
    driver: u64,
    word: fs::File,
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn three_syncs(directory: &Path) {
    let mut log = fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    log.write_all(&[b'x'; 150]).unwrap();
    log.sync_data().unwrap();
    let mut temporary = fs::File::create(directory.join("run.tmp")).unwrap();
    temporary.write_all(&[b'x'; 6 * 1024]).unwrap();
    temporary.sync_all().unwrap();
    fs::rename(directory.join("run.tmp"), directory.join("run")).unwrap();
    fs::File::open(directory).unwrap().sync_all().unwrap();
}

/// The argument by which this program becomes the parent that measures one child.
const PEAK: &str = "--peak-of";

/// The largest resident size the command reached. The system keeps only the maximum over all children, so a process
/// of its own asks.
fn peak_kib(mut command: Command) -> i64 {
    let mut parent = Command::new(std::env::current_exe().unwrap());
    parent.arg(PEAK).arg(command.get_program()).args(command.get_args());
    parent.current_dir(command.get_current_dir().unwrap()).env_clear();
    parent.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    let output = parent.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn measure_peak(args: &[std::ffi::OsString]) {
    let mut command = Command::new(&args[0]);
    command.args(&args[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    println!("{}", usage.max_rss());
}
