//! A run on one page, for somebody who was not there: what it came to, and what it changed in git.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Manifest as _, World};

/// How scripts commit.
const GIT: &str = "git -c user.name=Worker -c user.email=worker@example.org";

/// A world whose repository has a commit with a file to rename.
fn world() -> World {
    let world = World::new();
    world.write("repo/old name.txt", "line\n".repeat(20));
    world.git(&["add", "--all"]);
    world.git(&["commit", "--quiet", "-m", "What was there"]);
    world.work(&["one", "two"]);
    world
}

/// What `run report` says, as JSON.
fn data(world: &World, run: &str) -> Value {
    world.ok(&["run", "report", run, "--output-format", "json"]).json()
}

fn page(world: &World, run: &str) -> String {
    world.ok(&["run", "report", run]).stdout
}

#[track_caller]
fn assert_has(page: &str, words: &[&str]) {
    for words in words {
        assert!(page.contains(words), "{words:?} is not in\n{page}");
    }
}

#[test]
fn a_night_s_work_is_told_on_one_page() {
    let world = world();
    world.agent(
        "fake",
        &format!(
            r#"if [ $FENCE = 1 ]; then echo "All done, I promise."; exit 0; fi
               git mv "old name.txt" "new|name.txt"
               printf '\000\001' > picture.bin
               printf 'a\nb\n' > notes.txt
               {GIT} add --all && {GIT} commit --quiet -m 'Rename `it` | <b>now</b>'
               echo x > left-over.txt
               complete one
               set_task two --status completed --notes '# Not a heading
</blockquote><script>alert(1)</script>'
               echo "Really done.""#
        ),
    );
    let run = world.fake(&["--name", "Night shift"]).run().expect_code(0).run_id();
    let before = world.manifest(&run);
    let text = page(&world, &run);
    assert!(text.starts_with(&format!("# Run {run} (Night shift): success\n\n## Outcome\n")), "{text}");
    assert_has(
        &text,
        &[
            "**success**: every task is completed (2 of 2).",
            "| 0 | 0 | the brief |",
            "| 1 | 0 | tasks are open |",
            "| **reported** | - | not measured | - |",
            "```text\nAll done, I promise.\n```",
            "Really done.\n```",
            "```text\n# Not a heading\n</blockquote><script>alert(1)</script>\n```",
            "Not measured: the backend does not tell tokens, cost or turns.",
            "| Worker | Rename \\`it\\` &#124; &lt;b>now&lt;/b> |",
            "| added | `notes.txt` | 2 | 0 |",
            "| added | `picture.bin` | binary | binary |",
            "| renamed | `old name.txt` → new&#124;name.txt | 0 | 0 |",
            "| - | untracked | `left-over.txt` |",
            "as of ",
        ],
    );
    let html = world.ok(&["run", "report", &run, "--format", "html"]).stdout;
    assert_has(
        &html,
        &["<!doctype html>", "Rename `it` | &lt;b&gt;now&lt;/b&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    );
    assert!(!html.contains("<script"), "{html}");

    // What somebody commits later is not the run's.
    world.git(&["add", "--all"]);
    world.git(&["commit", "--quiet", "-m", "By somebody else"]);
    let text = page(&world, &run);
    assert!(!text.contains("By somebody else"), "{text}");
    assert_has(&text, &["| Now, after it ended | branch `main`, commit ", "Nothing is uncommitted, as of "]);
    assert_eq!(world.manifest(&run), before, "reading changes nothing");
    world.assert_nothing_left();
}

#[test]
fn what_was_checked_out_is_on_record_without_a_commit_of_its_own() {
    let world = world();
    world.agent("fake", &format!("{GIT} commit --quiet --allow-empty -m x; git checkout --quiet --detach"));
    let run = world
        .command(&["run", "--agent", "fake", "--output-format", "json", "hello"])
        .run()
        .expect_code(0)
        .run_id();
    let manifest = world.manifest(&run);
    let session = &manifest["state"]["sessions"][0];
    assert_eq!(session["gitBefore"]["branch"], "main");
    assert_eq!(session["gitAfter"]["branch"], Value::Null, "{session}");
    assert_ne!(session["gitBefore"]["commit"], session["gitAfter"]["commit"]);
    assert_eq!(manifest["revision"], 4, "created, started, spawned, ended");
    assert_eq!(world.status(&run)["sessions"][0]["gitAfter"], session["gitAfter"]);
    assert_has(&page(&world, &run), &["| When it ended | no branch, commit `", "1 new commit"]);

    // Outside any repository nothing is recorded, and nothing else differs.
    std::fs::create_dir(world.path("plain")).unwrap();
    let plain = world
        .command(&["run", "--agent", "fake", "--output-format", "json", "hello"])
        .cwd(world.path("plain"));
    let run = plain.run().run_id();
    let manifest = world.manifest(&run);
    assert!(manifest["state"]["sessions"][0].get("gitBefore").is_none(), "{manifest}");
    let text = page(&world, &run);
    assert_has(&text, &["is in no git repository", "| When the run began | not on record |"]);
}

#[test]
fn a_work_tree_and_a_resumed_run_are_compared_from_the_first_session_on() {
    let world = world();
    let tree = world.path("tree");
    world.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().unwrap()]);
    world.agent(
        "fake",
        &format!("echo $FENCE > file-$FENCE; {GIT} add --all; {GIT} commit --quiet -m \"Attempt $FENCE\""),
    );
    let start =
        ["run", "--agent", "fake", "--assignment", "work", "--max-retries", "0", "--output-format", "json"];
    let run = world.command(&start).cwd(&tree).run().expect_code(1).run_id();
    world.run(&["run", "--resume-run", &run, "go on"]).expect_code(1);
    let data = data(&world, &run);
    let changes = &data["changes"];
    assert_eq!(changes["problems"], Value::Array(Vec::new()), "{changes}");
    assert_eq!((&changes["before"]["branch"], &changes["after"]["branch"]), (&"side".into(), &"side".into()));
    let subjects: Vec<&str> = changes["commits"]["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| commit["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["Attempt 2", "Attempt 1"]);
    assert_eq!((&changes["afterFrom"], &changes["files"]["added"]), (&"record".into(), &2.into()));
    assert_eq!(Path::new(changes["workTree"].as_str().unwrap()), tree.canonicalize().unwrap());
    assert_eq!(data["digests"].as_array().unwrap().len(), 2);
    assert_eq!(data["run"]["runId"], run.as_str());
    let text = page(&world, &run);
    assert_has(
        &text,
        &[
            "**exhausted**: the retries are spent and 2 tasks are open",
            "What session 1 was opened with:",
            "go on",
        ],
    );
    // The directory goes away; the page stays.
    world.git(&["worktree", "remove", "--force", tree.to_str().unwrap()]);
    let text = page(&world, &run);
    assert_has(&text, &["tree is gone", "| When it ended | branch `side`, commit "]);
}

#[test]
fn a_run_that_is_not_over_has_a_page_too() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent(
        "fake",
        &format!(
            "[ $FENCE = 1 ] || {{ complete one two; exit 0; }}\n\
             {GIT} commit --quiet --allow-empty -m 'So far'; set_task one --status in_progress --notes 'half way'\n\
             echo $RUN > \"$W/ready\"; read x < \"$W/go\"; sleep 1000"
        ),
    );
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").run().run_id();
    assert_eq!(ready.line(), run);
    world.wait_worker(&run, 0);
    let text = page(&world, &run);
    assert_has(
        &text,
        &[
            "**running**: it is not over",
            "It is in attempt 0, at task `one`",
            "| Now | branch `main`",
            "So far",
        ],
    );
    let found = data(&world, &run);
    assert_eq!(
        (&found["changes"]["afterFrom"], &found["run"]["attempts"][0]["end"]),
        (&"now".into(), &Value::Null)
    );
    go.release();

    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    let text = page(&world, &run);
    assert_has(
        &text,
        &["**interrupted**: nobody drives it any more", &format!("`agent-runner run --resume-run {run}`")],
    );
    assert_has(&text, &["```text\nhalf way\n```"]);

    world.run(&["run", "--resume-run", &run]).expect_code(0);
    let text = page(&world, &run);
    assert_has(
        &text,
        &["**success**", "attempt 0 ended: the driver was interrupted", "| it was cut off before |"],
    );
    assert_has(&text, &["| When it ended | branch `main`"]);
    world.assert_nothing_left();
}

#[test]
fn a_passive_run_and_one_that_never_started_have_pages() {
    let world = world();
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["task", "set", &run, "one", "--status", "blocked", "--notes", "Which way?"]);
    let text = page(&world, &run);
    assert_has(
        &text,
        &[
            "**initialized**: it goes on as its tasks do; 0 of 2 tasks completed.",
            "**blocked** `one` Do one",
            "Which way?",
            "No worker was started.",
            "not on record",
            ", a person |",
        ],
    );
    world.agent("fake", "true");
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    assert_has(&page(&world, &run), &["**initialized**: it was created", "It was not started."]);
    world.run(&["run", "report", "nosuchrun"]).expect_code(3).expect_stderr("not found");
}

#[test]
fn a_cancelled_run_says_who_cancelled_it_and_a_failed_one_why() {
    let world = world();
    let ready = world.fifo("ready");
    world.agent("fake", "echo $RUN > \"$W/ready\"; exec sleep 1000");
    let run = world.fake(&["--detach"]).run().run_id();
    ready.line();
    world.ok(&["run", "abort", &run, "--now"]);
    assert_has(&page(&world, &run), &["**aborted**: it was cancelled", "**By:** "]);
    world.agent_argv("lost", &["./no-such-program"]);
    let run = world
        .run(&["run", "--agent", "lost", "--assignment", "work", "--output-format", "json"])
        .expect_code(4)
        .run_id();
    assert_has(
        &page(&world, &run),
        &["**error**: it failed", "**Why:** ", "no-such-program", "**What helps:** "],
    );
    world.assert_nothing_left();
}

#[test]
fn the_page_is_written_whole_or_not_at_all() {
    let world = world();
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let report = |more: &[&str]| {
        let args: Vec<&str> = ["run", "report", &run].iter().chain(more).copied().collect();
        world.run(&args)
    };
    let out = |name: &str| std::fs::read_to_string(world.repo().join(name)).unwrap();
    let written = report(&["--output", "report.html"]).expect_code(0);
    assert_eq!(
        written.stdout,
        format!("Wrote {}\n", world.repo().canonicalize().unwrap().join("report.html").display())
    );
    assert!(out("report.html").starts_with("<!doctype html>"));
    report(&["--output", "report.html", "--format", "markdown"]).expect_code(0);
    assert!(out("report.html").starts_with("# Run "), "what is said counts more than the name");
    report(&["--output", "report.md"]).expect_code(0);
    assert!(out("report.md").starts_with("# Run "));

    // A link stays a link, and the file behind it keeps its mode.
    std::fs::set_permissions(world.repo().join("report.md"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("report.md", world.repo().join("latest")).unwrap();
    report(&["--output", "latest", "--format", "html"]).expect_code(0);
    assert!(world.repo().join("latest").is_symlink() && out("report.md").starts_with("<!doctype html>"));
    assert_eq!(
        std::fs::metadata(world.repo().join("report.md")).unwrap().permissions().mode() & 0o777,
        0o640
    );

    let refused = report(&["--output", "."]).expect_code(3).expect_stderr("is a directory");
    assert_eq!(refused.stdout, "");
    report(&["--output", "new/"]).expect_code(3).expect_stderr("is a directory");
    report(&["--output", "missing/report.md"])
        .expect_code(3)
        .expect_stderr("hint: name a file in a directory that exists");
    report(&["--output", "/dev/null"]).expect_code(0);
    let device = std::fs::metadata("/dev/null").unwrap().file_type();
    assert!(!device.is_file(), "a device is written to, not replaced");
    assert!(report(&["--output", "-"]).expect_code(0).stdout.starts_with("# Run "));

    let json = report(&["--output", "both.html", "--output-format", "json"]).expect_code(0).json();
    assert_eq!(json["run"]["runId"], run.as_str());
    assert!(out("both.html").starts_with("<!doctype html>"));
    let names = std::fs::read_dir(world.repo())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.ends_with(".tmp")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_repository_that_names_programs_starts_none() {
    let world = world();
    let mark = world.path("mark");
    let evil = world.write("evil.sh", format!("#!/bin/sh\necho \"$*\" >> '{}'\nexit 1\n", mark.display()));
    std::fs::set_permissions(&evil, std::fs::Permissions::from_mode(0o755)).unwrap();
    let evil = evil.display();
    world.agent(
        "fake",
        &format!(
            r#"echo '* filter=evil diff=evil' > .gitattributes
               {GIT} add .gitattributes; {GIT} commit --quiet -m 'Attributes'
               for key in core.fsmonitor core.pager core.sshCommand diff.external diff.evil.command diff.evil.textconv \
                          filter.evil.clean filter.evil.process gpg.program; do git config $key '{evil}'; done
               git config log.showSignature true
               echo changed > 'old name.txt'
               complete one two"#
        ),
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    std::fs::remove_file(&mark).ok();
    let text = page(&world, &run);
    assert!(!mark.exists(), "started: {}", world.read("mark"));
    assert_has(&text, &["Attributes", "| - | modified | `old name.txt` |"]);
    // The trap is one: the usual way falls into it.
    let git = |args: &[&str]| {
        std::process::Command::new("git").args(args).current_dir(world.repo()).output().unwrap();
    };
    git(&["status", "--short"]);
    assert!(mark.exists(), "the repository names nothing that git would start");
}

#[test]
fn without_git_the_rest_is_told() {
    let world = world();
    world.agent("fake", &format!("{GIT} commit --quiet --allow-empty -m x; complete one two"));
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let empty = world.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let told = world.command(&["run", "report", &run]).env("PATH", &empty).run().expect_code(0);
    assert_has(
        &told.stdout,
        &["**success**", "git is not installed, or not in PATH", "| When the run began | branch `main`"],
    );
    assert_eq!(world.manifest(&run).outcome(), "success");
    let slow = world.write("empty/git", "#!/bin/sh\nexec /bin/sleep 1000\n");
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
    let told = world.command(&["run", "report", &run]).env("PATH", &empty).run().expect_code(0);
    assert_has(&told.stdout, &["git took too long and was ended"]);
    assert!(told.elapsed.as_secs() < 20, "{:?}", told.elapsed);
    world.assert_nothing_left();
}
