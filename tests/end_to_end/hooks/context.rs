//! What hooks are told, in which order they have their turn, and when they have none.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{Language, parrot, parrot_when};

/// The fields of an object.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect()
}

#[track_caller]
fn assert_has(value: &Value, wanted: &[&str]) {
    let there = fields(value);
    let missing: Vec<&&str> = wanted.iter().filter(|field| !there.contains(field)).collect();
    assert!(missing.is_empty(), "{missing:?} of {value}");
}

/// What every hook is told.
fn assert_common(context: &Value, phase: &str) {
    let common =
        ["schemaVersion", "phase", "assignment", "run", "vars", "state", "attachments", "tasks", "config"];
    assert_has(context, &common);
    assert_eq!((&context["schemaVersion"], &context["phase"]), (&json!(1), &json!(phase)));
    assert_eq!(context["assignment"]["name"], "work");
    assert!(
        context["assignment"]["sourcePath"].as_str().unwrap().ends_with("assignments/work/assignment.md")
    );
    let run = [
        "runId",
        "repo",
        "status",
        "backend",
        "model",
        "effort",
        "cwd",
        "workspaceDir",
        "name",
        "note",
        "pinned",
        "backendSessionId",
        "totalAttemptCount",
        "maxAttemptsPerSession",
        "totalSessionCount",
    ];
    assert_has(&context["run"], &run);
    assert_eq!(context["run"]["maxAttemptsPerSession"], 2);
    assert_eq!((&context["run"]["name"], &context["run"]["backend"]), (&json!("Named"), &json!("command")));
    assert_eq!((&context["vars"]["slug"], &context["tasks"]["total"]), (&json!("fast"), &json!(2)));
    for task in context["tasks"]["items"].as_array().unwrap() {
        assert_has(task, &["id", "title", "body", "status", "notes"]);
    }
    assert_eq!(context["tasks"]["items"][0]["title"], "Do one");
}

#[test]
fn hooks_are_told_what_the_reference_tells_them() {
    let world = World::new();
    world.parrot(Language::Shell);
    let hooks = ["prepare", "beforeAttempt", "afterAttempt", "afterExit", "taskTransition"];
    let hooks: serde_json::Map<String, Value> =
        hooks.into_iter().map(|phase| (phase.to_owned(), json!([parrot(phase)]))).collect();
    world.assigned(json!({
        "vars": {"slug": {"type": "string"}},
        "hooks": hooks,
        "tasks": [{"id": "one", "title": "Do one", "body": "Slowly"}, {"id": "two", "title": "Do two"}],
    }));
    world.agent("fake", "echo SAID $FENCE; echo COMPLAINED >&2; if [ $FENCE = 1 ]; then complete one; else set_task two --status completed --notes done; fi");
    let run = world
        .fake(&["--max-retries", "1", "--var", "slug=fast", "--name", "Named"])
        .run()
        .expect_code(0)
        .run_id();

    let told = world.told("prepare");
    let [context] = &told[..] else { panic!("prepared {} times", told.len()) };
    assert_common(context, "prepare");
    assert_has(context, &["defaultInitialPrompt", "currentInitialPrompt", "initialLockedFields"]);
    assert_eq!(context["run"]["runId"], json!(run));
    assert_eq!(context["run"]["workspaceDir"], json!(world.run_dir(&run)));
    assert_eq!(
        (&context["run"]["totalSessionCount"], &context["initialLockedFields"]),
        (&json!(0), &json!([]))
    );
    assert!(
        context["currentInitialPrompt"].as_str().unwrap().contains("The work of this test."),
        "{context}"
    );

    let before = world.told("beforeAttempt");
    let attempt = ["attemptPrompt", "retriesRemaining", "sessionIndex", "attemptIndexInSession"];
    for (number, context) in before.iter().enumerate() {
        assert_common(context, "beforeAttempt");
        assert_has(context, &attempt);
        assert!(context["attemptResult"].is_null(), "{context}");
        assert_eq!(context["attemptPrompt"], json!(world.read(format!("prompt-{}", number + 1))));
        let counted =
            (&context["attemptIndexInSession"], &context["retriesRemaining"], &context["sessionIndex"]);
        assert_eq!(counted, (&json!(number), &json!(1 - number), &json!(0)));
    }
    let after = [world.told("afterAttempt"), world.told("afterExit")].concat();
    assert_eq!((before.len(), after.len()), (2, 3));
    for (context, number) in after.iter().zip([0, 1, 1]) {
        assert_common(context, if std::ptr::eq(context, &after[2]) { "afterExit" } else { "afterAttempt" });
        assert_has(context, &attempt);
        let result = &context["attemptResult"];
        let reported = [
            "exitCode",
            "signal",
            "timedOut",
            "transcript",
            "rawStdout",
            "rawStderr",
            "sessionId",
            "aborted",
        ];
        assert_has(result, &reported);
        assert_eq!(
            (&result["exitCode"], &result["timedOut"], &result["aborted"]),
            (&json!(0), &json!(false), &json!(false))
        );
        assert!(result["rawStdout"].as_str().unwrap().contains(&format!("SAID {}", number + 1)), "{result}");
        let counted = (&context["attemptIndexInSession"], &context["retriesRemaining"]);
        assert_eq!(counted, (&json!(number), &json!(1 - number)));
    }
    assert_eq!(
        (&after[2]["outcome"]["status"], &after[2]["tasks"]["completed"]),
        (&json!("success"), &json!(2))
    );

    let changes = world.told("taskTransition");
    assert_eq!(changes.len(), 2);
    for context in &changes {
        assert_common(context, "taskTransition");
        assert_has(&context["transition"], &["taskId", "source", "from", "to", "tentative", "changedFields"]);
    }
    let change = &changes[1]["transition"];
    assert_eq!(
        (&change["taskId"], &change["source"], &change["tentative"]),
        (&json!("two"), &json!("task-set"), &json!(true))
    );
    assert_eq!(change["from"], json!({"status": "pending", "notes": ""}));
    assert_eq!(change["to"], json!({"status": "completed", "notes": "done", "title": "Do two", "body": ""}));
    assert_eq!(change["changedFields"], json!(["status", "notes"]));
    // The change is not made yet.
    assert_eq!(changes[1]["tasks"]["items"][1]["status"], "pending");
    world.assert_nothing_left();
}

#[test]
fn hooks_around_attempts_have_their_turn_where_their_filters_say() {
    let world = World::new();
    world.parrot(Language::Shell);
    let filters = [
        ("first-session", json!({"sessionIndex": 0})),
        ("later-attempt", json!({"attemptIndexInSession": [1, 2]})),
        ("second-of-second", json!({"sessionIndex": [1], "attemptIndexInSession": 1})),
        ("never", json!({"sessionIndex": 7})),
    ];
    let hooks: Vec<Value> = filters
        .iter()
        .map(|(name, when)| parrot_when(name, when.clone()))
        .chain([parrot("always")])
        .collect();
    world.hooked(json!({"beforeAttempt": hooks, "afterAttempt": hooks, "afterExit": hooks}), &["one"]);
    world.agent("fake", "if [ $FENCE = 4 ]; then complete one; fi");
    let run = world.fake(&["--max-retries", "1"]).run().expect_code(1).run_id();
    world.ok(&["run", "--resume-run", &run, "Once", "more"]);
    let turns = |name: &str| -> Vec<String> {
        let shown = |context: &Value| {
            format!(
                "{} {} {}",
                context["phase"].as_str().unwrap(),
                context["sessionIndex"],
                context["attemptIndexInSession"]
            )
        };
        world.told(name).iter().map(shown).collect()
    };
    let all = turns("always");
    assert_eq!(
        all,
        [
            "beforeAttempt 0 0",
            "afterAttempt 0 0",
            "beforeAttempt 0 1",
            "afterAttempt 0 1",
            "afterExit 0 1",
            "beforeAttempt 1 0",
            "afterAttempt 1 0",
            "beforeAttempt 1 1",
            "afterAttempt 1 1",
            "afterExit 1 1",
        ]
    );
    let those = |end: &[&str]| -> Vec<String> {
        all.iter().filter(|turn| end.iter().any(|end| turn.ends_with(end))).cloned().collect()
    };
    assert_eq!(
        turns("first-session"),
        those(&["0 0", "0 1"]).iter().filter(|turn| !turn.contains(" 1 ")).cloned().collect::<Vec<_>>()
    );
    assert_eq!(turns("later-attempt"), those(&["0 1", "1 1"]));
    assert_eq!(turns("second-of-second"), those(&["1 1"]));
    assert_eq!(turns("never"), those(&[]));
    world.assert_nothing_left();
}

#[test]
fn transition_hooks_have_their_turn_where_their_filters_say() {
    let world = World::new();
    world.parrot(Language::Shell);
    let filters = [
        ("task", json!({"taskId": "one"})),
        ("tasks", json!({"taskIds": ["two", "extra"]})),
        ("from", json!({"fromStatus": "in_progress"})),
        ("to", json!({"toStatus": ["completed", "blocked"]})),
        ("set", json!({"source": "task-set"})),
        ("other", json!({"source": ["task-append-notes", "task-add", "task-edit", "task-delete"]})),
        (
            "all",
            json!({"taskIds": ["one"], "fromStatus": ["pending"], "toStatus": "in_progress", "source": "task-set"}),
        ),
        ("none", json!({"taskId": "one", "source": "task-delete"})),
    ];
    let hooks: Vec<Value> = filters.iter().map(|(name, when)| parrot_when(name, when.clone())).collect();
    world.hooked(json!({"taskTransition": hooks}), &["one", "two"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let task = |words: &[&str]| {
        let args = [&["task", words[0], &run], &words[1..]].concat();
        world.ok(&args)
    };
    task(&["set", "one", "--status", "in_progress"]);
    // What changes nothing is nothing to ask about.
    task(&["set", "one", "--status", "in_progress"]);
    task(&["set", "one", "--status", "completed", "--notes", "n"]);
    task(&["append-notes", "two", "--text", "more"]);
    let added = task(&["add", "--title", "Extra", "--output-format", "json"]).json();
    let extra = added["taskId"]
        .as_str()
        .or(added["task"]["id"].as_str())
        .or(added["id"].as_str())
        .unwrap()
        .to_owned();
    task(&["edit", &extra, "--title", "Other"]);
    task(&["delete", &extra]);
    let asked = |name: &str| -> Vec<String> {
        let shown = |context: &Value| {
            let change = &context["transition"];
            let from = change["from"]["status"].as_str().unwrap_or("none");
            let words = [&change["source"], &change["taskId"], &change["to"]["status"]]
                .map(|word| word.as_str().unwrap());
            format!("{} {} {from} {}", words[0], words[1].replace(&extra, "extra"), words[2])
        };
        world.told(name).iter().map(shown).collect()
    };
    let begun = "task-set one pending in_progress";
    let done = "task-set one in_progress completed";
    let noted = "task-append-notes two pending pending";
    let added = "task-add extra none pending";
    let (edited, deleted) = ("task-edit extra pending pending", "task-delete extra pending pending");
    assert_eq!(asked("task"), [begun, done]);
    assert_eq!(asked("tasks"), [noted], "the id {extra} was made up later");
    assert_eq!(asked("from"), [done]);
    assert_eq!(asked("to"), [done]);
    assert_eq!(asked("set"), [begun, done]);
    assert_eq!(asked("other"), [noted, added, edited, deleted]);
    assert_eq!(asked("all"), [begun]);
    assert!(asked("none").is_empty());
    let changed: Vec<Value> =
        world.told("other").iter().map(|context| context["transition"]["changedFields"].clone()).collect();
    assert_eq!(changed[0], json!(["notes"]));
    assert_eq!(changed[2], json!(["title"]));
    world.assert_nothing_left();
}

#[test]
fn hooks_of_a_task_come_before_those_of_the_assignment_and_hear_of_no_other_task() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.says("second", &json!({"accept": false, "reason": "NO"}));
    let file = json!({"schemaVersion": 1, "id": "filed", "title": "Do filed", "hooks": [parrot("filed")]});
    world.write("config/tasks/filed.md", format!("---\n{file}\n---\n"));
    world.assigned(json!({
        "hooks": {"taskTransition": [parrot("general")]},
        "tasks": [
            {"id": "one", "title": "Do one", "hooks": [parrot("first"), parrot("second"), parrot("third")]},
            {"id": "two", "title": "Do two"},
            "filed",
        ],
    }));
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.run(&["task", "set", &run, "one", "--status", "completed"]).expect_code(3).expect_stderr("NO");
    world.ok(&["task", "set", &run, "two", "--status", "completed"]);
    world.ok(&["task", "set", &run, "filed", "--status", "completed"]);
    assert_eq!(world.manifest(&run).tasks(), "filed=completed one=pending two=completed");
    let expected = [
        "taskTransition:task:one:0:parrot accepted",
        "taskTransition:task:one:1:parrot rejected",
        "taskTransition:0:parrot accepted",
        "taskTransition:task:filed:0:parrot accepted",
        "taskTransition:0:parrot accepted",
    ];
    assert_eq!(world.outcomes(&run), expected);
    assert_eq!(world.told("general").len(), 2, "a rejection ends the round");
    assert!(world.told("third").is_empty());
    world.assert_nothing_left();
}
