//! The files of this repository, as the other tests see them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file that belongs to the repository or would, if it were committed now; relative to the top, sorted.
pub fn files() -> Vec<String> {
    let mut files: BTreeSet<String> = listed_by_git().unwrap_or_default().into_iter().collect();
    if files.is_empty() {
        walk(&root(), "", &mut files);
    }
    files.into_iter().filter(|file| root().join(file).is_file()).collect()
}

fn listed_by_git() -> Option<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|listing| listing.status.success())?;
    let text = String::from_utf8(listing.stdout).ok()?;
    Some(text.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect())
}

fn walk(dir: &Path, prefix: &str, files: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if prefix.is_empty() && (name == ".git" || name == "target") {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path);
        }
    }
}

/// The Rust sources.
pub fn rust_files() -> Vec<String> {
    files().into_iter().filter(|file| file.ends_with(".rs")).collect()
}

/// The README and everything below `docs`.
pub fn documents() -> Vec<String> {
    let is_document = |file: &String| file == "README.md" || file.starts_with("docs/");
    files().into_iter().filter(|file| is_document(file) && file.ends_with(".md")).collect()
}

/// The text of a file; nothing if it is not text.
pub fn text_of(file: &str) -> Option<String> {
    let bytes =
        std::fs::read(root().join(file)).unwrap_or_else(|error| panic!("cannot read {file}: {error}"));
    String::from_utf8(bytes).ok()
}

/// The text of a file that is text.
pub fn read(file: &str) -> String {
    text_of(file).unwrap_or_else(|| panic!("{file} is not UTF-8"))
}

/// Fails with all findings at once.
pub fn report(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
