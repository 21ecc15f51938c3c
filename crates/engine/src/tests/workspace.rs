//! What is read from git's files by hand is what git itself says.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_runner_model::manifest::GitHead;

use crate::workspace::{find, git_head};

/// A repository in a directory that goes away.
pub(super) struct Repo {
    root: tempfile::TempDir,
}

impl Repo {
    /// Without a commit, on the branch `main`.
    pub(super) fn new() -> Self {
        let repo = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(repo.path()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// With one commit.
    pub(super) fn with_commit() -> Self {
        let repo = Self::new();
        repo.commit("first.txt", "one\ntwo\n", "The first one");
        repo
    }

    /// Beside the repository.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.beside("repo")
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn commit(&self, name: &str, text: &str, subject: &str) -> String {
        self.write(name, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        git_in(&self.path(), args)
    }

    /// Settings that name programs must not have these started by the setting of the next one.
    pub(super) fn git_quietly(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["-c", "core.fsmonitor=false"].iter().chain(args).copied().collect();
        self.git(&all)
    }

    fn head(&self) -> Option<GitHead> {
        git_head(&self.path())
    }
}

/// Runs git without anybody's configuration.
pub(super) fn git_in(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn head(commit: &str, branch: Option<&str>) -> Option<GitHead> {
    Some(GitHead { commit: Some(commit.to_owned()), branch: branch.map(str::to_owned) })
}

#[test]
fn outside_a_repository_there_is_nothing_to_tell() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(git_head(root.path()), None);
    assert_eq!(git_head(&root.path().join("not/there")), None);
    // A directory that only has the name is none of git's either.
    fs::create_dir(root.path().join(".git")).unwrap();
    assert_eq!(git_head(root.path()), None);
}

#[test]
fn a_branch_without_a_commit_is_known_by_its_name() {
    let repo = Repo::new();
    assert_eq!(repo.head(), Some(GitHead { commit: None, branch: Some("main".to_owned()) }));
}

#[test]
fn branches_are_found_loose_and_packed() {
    let repo = Repo::with_commit();
    let first = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(repo.head(), head(&first, Some("main")));
    repo.git(&["checkout", "--quiet", "-b", "topic/one"]);
    let second = repo.commit("second.txt", "x", "The second one");
    assert_eq!(repo.head(), head(&second, Some("topic/one")));
    repo.git(&["tag", "-a", "-m", "a tag", "v1"]);
    repo.git(&["pack-refs", "--all"]);
    assert!(!repo.path().join(".git/refs/heads/topic/one").exists(), "git has packed it");
    assert_eq!(repo.head(), head(&second, Some("topic/one")));
    // A newer loose one counts more than the packed one.
    let third = repo.commit("third.txt", "x", "The third one");
    assert_eq!(repo.head(), head(&third, Some("topic/one")));
    fs::create_dir_all(repo.path().join("a/b")).unwrap();
    assert_eq!(git_head(&repo.path().join("a/b")), head(&third, Some("topic/one")), "from below");
}

#[test]
fn a_detached_head_has_no_branch() {
    let repo = Repo::with_commit();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(repo.head(), head(&commit, None));
}

#[test]
fn work_trees_and_submodules_are_followed() {
    let repo = Repo::with_commit();
    let tree = repo.beside("tree");
    repo.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    fs::write(tree.join("new.txt"), "x").unwrap();
    git_in(&tree, &["add", "--all"]);
    git_in(&tree, &["commit", "--quiet", "-m", "Elsewhere"]);
    let side = git_in(&tree, &["rev-parse", "HEAD"]);
    assert_eq!(git_head(&tree), head(&side, Some("side")));
    let found = find(&tree).unwrap();
    assert_eq!((found.work_tree, found.common_dir), (tree.clone(), repo.path().join(".git")));
    assert_ne!(repo.head(), git_head(&tree));
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(git_head(&tree), head(&side, Some("side")), "packed, in the directory that both share");

    let outer = Repo::with_commit();
    outer.commit("own.txt", "x", "The outer one's own");
    outer.git(&["submodule", "--quiet", "add", repo.path().to_str().unwrap(), "inner"]);
    let inner = outer.path().join("inner");
    assert_eq!(git_head(&inner), head(&git_in(&inner, &["rev-parse", "HEAD"]), Some("main")));
    assert_ne!(git_head(&inner), outer.head());
}

#[test]
fn longer_hashes_are_hashes_too() {
    let root = tempfile::tempdir().unwrap();
    git_in(root.path(), &["init", "--quiet", "--object-format=sha256", "--initial-branch=main"]);
    git_in(root.path(), &["commit", "--quiet", "--allow-empty", "-m", "x"]);
    let commit = git_in(root.path(), &["rev-parse", "HEAD"]);
    assert_eq!((commit.len(), git_head(root.path())), (64, head(&commit, Some("main"))));
}

#[test]
fn whatever_is_odd_is_not_told() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "0123456789012345678901234567890123456789\n").unwrap();
    let secret = secret.path();
    type Spoil<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Spoil<'_>); 11] = [
        ("a branch outside the directory", &|git| {
            fs::write(git.join("HEAD"), "ref: refs/heads/../../../secret\n").unwrap();
        }),
        ("an absolute branch", &|git| {
            fs::write(git.join("HEAD"), format!("ref: {}\n", secret.display())).unwrap();
        }),
        ("branches in a table", &|git| fs::write(git.join("HEAD"), "ref: refs/heads/.invalid\n").unwrap()),
        ("no hash", &|git| fs::write(git.join("HEAD"), "main\n").unwrap()),
        ("nothing", &|git| fs::write(git.join("HEAD"), "").unwrap()),
        ("too much", &|git| fs::write(git.join("HEAD"), "a".repeat(1 << 20)).unwrap()),
        ("a link instead of the file", &|git| {
            fs::remove_file(git.join("HEAD")).unwrap();
            symlink(secret, git.join("HEAD")).unwrap();
        }),
        ("a link instead of the branch", &|git| {
            fs::remove_file(git.join("refs/heads/main")).unwrap();
            symlink(secret, git.join("refs/heads/main")).unwrap();
        }),
        ("an empty branch", &|git| fs::write(git.join("refs/heads/main"), "").unwrap()),
        ("a branch that is itself", &|git| {
            fs::write(git.join("refs/heads/main"), "ref: refs/heads/main\n").unwrap();
        }),
        ("a pipe instead of the branch", &|git| {
            fs::remove_file(git.join("refs/heads/main")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, git.join("refs/heads/main"), rustix::fs::Mode::RUSR)
                .unwrap();
        }),
    ];
    for (what, spoil) in cases {
        let repo = Repo::with_commit();
        spoil(&repo.path().join(".git"));
        assert_eq!(repo.head(), None, "{what}");
    }
    let repo = Repo::with_commit();
    let file = repo.beside("file");
    fs::create_dir(&file).unwrap();
    for text in ["gitdir: ../gone\n", "gitdir:\n", "something else\n"] {
        fs::write(file.join(".git"), text).unwrap();
        assert_eq!(git_head(&file), None, "{text:?}");
    }
    fs::write(file.join(".git"), "gitdir: ../repo/.git\n").unwrap();
    assert_eq!(git_head(&file), repo.head());
}

#[test]
fn a_bare_repository_is_no_work_tree() {
    let repo = Repo::with_commit();
    let bare = repo.path().join("bare.git");
    repo.git(&["clone", "--quiet", "--bare", ".", "bare.git"]);
    assert_eq!(git_head(&bare), None);
    assert_eq!(git_head(&bare.join("objects")), None, "and what is in it belongs to no other one");
}

#[test]
fn a_look_takes_no_time() {
    let repo = Repo::with_commit();
    let names: String = (0..50_000).map(|n| format!("{:040x} refs/heads/branch-{n:06}\n", n + 1)).collect();
    fs::write(repo.path().join(".git/packed-refs"), names).unwrap();
    fs::write(repo.path().join(".git/HEAD"), "ref: refs/heads/branch-049999\n").unwrap();
    let started = std::time::Instant::now();
    assert_eq!(repo.head(), head(&format!("{:040x}", 50_000), Some("branch-049999")));
    let took = started.elapsed();
    // A thousand times what it takes without so many branches; a debug build on a busy machine.
    assert!(took < std::time::Duration::from_millis(500), "{took:?}");
}
