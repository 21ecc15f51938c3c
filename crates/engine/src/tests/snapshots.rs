//! What is not committed survives: it is put into a snapshot, destroyed, and given back as it was, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::RunId;
use proptest::prelude::*;

use super::workspace::{Repo, git_in};
use crate::git::{self, Taken, Tools, Want};

/// A file as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    File { bytes: Vec<u8>, executable: bool },
    Link(PathBuf),
}

/// Everything in a directory that git may know of.
pub(super) fn things(root: &Path) -> BTreeMap<PathBuf, Thing> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, Thing>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_symlink() {
                found.insert(name, Thing::Link(fs::read_link(&path).unwrap()));
            } else if meta.is_dir() {
                walk(root, &path, found);
            } else {
                let executable = meta.permissions().mode() & 0o100 != 0;
                found.insert(name, Thing::File { bytes: fs::read(&path).unwrap(), executable });
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

/// A place for git of its own, and what is asked from there.
struct Hands {
    place: tempfile::TempDir,
    search_path: std::ffi::OsString,
    run_id: RunId,
}

impl Hands {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Self { place, search_path, run_id: RunId::parse("abc").unwrap() }
    }

    fn tools(&self) -> Tools<'_> {
        Tools::new(self.place.path(), &self.search_path, Duration::from_secs(60))
    }

    async fn take(&self, dir: &Path) -> Taken {
        git::take(self.tools(), &self.run_id, dir, Want::Uncommitted).await.unwrap()
    }

    /// Takes a snapshot of everything, which must not change anything, and destroys the files.
    async fn take_and_destroy(&self, repo: &Repo) -> git::Snapshot {
        let before = untouched(repo);
        let taken = self.take(&repo.path()).await.snapshot.unwrap();
        assert_eq!(untouched(repo), before, "a snapshot touches nothing");
        for entry in fs::read_dir(repo.path()).unwrap() {
            let path = entry.unwrap().path();
            match path.symlink_metadata().unwrap().is_dir() {
                true if path.ends_with(".git") => {}
                true => fs::remove_dir_all(&path).unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
        }
        taken
    }

    async fn restore(&self, repo: &Repo, commit: &str) {
        git::into_worktree(self.tools(), &repo.path(), commit).await.unwrap();
    }
}

/// What a snapshot must leave alone.
fn untouched(repo: &Repo) -> (BTreeMap<PathBuf, Thing>, Option<Vec<u8>>, Vec<u8>) {
    let of_git = |name: &str| fs::read(repo.path().join(".git").join(name));
    (things(&repo.path()), of_git("index").ok(), of_git("HEAD").unwrap())
}

async fn round(repo: &Repo) -> git::Snapshot {
    let hands = Hands::new();
    let before = things(&repo.path());
    let taken = hands.take_and_destroy(repo).await;
    hands.restore(repo, &taken.commit).await;
    assert_eq!(things(&repo.path()), before);
    let to = repo.beside("elsewhere");
    git::into_directory(hands.tools(), &repo.path(), &taken.commit, &to).await.unwrap();
    assert_eq!(things(&to), before);
    taken
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_clean_tree_has_nothing_to_keep() {
    let repo = Repo::with_commit();
    repo.write(".gitignore", "*.log\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "-m", "More"]);
    repo.write("ignored.log", "x");
    let taken = Hands::new().take(&repo.path()).await;
    assert_eq!(taken.snapshot, None);
    assert_eq!(repo.git(&["for-each-ref", "refs/agent-runner"]), "");
}

#[tokio::test]
async fn all_that_is_not_committed_comes_back() {
    let repo = Repo::with_commit();
    for name in
        ["changed", "staged", "both", "gone", "gone-staged", "mode", "to-link", "dir/in", "file-to-dir"]
    {
        repo.write(name, format!("{name}\n"));
    }
    repo.commit("last", "x\n", "More");
    repo.write("changed", "changed, not staged\n");
    repo.write("staged", "staged\n");
    repo.write("both", "staged first\n");
    repo.write("new staged", "new\n");
    repo.git(&["add", "staged", "both", "new staged"]);
    repo.write("both", "and then again\n");
    fs::remove_file(repo.path().join("gone")).unwrap();
    repo.git(&["rm", "--quiet", "gone-staged"]);
    executable(&repo.path().join("mode"));
    fs::remove_file(repo.path().join("to-link")).unwrap();
    symlink("nowhere/at all", repo.path().join("to-link")).unwrap();
    fs::remove_dir_all(repo.path().join("dir")).unwrap();
    symlink("last", repo.path().join("dir")).unwrap();
    fs::remove_file(repo.path().join("file-to-dir")).unwrap();
    repo.write("file-to-dir/below", "y");
    repo.write("ünder\nneath \"q\"\t.txt", b"\0\xff\r\nno newline at the end");
    repo.write("empty", "");
    let head = repo.git(&["rev-parse", "HEAD"]);
    let taken = round(&repo).await;
    assert_eq!((taken.number, taken.name.as_str()), (1, "refs/agent-runner/abc/1"));
    let told = repo.git(&["log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%P", &taken.name]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[..2], ["agent-runner <agent-runner@localhost>"; 2]);
    let parents: Vec<&str> = lines[2].split(' ').collect();
    assert_eq!((parents[0], parents.len()), (head.as_str(), 2));
    // What was staged and then changed again is in the second parent.
    assert_eq!(repo.git(&["show", &format!("{}:both", parents[1])]), "staged first");
    let names = repo.git(&["diff", "--name-only", "--no-renames", &head, &taken.name]);
    assert_eq!(taken.files, u64::try_from(names.lines().count()).unwrap());
    repo.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn what_git_would_convert_or_overlook_comes_back_too() {
    let repo = Repo::new();
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.git(&["config", "filter.shout.clean", "tr a-z A-Z"]);
    repo.git(&["config", "filter.shout.smudge", "tr A-Z a-z"]);
    let attributes = "*.txt text=auto\n*.dos text eol=crlf\n*.id ident\n*.loud filter=shout\n*.u16 text working-tree-encoding=UTF-16LE\n";
    repo.write(".gitattributes", attributes);
    repo.write("a.txt", "one\r\ntwo\r\n");
    repo.write("mixed.txt", "one\r\ntwo\n");
    repo.write("a.dos", "one\r\ntwo\r\n");
    repo.write("a.id", "$Id: something of its own $\n");
    repo.write("a.loud", "quiet\n");
    repo.write("a.u16", b"h\0i\0\n\0");
    repo.write("assumed", "1\n");
    repo.write("sparse", "1\n");
    repo.write("absent", "1\n");
    repo.commit("z", "z", "All");
    repo.git(&["update-index", "--assume-unchanged", "assumed"]);
    repo.git(&["update-index", "--skip-worktree", "sparse", "absent"]);
    repo.write("assumed", "2\n");
    repo.write("sparse", "3\n");
    fs::remove_file(repo.path().join("absent")).unwrap();
    let hands = Hands::new();
    let before = things(&repo.path());
    let taken = hands.take_and_destroy(&repo).await;
    hands.restore(&repo, &taken.commit).await;
    let after = things(&repo.path());
    assert_eq!(after, before);
}

#[tokio::test]
async fn only_a_change_that_a_flag_hides_is_a_change() {
    let repo = Repo::with_commit();
    repo.git(&["update-index", "--assume-unchanged", "first.txt"]);
    repo.write("first.txt", "hidden\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(round(&repo).await.files, 1);
}

#[tokio::test]
async fn nothing_that_the_repository_names_is_started() {
    let repo = Repo::with_commit();
    let proof = repo.beside("proof");
    let program = repo.beside("program");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >>{}\ncat\n", proof.display())).unwrap();
    executable(&program);
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "-m", "Attributes"]);
    let hooks = repo.path().join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["reference-transaction", "post-checkout", "pre-commit", "post-commit", "post-index-change"] {
        fs::copy(&program, hooks.join(hook)).unwrap();
    }
    let text = program.to_str().unwrap();
    for name in
        ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "gpg.program"]
    {
        repo.git_quietly(&["config", name, text]);
    }
    for (name, value) in [("filter.evil.required", "true"), ("commit.gpgSign", "true")] {
        repo.git_quietly(&["config", name, value]);
    }
    fs::write(repo.path().join("first.txt"), "other\n").unwrap();
    fs::write(repo.path().join("new"), "new\n").unwrap();
    let hands = Hands::new();
    let before = things(&repo.path());
    let taken = hands.take(&repo.path()).await.snapshot.unwrap();
    fs::write(repo.path().join("first.txt"), "lost\n").unwrap();
    fs::remove_file(repo.path().join("new")).unwrap();
    hands.restore(&repo, &taken.commit).await;
    assert_eq!(things(&repo.path()), before);
    let path = repo.beside("tree");
    let plan =
        git::Plan { run_id: &hands.run_id, repo: &repo.path(), path: &path, branch: "side", from: None };
    let tree = git::add(hands.tools(), &plan).await.unwrap();
    fs::write(path.join("first.txt"), "other\n").unwrap();
    hands.take(&path).await.snapshot.unwrap();
    git::put_back(hands.tools(), &path, "side", &tree.base, Some(&tree.base)).await.unwrap();
    assert_eq!(fs::read_to_string(path.join("first.txt")).unwrap(), "one\ntwo\n");
    git::remove(hands.tools(), &path).await.unwrap();
    assert!(!proof.exists(), "{}", fs::read_to_string(&proof).unwrap());
}

#[tokio::test]
async fn a_merge_and_a_rebase_in_the_middle_are_kept() {
    for what in ["merge", "rebase"] {
        let repo = Repo::with_commit();
        repo.git(&["switch", "--quiet", "-c", "side"]);
        let side = repo.commit("first.txt", "side\n", "Side");
        repo.git(&["switch", "--quiet", "main"]);
        repo.commit("first.txt", "main\n", "Main");
        let ended = std::process::Command::new("git")
            .args(["-c", "user.name=S", "-c", "user.email=s@example.org", what, "side"])
            .current_dir(repo.path())
            .output()
            .unwrap();
        assert!(!ended.status.success());
        repo.write("first.txt", "half resolved\n");
        let taken = round(&repo).await;
        let parents = repo.git(&["log", "-1", "--format=%P", &taken.commit]);
        if what == "merge" {
            assert_eq!(parents.split(' ').nth(1), Some(side.as_str()), "{parents}");
        } else {
            assert_eq!(parents.split(' ').next(), Some(side.as_str()), "{parents}");
        }
    }
}

#[tokio::test]
async fn before_the_first_commit_there_is_something_to_keep_as_well() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.git(&["add", "a"]);
    repo.write("b", "2");
    let taken = round(&repo).await;
    assert_eq!(taken.files, 2);
    let hands = Hands::new();
    let kept = git::snapshots(hands.tools(), &hands.run_id, &repo.path()).await.unwrap();
    assert_eq!((kept[0].parent.as_ref(), kept[0].files), (None, 2));
}

#[tokio::test]
async fn repositories_inside_are_said_and_left_alone() {
    let inner = Repo::with_commit();
    let repo = Repo::with_commit();
    repo.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "module"]);
    repo.git(&["commit", "--quiet", "-m", "With a module"]);
    for name in ["own", "deep/own", "unborn"] {
        fs::create_dir_all(repo.path().join(name)).unwrap();
        git_in(&repo.path().join(name), &["init", "--quiet"]);
        fs::write(repo.path().join(name).join("precious"), "x").unwrap();
    }
    git_in(&repo.path().join("own"), &["add", "precious"]);
    git_in(&repo.path().join("own"), &["commit", "--quiet", "-m", "x"]);
    let hands = Hands::new();
    let taken = hands.take(&repo.path()).await;
    assert_eq!(taken.snapshot, None);
    assert_eq!(taken.nested, ["deep/own/", "module/", "own/", "unborn/"]);
    repo.write("first.txt", "changed\n");
    let taken = hands.take(&repo.path()).await;
    assert_eq!(taken.nested, ["deep/own/", "module/", "own/", "unborn/"]);
    let snapshot = taken.snapshot.unwrap();
    assert_eq!(snapshot.files, 1);
    let listed = repo.git(&["ls-tree", "-r", "--name-only", &snapshot.commit]);
    assert_eq!(listed, ".gitmodules\nfirst.txt\nmodule");
    repo.write("first.txt", "again\n");
    repo.write("module/work", "precious");
    hands.restore(&repo, &snapshot.commit).await;
    assert_eq!(fs::read_to_string(repo.path().join("first.txt")).unwrap(), "changed\n");
    for name in ["own", "deep/own", "unborn"] {
        assert!(repo.path().join(name).join("precious").is_file());
    }
    assert!(repo.path().join("module/work").is_file());
}

#[tokio::test]
async fn the_same_is_not_kept_twice_and_two_at_once_get_two_numbers() {
    let repo = Repo::with_commit();
    repo.write("new", "1");
    repo.write("first.txt", "staged\n");
    repo.git(&["add", "first.txt"]);
    repo.write("first.txt", "changed\n");
    let hands = Hands::new();
    let first = hands.take(&repo.path()).await.snapshot.unwrap();
    let second = hands.take(&repo.path()).await.snapshot.unwrap();
    assert!(!first.was_there && second.was_there);
    assert_eq!(first.commit, second.commit);
    repo.write("new", "2");
    let tree = repo.beside("tree");
    repo.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    fs::write(tree.join("other"), "x").unwrap();
    let path = repo.path();
    let both = tokio::join!(hands.take(&path), hands.take(&tree));
    let mut numbers = [both.0.snapshot.unwrap().number, both.1.snapshot.unwrap().number];
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);
    let kept = git::snapshots(hands.tools(), &hands.run_id, &repo.path()).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(kept[0].files, 2);
    assert_eq!(kept[0].parent.as_deref(), Some(repo.git(&["rev-parse", "HEAD"]).as_str()));
}

#[tokio::test]
async fn what_no_snapshot_holds_is_not_overwritten() {
    let repo = Repo::with_commit();
    repo.write("was-there", "in the snapshot\n");
    let hands = Hands::new();
    let taken = hands.take(&repo.path()).await.snapshot.unwrap();
    repo.write(".gitignore", "was-there\n");
    repo.write("was-there", "ignored now, and precious\n");
    let refused = git::into_worktree(hands.tools(), &repo.path(), &taken.commit).await;
    assert!(refused.unwrap_err().to_string().contains("was-there"));
    assert_eq!(fs::read_to_string(repo.path().join("was-there")).unwrap(), "ignored now, and precious\n");
}

/// Something that is done to a file.
#[derive(Debug, Clone)]
enum Edit {
    Write(usize, Vec<u8>),
    Remove(usize),
    Executable(usize),
    Link(usize),
    Stage(usize),
    Commit,
}

const PATHS: [&str; 8] = ["a", "b.txt", "dir/c", "dir/d.sh", "dir/deep/e", "f g", "dir2/h", "ü"];

fn edit() -> impl Strategy<Value = Edit> {
    let path = 0..PATHS.len();
    prop_oneof![
        4 => (path.clone(), prop_oneof![
            Just(b"one\r\ntwo\n".to_vec()), Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..40),
        ]).prop_map(|(path, bytes)| Edit::Write(path, bytes)),
        2 => path.clone().prop_map(Edit::Remove),
        1 => path.clone().prop_map(Edit::Executable),
        1 => path.clone().prop_map(Edit::Link),
        2 => path.prop_map(Edit::Stage),
        1 => Just(Edit::Commit),
    ]
}

fn carry_out(repo: &Repo, edit: &Edit) {
    let at = |path: usize| repo.path().join(PATHS[path]);
    match edit {
        Edit::Write(path, bytes) => {
            let _ = fs::remove_file(at(*path));
            repo.write(PATHS[*path], bytes);
        }
        Edit::Remove(path) => drop(fs::remove_file(at(*path))),
        Edit::Executable(path) => {
            if at(*path).symlink_metadata().is_ok_and(|found| found.is_file()) {
                executable(&at(*path));
            }
        }
        Edit::Link(path) => {
            let _ = fs::remove_file(at(*path));
            fs::create_dir_all(at(*path).parent().unwrap()).unwrap();
            symlink("../somewhere", at(*path)).unwrap();
        }
        Edit::Stage(path) => {
            if at(*path).symlink_metadata().is_ok() {
                repo.git(&["add", "--", PATHS[*path]]);
            }
        }
        Edit::Commit => {
            repo.git(&["commit", "--quiet", "--allow-empty", "-m", "On the way"]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_done_comes_back_as_it_was(edits in prop::collection::vec(edit(), 1..14), text in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let repo = Repo::with_commit();
            if text {
                repo.write(".gitattributes", "*.txt text\n");
            }
            for edit in &edits {
                carry_out(&repo, edit);
            }
            let hands = Hands::new();
            let before = things(&repo.path());
            let dirty = !repo.git(&["status", "--porcelain"]).is_empty();
            let taken = hands.take(&repo.path()).await.snapshot;
            assert_eq!(taken.is_some(), dirty);
            if let Some(taken) = taken {
                for path in PATHS {
                    let _ = fs::remove_file(repo.path().join(path));
                }
                repo.write("a", "destroyed");
                repo.write("in the way/of", "all");
                hands.restore(&repo, &taken.commit).await;
                assert_eq!(things(&repo.path()), before);
            }
        });
    }
}
