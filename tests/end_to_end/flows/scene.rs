//! A repository with one commit, with or without a remote one, and the bundled agents with a script in the place of a model.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Finished, Manifest as _, World};

const WORKER: &str = include_str!("worker.py");
/// The bundled agents that the flows name.
const AGENTS: [&str; 4] = ["planner", "implementer", "code-reviewer", "generic"];

/// A world in which `shop` is built.
pub struct Shop {
    pub world: World,
    has_origin: bool,
}

impl Shop {
    pub fn new(has_origin: bool) -> Self {
        let world = World::new();
        let worker = world.write("scripts/worker.py", WORKER);
        for name in AGENTS {
            let text = format!(
                "---\nschemaVersion: 1\nname: {name}\nextends: {name}\nclear: [effort]\nbackend: command\n\
                 commitAs: The {name} <{name}@example.org>\nbackendConfig:\n  command:\n    argv: [python3, {:?}, {:?}]\n---\n",
                worker,
                world.root()
            );
            world.write(&format!("config/agents/{name}/agent.md"), text);
        }
        let shop = Self { world, has_origin };
        shop.world.write("repo/README.md", "# Shop\n");
        shop.world.git(&["add", "README.md"]);
        shop.world.git(&["commit", "--quiet", "-m", "First"]);
        if has_origin {
            let origin = shop.path_of("origin.git");
            shop.world.git(&["clone", "--quiet", "--bare", ".", &origin]);
            shop.world.git(&["remote", "add", "origin", &origin]);
            shop.world.git(&["fetch", "--quiet", "origin"]);
        }
        shop
    }

    fn path_of(&self, relative: &str) -> String {
        self.world.path(relative).to_str().unwrap().to_owned()
    }

    /// Where the implementation works.
    pub fn tree(&self) -> PathBuf {
        self.world.path("repo-fast-search")
    }

    /// What git prints in the repository.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.world.repo(), args)
    }

    pub fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]).args(args);
        command.current_dir(dir).env_clear().env("PATH", self.world.search_path());
        let done = command.env("HOME", self.world.path("home")).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// What is checked out in the main work tree, and what is not committed there.
    pub fn main_tree(&self) -> [String; 3] {
        [&["rev-parse", "HEAD"][..], &["branch", "--show-current"], &["status", "--porcelain"]]
            .map(|args| self.git(args))
    }

    /// The arguments that start a plan for this request.
    pub fn plan_args<'a>(&self, request: &'a str) -> Vec<&'a str> {
        let base = ["--var", "worktree_base_ref=main"];
        let base: &[&str] = if self.has_origin { &[] } else { &base };
        let args = [
            "run",
            "--agent",
            "planner",
            "--assignment",
            "plan-feature",
            "--var",
            "worktree_slug=fast-search",
        ];
        [&args[..], base, &["--output-format", "json", request]].concat()
    }

    /// Plans, and returns the run that planned and the one that is to build.
    pub fn planned(&self) -> (String, String) {
        let plan = self.world.ok(&self.plan_args("Search what is new, with --since.")).run_id();
        let build = self.implementation_of(&plan);
        (plan, build)
    }

    /// The run that the notes of a plan name.
    pub fn implementation_of(&self, plan: &str) -> String {
        let manifest = self.world.manifest(plan);
        let notes = manifest.notes("create_initialized_implementer_run");
        let line = notes.lines().find_map(|line| line.strip_prefix("Implementation run: "));
        line.unwrap_or_else(|| panic!("no run is named: {notes}")).to_owned()
    }

    pub fn resume(&self, run: &str, words: &[&str]) -> Finished {
        let args = [&["run", "--resume-run", run, "--output-format", "json"], words].concat();
        self.world.command(&args).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").run()
    }

    /// Approves an implementation, and lets it work until it waits for the approval of the merge.
    pub fn built(&self, build: &str) {
        self.world.ok(&["run", "ready", build]);
        let done = self.resume(build, &[]).expect_code(2);
        assert_eq!(self.open_tasks(build), ["merge_pr_and_fast_forward_after_approval=blocked"], "{done}");
    }

    /// The tasks of a run that are not completed, with their status.
    pub fn open_tasks(&self, run: &str) -> Vec<String> {
        let tasks = self.world.manifest(run).tasks();
        let open = tasks.split(' ').filter(|task| !task.ends_with("=completed"));
        open.map(str::to_owned).collect()
    }

    /// The only child of a run that has this assignment.
    pub fn review_of(&self, run: &str, assignment: &str) -> Value {
        let is_it = |manifest: &Value| {
            manifest["spec"]["parentRunId"] == run && manifest["spec"]["assignment"]["name"] == assignment
        };
        let all = self.world.runs().into_iter();
        let ids = all.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
        let mut found: Vec<Value> = ids.map(|id| self.world.manifest(&id)).filter(is_it).collect();
        assert_eq!(found.len(), 1, "{run} has one {assignment}");
        found.remove(0)
    }

    /// The review said no once and yes at last, and the task that answers it could not be completed before.
    pub fn assert_reviewed(&self, run: &str, assignment: &str, who: &str) {
        let review = self.review_of(run, assignment);
        assert_eq!(review.outcome(), "success");
        assert!(review.notes("approval").starts_with("APPROVED: "), "{}", review.notes("approval"));
        let ends = self.world.events_of(review["spec"]["runId"].as_str().unwrap(), "run.finished");
        assert!(ends.iter().any(|end| end["status"] == "blocked"), "{ends:?}");
        let refused = self.world.read(format!("refused-{who}"));
        assert!(refused.contains("require-children-success rejects this change"), "{refused}");
        assert!(refused.contains("(blocked, Search since)"), "{refused}");
    }

    /// The commits that the implementation has added to this branch, oldest first, by the one who made them.
    pub fn assert_merged(&self, dir: &Path, branch: &str, by: &str) {
        let log = self.git_in(dir, &["log", "--reverse", "--format=%an <%ae>, %cn: %s", branch]);
        let commits: Vec<&str> = log.lines().rev().take(2).collect();
        let made = |what: &str| format!("The {by} <{by}@example.org>, The {by}: {what}");
        assert_eq!(commits, [made("Say how to search since"), made("Search since")]);
        let files = self.git_in(dir, &["ls-tree", "--name-only", branch]);
        assert_eq!(
            files.lines().filter(|file| *file != "more").collect::<Vec<_>>(),
            ["README.md", "search.sh", "test.sh"]
        );
    }

    /// The worktree is on record, clean, and goes when it is asked to; its branch and all runs stay.
    pub fn assert_removed(&self, build: &str) {
        let listed = self.world.ok(&["workspace", "list", "--output-format", "json"]).json();
        let found = &listed["workspaces"][0];
        assert_eq!(listed["workspaces"].as_array().unwrap().len(), 1, "{listed}");
        assert_eq!((&found["runId"], &found["branch"]), (&build.into(), &"fast-search".into()));
        assert_eq!((&found["state"], &found["removable"]), (&"clean".into(), &true.into()));
        self.world.ok(&["workspace", "remove", build]);
        assert!(!Path::new(found["path"].as_str().unwrap()).exists());
        assert_eq!(self.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
        self.git(&["rev-parse", "--verify", "refs/heads/fast-search"]);
    }
}
