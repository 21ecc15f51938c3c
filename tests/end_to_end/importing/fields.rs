//! What was there is here: field by field, as the commands show it.

use serde_json::{Value, json};

use super::original::{RUNS, files, fixture, imported, manifest};
use crate::harness::World;

/// A value that came from an environment there.
const SECRET: &str = "tok-Zephyr-7715-lantern";

fn json_of(world: &World, args: &[&str]) -> Value {
    world.ok(&[args, &["--output-format", "json"]].concat()).json()
}

/// The value without the secrets, as it may be shown.
fn shown(value: &Value) -> Value {
    serde_json::from_str(&value.to_string().replace(SECRET, "[redacted]")).unwrap()
}

fn status_here(there: &Value) -> &str {
    match there["status"].as_str().unwrap() {
        "running" => "error",
        other => other,
    }
}

#[test]
fn every_field_is_there() {
    let world = World::new();
    let top = imported(&world);
    for (run, repo) in RUNS {
        let there = manifest(&top, run, repo);
        let here = world.status(run);
        for field in [
            "runId",
            "repo",
            "name",
            "note",
            "pinned",
            "archivedAt",
            "runGroupId",
            "parentRunId",
            "backend",
            "model",
            "cwd",
            "unrestricted",
            "timeoutSec",
            "maxAttemptsPerSession",
            "backendSessionId",
            "lockedFields",
            "callerInstructions",
            "message",
            "hookState",
            "executionEnvironment",
            "tasksCompleted",
            "tasksTotal",
        ] {
            assert_eq!(here[field], shown(&there[field]), "{run}: {field}");
        }
        assert_eq!(here["createdAt"], there["startedAt"], "{run}");
        assert_eq!(here["effort"], there["effort"], "{run}");
        assert_eq!(here["status"], status_here(&there), "{run}");
        if there["status"] != "running" {
            assert_eq!(
                (&here["endedAt"], &here["exitCode"]),
                (&there["endedAt"], &there["exitCode"]),
                "{run}"
            );
        }
        assert_eq!(here["agent"]["name"], there["agent"]["name"], "{run}");
        assert_eq!(here["assignment"], there["assignment"], "{run}");
        compare_tasks(&world, run, &there);
        compare_attempts(&world, run, &there, &here);
        compare_relations(run, &there, &here);
        let brief = json_of(&world, &["run", "brief", run]);
        let words = there["brief"].as_str().unwrap().split("`agent-runner").next().unwrap();
        assert!(
            brief["brief"].as_str().unwrap().contains(&words.replace(SECRET, "[redacted]")),
            "{run}: {brief}"
        );
    }
}

fn compare_tasks(world: &World, run: &str, there: &Value) {
    let listed = json_of(world, &["task", "list", run]);
    let ids: Vec<&str> =
        listed["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    // The fixture's map has an order of its own; both are compared by name.
    let tasks = there["finalTasks"].as_object().unwrap();
    assert_eq!(ids.len(), tasks.len(), "{run}");
    for (id, task) in tasks {
        let here = json_of(world, &["task", "show", run, id]);
        for field in ["id", "title", "body", "status", "notes"] {
            assert_eq!(here["task"][field], task[field], "{run} {id}: {field}");
        }
    }
}

fn compare_attempts(world: &World, run: &str, there: &Value, here: &Value) {
    let attempts = there["attemptRecords"].as_array().unwrap();
    let records = here["attempts"].as_array().unwrap();
    assert_eq!(records.len(), attempts.len(), "{run}");
    for (record, attempt) in records.iter().zip(attempts) {
        for field in ["attemptNumber", "sessionIndex", "startedAt", "endedAt", "exitCode"] {
            assert_eq!(record[field], attempt[field], "{run}: {field}");
        }
        let said = attempt["transcript"].as_str().unwrap_or_default().replace(SECRET, "[redacted]");
        let number = attempt["attemptNumber"].to_string();
        let timeline = world.ok(&["run", "timeline", run, "--attempt", &number]);
        assert!(timeline.stdout.contains(&said), "{run} {number}: {timeline}");
    }
    let sessions = there["sessions"].as_array().unwrap();
    for (session, known) in here["sessions"].as_array().unwrap().iter().zip(sessions) {
        for field in ["sessionIndex", "startedAt", "message", "firstAttemptNumber", "maxAttemptsPerSession"] {
            assert_eq!(session[field], known[field], "{run}: {field}");
        }
        if known["status"] != "running" {
            assert_eq!(
                (&session["status"], &session["endedAt"]),
                (&known["status"], &known["endedAt"]),
                "{run}"
            );
        }
    }
    assert_eq!(here["sessions"].as_array().unwrap().len(), sessions.len(), "{run}");
}

fn compare_relations(run: &str, there: &Value, here: &Value) {
    let known = there["dependencies"].as_array().unwrap();
    for (dependency, known) in here["dependencies"].as_array().unwrap().iter().zip(known) {
        for field in ["type", "runId", "groupId"] {
            assert_eq!(dependency[field], known[field], "{run}: {field}");
        }
    }
    assert_eq!(here["dependencies"].as_array().unwrap().len(), known.len(), "{run}");
    let queued = there["queuedResumeMessages"].as_array().unwrap();
    for (message, known) in here["queuedResumeMessages"].as_array().unwrap().iter().zip(queued) {
        assert_eq!(
            (&message["id"], &message["text"], &message["queuedAt"]),
            (&known["id"], &known["text"], &known["createdAt"])
        );
        assert_eq!(message.get("fromRunId"), known["source"].get("childRunId"), "{run}");
    }
    assert_eq!(here["queuedResumeMessages"].as_array().unwrap().len(), queued.len(), "{run}");
    match &there["schedule"] {
        Value::Null => {
            assert_eq!((&here["schedule"], &here["scheduleState"]), (&Value::Null, &json!("none")), "{run}")
        }
        schedule => {
            assert_eq!(
                (&here["schedule"]["enabled"], &here["schedule"]["runAt"]),
                (&schedule["enabled"], &schedule["runAt"])
            );
            let recurrence = &schedule["recurrence"];
            for (field, known) in [
                ("expression", &recurrence["schedule"]["expression"]),
                ("timezone", &recurrence["schedule"]["timezone"]),
                ("mode", &recurrence["mode"]),
                ("continueOnFailure", &recurrence["continueOnFailure"]),
            ] {
                assert_eq!(&here["schedule"]["recurrence"][field], known, "{run}: {field}");
            }
        }
    }
}

#[test]
fn dependencies_and_schedules_stand_as_they_stood() {
    let world = World::new();
    imported(&world);
    let satisfied = |run: &str| {
        let here = world.status(run);
        let all = here["dependencies"].as_array().unwrap().clone();
        all.iter().map(|it| (it["satisfied"].clone(), it["missing"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(satisfied("m2p7qd"), [(json!(true), json!(false)), (json!(true), json!(false))]);
    assert_eq!(satisfied("x8n4ra"), [(json!(false), json!(true))]);
    assert_eq!(satisfied("w4j8sb"), [(json!(true), json!(false))]);
    let state = |run: &str| world.status(run)["scheduleState"].clone();
    assert_eq!(
        [state("w4j8sb"), state("h6y1tn"), state("d4z6kh"), state("k3v9xa")],
        ["future", "paused", "due", "none"]
    );
    world.ok(&["run", "status", "h6y1tn"]).expect_stdout("0 9 * * 1 (Europe/Berlin), clone");
    // A run that waits for an imported one is told so, both ways.
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["run", "add-dep", &run, "--run", "k3v9xa"]);
    assert_eq!(world.status(&run)["dependencies"][0]["satisfied"], true);
    let dependents = world.status("k3v9xa")["dependents"].to_string();
    assert!(dependents.contains(&run) && dependents.contains("m2p7qd"), "{dependents}");
}

#[test]
fn files_are_handed_out_with_their_bytes() {
    let world = World::new();
    let top = imported(&world);
    for (run, repo) in RUNS {
        let there = manifest(&top, run, repo);
        let known = there["attachments"].as_array().unwrap();
        let listed = json_of(&world, &["attachment", "list", run, "--scope", "run"]);
        assert_eq!(listed["attachments"].as_array().unwrap().len(), known.len(), "{run}");
        for (attachment, known) in listed["attachments"].as_array().unwrap().iter().zip(known) {
            for field in ["id", "name", "mimeType", "size", "sha256", "addedAt"] {
                assert_eq!(attachment[field], known[field], "{run}: {field}");
            }
            let copy = world.path(format!("copy-{}", known["id"].as_str().unwrap()));
            let id = known["id"].as_str().unwrap();
            world.ok(&["attachment", "download", run, id, &copy.display().to_string()]);
            let original =
                top.join("runs").join(repo).join(run).join(known["relativePath"].as_str().unwrap());
            assert_eq!(std::fs::read(copy).unwrap(), std::fs::read(original).unwrap(), "{run} {id}");
        }
    }
    // A group's files are those of all its runs.
    let listed = json_of(&world, &["attachment", "list", "m2p7qd"]);
    assert_eq!((&listed["scope"], listed["attachments"].as_array().unwrap().len()), (&json!("group"), 1));
}

#[test]
fn history_is_told_in_words_of_here() {
    let world = World::new();
    imported(&world);
    let kinds = |run: &str| {
        let audit = json_of(&world, &["run", "audit", run]);
        let events = audit["events"].as_array().unwrap().clone();
        let cursors: Vec<u64> = events.iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
        assert_eq!(cursors, (1..=events.len() as u64).collect::<Vec<_>>(), "{run}");
        let times: Vec<&str> = events.iter().map(|event| event["at"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{run}: {times:?}");
        events
    };
    let told = kinds("k3v9xa");
    let count = |kind: &str| told.iter().filter(|event| event["type"] == kind).count();
    for (kind, expected) in [
        ("run.created", 1),
        ("run.started", 2),
        ("run.attempt_started", 3),
        ("run.attempt_recorded", 3),
        ("task.updated", 3),
        ("run.hook_recorded", 2),
        ("run.finished", 2),
        ("run.reference_event", 1),
        ("run.imported", 1),
    ] {
        assert_eq!(count(kind), expected, "{kind}");
    }
    let imported = told.last().unwrap();
    assert_eq!(
        (&imported["type"], &imported["from"]["source"]),
        (&json!("run.imported"), &json!("reference"))
    );
    assert_eq!(imported["from"]["originalRunId"], "k3v9xa");
    let update = told.iter().find(|event| event["type"] == "task.updated").unwrap();
    assert_eq!((&update["from"], &update["status"]), (&json!("pending"), &json!("in_progress")));
    // Without a log it is made from what the manifest knows; with one that says nothing of attempts, these are added.
    assert_eq!(kinds("e8m2xw").iter().filter(|event| event["type"] == "run.attempt_recorded").count(), 1);
    assert_eq!(kinds("d4z6kh").iter().filter(|event| event["type"] == "run.attempt_recorded").count(), 2);
    let last = kinds("a2f8gu").pop().unwrap();
    assert_eq!(
        (&last["type"], &last["status"], &last["exitCode"]),
        (&json!("run.finished"), &json!("error"), &json!(4))
    );
    for (run, _) in RUNS {
        kinds(run);
        world.ok(&["run", "report", run]);
        world.ok(&["run", "timeline", run]);
    }
    world
        .ok(&["run", "timeline", "k3v9xa"])
        .expect_stdout("nearly done")
        .expect_stdout("the worker was told: Only the changelog");
    let tree = world.ok(&["run", "tree", "b7q5ve"]);
    assert!(["a2f8gu", "b7q5ve", "c3s9yj"].iter().all(|run| tree.stdout.contains(run)), "{tree}");
    assert_eq!(world.status("c3s9yj")["callDepth"], 2);
}

#[test]
fn what_came_from_an_environment_stays_hidden() {
    let world = World::new();
    let top = imported(&world);
    let here = world.status("k3v9xa");
    assert_eq!(
        (&here["runtimeVars"]["api_token"], &here["runtimeVars"]["region"]),
        (&json!("[redacted]"), &json!("eu"))
    );
    assert_eq!(
        (&here["runtimeVars"]["retries"], &here["runtimeVars"]["port"]),
        (&json!(4), &json!("[redacted]"))
    );
    let source = &here["runtimeVarSources"]["api_token"];
    assert_eq!(
        (&source["source"], &source["envName"], &source["redacted"]),
        (&json!("env"), &json!("SHOP_TOKEN"), &json!(true))
    );
    let inherited = &world.status("b7q5ve")["runtimeVarSources"]["api_token"];
    assert_eq!((&inherited["inheritedFromRunId"], &inherited["redacted"]), (&json!("a2f8gu"), &json!(true)));
    // The manifest is the one place that keeps it, so that the run can go on with it.
    let holders = files(&world.state_dir())
        .into_iter()
        .filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(SECRET));
    let holders: Vec<String> = holders.map(|(path, _)| path).collect();
    assert_eq!(
        holders,
        ["runs/notes-app/a2f8gu/run.json", "runs/notes-app/b7q5ve/run.json", "runs/webshop/k3v9xa/run.json"]
    );
    // What has no field here is kept as it was: the original is beside the run.
    for (run, repo) in RUNS {
        let kept = std::fs::read(world.run_dir(run).join("imported/run.json")).unwrap();
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        let mut there = shown(&manifest(&top, run, repo));
        for place in ["/runtimeVars/port", "/resetSeed/runtimeVars/port"] {
            if let Some(port) = there.pointer_mut(place) {
                *port = json!("[redacted]");
            }
        }
        assert_eq!(kept, there, "{run}");
    }
    assert!(world.run_dir("c3s9yj").join("imported/environment-seed.yaml").exists());
    assert!(String::from_utf8_lossy(&world.sealed("k3v9xa", "agent-seed.md")).contains("Work carefully"));
    let stdout = std::fs::read_to_string(world.run_dir("k3v9xa").join("attempts/01.stdout.log")).unwrap();
    assert!(stdout.contains(r#"{"token":"[redacted]"}"#), "{stdout}");
    // Where it came from nothing has changed.
    assert_eq!(files(&fixture("reference-state")).len(), files(&top).len());
}

#[test]
fn imported_notes_are_found() {
    let world = World::new();
    imported(&world);
    let found = |words: &str| {
        let listed = json_of(&world, &["list", "runs", "--global", "--include-archived", "--search", words]);
        let runs = listed["runs"].as_array().unwrap().clone();
        runs.iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("basket invoice"), ["k3v9xa"]);
    assert_eq!(found("Deutschland"), ["k3v9xa"]);
    assert_eq!(found("key nobody"), ["m2p7qd"]);
    assert_eq!(found("Änderungen prüfen"), ["a2f8gu"]);
    assert!(found(SECRET).is_empty());
    let listed = json_of(&world, &["list", "runs", "--global"]);
    assert_eq!(listed["runs"].as_array().unwrap().len(), RUNS.len() - 1, "one is archived");
    assert_eq!(listed["problems"], json!([]));
}
