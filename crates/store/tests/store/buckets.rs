//! The name of the repository that encloses a directory.

use std::fs;
use std::path::{Path, PathBuf};

use agent_runner_store::repo_bucket;
use tempfile::TempDir;

fn git_dir(path: &Path) -> PathBuf {
    for folder in ["objects", "refs"] {
        fs::create_dir_all(path.join(folder)).unwrap();
    }
    fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    path.to_path_buf()
}

/// A work tree besides the main one, as `git worktree add` makes it.
fn worktree(common: &Path, name: &str, place: &Path) -> PathBuf {
    let private = common.join("worktrees").join(name);
    fs::create_dir_all(&private).unwrap();
    fs::write(private.join("HEAD"), "ref: refs/heads/side\n").unwrap();
    fs::write(private.join("commondir"), "../..\n").unwrap();
    fs::create_dir_all(place).unwrap();
    fs::write(place.join(".git"), format!("gitdir: {}\n", private.display())).unwrap();
    place.to_path_buf()
}

fn dir(path: PathBuf) -> PathBuf {
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_repository_and_its_work_trees_are_one() {
    let root = TempDir::new().unwrap();
    let repo = dir(root.path().join("my-repo"));
    let common = git_dir(&repo.join(".git"));
    assert_eq!(repo_bucket(&repo), "my-repo");
    assert_eq!(repo_bucket(&dir(repo.join("src/deep"))), "my-repo");
    let side = worktree(&common, "side", &root.path().join("elsewhere/side"));
    assert_eq!(repo_bucket(&side), "my-repo");
    assert_eq!(repo_bucket(&dir(side.join("src"))), "my-repo");
    let nested = worktree(&common, "nested", &repo.join(".trees/nested"));
    assert_eq!(repo_bucket(&nested), "my-repo");
    assert_eq!(repo_bucket(&common), "my-repo", "inside .git");
    assert_eq!(repo_bucket(&common.join("worktrees/side")), "my-repo");
    let link = root.path().join("link");
    std::os::unix::fs::symlink(repo.join("src"), &link).unwrap();
    assert_eq!(repo_bucket(&link), "my-repo");
}

#[test]
fn bare_repositories_are_named_too() {
    let root = TempDir::new().unwrap();
    let bare = git_dir(&root.path().join("thing.git"));
    assert_eq!(repo_bucket(&bare), "thing");
    assert_eq!(repo_bucket(&bare.join("refs")), "thing");
    assert_eq!(repo_bucket(&worktree(&bare, "side", &root.path().join("side"))), "thing");
    let hidden = git_dir(&root.path().join("project/.bare"));
    fs::write(root.path().join("project/.git"), "gitdir: ./.bare\n").unwrap();
    assert_eq!(repo_bucket(&worktree(&hidden, "main", &root.path().join("project/main"))), "project");
    assert_eq!(repo_bucket(&root.path().join("project")), "project");
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let root = TempDir::new().unwrap();
    let repo = dir(root.path().join("outer"));
    git_dir(&repo.join(".git"));
    git_dir(&repo.join(".git/modules/lib/inner"));
    let inner = dir(repo.join("lib/inner"));
    fs::write(inner.join(".git"), "gitdir: ../../.git/modules/lib/inner\n").unwrap();
    assert_eq!(repo_bucket(&inner), "inner");
    assert_eq!(repo_bucket(&dir(repo.join("lib"))), "outer");
}

#[test]
fn what_is_no_repository_is_unknown() {
    let root = TempDir::new().unwrap();
    assert_eq!(repo_bucket(root.path()), "unknown");
    assert_eq!(repo_bucket(&root.path().join("missing")), "unknown");
    assert_eq!(repo_bucket(Path::new("/")), "unknown");
    for (name, text) in [("dangling", "gitdir: /nowhere/at/all\n"), ("empty", ""), ("odd", "\u{fffd}gitdir")]
    {
        let place = dir(root.path().join(name));
        fs::write(place.join(".git"), text).unwrap();
        assert_eq!(repo_bucket(&place), "unknown", "{name}");
    }
    assert_eq!(repo_bucket(&dir(root.path().join("x/.git"))), "unknown", "an empty .git");
}

#[test]
fn any_name_becomes_a_safe_one() {
    let root = TempDir::new().unwrap();
    let long = "n".repeat(200);
    for (name, bucket) in [
        ("Mein Projekt!", "Mein_Projekt_"),
        ("größe", "gr__e"),
        (".dotfiles", ".dotfiles"),
        (".create.lock", "_create.lock"),
        (&long, &long[..100]),
    ] {
        let repo = root.path().join(name);
        git_dir(&repo.join(".git"));
        assert_eq!(repo_bucket(&repo), bucket);
    }
}
