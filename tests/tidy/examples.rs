//! The examples in the documentation are run as they stand there. Every block marked `sh` is; one marked `sh no-run` is
//! not. The blocks of a document are run one after the other in one empty directory, each in a shell of its own.
//! `RUN_ID` stands for the newest run, `cargo run --release --` for the program, and `# exit 2` behind a command for
//! the exit code it must end with.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::documents::{Fence, fences};
use crate::repository::{documents, read, report};

const RUN_ID: &str = "RUN_ID";
/// What a reader types who has not installed the program.
const FROM_SOURCE: &str = "cargo run --release -- ";

/// A place without history: its own home, directory and `agent-runner` on the path.
pub struct Sandbox {
    place: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        let place = tempfile::Builder::new().prefix("ar-docs-").tempdir().unwrap();
        for name in ["home", "bin", "here", "runtime"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_agent-runner-under-test"), place.path().join("bin/agent-runner"))
            .unwrap();
        Self { place }
    }

    /// The directory in which commands are run.
    pub fn here(&self) -> PathBuf {
        self.place.path().join("here")
    }

    /// Runs a script in a shell.
    pub fn shell(&self, script: &str) -> Output {
        let place = self.place.path();
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        Command::new("sh")
            .args(["-e", "-c", script])
            .current_dir(self.here())
            .env_clear()
            .env("HOME", place.join("home"))
            .env("XDG_RUNTIME_DIR", place.join("runtime"))
            .env("PATH", format!("{}:{path}", place.join("bin").display()))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The runs there are, newest first.
    fn runs(&self) -> Vec<Value> {
        let output = self.shell("agent-runner list runs --global --output-format json");
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list["runs"].as_array().unwrap().clone()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for run in self.runs() {
            if run["capabilities"]["canAbort"] == true {
                let id = run["runId"].as_str().unwrap_or_default();
                self.shell(&format!("agent-runner run abort --now {id} >/dev/null"));
            }
        }
    }
}

/// The script of a block: what the reader types, with a test where an exit code is announced.
fn script(block: &str, newest_run: Option<&str>) -> String {
    let mut script = String::new();
    for line in block.lines() {
        let line = match line.strip_prefix(FROM_SOURCE) {
            Some(rest) => format!("agent-runner {rest}"),
            None => line.to_owned(),
        };
        let line = newest_run.map_or_else(|| line.clone(), |run| line.replace(RUN_ID, run));
        match line.rsplit_once("# exit ").map(|(command, code)| (command.trim_end(), code.trim())) {
            Some((command, code)) => script.push_str(&format!(
                "code=0; {command} || code=$?; [ $code = {code} ] || {{ echo \"exit code $code\" >&2; exit 99; }}\n"
            )),
            None => script.push_str(&format!("{line}\n")),
        }
    }
    script
}

/// What a document's examples did otherwise than it says.
fn failures(document: &str) -> Vec<String> {
    let text = read(document);
    let blocks: Vec<Fence> = fences(&text).into_iter().filter(|fence| fence.info == "sh").collect();
    if blocks.is_empty() {
        return Vec::new();
    }
    let sandbox = Sandbox::new();
    let mut failures = Vec::new();
    for block in blocks {
        let newest = if block.text.contains(RUN_ID) { sandbox.runs().into_iter().next() } else { None };
        let newest = newest.and_then(|run| run["runId"].as_str().map(str::to_owned));
        let output = sandbox.shell(&script(&block.text, newest.as_deref()));
        if !output.status.success() {
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            failures.push(format!("{document}:{}: {}\n{}", block.line, output.status, said.concat()));
        }
    }
    failures
}

fn examined() -> impl Iterator<Item = String> {
    documents().into_iter()
}

#[test]
fn the_readmes_examples_work() {
    report("examples that do not work:", &failures("README.md"));
}

#[test]
fn the_documentations_examples_work() {
    let documents = examined().filter(|document| document != "README.md");
    report(
        "examples that do not work:",
        &documents.flat_map(|document| failures(&document)).collect::<Vec<_>>(),
    );
}

#[test]
fn shell_blocks_are_marked_as_run_or_not() {
    const KNOWN: &[&str] = &["sh", "sh no-run", "text", "json", "jsonl", "md", "yaml", "toml", "rust"];
    let mut findings = Vec::new();
    for document in examined() {
        let unknown =
            fences(&read(&document)).into_iter().filter(|fence| !KNOWN.contains(&fence.info.as_str()));
        findings.extend(unknown.map(|fence| format!("{document}:{}: {:?}", fence.line, fence.info)));
    }
    report("fenced blocks with another mark:", &findings);
}

#[test]
fn exit_codes_and_placeholders_are_understood() {
    assert_eq!(script("cargo run --release -- run x RUN_ID\n", Some("abc")), "agent-runner run x abc\n");
    let checked = script("false   # exit 1\n", None);
    assert!(checked.starts_with("code=0; false || code=$?; [ $code = 1 ]"), "{checked}");
    let sandbox = Sandbox::new();
    assert!(sandbox.shell(&checked).status.success());
    assert!(!sandbox.shell(&script("false   # exit 2\n", None)).status.success());
    assert!(!sandbox.shell("false\ntrue").status.success(), "the first failure ends a block");
}
