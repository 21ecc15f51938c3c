//! Commits that git has only noted: of something that is half done, or was done before. Nothing else may name them, and
//! some hold what was never committed. Must not change anything.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;

use agent_runner_model::manifest::GitHead;
use agent_runner_supervisor::Stdin;

use super::compare::is_hash;
use super::real::Real;
use super::trouble::{WorktreeError, failed};

/// What is being merged, and files that git put aside itself, to bring them back at the end.
const HALF_DONE: [&str; 4] =
    ["MERGE_HEAD", "MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash"];
/// Where something began, or what it is about.
const POINTERS: [&str; 8] = [
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "ORIG_HEAD",
    "rebase-merge/orig-head",
    "rebase-merge/onto",
    "rebase-apply/orig-head",
    "rebase-apply/onto",
];
/// What has been checked out there, with the commits before and after.
const JOURNAL: &str = "logs/HEAD";
/// Names that each work tree has for itself.
const OWN_NAMES: [&str; 3] = ["refs/worktree", "refs/bisect", "refs/rewritten"];

/// The hashes that the lines of a file begin with, up to so many in each; nothing if there is no such file.
fn hashes(real: &Real<'_>, name: &str, words: usize) -> Result<Vec<String>, WorktreeError> {
    let path = real.repository.git_dir.join(name);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed("reading", &path)(error)),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let found = text.lines().flat_map(|line| line.split(' ').take(words));
    let found = found.filter(|word| is_hash(word) && word.bytes().any(|byte| byte != b'0'));
    Ok(found.map(str::to_owned).collect())
}

/// Commits that belong to something that is half done, and hold work that is nowhere else.
pub(super) async fn half_done(real: &Real<'_>) -> Result<Vec<String>, WorktreeError> {
    let mut found = Vec::new();
    for name in HALF_DONE {
        for hash in hashes(real, name, 1)? {
            // What is there no more cannot be kept.
            if real.commit_of(&hash).await.is_ok() {
                found.push(hash);
            }
        }
    }
    Ok(found)
}

/// Commits that only the work tree's own notes lead to, without those that others of them lead to. With `all`, also what
/// was checked out at some time, and names that nothing outside the work tree sees.
pub(super) async fn lonely(real: &Real<'_>, head: &GitHead, all: bool) -> Result<Vec<String>, WorktreeError> {
    let mut noted: BTreeSet<String> = BTreeSet::new();
    for name in HALF_DONE.iter().chain(&POINTERS) {
        noted.extend(hashes(real, name, 1)?);
    }
    if all {
        noted.extend(hashes(real, JOURNAL, 2)?);
        for below in OWN_NAMES {
            noted.extend(real.names(below).await?.into_iter().map(|(_, commit)| commit));
        }
    }
    if noted.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines: Vec<u8> = noted.iter().flat_map(|hash| [hash.as_bytes(), b"\n"].concat()).collect();
    if let Some(commit) = &head.commit {
        lines.extend([b"^", commit.as_bytes(), b"\n"].concat());
    }
    let kept = Real::kept_elsewhere(None);
    let mut args = vec!["rev-list", "--parents", "--ignore-missing", "--stdin"];
    args.extend(kept.iter().map(String::as_str));
    let answer = real.ask_with(&args, Stdin::Bytes(lines)).await?;
    let lines: Vec<String> =
        answer.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let parents: HashSet<&str> = lines.iter().flat_map(|line| line.split(' ').skip(1)).collect();
    let commits = lines.iter().filter_map(|line| line.split(' ').next());
    Ok(commits.filter(|commit| !parents.contains(commit)).map(str::to_owned).collect())
}
