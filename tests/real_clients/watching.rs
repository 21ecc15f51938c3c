//! A person watches the real client at work.

use crate::harness::World;
use crate::model_server::{Gate, Script};
use crate::stage::{Login, Stage, complete};

#[test]
fn what_the_client_does_is_seen_while_it_does_it() {
    let world = World::new();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    let slow = format!("echo begun > '{}'; read x < '{}'", begun.path.display(), go.path.display());
    let gate = Gate::new();
    let script = Script::new("watched")
        .think("Two tasks; the first one is easy.")
        .say("I begin with the first task.")
        .shell(&format!("{slow}; {}", complete("one")))
        .shell("exit 3")
        .say("That did not work.")
        .hold(&gate)
        .shell(&complete("two"))
        .say("Done.")
        .end();
    let stage = Stage::new(world, [script]);
    let typed = "agent-runner run --agent real --assignment work";
    let pane = stage.command("watched", Login::Key, &[]).in_tmux(100, 24, typed);
    assert_eq!(begun.line(), "begun");
    let shown = pane.wait_until("the running tool", |shown| {
        shown.contains("now Bash: echo begun > ") && shown.contains("\nused at least ")
    });
    // What is said about its safety rules stands above the picture.
    assert!(shown.starts_with("note: claude ") && shown.contains("real (claude)"), "{shown}");
    assert!(shown.contains("| I begin with the first task.") && shown.contains("[ ] one  Do one"), "{shown}");
    go.release();
    let shown = pane.wait_for("| That did not work.");
    assert!(shown.contains("> Bash: echo begun > ") && shown.contains("[x] one  Do one"), "{shown}");
    assert!(shown.contains("! Bash: exit 3 (") && shown.contains(" s) failed: "), "{shown}");
    assert!(shown.contains("now at work"), "{shown}");
    gate.open();
    let shown = pane.wait_for("ended with 0");
    assert!(shown.contains(": success (2 of 2 tasks completed, 1 attempt in "), "{shown}");
    let used = shown.lines().find(|line| line.starts_with("Used: ")).unwrap_or_default();
    assert!(used.contains(" tokens in, ") && used.contains(" out, $"), "{shown}");
}
