//! Worktrees of runs: made, made again after a death at any moment, put back and removed, and nothing that was not
//! committed in them is ever lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_runner_api::operations::{
    AbortRun, ArchiveRun, CreateRun, DeleteRun, ListSnapshots, ListWorkspaces, RemoveWorkspace, ResetRun,
    RestoreWorkspace, Start,
};
use agent_runner_api::view::{WorkspaceState, WorkspaceView};
use agent_runner_api::{ErrorCode, Handle as _};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::hook::Worktree;
use agent_runner_model::manifest::Urgency;
use agent_runner_model::phase::{Cause, Outcome};
use agent_runner_model::spec::RunSpec;
use agent_runner_model::{ControlFact, Fact, RunId};
use agent_runner_store::{Entry, Member, RunStore as _};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use super::snapshots::things;
use super::workspace::{Repo, git_in};
use super::world::{Turn, World, turn};
use crate::driver::drive;
use crate::git;
use crate::talk::{Request, ask};
use crate::worktree::{Collision, WorktreeAsk, ensure_worktree, tools};

fn wanted(repo: &Path) -> WorktreeAsk<'_> {
    WorktreeAsk { repo, from: None, branch: None, path: None, collision: Collision::Fail }
}

fn id(text: &str) -> RunId {
    RunId::parse(text).unwrap()
}

async fn ensure(world: &World, run: &str, asked: WorktreeAsk<'_>) -> Result<Worktree, String> {
    ensure_worktree(world.engine.config(), &id(run), asked).await
}

#[tokio::test]
async fn a_worktree_is_made_once() {
    let (world, repo) = (World::new(Vec::new()), Repo::with_commit());
    repo.write(".gitattributes", "*.dos text eol=crlf\n");
    let tip = repo.commit("a.dos", "one\n", "Second");
    let made = ensure(&world, "one", wanted(&repo.path())).await.unwrap();
    let place = world.path().canonicalize().unwrap().join("state/worktrees/repo/one");
    let expected = Worktree {
        repo_root: repo.path().to_str().unwrap().to_owned(),
        path: place.to_str().unwrap().to_owned(),
        branch: "agent-runner/one".to_owned(),
        base: tip.clone(),
        made_branch: true,
    };
    assert_eq!(made, expected);
    assert_eq!(git_in(&place, &["status", "--porcelain"]), "");
    assert_eq!(fs::read(place.join("a.dos")).unwrap(), b"one\r\n");
    assert_eq!(git_in(&place, &["symbolic-ref", "HEAD"]), "refs/heads/agent-runner/one");
    // Once more, from inside, when both have moved on.
    repo.commit("later", "x", "Third");
    fs::write(place.join("work"), "x").unwrap();
    git_in(&place, &["add", "work"]);
    git_in(&place, &["commit", "--quiet", "-m", "Work"]);
    fs::write(place.join("more"), "x").unwrap();
    assert_eq!(ensure(&world, "one", wanted(&place)).await.unwrap(), expected);
    assert!(place.join("more").is_file() && place.join("work").is_file());
}

#[tokio::test]
async fn a_death_half_way_is_no_hindrance() {
    for stage in 0..7 {
        let (world, repo) = (World::new(Vec::new()), Repo::with_commit());
        let place = world.path().canonicalize().unwrap().join("state/worktrees/repo/one");
        let base = repo.git(&["rev-parse", "HEAD"]);
        let text = place.to_str().unwrap();
        let note = repo.beside("note");
        fs::write(&note, text).unwrap();
        let blob = repo.git(&["hash-object", "-w", note.to_str().unwrap()]);
        repo.git(&["update-ref", "refs/agent-runner/one/making", &blob]);
        repo.git(&["update-ref", "refs/agent-runner/one/made-branch", &base]);
        if stage > 0 {
            repo.git(&["update-ref", "refs/agent-runner/one/base", &base]);
        }
        if stage > 1 {
            repo.git(&["update-ref", "refs/heads/agent-runner/one", &base]);
        }
        if stage > 2 {
            repo.git(&["worktree", "add", "--quiet", "--no-checkout", text, "agent-runner/one"]);
            // Some files were written.
            fs::write(place.join("first.txt"), "on").unwrap();
        }
        if stage > 3 {
            repo.git(&["worktree", "lock", text]);
        }
        if stage == 5 {
            git_in(&place, &["read-tree", "--reset", "-u", &base]);
        }
        if stage == 6 {
            fs::remove_dir_all(&place).unwrap();
        }
        repo.commit("later", "x", "Meanwhile");
        let made = ensure(&world, "one", wanted(&repo.path())).await.unwrap();
        assert_eq!(git_in(&place, &["status", "--porcelain"]), "");
        assert!(made.made_branch, "stage {stage}");
        if stage > 0 {
            assert_eq!(made.base, base, "stage {stage}");
        }
    }
}

#[tokio::test]
async fn branches_there_are_and_places_that_are_asked_for() {
    let (world, repo) = (World::new(Vec::new()), Repo::with_commit());
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.commit("second", "x", "Second");
    repo.git(&["branch", "side", &first]);
    let (dir, path) = (repo.path(), repo.beside("side tree"));
    let asked = WorktreeAsk { branch: Some("side"), path: Some(&path), ..wanted(&dir) };
    let made = ensure(&world, "one", asked).await.unwrap();
    assert_eq!((made.base.as_str(), made.made_branch), (first.as_str(), false));
    // It is checked out there now.
    let other = WorktreeAsk { branch: Some("side"), ..wanted(&dir) };
    let refused = ensure(&world, "two", other).await.unwrap_err();
    assert!(refused.contains(path.to_str().unwrap()) && refused.contains("; "), "{refused}");
    let from = WorktreeAsk { branch: Some("fresh"), from: Some("main~1"), ..wanted(&dir) };
    let made = ensure(&world, "three", from).await.unwrap();
    assert_eq!((made.base.as_str(), made.made_branch), (first.as_str(), true));
}

#[tokio::test]
async fn words_that_are_no_names_do_not_reach_git() {
    let (world, repo) = (World::new(Vec::new()), Repo::with_commit());
    let dir = repo.path();
    for branch in ["-b", "--force", "a..b", "a b", "", "HEAD", "x.lock", "@{-1}", "a\nb", "re:fs"] {
        let asked = WorktreeAsk { branch: Some(branch), ..wanted(&dir) };
        let refused = ensure(&world, "one", asked).await.unwrap_err();
        assert!(refused.contains("is no name for a branch"), "{branch}: {refused}");
    }
    for from in ["--all", "-f", "nothing", "", "HEAD:first.txt", "a\nb"] {
        let asked = WorktreeAsk { from: Some(from), ..wanted(&dir) };
        let refused = ensure(&world, "one", asked).await.unwrap_err();
        assert!(refused.contains("is no commit"), "{from}: {refused}");
    }
    assert_eq!(repo.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[tokio::test]
async fn where_there_is_no_repository_or_no_git_the_words_say_what_to_do() {
    let (world, repo) = (World::new(Vec::new()), Repo::new());
    let refused = ensure(&world, "one", wanted(world.path())).await.unwrap_err();
    assert!(refused.contains("is in no git repository") && refused.contains("git init"), "{refused}");
    let refused = ensure(&world, "one", wanted(&repo.path())).await.unwrap_err();
    assert!(refused.contains("needs a first one"), "{refused}");
    let mut config = world.engine.config().clone();
    config.search_path = "/nowhere".into();
    let refused = ensure_worktree(&config, &id("one"), wanted(&repo.path())).await.unwrap_err();
    assert_eq!(refused, "git is not installed, or not in PATH; install git, or put it into PATH");
}

#[tokio::test]
async fn what_is_there_already_is_refused_used_or_replaced() {
    let (world, repo) = (World::new(Vec::new()), Repo::with_commit());
    let (dir, path) = (repo.path(), repo.beside("tree"));
    repo.git(&["worktree", "add", "--quiet", "-b", "theirs", path.to_str().unwrap()]);
    fs::write(path.join("precious"), "not committed").unwrap();
    let asked = |collision| WorktreeAsk { path: Some(&path), collision, ..wanted(&dir) };
    let refused = ensure(&world, "one", asked(Collision::Fail)).await.unwrap_err();
    assert!(refused.contains("is there already"), "{refused}");
    for _ in 0..2 {
        let reused = ensure(&world, "two", asked(Collision::Reuse)).await.unwrap();
        assert_eq!((reused.branch.as_str(), reused.made_branch), ("theirs", false));
    }
    let other = WorktreeAsk { branch: Some("mine"), ..asked(Collision::Reuse) };
    let refused = ensure(&world, "two", other).await.unwrap_err();
    assert!(refused.contains("theirs"), "{refused}");
    assert!(path.join("precious").is_file());
    // A repository in it is kept by nobody.
    git_in(&path, &["init", "--quiet", "inner"]);
    let refused = ensure(&world, "three", asked(Collision::Replace)).await.unwrap_err();
    assert!(refused.contains("inner/"), "{refused}");
    fs::remove_dir_all(path.join("inner")).unwrap();
    for _ in 0..2 {
        let made = ensure(&world, "three", asked(Collision::Replace)).await.unwrap();
        assert_eq!(made.branch, "agent-runner/three");
        assert!(!path.join("precious").exists());
        fs::write(path.join("begun"), "x").unwrap();
    }
    assert!(path.join("begun").is_file(), "its own is not replaced");
    let names = repo.git(&["for-each-ref", "--format=%(refname)", "refs/agent-runner/three/*[0-9]"]);
    let [name] = names.lines().collect::<Vec<_>>()[..] else { panic!("{names}") };
    assert_eq!(repo.git(&["show", &format!("{name}:precious")]), "not committed");
    assert_eq!(repo.git(&["rev-parse", "--verify", "refs/heads/theirs"]).len(), 40);
    // What is no worktree of this repository is left alone, whatever is asked.
    let other = Repo::with_commit();
    let plain = repo.beside("plain");
    fs::create_dir(&plain).unwrap();
    fs::write(plain.join("x"), "x").unwrap();
    for place in [other.path(), dir.clone(), plain] {
        for collision in [Collision::Fail, Collision::Reuse, Collision::Replace] {
            let asked = WorktreeAsk { path: Some(&place), branch: Some("new"), collision, ..wanted(&dir) };
            ensure(&world, "four", asked).await.unwrap_err();
            assert!(fs::read_dir(&place).unwrap().next().is_some());
        }
    }
}

/// A run with a worktree, in a repository.
struct Scene {
    world: World,
    repo: Repo,
    run: RunId,
    worktree: Worktree,
}

impl Scene {
    async fn new(turns: Vec<Turn>) -> Self {
        let (world, repo) = (World::new(turns), Repo::with_commit());
        repo.write("tracked", "as committed\n");
        repo.commit(".gitignore", "*.log\n", "Second");
        let request = CreateRun { start: Start::Later, ..world.request(&["one"], 0) };
        let run = world.engine.call(request).await.unwrap().summary.run_id;
        let worktree = ensure(&world, run.as_str(), wanted(&repo.path())).await.unwrap();
        let scene = Self { world, repo, run, worktree };
        scene
            .respecify(|spec| {
                spec.cwd.clone_from(&scene.worktree.path);
                spec.worktree = Some(scene.worktree.clone());
            })
            .await;
        scene
    }

    /// As hooks do while they prepare a run.
    async fn respecify(&self, change: impl FnOnce(&mut RunSpec)) {
        let manifest = self.world.manifest(&self.run).await;
        let mut spec = Box::new(manifest.spec.clone());
        change(&mut spec);
        let revision = manifest.revision;
        let fact = ControlFact::Respecified { revision, spec, changed: Vec::new(), anew: true };
        self.world.engine.commit(&self.run, &[Fact::Control(fact)]).await.unwrap();
    }

    fn tree(&self) -> PathBuf {
        PathBuf::from(&self.worktree.path)
    }

    /// Where the worktree's own part of the repository is.
    fn git_dir(&self) -> PathBuf {
        PathBuf::from(git_in(&self.tree(), &["rev-parse", "--absolute-git-dir"]))
    }

    fn remove(&self) -> RemoveWorkspace {
        RemoveWorkspace { run: self.run.to_string() }
    }

    /// Whether some name of the run leads to a file with this content.
    fn keeps(&self, content: &str) -> bool {
        let refs = format!("--glob=refs/agent-runner/{}/*", self.run);
        let objects = self.repo.git(&["rev-list", "--objects", "--no-object-names", &refs]);
        objects.lines().any(|object| {
            self.repo.git(&["cat-file", "-t", object]) == "blob"
                && self.repo.git(&["cat-file", "blob", object]) == content
        })
    }

    /// Leaves all kinds of work behind.
    fn make_dirty(&self) {
        let tree = self.tree();
        fs::write(tree.join("tracked"), "staged\n").unwrap();
        git_in(&tree, &["add", "tracked"]);
        fs::write(tree.join("tracked"), "changed\n").unwrap();
        fs::remove_file(tree.join("first.txt")).unwrap();
        fs::write(tree.join("new"), "new\n").unwrap();
        fs::write(tree.join("ignored.log"), "ignored\n").unwrap();
    }

    async fn start(&self) {
        let start = ControlFact::Started { cause: Cause::First, seen: None, on_limit: None };
        self.world.engine.commit(&self.run, &[Fact::Control(start)]).await.unwrap();
    }

    async fn view(&self) -> WorkspaceView {
        let list = self.world.engine.call(ListWorkspaces { repo: Some("repo".to_owned()) }).await.unwrap();
        list.workspaces.into_iter().next().unwrap()
    }

    async fn snapshots(&self) -> usize {
        let request = ListSnapshots { run: self.run.to_string() };
        self.world.engine.call(request).await.unwrap().snapshots.len()
    }

    /// Everything of `make_dirty` can be had back.
    async fn assert_kept(&self, number: u32) {
        let to = self.repo.beside(&format!("kept-{number}"));
        let request = RestoreWorkspace {
            run: self.run.to_string(),
            number: Some(number),
            to: Some(to.to_str().unwrap().to_owned()),
        };
        self.world.engine.call(request).await.unwrap();
        let names: Vec<String> = things(&to).keys().map(|path| path.display().to_string()).collect();
        assert_eq!(names, [".gitignore", "new", "tracked"]);
        assert_eq!(fs::read_to_string(to.join("tracked")).unwrap(), "changed\n");
        let name = format!("refs/agent-runner/{}/{number}", self.run);
        assert_eq!(self.repo.git(&["show", &format!("{name}^2:tracked")]), "staged");
    }

    async fn told(&self) -> usize {
        let tail = self.world.engine.store.tail(&self.run, 0, None).await.unwrap();
        tail.events.iter().filter(|event| event.kind == "run.snapshot_taken").count()
    }

    fn reset(&self, workspace: bool) -> ResetRun {
        ResetRun { run: self.run.to_string(), workspace }
    }
}

#[tokio::test]
async fn a_reset_puts_aside_and_with_the_flag_puts_back() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    scene.make_dirty();
    let before = things(&scene.tree());
    engine.call(scene.reset(false)).await.unwrap();
    assert_eq!(things(&scene.tree()), before);
    scene.assert_kept(1).await;
    assert_eq!(scene.told().await, 1);
    // Commits of the branch are kept as well when it goes back.
    git_in(&scene.tree(), &["commit", "--quiet", "-m", "Work"]);
    let tip = git_in(&scene.tree(), &["rev-parse", "HEAD"]);
    git_in(&scene.tree(), &["switch", "--quiet", "--detach"]);
    engine.call(scene.reset(true)).await.unwrap();
    let (tree, worktree) = (scene.tree(), &scene.worktree);
    assert_eq!(git_in(&tree, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&tree, &["symbolic-ref", "HEAD"]), format!("refs/heads/{}", worktree.branch));
    assert_eq!(git_in(&tree, &["rev-parse", "HEAD"]), worktree.base);
    assert_eq!(fs::read_to_string(tree.join("tracked")).unwrap(), "as committed\n");
    assert_eq!(fs::read_to_string(tree.join("ignored.log")).unwrap(), "ignored\n");
    assert!(!tree.join("new").exists());
    let kept = scene.repo.git(&["for-each-ref", "--contains", &tip, "refs/agent-runner"]);
    assert!(!kept.is_empty());
    assert_eq!(scene.told().await, scene.snapshots().await);
    // Done again, there is nothing to do.
    let count = scene.snapshots().await;
    engine.call(scene.reset(true)).await.unwrap();
    assert_eq!(scene.snapshots().await, count);
}

#[tokio::test]
async fn files_that_git_converts_are_put_back_as_it_checks_them_out() {
    let scene = Scene::new(Vec::new()).await;
    let tree = scene.tree();
    fs::write(tree.join(".gitattributes"), "*.dos text eol=crlf\n").unwrap();
    fs::write(tree.join("a.dos"), "one\r\n").unwrap();
    fs::write(tree.join("b.dos"), "one\r\n").unwrap();
    git_in(&tree, &["add", "--all"]);
    git_in(&tree, &["commit", "--quiet", "-m", "Converted"]);
    let mut worktree = scene.worktree.clone();
    worktree.base = git_in(&tree, &["rev-parse", "HEAD"]);
    scene.respecify(|spec| spec.worktree = Some(worktree)).await;
    fs::write(tree.join("a.dos"), "two\r\n").unwrap();
    scene.world.engine.call(scene.reset(true)).await.unwrap();
    for name in ["a.dos", "b.dos"] {
        assert_eq!(fs::read(tree.join(name)).unwrap(), b"one\r\n");
    }
    assert_eq!(git_in(&tree, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn commits_of_a_worker_have_the_name_that_the_spec_has() {
    let script = "echo x >work; git add work; git commit --quiet -m Work; git log -1 --format='%an <%ae>, %cn <%ce>' >told";
    let as_told = "An Agent <agent@example.org>, An Agent <agent@example.org>";
    let cases = [
        (Some("An Agent <agent@example.org>"), as_told),
        (Some("  An Agent  <agent@example.org> "), as_told),
        (Some("nobody at all"), "Inherited <i@example.org>, Inherited <i@example.org>"),
        (None, "Inherited <i@example.org>, Inherited <i@example.org>"),
    ];
    for (commit_as, expected) in cases {
        let scene = Scene::new(vec![turn(script, AttemptEnd::Reported)]).await;
        scene.respecify(|spec| spec.commit_as = commit_as.map(str::to_owned)).await;
        scene.start().await;
        let mut request = World::drive_request(&scene.run);
        // As the worker of another run would leave it to a run that it starts.
        for kind in ["AUTHOR", "COMMITTER"] {
            request.environment.push((format!("GIT_{kind}_NAME").into(), "Inherited".into()));
            request.environment.push((format!("GIT_{kind}_EMAIL").into(), "i@example.org".into()));
        }
        let (ports, _signals) = World::ports();
        drive(Arc::clone(&scene.world.engine), request, ports).await.unwrap();
        assert_eq!(fs::read_to_string(scene.tree().join("told")).unwrap().trim(), expected);
    }
}

#[tokio::test]
async fn commits_that_only_the_branch_had_are_kept_when_it_goes_back() {
    let scene = Scene::new(Vec::new()).await;
    fs::write(scene.tree().join("work"), "x").unwrap();
    git_in(&scene.tree(), &["add", "work"]);
    git_in(&scene.tree(), &["commit", "--quiet", "-m", "Work"]);
    let tip = git_in(&scene.tree(), &["rev-parse", "HEAD"]);
    scene.world.engine.call(scene.reset(true)).await.unwrap();
    assert_eq!(scene.repo.git(&["rev-parse", &format!("refs/agent-runner/{}/1", scene.run)]), tip);
}

#[tokio::test]
async fn a_merge_in_the_middle_is_put_aside_and_forgotten() {
    let scene = Scene::new(Vec::new()).await;
    scene.repo.commit("tracked", "theirs\n", "Theirs");
    let tree = scene.tree();
    fs::write(tree.join("tracked"), "ours\n").unwrap();
    git_in(&tree, &["commit", "--quiet", "--all", "-m", "Ours"]);
    let merged = std::process::Command::new("git").args(["merge", "main"]).current_dir(&tree).output();
    assert!(!merged.unwrap().status.success());
    fs::write(tree.join("tracked"), "half resolved\n").unwrap();
    scene.world.engine.call(scene.reset(true)).await.unwrap();
    assert!(git_in(&tree, &["status"]).contains("nothing to commit, working tree clean"));
    let name = format!("refs/agent-runner/{}/1", scene.run);
    assert_eq!(scene.repo.git(&["show", &format!("{name}:tracked")]), "half resolved");
}

#[tokio::test]
async fn a_worktree_is_removed_only_when_all_in_it_is_kept() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    let remove = || RemoveWorkspace { run: scene.run.to_string() };
    scene.start().await;
    let view = scene.view().await;
    assert!(!view.removable && view.why.unwrap().contains("running"));
    let refused = engine.call(remove()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert!(refused.hint.unwrap().contains("run abort"));
    scene.make_dirty();
    let abort = AbortRun { run: scene.run.to_string(), at_once: false, by: "a test".to_owned() };
    engine.call(abort).await.unwrap();
    scene.assert_kept(1).await;
    git_in(&scene.tree(), &["init", "--quiet", "inner"]);
    let view = scene.view().await;
    assert!(!view.removable && view.why.unwrap().contains("inner/"));
    assert!(engine.call(remove()).await.unwrap_err().message.contains("inner/"));
    fs::remove_dir_all(scene.tree().join("inner")).unwrap();
    // Commits that no branch has.
    git_in(&scene.tree(), &["switch", "--quiet", "--detach"]);
    git_in(&scene.tree(), &["commit", "--quiet", "--all", "-m", "On no branch"]);
    let lonely = git_in(&scene.tree(), &["rev-parse", "HEAD"]);
    let view = scene.view().await;
    assert_eq!((view.state, view.removable, view.snapshots), (WorkspaceState::Dirty, true, Some(1)));
    // The run must not be deleted before.
    engine.call(ArchiveRun { run: scene.run.to_string() }).await.unwrap();
    let refused = engine.call(DeleteRun { run: scene.run.to_string() }).await.unwrap_err();
    assert!(refused.hint.unwrap().contains("workspace remove"));
    let removed = engine.call(remove()).await.unwrap();
    assert_eq!(removed.before.unwrap().number, 2);
    assert!(!scene.tree().exists());
    assert_eq!(scene.repo.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
    let kept = scene.repo.git(&["for-each-ref", "--contains", &lonely, "refs/agent-runner"]);
    assert!(kept.contains("/2"), "{kept}");
    assert_eq!(scene.repo.git(&["rev-parse", &scene.worktree.branch]), scene.worktree.base);
    let view = scene.view().await;
    assert_eq!((view.state, view.removable, view.snapshots), (WorkspaceState::Missing, false, Some(2)));
    assert!(engine.call(remove()).await.unwrap_err().message.contains("is not there"));
    engine.call(DeleteRun { run: scene.run.to_string() }).await.unwrap();
    assert!(
        scene.repo.git(&["for-each-ref", "refs/agent-runner"]).contains("/2"),
        "snapshots outlive the run"
    );
}

#[tokio::test]
async fn a_removed_worktree_is_made_again_by_a_reset() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    engine.call(RemoveWorkspace { run: scene.run.to_string() }).await.unwrap();
    engine.call(scene.reset(false)).await.unwrap();
    assert!(!scene.tree().exists());
    engine.call(scene.reset(true)).await.unwrap();
    assert_eq!(git_in(&scene.tree(), &["status", "--porcelain"]), "");
    let view = scene.view().await;
    assert_eq!((view.state, view.removable), (WorkspaceState::Clean, true));
}

#[tokio::test]
async fn one_that_was_there_before_is_not_removed_with_the_run() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    fs::remove_file(scene.git_dir().join("agent-runner.json")).unwrap();
    assert!(scene.view().await.why.unwrap().contains("was there before"));
    let refused = engine.call(RemoveWorkspace { run: scene.run.to_string() }).await.unwrap_err();
    assert!(refused.message.contains("was there before the run"), "{refused}");
    engine.call(ArchiveRun { run: scene.run.to_string() }).await.unwrap();
    engine.call(DeleteRun { run: scene.run.to_string() }).await.unwrap();
    assert!(scene.tree().is_dir());
}

#[tokio::test]
async fn restoring_into_a_dirty_worktree_puts_that_aside_first() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    scene.make_dirty();
    engine.call(scene.reset(true)).await.unwrap();
    fs::write(scene.tree().join("new"), "another\n").unwrap();
    let restore = |number, to| RestoreWorkspace { run: scene.run.to_string(), number, to };
    let restored = engine.call(restore(Some(1), None)).await.unwrap();
    assert_eq!(restored.before.unwrap().number, 2);
    assert_eq!(fs::read_to_string(scene.tree().join("new")).unwrap(), "new\n");
    assert!(!scene.tree().join("first.txt").exists());
    let restored = engine.call(restore(None, None)).await.unwrap();
    assert_eq!((restored.number, restored.before.unwrap().number), (2, 3));
    assert_eq!(fs::read_to_string(scene.tree().join("new")).unwrap(), "another\n");
    assert!(scene.tree().join("first.txt").is_file());
    let missing = engine.call(restore(Some(9), None)).await.unwrap_err();
    assert_eq!((missing.code, missing.message.as_str()), (ErrorCode::NotFound, "there is no snapshot 9"));
    let full = scene.repo.path().to_str().unwrap().to_owned();
    let refused = engine.call(restore(None, Some(full))).await.unwrap_err();
    assert!(refused.message.contains("is not an empty directory"));
}

#[tokio::test]
async fn an_aborted_run_leaves_a_snapshot() {
    let script = "echo new >new; rm first.txt; echo staged >tracked; git add tracked; echo changed >tracked; \
                  echo x >ignored.log; echo session=there; exec sleep 1000";
    let scene = Scene::new(vec![turn(script, AttemptEnd::Reported)]).await;
    scene.start().await;
    let (mut ports, _signals) = World::ports();
    let (wake, written) = rustix::pipe::pipe().unwrap();
    ports.wake = Some(written);
    let driving = drive(Arc::clone(&scene.world.engine), World::drive_request(&scene.run), ports);
    let aborting = async {
        let mut wake = pipe::Receiver::from_owned_fd(wake).unwrap();
        while scene.world.manifest(&scene.run).await.state.backend_session_id.is_none() {
            let mut bytes = [0u8; 16];
            assert!(wake.read(&mut bytes).await.unwrap() > 0, "the driver left");
        }
        let request = Request::Abort { urgency: Urgency::Graceful, by: "a test".to_owned() };
        ask(&scene.world.engine.socket(&scene.run), &request).await.unwrap();
    };
    let (driven, ()) = tokio::join!(driving, aborting);
    driven.unwrap();
    assert_eq!(scene.world.manifest(&scene.run).await.outcome(), Some(&Outcome::Aborted));
    scene.assert_kept(1).await;
    assert_eq!((scene.told().await, scene.snapshots().await), (1, 1));
}

#[tokio::test]
async fn a_run_ends_even_if_nothing_can_be_put_aside() {
    let scene = Scene::new(Vec::new()).await;
    scene.start().await;
    scene.make_dirty();
    let index = git_in(&scene.tree(), &["rev-parse", "--absolute-git-dir"]);
    fs::write(Path::new(&index).join("index"), "no index at all").unwrap();
    let abort = AbortRun { run: scene.run.to_string(), at_once: true, by: "a test".to_owned() };
    scene.world.engine.call(abort).await.unwrap();
    assert_eq!(scene.world.manifest(&scene.run).await.outcome(), Some(&Outcome::Aborted));
    // But nothing is destroyed then.
    let refused = scene.world.engine.call(RemoveWorkspace { run: scene.run.to_string() }).await.unwrap_err();
    assert!(refused.hint.is_some());
    scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(scene.tree().join("new").is_file());
}

#[tokio::test]
async fn a_git_that_was_killed_in_a_worktree_does_not_keep_its_work_from_being_put_aside() {
    let scene = Scene::new(Vec::new()).await;
    scene.make_dirty();
    let lock = PathBuf::from(git_in(&scene.tree(), &["rev-parse", "--absolute-git-dir"])).join("index.lock");
    fs::write(&lock, "").unwrap();
    let before = things(&scene.tree());
    let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(refused.message.contains("index.lock") && refused.hint.is_some(), "{refused}");
    assert_eq!(things(&scene.tree()), before);
    scene.assert_kept(1).await;
    assert_eq!(scene.told().await, 1);
    fs::remove_file(lock).unwrap();
    scene.world.engine.call(scene.reset(true)).await.unwrap();
    assert!(!scene.tree().join("new").exists());
}

#[tokio::test]
async fn ignored_files_in_the_way_keep_a_worktree_as_it_is() {
    let scene = Scene::new(Vec::new()).await;
    let tree = scene.tree();
    git_in(&tree, &["rm", "--quiet", "--cached", "tracked"]);
    fs::write(tree.join(".gitignore"), "*.log\ntracked\n").unwrap();
    fs::write(tree.join("tracked"), "secret, and in no snapshot\n").unwrap();
    let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(refused.message.contains("tracked"), "{refused}");
    assert_eq!(fs::read_to_string(tree.join("tracked")).unwrap(), "secret, and in no snapshot\n");
    let look = git::look(tools(scene.world.engine.config(), Duration::from_secs(60)), &tree).await.unwrap();
    assert_eq!(look.dirty, 2);
}

/// Git as people call it, which may end in a conflict.
fn conflict(dir: &Path, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(args).current_dir(dir);
    assert!(!git.output().unwrap().status.success(), "{args:?}");
}

/// Both sides have changed `first.txt`.
fn diverge(scene: &Scene) {
    scene.repo.commit("first.txt", "theirs\n", "Theirs");
    fs::write(scene.tree().join("first.txt"), "ours\n").unwrap();
    git_in(&scene.tree(), &["commit", "--quiet", "--all", "-m", "Ours"]);
}

#[tokio::test]
async fn a_change_of_the_same_size_in_the_same_moment_is_a_change() {
    for put_back in [false, true] {
        let scene = Scene::new(Vec::new()).await;
        let (tree, index) = (scene.tree(), scene.git_dir().join("index"));
        // All within one second, whenever that is: git wrote the index, and then the file changed.
        let moment = std::time::SystemTime::now() - Duration::from_secs(5);
        let set = |path: &Path| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(moment).unwrap();
        };
        set(&tree.join("tracked"));
        git_in(&tree, &["update-index", "--refresh"]);
        fs::write(tree.join("tracked"), "not committ\n\n").unwrap();
        assert_eq!(fs::metadata(tree.join("tracked")).unwrap().len(), "as committed\n".len() as u64);
        set(&tree.join("tracked"));
        set(&index);
        assert_eq!(scene.view().await.state, WorkspaceState::Dirty);
        match put_back {
            true => _ = scene.world.engine.call(scene.reset(true)).await.unwrap(),
            false => _ = scene.world.engine.call(scene.remove()).await.unwrap(),
        }
        assert!(scene.keeps("not committ"));
    }
}

#[tokio::test]
async fn a_worktree_that_lost_its_index_is_not_an_unfinished_one() {
    for collision in [Collision::Fail, Collision::Reuse, Collision::Replace] {
        let scene = Scene::new(Vec::new()).await;
        fs::write(scene.tree().join("tracked"), "precious\n").unwrap();
        fs::remove_file(scene.git_dir().join("index")).unwrap();
        let dir = scene.repo.path();
        let again = ensure(&scene.world, scene.run.as_str(), WorktreeAsk { collision, ..wanted(&dir) });
        assert_eq!(again.await.unwrap(), scene.worktree);
        assert_eq!(fs::read_to_string(scene.tree().join("tracked")).unwrap(), "precious\n");
        // Another run finds it there, and replaces it only after putting aside what is in it.
        let path = scene.tree();
        let asked = WorktreeAsk { path: Some(&path), collision, ..wanted(&dir) };
        let other = ensure(&scene.world, "other", asked).await;
        assert_eq!(other.is_err(), collision == Collision::Fail);
        let text = fs::read_to_string(scene.tree().join("tracked")).unwrap();
        match collision {
            Collision::Fail | Collision::Reuse => assert_eq!(text, "precious\n"),
            Collision::Replace => {
                assert_eq!(scene.repo.git(&["show", "refs/agent-runner/other/1:tracked"]), "precious");
            }
        }
    }
}

#[tokio::test]
async fn files_that_are_not_of_the_commit_keep_an_unfinished_worktree_as_it_is() {
    let scene = Scene::new(Vec::new()).await;
    let note = scene.repo.beside("note");
    fs::write(&note, &scene.worktree.path).unwrap();
    let blob = scene.repo.git(&["hash-object", "-w", note.to_str().unwrap()]);
    scene.repo.git(&["update-ref", &format!("refs/agent-runner/{}/making", scene.run), &blob]);
    for name in ["index", "agent-runner.json"] {
        fs::remove_file(scene.git_dir().join(name)).unwrap();
    }
    fs::write(scene.tree().join("ignored.log"), "precious\n").unwrap();
    let refused = ensure(&scene.world, scene.run.as_str(), wanted(&scene.repo.path())).await.unwrap_err();
    assert!(refused.contains("is there already"), "{refused}");
    assert!(scene.tree().join("ignored.log").is_file());
}

#[tokio::test]
async fn nobody_takes_a_worktree_away_from_a_run_that_works_in_it() {
    let scene = Scene::new(Vec::new()).await;
    let (engine, other) = (&scene.world.engine, id("other"));
    engine.call(scene.reset(true)).await.unwrap();
    scene.make_dirty();
    engine.call(scene.reset(false)).await.unwrap();
    for shares in [false, true] {
        // Of the same tree of runs, too.
        let tree = scene.run.clone();
        let member = Member { run_id: other.clone(), tree, may_write: true, shares, alone: false };
        let entered = engine.store.enter_workspace(&scene.tree(), &member, &[]).await.unwrap();
        let Entry::Entered(place) = entered else { panic!("{entered:?}") };
        let restore = RestoreWorkspace { run: scene.run.to_string(), number: None, to: None };
        let refused = [
            engine.call(scene.remove()).await.unwrap_err(),
            engine.call(scene.reset(true)).await.unwrap_err(),
            engine.call(restore).await.unwrap_err(),
        ];
        for refused in refused {
            assert_eq!(refused.code, ErrorCode::Busy);
            assert!(refused.message.contains("run other works in"), "{refused}");
        }
        let view = scene.view().await;
        assert!(!view.removable && view.why.unwrap().contains("run other works in"));
        assert!(scene.tree().join("new").is_file());
        drop(place);
    }
    assert!(scene.view().await.removable);
    engine.call(scene.remove()).await.unwrap();
}

#[tokio::test]
async fn what_git_put_aside_itself_is_kept() {
    for what in ["rebase", "merge"] {
        for put_back in [true, false] {
            let scene = Scene::new(Vec::new()).await;
            diverge(&scene);
            fs::write(scene.tree().join("tracked"), "precious\n").unwrap();
            conflict(&scene.tree(), &[what, "--autostash", "main"]);
            assert_eq!(fs::read_to_string(scene.tree().join("tracked")).unwrap(), "as committed\n");
            match put_back {
                true => _ = scene.world.engine.call(scene.reset(true)).await.unwrap(),
                false => _ = scene.world.engine.call(scene.remove()).await.unwrap(),
            }
            assert!(scene.keeps("precious"), "{what} {put_back}");
        }
    }
}

#[tokio::test]
async fn what_was_staged_in_the_middle_of_a_conflict_is_kept() {
    let scene = Scene::new(Vec::new()).await;
    diverge(&scene);
    conflict(&scene.tree(), &["merge", "main"]);
    fs::write(scene.tree().join("tracked"), "staged only\n").unwrap();
    git_in(&scene.tree(), &["add", "tracked"]);
    fs::write(scene.tree().join("tracked"), "other\n").unwrap();
    scene.world.engine.call(scene.reset(true)).await.unwrap();
    for content in ["staged only", "other", "ours", "theirs"] {
        assert!(scene.keeps(content), "{content}");
    }
}

#[tokio::test]
async fn repositories_inside_are_found_wherever_they_are() {
    let shapes: [(&str, &str); 4] = [
        ("x.log/", "git init -q x.log; echo precious >x.log/f"),
        ("wt.log/", "git worktree add -q -b inner wt.log; echo precious >wt.log/f"),
        ("dir/", "git init -q dir; echo precious >dir/.git/f"),
        ("modules/", "m=$(git rev-parse --absolute-git-dir)/modules; mkdir -p $m; git init -q --bare $m/sub"),
    ];
    for (name, script) in shapes {
        let scene = Scene::new(Vec::new()).await;
        fs::create_dir(scene.tree().join("dir")).unwrap();
        fs::write(scene.tree().join("dir/tracked"), "x").unwrap();
        git_in(&scene.tree(), &["add", "dir"]);
        git_in(&scene.tree(), &["commit", "--quiet", "-m", "Dir"]);
        sh(&scene.tree(), script);
        let view = scene.view().await;
        assert!(!view.removable && view.why.unwrap().contains(name));
        let refused = scene.world.engine.call(scene.remove()).await.unwrap_err();
        assert!(refused.message.contains(name), "{refused}");
        assert!(scene.tree().is_dir());
    }
}

fn sh(dir: &Path, script: &str) {
    let status = std::process::Command::new("sh").args(["-ec", script]).current_dir(dir).status();
    assert!(status.unwrap().success(), "{script}");
}

#[tokio::test]
async fn nothing_is_written_into_a_repository_inside() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    sh(&scene.tree(), "mkdir n; echo one >n/a");
    engine.call(scene.reset(true)).await.unwrap();
    sh(&scene.tree(), "rm -rf n; git init -q n; echo a >n/.gitignore; echo precious >n/a");
    let restore = RestoreWorkspace { run: scene.run.to_string(), number: Some(1), to: None };
    let refused = engine.call(restore).await.unwrap_err();
    assert!(refused.message.contains("n/"), "{refused}");
    assert_eq!(fs::read_to_string(scene.tree().join("n/a")).unwrap(), "precious\n");

    let scene = Scene::new(Vec::new()).await;
    sh(&scene.tree(), "rm first.txt; mkdir first.txt; git init -q first.txt; echo precious >first.txt/a");
    let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(refused.message.contains("first.txt/"), "{refused}");
    assert_eq!(fs::read_to_string(scene.tree().join("first.txt/a")).unwrap(), "precious\n");
}

#[tokio::test]
async fn what_git_keeps_under_no_name_is_not_dropped() {
    for script in ["echo precious >'git~1'", "mkdir .GIT; echo precious >.GIT/x"] {
        let scene = Scene::new(Vec::new()).await;
        sh(&scene.tree(), script);
        let refused = scene.world.engine.call(scene.remove()).await.unwrap_err();
        assert!(refused.message.contains("git keeps no files of such names"), "{refused}");
        scene.world.engine.call(scene.reset(true)).await.unwrap_err();
        assert!(scene.tree().is_dir());
    }
}

#[tokio::test]
async fn settings_of_the_repository_hide_no_file() {
    let scene = Scene::new(Vec::new()).await;
    scene.repo.git(&["config", "core.ignorecase", "true"]);
    scene.repo.git(&["config", "core.filemode", "false"]);
    fs::write(scene.tree().join("TRACKED"), "precious\n").unwrap();
    sh(&scene.tree(), "chmod +x tracked");
    scene.world.engine.call(scene.remove()).await.unwrap();
    assert!(scene.keeps("precious"));
    let mode = scene.repo.git(&["ls-tree", &format!("refs/agent-runner/{}/1", scene.run), "tracked"]);
    assert!(mode.starts_with("100755"), "{mode}");
}

#[tokio::test]
async fn commits_that_only_the_worktree_knows_are_kept_when_it_goes() {
    let script = "git switch -q --detach; echo a >a; git add a; git commit -qm Lost; git switch -q -";
    let bisected = "git switch -q --detach; echo a >a; git add a; git commit -qm Lost; git update-ref refs/worktree/mine HEAD; \
                    git switch -q -; rm $(git rev-parse --absolute-git-dir)/logs/HEAD";
    for script in [script, bisected] {
        let scene = Scene::new(Vec::new()).await;
        sh(
            &scene.tree(),
            &format!(
                "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; {script}"
            ),
        );
        let removed = scene.world.engine.call(scene.remove()).await.unwrap();
        assert_eq!(removed.before.unwrap().number, 1);
        assert!(scene.keeps("a"));
        assert_eq!(scene.snapshots().await, 1);
    }
}

#[tokio::test]
async fn a_commit_that_only_the_notes_of_the_run_name_is_kept() {
    let scene = Scene::new(Vec::new()).await;
    let dir = scene.repo.path();
    scene.repo.git(&["switch", "--quiet", "-c", "feature"]);
    let tip = scene.repo.commit("feature", "feature\n", "Feature");
    scene.repo.git(&["switch", "--quiet", "main"]);
    scene.world.engine.call(scene.remove()).await.unwrap();
    let asked = WorktreeAsk { branch: Some("feature"), ..wanted(&dir) };
    let worktree = ensure(&scene.world, scene.run.as_str(), asked).await.unwrap();
    scene.respecify(|spec| spec.worktree = Some(worktree)).await;
    git_in(&scene.tree(), &["switch", "--quiet", "--detach"]);
    scene.repo.git(&["branch", "-D", "feature"]);
    scene.world.engine.call(scene.remove()).await.unwrap();
    assert!(!scene.repo.git(&["for-each-ref", "--contains", &tip]).is_empty());
}

#[tokio::test]
async fn a_worktree_that_another_run_has_made_is_not_its_own() {
    let scene = Scene::new(Vec::new()).await;
    let (dir, path) = (scene.repo.path(), scene.repo.beside("theirs"));
    scene.repo.git(&["worktree", "add", "--quiet", "-b", "theirs", path.to_str().unwrap()]);
    let asked = WorktreeAsk {
        path: Some(&path),
        branch: Some("theirs"),
        collision: Collision::Reuse,
        ..wanted(&dir)
    };
    let theirs = ensure(&scene.world, scene.run.as_str(), asked).await.unwrap();
    scene.respecify(|spec| spec.worktree = Some(theirs)).await;
    let refused = scene.world.engine.call(scene.remove()).await.unwrap_err();
    assert!(refused.message.contains("was there before the run"), "{refused}");
    assert!(path.is_dir());
}

#[tokio::test]
async fn a_run_is_not_deleted_while_anything_is_at_its_worktrees_place() {
    let scene = Scene::new(Vec::new()).await;
    let engine = &scene.world.engine;
    fs::remove_file(scene.tree().join(".git")).unwrap();
    assert_eq!(scene.view().await.state, WorkspaceState::Unknown);
    engine.call(ArchiveRun { run: scene.run.to_string() }).await.unwrap();
    let refused = engine.call(DeleteRun { run: scene.run.to_string() }).await.unwrap_err();
    assert!(refused.message.contains("is still there"), "{refused}");
    fs::remove_dir_all(scene.tree()).unwrap();
    engine.call(DeleteRun { run: scene.run.to_string() }).await.unwrap();
}

#[tokio::test]
async fn locks_that_were_left_over_are_seen_before_anything_is_changed() {
    let branch =
        |scene: &Scene| scene.repo.path().join(format!(".git/refs/heads/{}.lock", scene.worktree.branch));
    let head = |scene: &Scene| scene.git_dir().join("HEAD.lock");
    let of: [&dyn Fn(&Scene) -> PathBuf; 2] = [&branch, &head];
    for lock in of {
        let scene = Scene::new(Vec::new()).await;
        scene.make_dirty();
        let before = things(&scene.tree());
        fs::write(lock(&scene), "").unwrap();
        let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
        assert!(refused.message.contains(".lock is there"), "{refused}");
        assert_eq!(things(&scene.tree()), before);
    }
}

#[tokio::test]
async fn a_branch_that_is_being_rebased_elsewhere_is_left_alone() {
    let scene = Scene::new(Vec::new()).await;
    diverge(&scene);
    git_in(&scene.tree(), &["switch", "--quiet", "--detach"]);
    conflict(&scene.repo.path(), &["rebase", "main", &scene.worktree.branch]);
    let tip = scene.repo.git(&["rev-parse", &scene.worktree.branch]);
    let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(refused.message.contains("is checked out in"), "{refused}");
    assert_eq!(scene.repo.git(&["rev-parse", &scene.worktree.branch]), tip);
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_keeps_nothing_from_being_put_aside() {
    let scene = Scene::new(Vec::new()).await;
    sh(&scene.tree(), "rm tracked; mkfifo tracked; echo precious >new");
    let refused = scene.world.engine.call(scene.reset(true)).await.unwrap_err();
    assert!(refused.message.contains("in the way: tracked"), "{refused}");
    assert!(scene.keeps("precious"));
    scene.world.engine.call(scene.remove()).await.unwrap();
}

#[tokio::test]
async fn a_locked_worktree_is_not_removed() {
    let scene = Scene::new(Vec::new()).await;
    scene.repo.git(&["worktree", "lock", &scene.worktree.path]);
    let refused = scene.world.engine.call(scene.remove()).await.unwrap_err();
    assert!(refused.message.contains("git worktree lock"), "{refused}");
    assert!(scene.tree().is_dir());
}

#[tokio::test]
async fn a_run_of_a_bare_repository_does_not_need_the_worktree_it_was_made_from() {
    let scene = Scene::new(Vec::new()).await;
    let (bare, from) = (scene.repo.beside("bare.git"), scene.repo.beside("from"));
    scene.repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    git_in(&bare, &["worktree", "add", "--quiet", "-b", "from", from.to_str().unwrap()]);
    let path = scene.repo.beside("tree");
    let asked = WorktreeAsk { path: Some(&path), ..wanted(&from) };
    let worktree = ensure(&scene.world, scene.run.as_str(), asked).await.unwrap();
    scene.respecify(|spec| spec.worktree = Some(worktree)).await;
    git_in(&bare, &["worktree", "remove", from.to_str().unwrap()]);
    fs::write(path.join("new"), "precious\n").unwrap();
    scene.world.engine.call(scene.remove()).await.unwrap();
    assert!(!path.exists());
    assert_eq!(scene.snapshots().await, 1);
}
