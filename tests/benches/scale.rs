//! What commands cost among many runs: ten, ten thousand, a hundred thousand. Measures the release build, which it makes
//! first. Run it with `cargo bench -p agent-runner-tests --bench scale`, or for other numbers of runs with
//! `cargo bench -p agent-runner-tests --bench scale -- 10 5000`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing else to do than stop"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Bench, PEAK, build, measure_peak, median, middle, peak_kib, ratio, run, show, three_syncs};

mod support;

const COUNTS: [usize; 3] = [10, 10_000, 100_000];
const ROUNDS: usize = 25;
/// Of what takes long.
const FEW: usize = 5;
const WORDS: [&str; 8] = ["parser", "release", "flaky", "migration", "login", "cache", "report", "typo"];

fn main() {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == PEAK) {
        return measure_peak(&args[1..]);
    }
    let asked: Vec<usize> = args.iter().filter_map(|arg| arg.to_str()?.parse().ok()).collect();
    let counts = if asked.is_empty() { COUNTS.to_vec() } else { asked };
    let program = build();
    let mut first: Option<Vec<Figure>> = None;
    for count in counts {
        let figures = Crowd::new(program.clone(), count).figures();
        println!("\n{count} runs");
        for (at, figure) in figures.iter().enumerate() {
            let growth = first.as_ref().map(|first| ratio(figure.took, first[at].took));
            let growth = growth.map(|growth| format!(", {growth:.1} x")).unwrap_or_default();
            let peak = figure.peak.map(|kib| format!(", {kib} KiB resident")).unwrap_or_default();
            println!("  {}: {}{growth}{peak}", figure.what, show(figure.took));
        }
        first.get_or_insert(figures);
    }
}

/// What something took, and its memory where that was measured.
struct Figure {
    what: &'static str,
    took: Duration,
    peak: Option<i64>,
}

/// A state directory with many runs.
struct Crowd {
    bench: Bench,
    /// The one that is looked at and changed.
    run: String,
    /// A beginning of its id that no other one has.
    beginning: String,
}

impl Crowd {
    /// One run is made by the program; the others are written beside it, without its syncs.
    fn new(program: PathBuf, count: usize) -> Self {
        let bench = Bench::new(program, None);
        let detail =
            bench.json(&["init", "--backend", "passive", "--assignment", "test", "--name", "the one"]);
        let run = detail["runId"].as_str().unwrap().to_owned();
        let dir = PathBuf::from(detail["workspaceDir"].as_str().unwrap());
        let template: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
        for number in 1..count {
            write_another(&dir, &template, number);
        }
        let beginning = run[..7].to_owned();
        let crowd = Self { bench, run, beginning };
        // A cache that is warm, and directories that were not changed a moment ago.
        let all = crowd.bench.json(&["list", "runs", "--global"]);
        assert_eq!(all["runs"].as_array().unwrap().len(), count);
        crowd
    }

    fn command(&self, args: &[&str]) -> Command {
        self.bench.command(args)
    }

    fn set(&self, round: usize) {
        let status = if round.is_multiple_of(2) { "in_progress" } else { "pending" };
        run(self.command(&["task", "set", &self.run, "date", "--status", status]));
    }

    fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        let mut add = |what, took, peak| figures.push(Figure { what, took, peak });
        let timed = |args: &[&str]| median(ROUNDS, |_| run(self.command(args)));
        let peak = |args: &[&str]| Some(peak_kib(self.command(args)));
        add("an empty command (--version)", timed(&["--version"]), peak(&["--version"]));
        add("run status", timed(&["run", "status", &self.run]), peak(&["run", "status", &self.run]));
        add("task set", median(ROUNDS, |round| self.set(round)), None);
        add("  of which three syncs", median(ROUNDS, |_| three_syncs(self.bench.root.path())), None);
        let page = ["list", "runs", "--global", "--limit", "50"];
        add("list runs --limit 50", timed(&page), peak(&page));
        add("  the first after a change", self.after_a_change(&page), None);
        let whole = ["list", "runs", "--global", "--output-format", "json"];
        add("list runs, all of them as JSON", timed(&whole), peak(&whole));
        let search = [&page[..], &["--search", "flaky migration"]].concat();
        add("list runs --limit 50 --search", timed(&search), peak(&search));
        let rare = ["list", "runs", "--global", "--search", "seventyseven"];
        add("a search that finds one", timed(&rare), None);
        add("run status by the beginning of an id", timed(&["run", "status", &self.beginning]), None);
        add("run status @last", timed(&["run", "status", "@last"]), None);
        add("run tree", timed(&["run", "tree", &self.run]), None);
        let offer = ["complete", "--shell", "zsh", "--", "agent-runner", "run", "status", ""];
        add("run ids, offered to a shell", timed(&offer), None);
        let few = |args: &[&str]| median(FEW, |_| run(self.command(args)));
        add("du --global", few(&["du", "--global", "--limit", "20"]), None);
        let gc = ["gc", "--global", "--older-than", "30d", "--dry-run"];
        add("gc --dry-run", few(&gc), peak(&gc));
        add("an index made anew, and a list", self.rebuilt(&page), None);
        let scan = || run(without_cache(self.command(&page)));
        add("the same list without an index", median(FEW, |_| scan()), None);
        figures
    }

    fn after_a_change(&self, page: &[&str]) -> Duration {
        let one = |round| {
            self.set(round);
            let start = Instant::now();
            run(self.command(page));
            start.elapsed()
        };
        middle((0..ROUNDS).map(one).collect())
    }

    fn rebuilt(&self, page: &[&str]) -> Duration {
        let one = |_| {
            fs::remove_dir_all(self.bench.root.path().join(".cache")).unwrap();
            let start = Instant::now();
            run(self.command(page));
            start.elapsed()
        };
        middle((0..FEW).map(one).collect())
    }
}

fn without_cache(mut command: Command) -> Command {
    command.env("XDG_CACHE_HOME", "/dev/null/nowhere");
    command
}

/// A run beside the one that was made, older than it.
fn write_another(dir: &Path, template: &Value, number: usize) {
    let mut manifest = template.clone();
    // Beginnings of ids differ early, as those of real ones do.
    let id = format!("{:05}run{number}", (number * 7919) % 100_003);
    let word = |at: usize| WORDS[(number / at) % WORDS.len()];
    let spec = &mut manifest["spec"];
    spec["runId"] = id.as_str().into();
    spec["createdAt"] = earlier(number).into();
    let state = &mut manifest["state"];
    state["name"] = format!("{} {number}", word(1)).into();
    state["runGroupId"] = id.as_str().into();
    for (at, task) in state["finalTasks"].as_object_mut().unwrap().values_mut().enumerate() {
        let rare = if number == 77 { "seventyseven" } else { "nothing" };
        task["notes"] =
            format!("Looked at the {} and the {}; {rare} is left to do.", word(8), word(64)).into();
        task["title"] = format!("Look at the {} of part {at}", word(at + 1)).into();
        task["status"] = "completed".into();
    }
    if !number.is_multiple_of(200) {
        state["phase"] = serde_json::json!({ "name": "ended", "outcome": { "name": "success" } });
    }
    let other = dir.parent().unwrap().join(&id);
    fs::create_dir(&other).unwrap();
    fs::copy(dir.join("run-events.jsonl"), other.join("run-events.jsonl")).unwrap();
    fs::write(other.join("run.lock"), "").unwrap();
    fs::write(other.join("owner.lock"), "").unwrap();
    fs::write(other.join("run.json"), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
}

/// The time so many minutes before the newest run.
fn earlier(minutes: usize) -> String {
    let (days, minutes) = (minutes / 1440, minutes % 1440);
    let (month, day) = (11 - days / 28, 28 - days % 28);
    format!("2025-{month:02}-{day:02}T{:02}:{:02}:00.000Z", 23 - minutes / 60, 59 - minutes % 60)
}
