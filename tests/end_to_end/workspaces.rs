//! Several runs, one directory: the second waits for the first, is refused, or shares; and whoever is killed leaves the
//! directory to the next one only when nothing of it runs any more.

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Fifo, Manifest as _, World};

/// A world with an agent that says which run it works on, and goes on when it is told to.
struct Scene {
    world: World,
    ready: Fifo,
    go: Fifo,
}

const NEW: [&str; 5] = ["run", "--agent", "slow", "--assignment", "work"];

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.work(&["one"]);
        world.agent("slow", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
        let (ready, go) = (world.fifo("ready"), world.fifo("go"));
        Self { world, ready, go }
    }

    /// Starts a run in the background.
    fn start(&self, more: &[&str]) -> String {
        let args: Vec<&str> =
            NEW.iter().chain(&["--detach", "--output-format", "json"]).chain(more).copied().collect();
        self.world.ok(&args).run_id()
    }

    /// Starts a run in the background, which has to get to work.
    fn working(&self, more: &[&str]) -> String {
        let run = self.start(more);
        assert_eq!(self.ready.line(), run);
        run
    }

    /// Starts a run in the background, which has to wait for another one.
    fn waiting_for(&self, other: &str, more: &[&str]) -> String {
        let run = self.start(more);
        self.wait_for_wait(&run, other);
        run
    }

    fn wait_for_wait(&self, run: &str, other: &str) -> Value {
        self.world.wait_manifest(run, "a wait for the directory", |manifest| {
            let wait = &manifest["state"]["phase"]["stage"]["wait"];
            wait["why"] == "admission" && wait["detail"].as_str().unwrap().contains(other)
        })
    }

    fn finish(&self, run: &str) {
        self.go.release();
        assert_eq!(self.world.wait_ended(run).outcome(), "success");
    }
}

fn millis(manifest: &Value, pointer: &str) -> i64 {
    let text = manifest.pointer(pointer).and_then(Value::as_str).unwrap();
    let (day, time) = text.split_once('T').unwrap();
    let day: i64 = day.rsplit('-').next().unwrap().parse().unwrap();
    let parts: Vec<f64> = time.trim_end_matches('Z').split(':').map(|part| part.parse().unwrap()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a time of the day")]
    let time = ((parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]) * 1000.0) as i64;
    day * 86_400_000 + time
}

#[test]
fn the_second_waits_says_for_whom_and_goes_on_at_once() {
    let scene = Scene::new();
    let first = scene.working(&[]);
    let second = scene.waiting_for(&first, &[]);
    let status = scene.world.ok(&["run", "status", &second]);
    assert!(
        status.stdout.contains(&format!("its directory is in use): run {first} works in")),
        "{}",
        status.stdout
    );
    assert_eq!(scene.world.status(&second)["wait"]["why"], "admission");
    assert_eq!(scene.world.manifest(&second)["state"]["attemptRecords"].as_array().unwrap().len(), 0);
    scene.finish(&first);
    assert_eq!(scene.ready.line(), second);
    scene.finish(&second);
    let (before, after) = (scene.world.manifest(&first), scene.world.manifest(&second));
    let pause = millis(&after, "/state/attemptRecords/0/startedAt") - millis(&before, "/state/endedAt");
    assert!((0..1000).contains(&pause), "{pause} ms between the end of one and the start of the other");
    assert_eq!(scene.world.events_of(&second, "run.waiting").len(), 1, "one wait, told once");
    scene.world.assert_nothing_left();
}

#[test]
fn the_whole_work_tree_is_one_directory_and_others_are_others() {
    let scene = Scene::new();
    std::fs::create_dir(scene.world.repo().join("deep")).unwrap();
    let first = scene.working(&["--cwd", "deep"]);
    let second = scene.waiting_for(&first, &[]);
    let elsewhere = scene.world.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let third = scene.working(&["--cwd", elsewhere.to_str().unwrap()]);
    scene.go.release();
    scene.go.release();
    scene.world.wait_ended(&first);
    scene.world.wait_ended(&third);
    assert_eq!(scene.ready.line(), second);
    scene.finish(&second);
    scene.world.assert_nothing_left();
}

#[test]
fn who_is_not_to_wait_is_refused_before_anything_is_made() {
    let scene = Scene::new();
    let prepared = scene.world.init_ready(&["--agent", "slow", "--assignment", "work", "--on-busy", "fail"]);
    let first = scene.working(&[]);
    let refused = scene.world.command(&NEW).arg("--on-busy").arg("fail").run().expect_code(3);
    assert!(refused.stderr.contains(&format!("run {first} works in")), "{}", refused.stderr);
    assert_eq!(scene.world.runs().len(), 2, "nothing was made");
    scene.world.run(&["run", "--resume-run", &prepared]).expect_code(3);
    assert_eq!(scene.world.manifest(&prepared).phase(), "ready", "nothing was changed");
    scene.finish(&first);
    let resumed = scene.world.command(&["run", "--resume-run", &prepared]).spawn();
    assert_eq!(scene.ready.line(), prepared);
    scene.go.release();
    resumed.wait().expect_code(0);
    scene.world.assert_nothing_left();
}

#[test]
fn who_shares_works_beside_others_and_is_in_nobodys_way() {
    let scene = Scene::new();
    let first = scene.working(&[]);
    let second = scene.working(&["--on-busy", "share"]);
    scene.finish_both(&first, &second);
    let second = scene.working(&["--on-busy", "share"]);
    let third = scene.working(&[]);
    scene.finish_both(&second, &third);
    scene.world.assert_nothing_left();
}

impl Scene {
    fn finish_both(&self, one: &str, other: &str) {
        self.go.release();
        self.go.release();
        for run in [one, other] {
            assert_eq!(self.world.wait_ended(run).outcome(), "success");
        }
    }
}

#[test]
fn a_wait_can_be_aborted_interrupted_and_left() {
    let scene = Scene::new();
    let first = scene.working(&[]);
    let aborted = scene.waiting_for(&first, &[]);
    scene.world.ok(&["run", "abort", &aborted]);
    assert_eq!(scene.world.wait_ended(&aborted).outcome(), "aborted");

    let front = scene.world.command(&NEW).spawn();
    front.wait_for_stdout(&format!("its directory is in use): run {first} works in"));
    let known = [&first, &aborted];
    let runs =
        scene.world.runs().into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let watched: String = runs.into_iter().find(|run| !known.contains(&run)).unwrap();
    scene.wait_for_wait(&watched, &first);
    front.signal(Signal::INT);
    front.wait().expect_code(130);
    assert_eq!(scene.world.wait_ended(&watched).outcome(), "aborted");

    let left = scene.waiting_for(&first, &[]);
    let driver = scene.world.driver_pid(&left);
    scene.world.signal(driver, Signal::TERM);
    scene.world.wait_gone(driver);
    assert_eq!(scene.world.status(&left)["effectiveStatus"], "interrupted");
    scene.finish(&first);
    let resumed = scene.world.command(&["run", "--resume-run", &left]).spawn();
    assert_eq!(scene.ready.line(), left);
    scene.go.release();
    resumed.wait().expect_code(0);
    scene.world.assert_nothing_left();
}

#[test]
fn a_driver_killed_while_it_waits_is_recovered_like_any_other() {
    let scene = Scene::new();
    let first = scene.working(&[]);
    let second = scene.waiting_for(&first, &[]);
    let driver = scene.world.driver_pid(&second);
    scene.world.signal(driver, Signal::KILL);
    scene.world.wait_gone(driver);
    assert_eq!(scene.world.status(&second)["effectiveStatus"], "interrupted");
    scene.world.ok(&["recover", "--resume"]);
    scene
        .world
        .wait_manifest(&second, "another driver", |manifest| manifest["state"]["epoch"].as_u64() > Some(2));
    scene.wait_for_wait(&second, &first);
    scene.finish(&first);
    assert_eq!(scene.ready.line(), second);
    scene.finish(&second);
    assert_eq!(scene.world.manifest(&second).ends(), "reported");
    scene.world.assert_nothing_left();
}

#[test]
fn what_a_killed_driver_left_running_ends_before_the_next_one_begins() {
    let scene = Scene::new();
    let first = scene.working(&[]);
    let worker = scene.world.wait_worker(&first, 0);
    let second = scene.waiting_for(&first, &[]);
    let driver = scene.world.driver_pid(&first);
    scene.world.signal(driver, Signal::KILL);
    assert_eq!(scene.ready.line(), second, "the next one gets to work");
    assert!(
        !scene.world.processes().iter().any(|process| process.pid == worker),
        "the dead driver's worker still runs\n{}",
        scene.world.everything_known()
    );
    let killed = scene.world.manifest(&first);
    assert_eq!((killed.phase(), killed.ends().as_str()), ("active", "interrupted"));
    scene.finish(&second);
    let resumed = scene.world.command(&["run", "--resume-run", &first]).spawn();
    assert_eq!(scene.ready.line(), first);
    scene.go.release();
    resumed.wait().expect_code(0);
    scene.world.assert_nothing_left();
}

#[test]
fn of_many_one_works_at_a_time() {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        "mkdir \"$W/inside\" || echo \"$RUN\" >> \"$W/clashes\"\ncomplete one\necho \"$RUN\" >> \"$W/done\"\nrmdir \"$W/inside\"",
    );
    let runs: Vec<_> = (0..6).map(|_| world.fake(&[]).spawn()).collect();
    for run in runs {
        run.wait().expect_code(0);
    }
    assert_eq!(world.lines("clashes"), Vec::<String>::new());
    assert_eq!(world.lines("done").len(), 6);
    world.assert_nothing_left();
}

#[test]
fn runs_of_one_tree_work_together() {
    let scene = Scene::new();
    scene.world.agent(
        "fake",
        r#""$AGENT_RUNNER_CMD" run --agent slow --assignment work || exit 90
           complete one"#,
    );
    let outer = scene.world.fake(&[]).spawn();
    let inner = scene.ready.line();
    let tree = scene.world.status(&inner)["parentRunId"].as_str().unwrap().to_owned();
    let stranger = scene.waiting_for(&tree, &[]);
    scene.go.release();
    outer.wait().expect_code(0);
    assert_eq!(scene.ready.line(), stranger);
    scene.finish(&stranger);
    scene.world.assert_nothing_left();
}

#[test]
fn words_for_a_run_that_never_got_its_directory_wait_for_its_next_session() {
    let scene = Scene::new();
    let run = scene.working(&[]);
    scene.finish(&run);
    let other = scene.working(&[]);
    scene.world.ok(&["run", "--resume-run", &run, "Mind the gap", "--detach"]);
    scene.wait_for_wait(&run, &other);
    scene.world.ok(&["run", "abort", &run]).expect_stdout("1 message waits for the next session");
    scene.finish(&other);
    scene.world.ok(&["run", "--resume-run", &run, "--detach"]);
    assert_eq!(scene.ready.line(), run);
    scene.finish(&run);
    let told = scene.world.sealed(&run, "attempts/01.prompt.md");
    assert!(String::from_utf8_lossy(&told).contains("Mind the gap"));
    scene.world.assert_nothing_left();
}

/// A world with a commit, and an assignment `work` whose runs make a worktree beside the repository.
fn scene_with_worktrees(hooks: &str) -> Scene {
    let scene = Scene::new();
    let world = &scene.world;
    world.write("repo/first", "1\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    let text = format!(
        "---\nschemaVersion: 1\nname: work\n{hooks}tasks:\n  - id: one\n    title: Do one\n---\nThe work of this test.\n"
    );
    world.write("config/assignments/work/assignment.md", text);
    scene
}

fn hook(phase: &str, branch: &str, collision: &str) -> String {
    format!(
        "hooks:\n  {phase}:\n    - builtin: git-worktree\n      with: {{ repo: \"{{{{cwd}}}}\", from: main, branch: {branch}, \
         path: ../tree, collision: {collision} }}\n"
    )
}

#[test]
fn nobody_takes_a_worktree_from_under_a_run_that_works_in_it() {
    let scene = scene_with_worktrees("");
    let world = &scene.world;
    let maker = scene.working(&["--worktree"]);
    let tree = world.status(&maker)["worktree"]["path"].as_str().unwrap().to_owned();
    scene.finish(&maker);
    std::fs::write(format!("{tree}/new"), "new\n").unwrap();
    world.ok(&["run", "reset", &maker]);
    let guest = scene.working(&["--cwd", &tree, "--on-busy", "share"]);
    for verb in [
        ["workspace", "remove", &maker].as_slice(),
        &["workspace", "restore", &maker],
        &["run", "reset", &maker, "--workspace"],
    ] {
        let refused = world.run(verb);
        assert_ne!(refused.code, Some(0), "{verb:?}");
        refused.expect_stderr(&format!("run {guest} works in"));
        assert!(std::path::Path::new(&tree).join("new").is_file());
    }
    world.ok(&["workspace", "list"]).expect_stdout(&format!("run {guest} works in"));
    scene.finish(&guest);
    world.ok(&["workspace", "remove", &maker]);
}

#[test]
fn a_worktree_is_not_replaced_while_a_run_works_in_it() {
    let scene = scene_with_worktrees(&hook("prepare", "one", "fail"));
    let world = &scene.world;
    let first = scene.working(&[]);
    world.write("tree/wip", "x");
    let text = world.read("config/assignments/work/assignment.md");
    let text = text.replace("branch: one", "branch: two").replace("collision: fail", "collision: replace");
    world.write("config/assignments/work/assignment.md", text);
    let second = world.command(&["run", "--agent", "slow", "--assignment", "work"]).run();
    assert_ne!(second.code, Some(0));
    let words = format!("run {first} works in");
    assert!((second.stdout + &second.stderr).contains(&words));
    assert!(world.path("tree/wip").is_file());
    scene.finish(&first);
}

#[test]
fn an_attempt_that_lost_the_index_of_its_worktree_does_not_lose_its_files() {
    for collision in ["reuse", "fail", "replace"] {
        let scene = scene_with_worktrees(&hook("beforeAttempt", "one", collision));
        let world = &scene.world;
        world.agent(
            "slow",
            "if [ \"$FENCE\" = 1 ]; then echo precious >first; echo new >new; rm \"$(git rev-parse --git-dir)/index\"; exit 0; fi\n\
             cat first new >\"$W/found\"; complete one",
        );
        world.run(&["run", "--agent", "slow", "--assignment", "work"]);
        assert_eq!(world.read("found"), "precious\nnew\n", "{collision}");
    }
}
