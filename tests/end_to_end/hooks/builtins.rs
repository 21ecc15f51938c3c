//! The hooks that the program brings along, each with something to accept and something to refuse, in a real repository.

use serde_json::{Value, json};

use crate::harness::{Finished, Manifest as _, World};

/// A repository with one commit, which has a few files.
fn repository() -> World {
    let world = World::new();
    world.write("repo/README.md", "read\n");
    world.write("repo/src/code.txt", "1\n2\n");
    world.write("repo/.gitignore", "ignored/\n");
    commit(&world, "First");
    world
}

fn commit(world: &World, message: &str) {
    world.git(&["add", "--all"]);
    world.git(&["commit", "--quiet", "--message", message]);
}

fn builtin(name: &str, with: Value) -> Value {
    json!({"builtin": name, "with": with})
}

/// A passive run whose task that hook is asked about.
fn guarded(world: &World, hook: Value) -> String {
    world.hooked(json!({"taskTransition": [hook]}), &["one"]);
    world.init(&["--backend", "passive", "--assignment", "work"])
}

fn complete(world: &World, run: &str) -> Finished {
    world.run(&["task", "set", run, "one", "--status", "completed"])
}

/// The task is completed, and then pending again.
#[track_caller]
fn accepts(world: &World, run: &str) {
    complete(world, run).expect_code(0);
    world.ok(&["task", "set", run, "one", "--status", "pending"]);
}

#[track_caller]
fn refuses(world: &World, run: &str, words: &str) {
    complete(world, run).expect_code(3).expect_stderr(words);
    assert_eq!(world.manifest(run).tasks(), "one=pending");
}

#[track_caller]
fn fails(world: &World, run: &str, words: &str) {
    complete(world, run).expect_code(4).expect_stderr(words);
    assert_eq!(world.manifest(run).tasks(), "one=pending");
}

#[test]
fn git_clean_wants_everything_committed() {
    let world = repository();
    let all = guarded(&world, json!({"builtin": "git-clean"}));
    let tracked = guarded(&world, builtin("git-clean", json!({"ignoreUntracked": true})));
    let source = guarded(&world, builtin("git-clean", json!({"paths": ["src/"]})));
    for run in [&all, &tracked, &source] {
        accepts(&world, run);
    }
    world.write("repo/ignored/file", "nobody's");
    world.write("repo/new file.txt", "new");
    refuses(&world, &all, "- new file.txt");
    accepts(&world, &tracked);
    accepts(&world, &source);
    // Work that is not called done is nobody's business.
    world.ok(&["task", "set", &all, "one", "--status", "in_progress"]);
    world.ok(&["task", "set", &all, "one", "--status", "pending"]);
    world.write("repo/src/code.txt", "1\n");
    refuses(&world, &tracked, "- src/code.txt");
    refuses(&world, &source, "- src/code.txt");
    world.git(&["add", "src"]);
    refuses(&world, &source, "- src/code.txt");
    commit(&world, "Second");
    for run in [&all, &tracked, &source] {
        accepts(&world, run);
    }
    // Of what was moved, both names count; of a new directory, what is in it.
    world.git(&["mv", "src/code.txt", "moved.txt"]);
    refuses(&world, &tracked, "- moved.txt");
    refuses(&world, &source, "- src/code.txt");
    commit(&world, "Third");
    let inside = guarded(&world, builtin("git-clean", json!({"paths": ["docs/**/*.md"]})));
    world.write("repo/docs/deep/new.txt", "new");
    accepts(&world, &inside);
    world.write("repo/docs/deep/new.md", "new");
    refuses(&world, &inside, "- docs/deep/new.md");
    world.assert_nothing_left();
}

#[test]
fn git_clean_sends_the_worker_back_to_work() {
    let world = repository();
    world.hooked(json!({"afterAttempt": [{"builtin": "git-clean"}]}), &["one"]);
    world.agent(
        "fake",
        "complete one; cd \"$W/repo\"\nif [ $FENCE = 1 ]; then echo new > new.txt; else rm new.txt; fi",
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert!(world.read("prompt-2").contains("- new.txt"), "{}", world.read("prompt-2"));
    let outcomes = ["afterAttempt:0:git-clean reinvoke", "afterAttempt:0:git-clean continue"];
    assert_eq!(world.outcomes(&run), outcomes);
    // Before a run starts, nobody could tidy up: it does not start.
    world.write("repo/new.txt", "new");
    world.hooked(json!({"prepare": [{"builtin": "git-clean"}]}), &["one"]);
    let run = world.fake(&[]).run().expect_code(2).run_id();
    assert_eq!((world.manifest(&run).outcome(), world.manifest(&run).fences().len()), ("blocked", 0));
    world.assert_nothing_left();
}

#[test]
fn what_looks_at_a_repository_fails_where_there_is_none() {
    let world = World::new();
    std::fs::create_dir_all(world.path("plain")).unwrap();
    for hook in [json!({"builtin": "git-clean"}), builtin("no-diff-outside", json!({"allow": ["*"]}))] {
        world.hooked(json!({"taskTransition": [hook]}), &["one"]);
        let place = world.path("plain").display().to_string();
        let run = world.init(&["--backend", "passive", "--assignment", "work", "--cwd", &place]);
        fails(&world, &run, "is in no git repository");
    }
}

#[test]
fn no_diff_outside_wants_changes_only_where_they_may_be() {
    let world = repository();
    world.git(&["branch", "base"]);
    let allow = json!(["src/", "docs/**/*.md"]);
    let based = guarded(&world, builtin("no-diff-outside", json!({"allow": allow, "base": "base"})));
    let nothing = guarded(&world, builtin("no-diff-outside", json!({"allow": [], "base": "base"})));
    let lost = guarded(&world, builtin("no-diff-outside", json!({"allow": allow, "base": "nowhere"})));
    accepts(&world, &based);
    accepts(&world, &nothing);
    fails(&world, &lost, "neither a commit nor a branch");
    world.write("repo/src/deep/new.txt", "new");
    world.write("repo/docs/deep/new.md", "new");
    accepts(&world, &based);
    refuses(&world, &nothing, "- src/deep/new.txt");
    commit(&world, "Second");
    accepts(&world, &based);
    refuses(&world, &nothing, "- docs/deep/new.md");
    world.write("repo/docs/deep/new.txt", "new");
    refuses(&world, &based, "- docs/deep/new.txt");
    std::fs::remove_file(world.path("repo/docs/deep/new.txt")).unwrap();
    accepts(&world, &based);
    // What is taken away from elsewhere has changed there.
    world.git(&["mv", "README.md", "src/README.md"]);
    refuses(&world, &based, "- README.md");
    commit(&world, "Third");
    refuses(&world, &based, "- README.md");
    world.assert_nothing_left();
}

#[test]
fn no_diff_outside_compares_with_where_the_run_began() {
    let world = repository();
    world.write("repo/elsewhere.txt", "before the run");
    commit(&world, "Before");
    world.hooked(json!({"afterAttempt": [builtin("no-diff-outside", json!({"allow": ["src/"]}))]}), &["one"]);
    world.agent(
        "fake",
        "complete one; cd \"$W/repo\"; g() { git -c user.name=T -c user.email=t@example.org \"$@\"; }\n\
         if [ $FENCE = 1 ]; then echo 2 > src/code.txt; echo new > elsewhere.txt; g commit -qam Work; \
         else echo 'before the run' | tr -d '\\n' > elsewhere.txt; g commit -qam Back; fi",
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let prompt = world.read("prompt-2");
    assert!(prompt.contains("- elsewhere.txt") && !prompt.contains("- src/code.txt"), "{prompt}");
    assert_eq!(world.manifest(&run).ends(), "reported reported");
    world.assert_nothing_left();
}

#[test]
fn files_exist_wants_files_and_patterns() {
    let world = repository();
    world.write("repo/empty.txt", "");
    let is_there = |paths: Value, non_empty: bool| {
        guarded(&world, builtin("files-exist", json!({"paths": paths, "nonEmpty": non_empty})))
    };
    accepts(&world, &is_there(json!(["README.md", "src", "empty.txt", "src/*.txt", "**/code.*"]), false));
    accepts(&world, &is_there(json!(["README.md", "src"]), true));
    accepts(&world, &is_there(json!([world.path("repo/README.md"), "{{cwd}}/README.md"]), false));
    refuses(&world, &is_there(json!(["README.md", "missing.md"]), false), "- missing.md");
    refuses(&world, &is_there(json!(["empty.txt"]), true), "missing or empty");
    refuses(&world, &is_there(json!(["*.rs"]), false), "- *.rs");
    refuses(&world, &is_there(json!(["*.txt"]), true), "- *.txt");
    let later = is_there(json!(["later.md"]), false);
    refuses(&world, &later, "- later.md");
    world.write("repo/later.md", "");
    accepts(&world, &later);
    world.assert_nothing_left();
}

#[test]
fn a_command_decides_by_its_exit_code() {
    let world = repository();
    let command = |script: &str, more: Value| {
        let mut with = json!({"mode": "status", "command": "sh", "args": ["-c", script]});
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        guarded(&world, builtin("command", with))
    };
    accepts(&world, &command("exit 0", json!({})));
    refuses(&world, &command("echo WORDS >&2; exit 1", json!({})), "WORDS");
    refuses(&world, &command("exit 5", json!({})), "exit code 5");
    fails(&world, &command("exit 127", json!({})), "exit code 127");
    fails(&world, &command("kill -KILL $$", json!({})), "signal 9");
    // It works where the run does, or elsewhere, and reads what every hook reads.
    accepts(&world, &command("test -e README.md && grep -q '\"phase\":\"taskTransition\"'", json!({})));
    accepts(&world, &command("test -e code.txt", json!({"cwd": "src"})));
    accepts(&world, &command("test -e code.txt", json!({"cwd": "{{cwd}}/src"})));
    // Placeholders are arguments, and never code.
    let given = json!({"args": ["-c", "test \"$1\" = \"$AGENT_RUNNER_RUN_ID\"", "sh", "{{run_id}}"]});
    accepts(&world, &command("", given));
    let missing =
        guarded(&world, builtin("command", json!({"mode": "status", "command": "no-such-program"})));
    fails(&world, &missing, "no-such-program");
    let mut slow = builtin("command", json!({"mode": "status", "command": "sleep", "args": ["1000"]}));
    slow["timeoutSec"] = json!(1);
    fails(&world, &guarded(&world, slow), "stopped after 1 seconds");
    world.assert_nothing_left();
}

#[test]
fn a_command_answers_in_json() {
    let world = repository();
    let command = |script: &str| {
        guarded(&world, builtin("command", json!({"mode": "json", "command": "sh", "args": ["-c", script]})))
    };
    accepts(&world, &command("echo '{\"accept\":true}'"));
    accepts(&world, &command("exit 0"));
    refuses(&world, &command("echo '{\"accept\":false,\"reason\":\"WORDS\"}'"), "WORDS");
    fails(&world, &command("echo fine"), "not a hook's answer");
    fails(&world, &command("echo '{\"accept\":true}'; exit 1"), "exit code 1");
    let noting = "echo '{\"accept\":true,\"mutate\":{\"note\":\"by the command\"}}'";
    let run = command(noting);
    accepts(&world, &run);
    assert_eq!(world.manifest(&run)["state"]["note"], "by the command");
    // Around attempts, too.
    let again = r#"if [ -e "$0" ]; then echo '{"action":"continue"}'; else touch "$0"; echo '{"action":"reinvoke","followUpPrompt":"ONCE MORE"}'; fi"#;
    let with = json!({"mode": "json", "command": "sh", "args": ["-c", again, world.path("once")]});
    world.hooked(json!({"afterAttempt": [builtin("command", with)]}), &["one"]);
    world.agent("fake", "complete one");
    world.fake(&[]).run().expect_code(0);
    assert!(world.read("prompt-2").contains("ONCE MORE"));
    world.assert_nothing_left();
}

#[test]
fn a_task_waits_for_the_success_of_the_runs_that_were_started() {
    let world = repository();
    let parent = guarded(&world, json!({"builtin": "require-children-success"}));
    let strict = guarded(&world, builtin("require-children-success", json!({"requireAny": true})));
    accepts(&world, &parent);
    refuses(&world, &strict, "has not started any other run");
    for run in [&parent, &strict] {
        world.assignment("child", &[("c", "")]);
        let args =
            ["--backend", "passive", "--assignment", "child", "--name", "The child", "--parent-run", run];
        let child = world.init(&args);
        world.ok(&["task", "set", &child, "c", "--status", "blocked"]);
        refuses(&world, run, &format!("- {child} (blocked, The child)"));
        // Other changes pass.
        world.ok(&["task", "set", run, "one", "--status", "in_progress"]);
        world.ok(&["task", "set", run, "one", "--status", "pending"]);
        world.ok(&["task", "set", &child, "c", "--status", "completed"]);
        accepts(&world, run);
    }
    world.assert_nothing_left();
}

#[test]
fn somebody_is_told_and_whether_he_heard_it_does_not_matter() {
    let world = repository();
    let tell = |script: &str, more: Value| {
        let mut with = json!({"command": script});
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        builtin("notify", with)
    };
    let told = world.path("told").display().to_string();
    let line =
        format!("echo \"$AGENT_RUNNER_HOOK_PHASE $0\" >> {told}; env | grep '^AGENT_RUNNER_' > {told}-env");
    let all = ["prepare", "beforeAttempt", "afterAttempt", "afterExit", "taskTransition"];
    let hooks: serde_json::Map<String, Value> = all
        .iter()
        .map(|phase| ((*phase).to_owned(), json!([tell(&line, json!({"message": "About {{run_id}}"}))])))
        .collect();
    world.hooked(Value::Object(hooks), &["one"]);
    world.agent("fake", "complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let phases: Vec<String> =
        world.lines("told").iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(phases, ["prepare", "beforeAttempt", "taskTransition", "afterAttempt", "afterExit"]);
    assert!(world.read("told-env").contains(&format!("About {run}")), "{}", world.read("told-env"));
    assert!(world.outcomes(&run).iter().all(|line| !line.ends_with("error")));

    // One that fails, or hangs, changes nothing; one that waits for bad news hears none.
    let mut slow = tell("exec sleep 1000", json!({}));
    slow["timeoutSec"] = json!(1);
    let only = tell(&format!("echo bad >> {told}-bad"), json!({"on": ["error", "exhausted"]}));
    world.hooked(json!({"afterExit": [tell("exit 7", json!({})), slow, only]}), &["one"]);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let outcomes =
        ["afterExit:0:notify continue", "afterExit:1:notify continue", "afterExit:2:notify skipped"];
    assert_eq!(world.outcomes(&run), outcomes);
    let heard = &world.events_of(&run, super::scene::HOOK)[0]["stderr"];
    assert!(heard.as_str().unwrap().contains("exit code 7"), "{heard}");
    assert!(world.lines("told-bad").is_empty());
    world.agent("fake", "exit 0");
    world.fake(&["--max-retries", "0"]).run().expect_code(1);
    assert_eq!(world.lines("told-bad"), ["bad"]);
    world.assert_nothing_left();
}
