//! Task commands of workers: fences, the driver's socket, many at once.

use crate::harness::{Finished, Manifest as _, World};

#[test]
fn what_is_left_of_an_earlier_attempt_can_no_longer_report() {
    let world = World::new();
    world.work(&["one"]);
    let (second, go) = (world.fifo("second"), world.fifo("go"));
    // The first worker's environment is kept: what escaped from that attempt would report with it.
    world.agent(
        "fake",
        r#"if [ $FENCE = 1 ]; then env > "$W/environment"; exit 0; fi
           echo $RUN > "$W/second"
           read x < "$W/go"
           complete one"#,
    );
    let running = world.fake(&[]).spawn();
    let run = second.line();
    let before = world.wait_manifest(&run, "the second worker on record", |manifest| {
        manifest["state"]["phase"]["stage"]["attempt"]["process"]["pid"].is_i64()
    });
    assert_eq!(before["state"]["phase"]["stage"]["attempt"]["fence"], 2);
    let reports = [
        vec!["task", "set", &run, "one", "--status", "completed", "--notes", "too late"],
        vec!["task", "append-notes", &run, "one", "--text", "too late"],
        vec!["task", "add", &run, "--title", "too late"],
    ];
    for report in reports {
        let mut stale = world.command(&report);
        for line in world.lines("environment") {
            if let Some((name, value)) =
                line.split_once('=').filter(|(name, _)| name.starts_with("AGENT_RUNNER_"))
            {
                stale = stale.env(name, value);
            }
        }
        stale.run().expect_code(3).expect_stderr("error: ").expect_stderr("hint: this worker was replaced");
        assert_eq!(world.manifest(&run), before, "nothing has changed");
    }
    // A person is not bound to attempts.
    world.ok(&["task", "append-notes", &run, "one", "--text", "from a person"]);
    go.release();
    running.wait().expect_code(0);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.fences(), manifest.tasks().as_str()), (vec![1, 2], "one=completed"));
    assert_eq!(manifest.notes("one"), "from a person");
    world.assert_nothing_left();
}

#[test]
fn a_worker_that_cannot_reach_the_state_directory_reports_through_the_driver() {
    let world = World::new();
    world.work(&["one", "two", "three"]);
    world.agent(
        "fake",
        r#"export AGENT_RUNNER_STATE_DIR="$W/nowhere"
           "$AGENT_RUNNER_CMD" task list "$RUN" > "$W/list" || exit 90
           printf 'from the\nother side\n' | "$AGENT_RUNNER_CMD" task append-notes "$RUN" one --text - || exit 91
           "$AGENT_RUNNER_CMD" task show "$RUN" one > "$W/show" || exit 92
           "$AGENT_RUNNER_CMD" task add "$RUN" --title "Do more" --output-format json > "$W/added" || exit 93
           more=$(sed -n 's/^ *"id": "\(.*\)",$/\1/p' "$W/added")
           complete one two three "$more"
           "$AGENT_RUNNER_CMD" task set "$RUN" nine --status completed 2> "$W/unknown"; echo $? >> "$W/unknown"
           AGENT_RUNNER_ATTEMPT_FENCE=7 "$AGENT_RUNNER_CMD" task set "$RUN" one --status pending 2> "$W/stale"
           echo $? >> "$W/stale""#,
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    assert_eq!(manifest["state"]["finalTasks"].as_object().unwrap().len(), 4);
    assert!(!manifest.tasks().contains("pending"), "{}", manifest.tasks());
    assert_eq!(manifest.notes("one"), "from the\nother side");
    assert!(world.read("list").contains("0 of 3 tasks completed"));
    assert!(world.read("show").contains("other side"));
    assert!(world.read("unknown").contains("its tasks are") && world.read("unknown").ends_with("\n3\n"));
    assert!(world.read("stale").ends_with("\n3\n"), "{}", world.read("stale"));
    assert!(!world.path("nowhere").exists());
    for event in world.events_of(&run, "task.updated") {
        assert_eq!(event["fence"], 1, "the worker is on record: {event}");
    }
    world.assert_nothing_left();
}

#[test]
fn of_32_reports_at_once_none_is_lost() {
    let world = World::new();
    let ids: Vec<String> = (1..=32).map(|number| format!("task-{number:02}")).collect();
    world.work(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let set = |id: &String| {
        let args = ["task", "set", &run, id, "--status", "completed", "--notes", &format!("by {id}")];
        world.command(&args).spawn()
    };
    let running: Vec<_> = ids.iter().map(set).collect();
    for finished in running {
        finished.wait().expect_code(0);
    }
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "success"));
    for id in &ids {
        assert_eq!(manifest["state"]["finalTasks"][id]["status"], "completed");
        assert_eq!(manifest.notes(id), format!("by {id}"));
    }
    assert_gapless(&world, &run);
    assert_eq!(world.events_of(&run, "task.updated").len(), 32);
    world.assert_nothing_left();
}

#[test]
fn a_worker_can_report_32_tasks_at_once() {
    let world = World::new();
    let ids: Vec<String> = (1..=32).map(|number| format!("task-{number:02}")).collect();
    world.work(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    world.agent("fake", &format!("for id in {}; do complete $id & done; wait", ids.join(" ")));
    let ended: Finished = world.fake(&[]).run().expect_code(0);
    let run = ended.run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.fences()), ("success", vec![1]));
    assert_eq!(manifest.tasks().matches("=completed").count(), 32);
    assert_gapless(&world, &run);
    world.assert_nothing_left();
}

/// The events of a run are numbered 1 to n.
fn assert_gapless(world: &World, run: &str) {
    let cursors: Vec<u64> = world.events(run).iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
    assert_eq!(cursors, (1..=cursors.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.manifest(run)["lastCursor"], cursors.len());
}
