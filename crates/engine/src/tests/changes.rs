//! What git is asked about a run's directory, and what it must never be made to do.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use agent_runner_api::view::{ChangeKind, GitChanges, LineCount, LookedAt, UncommittedFile};
use agent_runner_model::manifest::GitHead;
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::identity_of;

use super::workspace::{Repo, git_in};
use crate::git::{LIMIT, Question, compare};
use crate::workspace::git_head;

/// Somebody who asks about a directory.
struct Asking {
    cwd: PathBuf,
    before: Option<GitHead>,
    after: Option<GitHead>,
    search_path: OsString,
    limit: Duration,
}

impl Asking {
    fn about(cwd: &Path) -> Self {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Self { cwd: cwd.to_path_buf(), before: git_head(cwd), after: None, search_path, limit: LIMIT }
    }

    async fn ask(&self) -> GitChanges {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let changes = self.ask_with(place.path()).await;
        let left: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
        assert!(left.is_empty(), "what was made for the question is gone: {left:?}");
        changes
    }

    async fn ask_with(&self, place: &Path) -> GitChanges {
        let question = Question {
            run_id: &RunId::parse("abc").unwrap(),
            cwd: self.cwd.to_str().unwrap(),
            before: self.before.clone(),
            after: self.after.clone(),
            every_file: false,
            now: Timestamp::from_millis(0),
            place,
            search_path: &self.search_path,
            limit: self.limit,
        };
        compare(question).await
    }
}

#[tokio::test]
async fn what_a_killed_command_left_is_cleared_away() {
    let repo = Repo::with_commit();
    let place = repo.beside("place");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    for name in ["git-stale", "git-young", "other"] {
        fs::create_dir_all(place.join(name).join("refs")).unwrap();
        if name != "git-young" {
            fs::File::open(place.join(name)).unwrap().set_modified(long_ago).unwrap();
        }
    }
    Asking::about(&repo.path()).ask_with(&place).await;
    let mut left: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["git-young", "other"]);
    // A place that others can write to is not used.
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let changes = Asking::about(&repo.path()).ask_with(&place).await;
    assert!(changes.problems[0].contains("cannot be used"), "{:?}", changes.problems);
}

fn subjects(changes: &GitChanges) -> Vec<&str> {
    changes.commits.as_ref().unwrap().commits.iter().map(|commit| commit.subject.as_str()).collect()
}

fn files(changes: &GitChanges) -> Vec<(String, ChangeKind, LineCount)> {
    let files = changes.files.as_ref().unwrap().files.iter();
    files
        .map(|file| {
            let from = file.old_path.as_ref().map(|old| format!("{old} -> ")).unwrap_or_default();
            (format!("{from}{}", file.path), file.change, file.lines)
        })
        .collect()
}

fn text(added: u64, removed: u64) -> LineCount {
    LineCount::Text { added, removed }
}

fn open(path: &str, staged: Option<ChangeKind>, unstaged: Option<ChangeKind>) -> UncommittedFile {
    UncommittedFile { path: path.to_owned(), old_path: None, staged, unstaged }
}

#[tokio::test]
async fn commits_files_and_what_is_not_committed_are_told() {
    let repo = Repo::with_commit();
    repo.commit("moved \"a\"\tb.txt", &"a line of it\n".repeat(20), "To be moved");
    repo.commit("gone.txt", "x\n", "To be gone");
    let asking = Asking::about(&repo.path());
    repo.git(&["mv", "moved \"a\"\tb.txt", "ünder\nneath.txt"]);
    repo.git(&["rm", "--quiet", "gone.txt"]);
    repo.write("first.txt", "one\nthree\nfour\n");
    repo.write("picture.bin", b"\0\x01\xff");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "-m", "A subject with <b>, | and `ticks`\n\nand a body"]);
    let last = repo.commit("empty.txt", "", "Nothing much");
    repo.write("first.txt", "changed\n");
    repo.write("staged.txt", "x");
    repo.git(&["add", "staged.txt"]);
    repo.write("staged.txt", "y");
    repo.write("new dir/one.txt", "x");

    let changes = asking.ask().await;
    assert_eq!(changes.problems, Vec::<String>::new());
    assert_eq!(changes.work_tree.as_deref(), repo.path().to_str());
    assert_eq!(subjects(&changes), ["Nothing much", "A subject with <b>, | and `ticks`"]);
    let commits = changes.commits.as_ref().unwrap();
    assert_eq!((commits.more, commits.gone), (0, 0));
    assert_eq!(
        (commits.commits[0].hash.as_str(), commits.commits[0].author.as_str()),
        (last.as_str(), "Somebody")
    );
    assert!(commits.commits[0].authored_at > Timestamp::from_millis(1_700_000_000_000));
    assert_eq!(
        files(&changes),
        [
            ("empty.txt".to_owned(), ChangeKind::Added, text(0, 0)),
            ("first.txt".to_owned(), ChangeKind::Modified, text(2, 1)),
            ("gone.txt".to_owned(), ChangeKind::Deleted, text(0, 1)),
            ("picture.bin".to_owned(), ChangeKind::Added, LineCount::Binary),
            ("moved \"a\"\tb.txt -> ünder\nneath.txt".to_owned(), ChangeKind::Renamed, text(0, 0)),
        ]
    );
    let list = changes.files.as_ref().unwrap();
    assert_eq!((list.added, list.removed, list.more), (Some(2), Some(2), 0));
    assert_eq!(
        changes.uncommitted.unwrap().files,
        [
            open("first.txt", None, Some(ChangeKind::Modified)),
            open("staged.txt", Some(ChangeKind::Added), Some(ChangeKind::Modified)),
            open("new dir/", None, Some(ChangeKind::Untracked)),
        ]
    );
}

#[tokio::test]
async fn what_is_on_record_counts_and_what_came_later_does_not() {
    let repo = Repo::with_commit();
    let mut asking = Asking::about(&repo.path());
    repo.commit("a.txt", "x", "By the run");
    asking.after = git_head(&repo.path());
    repo.commit("b.txt", "x", "By somebody, later");
    let changes = asking.ask().await;
    assert_eq!((subjects(&changes), changes.after_from), (vec!["By the run"], LookedAt::Record));
    assert_eq!(changes.now, git_head(&repo.path()));
    asking.after = None;
    let changes = asking.ask().await;
    assert_eq!((subjects(&changes).len(), changes.after_from), (2, LookedAt::Now));
}

#[tokio::test]
async fn nothing_changed_is_not_the_same_as_nothing_known() {
    let repo = Repo::with_commit();
    let mut asking = Asking::about(&repo.path());
    let changes = asking.ask().await;
    assert_eq!((subjects(&changes).len(), files(&changes).len(), changes.problems.len()), (0, 0, 0));
    assert!(changes.uncommitted.unwrap().files.is_empty());
    asking.before = None;
    let changes = asking.ask().await;
    assert_eq!((&changes.commits, &changes.files), (&None, &None));
    assert!(changes.problems[0].contains("not on record"), "{:?}", changes.problems);
}

#[tokio::test]
async fn the_first_commits_of_a_repository_are_compared_with_nothing() {
    for format in ["sha1", "sha256"] {
        let root = tempfile::tempdir().unwrap();
        git_in(
            root.path(),
            &["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")],
        );
        fs::write(root.path().join("a.txt"), "x\n").unwrap();
        let asking = Asking::about(root.path());
        let changes = asking.ask().await;
        assert_eq!((changes.problems.len(), subjects(&changes).len()), (0, 0), "{:?}", changes.problems);
        assert_eq!(changes.uncommitted.unwrap().files, [open("a.txt", None, Some(ChangeKind::Untracked))]);
        git_in(root.path(), &["add", "--all"]);
        git_in(root.path(), &["commit", "--quiet", "-m", "The first"]);
        let changes = asking.ask().await;
        assert_eq!((changes.problems.len(), subjects(&changes)), (0, vec!["The first"]), "{format}");
        assert_eq!(files(&changes), [("a.txt".to_owned(), ChangeKind::Added, text(1, 0))]);
    }
}

#[tokio::test]
async fn rewritten_history_is_told() {
    let repo = Repo::with_commit();
    repo.commit("a.txt", "x\n", "Will be lost");
    repo.commit("b.txt", "y\n", "Will be lost as well");
    let asking = Asking::about(&repo.path());
    repo.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    repo.commit("c.txt", "z\n", "Instead");
    let changes = asking.ask().await;
    assert_eq!((subjects(&changes), changes.commits.as_ref().unwrap().gone), (vec!["Instead"], 2));
    assert_eq!(files(&changes).len(), 3);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "--quiet", "--prune=now"]);
    let changes = asking.ask().await;
    assert_eq!(changes.commits, None);
    let lost = asking.before.unwrap().commit.unwrap();
    assert_eq!(changes.problems, [format!("commit {lost} is not in the repository any more")]);
    assert!(changes.uncommitted.is_some(), "the rest is told all the same");
}

#[tokio::test]
async fn long_lists_are_cut_and_counted() {
    let repo = Repo::with_commit();
    let asking = Asking::about(&repo.path());
    let mut stream = String::new();
    for n in 0..250 {
        let parent = if n == 0 { "from refs/heads/main^0\n" } else { "" };
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter A <a@b.example> {} +0000\ndata 3\nc {}\n{parent}",
            1_800_000_000 + n,
            n % 10
        ));
        for file in 0..3 {
            stream.push_str(&format!("M 644 inline file-{n:03}-{file}\ndata 2\nx\n\n"));
        }
    }
    let place = repo.beside("stream");
    fs::write(&place, stream).unwrap();
    let imported = Command::new("git")
        .args(["fast-import", "--quiet"])
        .stdin(fs::File::open(place).unwrap())
        .current_dir(repo.path())
        .status();
    assert!(imported.unwrap().success());
    let changes = asking.ask().await;
    assert_eq!(changes.problems, Vec::<String>::new());
    let commits = changes.commits.unwrap();
    assert_eq!((commits.commits.len(), commits.more), (200, 50));
    let files = changes.files.unwrap();
    assert_eq!((files.files.len(), files.more, files.added), (500, 250, Some(750)));
    let open = changes.uncommitted.unwrap();
    assert_eq!((open.files.len(), open.more), (500, 250), "the work tree does not have them");
}

#[tokio::test]
async fn what_git_ignores_stays_ignored() {
    let repo = Repo::with_commit();
    repo.write(".git/info/exclude", "mine.txt\n");
    repo.commit(".gitignore", "*.log\n", "Ignore logs");
    repo.git(&["config", "core.fileMode", "false"]);
    let asking = Asking::about(&repo.path());
    repo.write("mine.txt", "x");
    repo.write("a.log", "x");
    fs::set_permissions(repo.path().join("first.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        asking.ask().await.uncommitted.unwrap().files,
        [],
        "settings that say how to compare are kept"
    );
    repo.git(&["config", "core.fileMode", "true"]);
    let changes = asking.ask().await;
    assert_eq!(changes.uncommitted.unwrap().files, [open("first.txt", None, Some(ChangeKind::Modified))]);
}

#[tokio::test]
async fn an_index_in_two_parts_is_read_whole() {
    let repo = Repo::with_commit();
    repo.git(&["update-index", "--split-index"]);
    repo.write("second.txt", "x");
    repo.git(&["add", "second.txt"]);
    let asking = Asking::about(&repo.path());
    let shared = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("sharedindex.");
    assert!(fs::read_dir(repo.path().join(".git")).unwrap().flatten().any(|entry| shared(&entry)));
    let changes = asking.ask().await;
    assert_eq!(changes.problems, Vec::<String>::new());
    assert_eq!(changes.uncommitted.unwrap().files, [open("second.txt", Some(ChangeKind::Added), None)]);
}

#[tokio::test]
async fn shallow_clones_and_work_trees_and_other_directories_are_fine() {
    let repo = Repo::with_commit();
    repo.commit("a.txt", "x", "Second");
    let shallow = repo.beside("shallow");
    let url = format!("file://{}", repo.path().display());
    git_in(&repo.path(), &["clone", "--quiet", "--depth=1", &url, shallow.to_str().unwrap()]);
    let tree = repo.beside("tree");
    repo.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    for place in [shallow, tree] {
        let below = place.join("a/b");
        fs::create_dir_all(&below).unwrap();
        let asking = Asking::about(&below);
        fs::write(below.join("c.txt"), "x\n").unwrap();
        git_in(&place, &["add", "--all"]);
        git_in(&place, &["commit", "--quiet", "-m", "From here"]);
        fs::write(place.join("d.txt"), "x\n").unwrap();
        let changes = asking.ask().await;
        assert_eq!(changes.problems, Vec::<String>::new());
        assert_eq!(subjects(&changes), ["From here"]);
        assert_eq!(files(&changes), [("a/b/c.txt".to_owned(), ChangeKind::Added, text(1, 0))]);
        assert_eq!(changes.uncommitted.unwrap().files.len(), 1);
    }
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let root = tempfile::tempdir().unwrap();
    let said = |changes: GitChanges| changes.problems.join("; ");
    assert!(said(Asking::about(root.path()).ask().await).contains("is in no git repository"));
    assert!(said(Asking::about(&root.path().join("away")).ask().await).contains("away is gone"));
    fs::write(root.path().join(".git"), "gitdir: /nowhere\n").unwrap();
    assert!(said(Asking::about(root.path()).ask().await).contains("cannot be read"));

    let repo = Repo::with_commit();
    let mut asking = Asking::about(&repo.path());
    asking.search_path = OsString::from("/nonexistent:relative:.");
    // A program of that name in the repository is none to be called.
    let own = repo.path().join("git");
    fs::write(&own, "#!/bin/sh\ntouch \"$0.called\"\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let changes = asking.ask().await;
    assert_eq!(changes.problems, ["git is not installed, or not in PATH"]);
    assert!(changes.commits.is_some(), "that nothing was committed is known without git");
    assert!(!repo.path().join("git.called").exists());
}

#[tokio::test]
async fn a_damaged_record_is_not_given_to_git() {
    let repo = Repo::with_commit();
    let mut asking = Asking::about(&repo.path());
    let mark = repo.beside("mark");
    asking.after = Some(GitHead { commit: Some(format!("--output={}", mark.display())), branch: None });
    let changes = asking.ask().await;
    assert!(changes.problems[0].contains("damaged"), "{:?}", changes.problems);
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_git_that_hangs_is_ended_with_all_it_started() {
    let repo = Repo::with_commit();
    let bin = repo.beside("bin");
    fs::create_dir(&bin).unwrap();
    let fake = bin.join("git");
    let script =
        format!("#!/bin/sh\n/bin/sleep 1000 &\necho $! > '{}'\nwait\n", repo.beside("pid").display());
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let mut asking = Asking::about(&repo.path());
    asking.search_path = bin.into_os_string();
    asking.limit = Duration::from_millis(300);
    let started = Instant::now();
    let changes = asking.ask().await;
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert_eq!(changes.problems, ["git took too long and was ended"]);
    let pid = fs::read_to_string(repo.beside("pid")).unwrap();
    assert_eq!(identity_of(pid.trim().parse().unwrap()), None, "what it started is ended with it");
}

/// A repository that names a program wherever it can.
struct Hostile {
    repo: Repo,
    mark: PathBuf,
}

impl Hostile {
    fn new() -> Self {
        let repo = Repo::with_commit();
        let mark = repo.beside("mark");
        let script = repo.beside("evil.sh");
        fs::write(&script, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n", mark.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let evil = script.to_str().unwrap().to_owned();
        let inner = Repo::with_commit();
        repo.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "inner"]);
        repo.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
        repo.git(&["add", "--all"]);
        repo.git(&["commit", "--quiet", "-m", "With attributes"]);
        repo.write(".git/info/attributes", "* filter=evil diff=evil\n");
        let hooks = repo.beside("hooks");
        fs::create_dir(&hooks).unwrap();
        for hook in ["post-index-change", "fsmonitor-watchman", "pre-commit", "reference-transaction"] {
            fs::copy(&script, hooks.join(hook)).unwrap();
            fs::copy(&script, repo.path().join(".git/hooks").join(hook)).unwrap();
        }
        let hostile = Self { repo, mark };
        hostile.configure(".git/config", &evil, hooks.to_str().unwrap());
        hostile.configure(".git/modules/inner/config", &evil, hooks.to_str().unwrap());
        hostile
    }

    fn configure(&self, config: &str, evil: &str, hooks: &str) {
        let included = self.repo.beside("included");
        fs::write(&included, format!("[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n")).unwrap();
        let text = format!(
            "[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n\teditor = {evil}\n\tsshCommand = {evil}\n\
             \taskPass = {evil}\n\thooksPath = {hooks}\n\talternateRefsCommand = {evil}\n\tgitProxy = {evil}\n\
             [diff]\n\texternal = {evil}\n[diff \"evil\"]\n\tcommand = {evil}\n\ttextconv = {evil}\n\
             [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
             [merge \"evil\"]\n\tdriver = {evil}\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {evil}\n\
             [credential]\n\thelper = {evil}\n[sequence]\n\teditor = {evil}\n[pager]\n\tlog = {evil}\n\tstatus = {evil}\n\
             [alias]\n\tstatus = !{evil}\n\tlog = !{evil}\n[status]\n\tsubmoduleSummary = true\n\
             [diff]\n\tsubmodule = log\n[include]\n\tpath = {}\n\
             [extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n\
             \tuploadpack = {evil}\n\tvcs = evil\n[protocol \"ext\"]\n\tallow = always\n",
            included.display()
        );
        let path = self.repo.path().join(config);
        let own = fs::read_to_string(&path).unwrap();
        fs::write(
            &path,
            format!(
                "{own}{}",
                text.replace("[extensions]", "[core]\n\trepositoryFormatVersion = 1\n[extensions]")
            ),
        )
        .unwrap();
    }

    fn marks(&self) -> String {
        fs::read_to_string(&self.mark).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_repository_can_start_nothing() {
    let hostile = Hostile::new();
    let repo = &hostile.repo;
    let asking = Asking::about(&repo.path());
    // Committed past the repository's own settings: another tree on top, with a signature to be checked.
    let tree = git_plumbing(repo, &["write-tree"], "");
    let signed = format!(
        "tree {tree}\nparent {}\nauthor A <a@b.example> 1800000000 +0000\ncommitter A <a@b.example> 1800000000 +0000\n\
         gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\nSigned\n",
        asking.before.clone().unwrap().commit.unwrap()
    );
    let commit = git_plumbing(repo, &["hash-object", "-t", "commit", "-w", "--stdin"], &signed);
    // An object that is not there would be fetched.
    let lost = git_plumbing(repo, &["hash-object", "-w", "--stdin"], "soon lost\n");
    let listing = format!("100644 blob {lost}\tlost.txt\n");
    let tree = git_plumbing(repo, &["mktree"], &listing);
    let on_top = format!(
        "tree {tree}\nparent {commit}\nauthor A <a@b.example> 1800000000 +0000\ncommitter A <a@b.example> 1800000000 +0000\n\nLost\n"
    );
    let top = git_plumbing(repo, &["hash-object", "-t", "commit", "-w", "--stdin"], &on_top);
    fs::remove_file(repo.path().join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    fs::write(repo.path().join(".git/refs/heads/main"), format!("{top}\n")).unwrap();
    // Content has to be compared: the time differs, the size does not.
    repo.write("first.txt", "eno\ntwo\n");
    repo.write("inner/first.txt", "eno\ntwo\n");
    fs::remove_file(&hostile.mark).ok();

    // The trap works: git itself, asked in the usual way, falls into it.
    for args in [["status", "--porcelain"], ["diff", "--stat"], ["log", "-2"], ["show", &lost]] {
        let _ = Command::new("git").args(args).current_dir(repo.path()).output().unwrap();
        assert!(hostile.marks().contains("evil.sh"), "git {args:?} starts nothing");
        fs::remove_file(&hostile.mark).unwrap();
    }

    let changes = asking.ask().await;
    assert_eq!(hostile.marks(), "");
    assert_eq!(subjects(&changes), ["Lost", "Signed"]);
    assert_eq!(changes.files, None);
    assert!(
        changes.problems.iter().any(|words| words.starts_with("the files that changed")),
        "{:?}",
        changes.problems
    );
    // The same without what is lost.
    fs::write(repo.path().join(".git/refs/heads/main"), format!("{commit}\n")).unwrap();
    let changes = asking.ask().await;
    assert_eq!(hostile.marks(), "");
    assert_eq!((changes.problems.len(), subjects(&changes)), (0, vec!["Signed"]), "{:?}", changes.problems);
    assert!(files(&changes).is_empty() && changes.uncommitted.is_some());
}

/// Git as far as no setting of the repository matters.
fn git_plumbing(repo: &Repo, args: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new("git")
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(args)
        .current_dir(repo.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn files_that_never_end_hold_nobody_up() {
    let repo = Repo::with_commit();
    let asking = Asking::about(&repo.path());
    for name in [".git/config", ".git/info/exclude", ".git/info/attributes", ".git/shallow"] {
        fs::remove_file(repo.path().join(name)).ok();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, repo.path().join(name), mode).unwrap();
    }
    let changes = asking.ask().await;
    assert_eq!(changes.problems, Vec::<String>::new());
    assert!(changes.uncommitted.is_some());
}

#[test]
fn only_absolute_places_are_searched() {
    let path = crate::git::absolute_only(OsStr::new("/usr/bin:.::bin:/bin"));
    assert_eq!(path, "/usr/bin:/bin");
}
