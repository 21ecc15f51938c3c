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
use std::time::Duration;

use serde_json::Value;
use support::{Bench, PEAK, build, measure_peak, median, peak_kib, ratio, run, show, three_syncs};

mod support;

const ROUNDS: usize = 60;

fn main() {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == PEAK) {
        return measure_peak(&args[1..]);
    }
    let program = build();
    println!("program: {} bytes", fs::metadata(&program).unwrap().len());
    let disk = Bench::new(program.clone(), None);
    let baseline = median(ROUNDS, |_| run(Command::new("/bin/true")));
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

impl Bench {
    fn passive(&self) -> String {
        let detail = self.json(&["init", "--backend", "passive", "--assignment", "test"]);
        detail["runId"].as_str().unwrap().to_owned()
    }

    fn small_commands(&self, baseline: Duration) {
        let run_id = self.passive();
        let version = median(ROUNDS, |_| run(self.command(&["--version"])));
        let status = median(ROUNDS, |_| run(self.command(&["status"])));
        let list = median(ROUNDS, |_| run(self.command(&["task", "list", &run_id])));
        let set = median(ROUNDS, |round| {
            let status = if round % 2 == 0 { "in_progress" } else { "pending" };
            run(self.command(&["task", "set", &run_id, "date", "--status", status]));
        });
        let syncs = median(ROUNDS, |_| three_syncs(self.root.path()));
        println!("start-up (--version): {}", show(version));
        println!("start-up (status): {}, {:.1} x an empty program", show(status), ratio(status, baseline));
        let line = ["complete", "--shell", "fish", "--", "agent-runner", "task", "show", &run_id, ""];
        let offered = median(ROUNDS, |_| run(self.command(&line)));
        println!("task list: {}", show(list));
        println!("tasks of a run, offered to a shell: {}", show(offered));
        println!("task set: {}, of which its three syncs: {}", show(set), show(syncs));
    }

    fn runs(&self, name: &str, baseline: Duration) {
        let mut commits = 0;
        let run_once = || run(self.command(&["run", "--agent", "./agent.md", "hello"]));
        let whole = median(ROUNDS, |_| run_once());
        let detached =
            // They are not to wait for one another's directory.
            median(ROUNDS, |_| {
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
            let took = median(ROUNDS, |_| run(self.command(&args)));
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
