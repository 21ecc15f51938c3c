//! Runs the bundled `repo-checkup` for real: it must pass where all is well and fail where it is not.

use std::path::Path;
use std::process::{Command, Output};

use super::{library, write};
use crate::{BlockShell, command_blocks};

fn git(dir: &Path, arguments: &[&str]) -> Output {
    let output = Command::new("git")
        .args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"])
        .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    write(dir.path(), "README.md", "# A thing\n");
    write(dir.path(), "src/main.c", "int main(void) { return 0; }\n");
    commit(dir.path());
    dir
}

fn commit(dir: &Path) {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "work"]);
}

/// The ids of the tasks that fail in that directory, and everything that was printed.
fn checkup(dir: &Path) -> (Vec<String>, String) {
    let (_dir, library) = library();
    let assignment = library.assignment("repo-checkup").unwrap();
    assert!((6..=8).contains(&assignment.tasks.len()));
    let mut failed = Vec::new();
    let mut printed = String::new();
    for task in assignment.task_specs() {
        let blocks = command_blocks(&task.body);
        assert!(!blocks.is_empty(), "{} has no block", task.id);
        for block in blocks {
            assert_eq!(block.shell, BlockShell::Sh);
            let output = Command::new("sh")
                .args(["-e", "-c", &block.script])
                .current_dir(dir)
                .env("GIT_CEILING_DIRECTORIES", std::env::temp_dir())
                .output()
                .unwrap();
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!out.trim().is_empty(), "{} printed nothing: {output:?}", task.id);
            printed.push_str(&out);
            printed.push_str(&String::from_utf8_lossy(&output.stderr));
            if !output.status.success() {
                failed.push(task.id.to_string());
                break;
            }
        }
    }
    (failed, printed)
}

#[test]
fn a_healthy_repository_passes() {
    let dir = repository();
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
    assert!(printed.contains("README.md"));
    let (failed, printed) = checkup(&dir.path().join("src"));
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
}

#[test]
fn a_repository_without_commits_passes() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
}

#[test]
fn a_plain_directory_passes_and_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "LICENSE", "Do what you like.\n");
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
    assert!(printed.contains("No git work tree here"));
    assert!(printed.contains("LICENSE"));
}

/// This repository as somebody would clone it: the files git knows or would add, in a fresh repository.
#[test]
fn this_repository_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .unwrap();
    let dir = repository();
    for place in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let to = dir.path().join("copy").join(place);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        // Another build may have just removed or renamed the file.
        let _ = std::fs::copy(root.join(place), to);
    }
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
}

#[test]
fn committed_conflict_markers_fail() {
    let dir = repository();
    let mark = |sign: &str| sign.repeat(7);
    let conflict = format!("{} ours\nint a;\n{}\nint b;\n{} theirs\n", mark("<"), mark("="), mark(">"));
    write(dir.path(), "tests/fixtures/conflict.txt", &conflict);
    commit(dir.path());
    assert_eq!(checkup(dir.path()).0, Vec::<String>::new());
    write(dir.path(), "src/my main.c", &conflict);
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, ["conflict-markers"], "{printed}");
    assert!(printed.contains("src/my main.c"));
}

#[test]
fn an_unfinished_merge_fails() {
    let dir = repository();
    git(dir.path(), &["checkout", "-q", "-b", "side"]);
    write(dir.path(), "README.md", "# Side\n");
    commit(dir.path());
    git(dir.path(), &["checkout", "-q", "main"]);
    write(dir.path(), "README.md", "# Other\n");
    commit(dir.path());
    let merge = Command::new("git")
        .args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "merge", "-q", "side"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(!merge.status.success());
    let (failed, printed) = checkup(dir.path());
    assert!(failed.contains(&"unfinished-operation".to_owned()), "{printed}");
    assert!(printed.contains("MERGE_HEAD"), "{printed}");
    assert!(failed.contains(&"conflict-markers".to_owned()), "{printed}");
}

#[test]
fn a_tracked_key_fails_by_content_and_by_name() {
    let key = format!("-----{} OPENSSH {}-----\nabc\n", "BEGIN", "PRIVATE KEY");
    let dir = repository();
    write(dir.path(), "tests/server.key", &key);
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
    assert!(printed.contains("tests/server.key"));
    write(dir.path(), "deploy/prod.pem", &key);
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, ["secrets"], "{printed}");
    assert!(printed.contains("deploy/prod.pem"));

    let dir = repository();
    write(dir.path(), "id_ed25519", "anything\n");
    commit(dir.path());
    assert_eq!(checkup(dir.path()).0, ["secrets"]);
}

#[test]
fn only_enormous_files_fail() {
    let dir = repository();
    write(dir.path(), "small.bin", &"0".repeat(2 << 20));
    write(dir.path(), "large file.bin", &"0".repeat(6 << 20));
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
    assert!(printed.contains("6 MiB  large file.bin"), "{printed}");
    assert!(printed.contains("over 5 MiB: 1"), "{printed}");
    write(dir.path(), "enormous.bin", &"0".repeat(51 << 20));
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, ["large-files"], "{printed}");
}

#[cfg(target_os = "linux")]
#[test]
fn broken_links_and_colliding_paths_fail() {
    let dir = repository();
    std::os::unix::fs::symlink("README.md", dir.path().join("good")).unwrap();
    std::os::unix::fs::symlink("/nonexistent/elsewhere", dir.path().join("away")).unwrap();
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, Vec::<String>::new(), "{printed}");
    assert!(printed.contains("Remark: away"), "{printed}");
    std::os::unix::fs::symlink("gone.md", dir.path().join("bad link")).unwrap();
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, ["paths"], "{printed}");
    assert!(printed.contains("bad link -> gone.md"), "{printed}");

    let dir = repository();
    write(dir.path(), "readme.md", "twice\n");
    commit(dir.path());
    let (failed, printed) = checkup(dir.path());
    assert_eq!(failed, ["paths"], "{printed}");
}

#[test]
fn a_missing_object_fails() {
    let dir = repository();
    let hash = git(dir.path(), &["rev-parse", "HEAD:README.md"]).stdout;
    let hash = String::from_utf8(hash).unwrap();
    let (head, tail) = hash.trim().split_at(2);
    std::fs::remove_file(dir.path().join(".git/objects").join(head).join(tail)).unwrap();
    let (failed, printed) = checkup(dir.path());
    assert!(failed.contains(&"integrity".to_owned()), "{printed}");
}
