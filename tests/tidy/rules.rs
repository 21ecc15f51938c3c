//! Rules about single files: their size, their first line, their names, and words they must not contain.

use crate::repository::{files, read, report, rust_files, text_of};
use crate::source::{code_lines, is_test, without_tests};

/// Longest source file that is not a test.
const MAX_LINES: usize = 500;
/// What the top of the repository may hold.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".deny.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "agents",
    "apps",
    "assignments",
    "crates",
    "docs",
    "hooks",
    "tasks",
    "tests",
];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "stuff"];
/// `mod.rs` files that hold more than declarations, and why.
const FULL_MOD_FILES: &[(&str, &str)] = &[
    ("apps/cli/src/args/mod.rs", "the command line's root struct"),
    ("apps/cli/src/commands/definitions/mod.rs", "which subcommand goes to which file"),
    ("apps/cli/src/commands/run/mod.rs", "which subcommand goes to which file"),
    ("apps/cli/src/commands/attachment/mod.rs", "which subcommand goes to which file"),
    ("apps/cli/src/commands/workspace/mod.rs", "which subcommand goes to which file"),
    ("apps/cli/src/commands/skills/mod.rs", "which subcommand goes to which file"),
    ("apps/cli/src/commands/task/mod.rs", "which subcommand goes to which file"),
    ("crates/api/src/operations/mod.rs", "the shape of all requests"),
    ("crates/engine/src/talk/mod.rs", "where both ends of the conversation meet"),
    ("crates/model/src/apply/mod.rs", "the entry point itself"),
];
/// Sleeps that are the thing itself and not a substitute for an event, and why.
const SLEEPS: &[(&str, &str)] = &[
    ("apps/cli/src/pace.rs", "pictures are drawn and events are taken at a pace"),
    ("apps/cli/src/prompts.rs", "the fallback where no socket tells that a driver is gone"),
    ("crates/engine/src/driver/last_word.rs", "a pause before a full disk is tried again"),
    ("crates/engine/src/driver/turn.rs", "the time that a run's budget leaves its worker"),
    ("crates/engine/src/driver/work.rs", "a wait until a time"),
    ("crates/store/src/file/changes.rs", "the fallback where files cannot be watched"),
    ("crates/store/src/file/owner.rs", "a lock that somebody may only be testing"),
    ("crates/supervisor/src/job.rs", "a limit of time is what it waits for"),
];
/// Names of vendors and their programs. The engine and the model serve all of them alike.
const VENDORS: &[&str] =
    &["claude", "codex", "opencode", "gemini", "anthropic", "openai", "copilot", "aider", "cursor-agent"];

/// Lines of code outside tests in which one of the words occurs.
fn lines_with(words: &[&str], wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for file in rust_files().into_iter().filter(|file| wanted(file)) {
        let text = read(&file);
        for (number, line) in code_lines(without_tests(&text)) {
            let lower = line.to_lowercase();
            if words.iter().any(|word| lower.contains(&word.to_lowercase())) {
                findings.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    findings
}

#[test]
fn files_stay_short() {
    let sources = rust_files().into_iter().filter(|file| !is_test(file));
    let long = sources.filter_map(|file| {
        let lines = read(&file).lines().count();
        (lines > MAX_LINES).then(|| format!("{file}: {lines} lines"))
    });
    report("files of more than 500 lines:", &long.collect::<Vec<_>>());
}

#[test]
fn every_source_file_says_what_it_owns() {
    let silent = rust_files().into_iter().filter(|file| !read(file).starts_with("//! "));
    report("files that do not open with `//!`:", &silent.collect::<Vec<_>>());
}

#[test]
fn names_mean_something() {
    let empty = |file: &&String| {
        file.split('/').any(|part| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default()))
    };
    let mut findings: Vec<String> = rust_files().iter().filter(empty).cloned().collect();
    for name in EMPTY_NAMES {
        let (private, public) = (format!("mod {name} {{"), format!("mod {name};"));
        findings.extend(lines_with(&[&private, &public], |file| !file.starts_with("tests/tidy/")));
    }
    report("files or modules with names that say nothing:", &findings);
}

#[test]
fn nothing_is_left_undone_or_ignored() {
    let words = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore")];
    report("unfinished code or ignored tests:", &lines_with(&words, |_| true));
}

#[test]
fn sleeping_is_no_synchronisation() {
    let words = [concat!("thread::", "sleep"), concat!("time::", "sleep")];
    let allowed = |file: &str| SLEEPS.iter().any(|(name, _)| *name == file);
    report("sleeps without a reason in tests/tidy/rules.rs:", &lines_with(&words, |file| !allowed(file)));
    let stale = SLEEPS.iter().filter(|(name, _)| lines_with(&words, |file| file == *name).is_empty());
    report(
        "files that do not sleep any more:",
        &stale.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>(),
    );
}

#[test]
fn mod_files_only_declare() {
    const ITEMS: &[&str] =
        &["fn ", "struct ", "enum ", "impl ", "impl<", "const ", "static ", "trait ", "macro_rules!"];
    let allowed = |file: &String| FULL_MOD_FILES.iter().any(|(name, _)| name == file);
    let mut findings = Vec::new();
    let mods = rust_files().into_iter().filter(|file| file.ends_with("/mod.rs"));
    for file in mods.filter(|file| !is_test(file) && !allowed(file)) {
        let text = read(&file);
        for (number, line) in code_lines(&text) {
            let rest = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let rest = rest.trim_start_matches("async ");
            if ITEMS.iter().any(|item| rest.starts_with(item)) {
                findings.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    report("`mod.rs` files that do more than declare and re-export:", &findings);
}

#[test]
fn the_engine_speaks_to_nobody_and_reads_no_environment() {
    let words = ["println!", "eprintln!", "print!(", "std::env", "env::var", "dbg!("];
    let inside = |file: &str| file.starts_with("crates/engine/src/") && !is_test(file);
    report("crates/engine must not:", &lines_with(&words, inside));
}

#[test]
fn the_model_is_pure() {
    let words =
        ["std::fs", "std::net", "std::env", "std::process", "SystemTime", "Instant", "tokio", "println!"];
    let inside = |file: &str| file.starts_with("crates/model/src/") && !is_test(file);
    report("crates/model must not:", &lines_with(&words, inside));
}

#[test]
fn the_supervisor_knows_no_product_words() {
    let words = ["run.json", "agent_runner", "AGENT_RUNNER", "manifest", "backend"];
    report(
        "crates/supervisor must not:",
        &lines_with(&words, |file| file.starts_with("crates/supervisor/src/") && !is_test(file)),
    );
}

#[test]
fn vendors_are_named_in_no_decision() {
    let inside = |file: &str| file.starts_with("crates/engine/") || file.starts_with("crates/model/");
    report("vendors named in engine or model:", &lines_with(VENDORS, inside));
}

#[test]
fn unsafe_code_stays_in_one_room() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code", "expect(unsafe_code"];
    let outside = |file: &str| !file.starts_with("crates/supervisor/") && !file.starts_with("tests/tidy/");
    report("unsafe code outside crates/supervisor:", &lines_with(&words, outside));
}

#[test]
fn the_top_of_the_repository_is_tidy() {
    let mut top: Vec<String> =
        files().iter().map(|file| file.split('/').next().unwrap_or_default().to_owned()).collect();
    top.dedup();
    top.retain(|name| !TOP.contains(&name.as_str()));
    report("at the top of the repository, without a place in the house:", &top);
}

#[test]
fn every_package_follows_the_workspace() {
    let manifests = files().into_iter().filter(|file| file.ends_with("/Cargo.toml"));
    let wrong = manifests.filter(|file| {
        let text = read(file);
        !text.contains("[lints]\nworkspace = true") || !text.contains("license.workspace = true")
    });
    report("packages without the workspace's lints or licence:", &wrong.collect::<Vec<_>>());
}

#[test]
fn nothing_depends_on_one_machine() {
    // Somebody's home in a test's data is nobody's home.
    const INVENTED: &[&str] = &["/home/somebody", "/home/b", "/home/{"];
    const PLACES: &[&str] = &["/home/", "/Users/", "/root/", "/work/"];
    let mut findings = Vec::new();
    for file in files().into_iter().filter(|file| !file.starts_with("tests/tidy/")) {
        let Some(text) = text_of(&file) else { continue };
        for (index, line) in text.lines().enumerate() {
            let line = INVENTED.iter().fold(line.to_owned(), |line, path| line.replace(path, ""));
            let place = PLACES.iter().any(|place| starts_a_path(&line, place));
            let registry = line.contains("replace-with") || line.contains("[source.");
            if place || registry || line.contains("../shared/") {
                findings.push(format!("{file}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    report("paths or registries of one machine:", &findings);
}

/// Whether an absolute path below `place` is named: `/home/x`, but not `https://host/home/x` or `at/home/x`.
fn starts_a_path(line: &str, place: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    let inner = |c: char| c.is_alphanumeric() || "._-~}*>".contains(c);
    line.match_indices(place).any(|(at, _)| !before(at).is_some_and(inner))
}

#[test]
fn absolute_paths_are_told_from_others() {
    assert!(starts_a_path("cd /work/x", "/work/") && starts_a_path("\"/home/me\"", "/home/"));
    assert!(!starts_a_path("https://a.example/home/x", "/home/") && !starts_a_path("$HOME/work/x", "/work/"));
}
