//! How fast a transcript of `claude` is read, and in how much memory: `cargo run --release -p agent-runner-backends
//! --example read_speed -- crates/backends/tests/fixtures/claude/print/first.jsonl`. Must not judge.

use std::collections::BTreeMap;
use std::time::Instant;

use agent_runner_backends::{Registry, TurnRequest};
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::Source;

/// Bytes that are read in all.
const ENOUGH: usize = 1 << 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which transcript?")?;
    let text = std::fs::read(path)?;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let request = TurnRequest {
        run_id: RunId::parse("speed-1")?,
        name: None,
        cwd: ".".into(),
        prompt: String::new(),
        prompt_file: "prompt.md".into(),
        config: BTreeMap::new(),
        extra_args: Vec::new(),
        model: None,
        effort: None,
        unrestricted: true,
        session_id: None,
        own_program: "agent-runner".into(),
        command: "agent-runner".to_owned(),
        has_tasks: true,
        environment: Vec::new(),
        now: Timestamp::from_millis(0),
    };
    let mut reader = Registry::built_in().get("claude")?.plan(&request)?.reader;
    let (mut read, mut events) = (0, 0);
    let before = resident();
    let start = Instant::now();
    while read < ENOUGH {
        for line in &lines {
            events += reader.line(Source::Stdout, line, false, request.now).len();
        }
        read += bytes;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{:.0} MB/s, {:.0} lines/s, {events} events, memory {} -> {} KiB",
        read as f64 / 1e6 / seconds,
        (read / bytes * lines.len()) as f64 / seconds,
        before,
        resident(),
    );
    Ok(())
}

/// Resident memory in KiB, where the system says it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
