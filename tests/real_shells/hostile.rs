//! Names that somebody chose to do harm: they are inserted so that they do none, or not at all.

use crate::harness::World;
use crate::shell::{ALL, Shell};

/// What is executed by nobody.
const NAME: &str = "x $(touch pwned) `touch pwned` \"q\" 'it' \\ ;touch pwned;#*~ <pwned >pwned &";

fn hostile(world: &World, name: &str, title: &str) -> String {
    world.write("repo/list.md", format!("# List\n\n- [ ] {title}\n- [ ] Another\n"));
    world.init(&["--backend", "passive", "--checklist", "list.md", "--name", name])
}

#[test]
fn names_are_inserted_so_that_nothing_in_them_is_executed() {
    for kind in ALL {
        let world = World::new();
        let run = hostile(&world, NAME, "Title $(touch pwned) `touch pwned`");
        let shell = Shell::start(&world, kind);
        for quote in ["", "'", "\""] {
            let typed = format!("agent-runner run status {quote}@x");
            shell.offers_one(&typed, "pwned");
            shell.runs(&[&format!("Run:        {run}"), "Name:       x $(touch pwned)"]);
        }
        shell.offers(&format!("agent-runner task show {run} "), &["another"]);
        assert!(!world.repo().join("pwned").exists(), "{kind:?}");
    }
}

#[test]
fn history_is_not_expanded_in_names() {
    for kind in ALL {
        let world = World::new();
        let run = hostile(&world, "y !! !1 done!", "Title");
        let shell = Shell::start(&world, kind);
        for quote in ["", "'"] {
            shell.offers_one(&format!("agent-runner run status {quote}@y"), "done");
            shell.runs(&[&format!("Run:        {run}")]);
        }
    }
}

#[test]
fn what_would_steer_a_terminal_or_be_another_word_is_not_offered() {
    for kind in ALL {
        let world = World::new();
        let run = hostile(&world, "HARMLESS", "Title");
        let file = world.run_dir(&run).join("run.json");
        let text = std::fs::read_to_string(&file).unwrap();
        // The program itself takes no such name.
        let name = "\"HARM\\n@LESS\\t\\u001b[31mred\\u202e\"";
        assert!(text.contains("\"HARMLESS\""));
        std::fs::write(&file, text.replace("\"HARMLESS\"", name)).unwrap();
        let second = world.init(&["--backend", "passive", "--checklist", "list.md", "--name", "second"]);
        let shell = Shell::start(&world, kind);
        let shown = shell.offers("agent-runner run status ", &[&second, &run]);
        assert_eq!(shown.contains("HARM @LESS"), !kind.is_bash(), "on one line: {shown}");
        shell.leaves("agent-runner run status @H");
        shell.leaves("agent-runner run status @L");
    }
}

#[test]
fn what_is_typed_is_not_executed_either() {
    for kind in ALL {
        let world = World::new();
        hostile(&world, "plain", "Title");
        let shell = Shell::start(&world, kind);
        for typed in ["agent-runner task show \"$(touch pwned)\" ", "agent-runner task show `touch pwned` an"]
        {
            // fish hands over what its own words mean, but runs no command for it.
            shell.leaves(typed);
        }
        assert!(!world.repo().join("pwned").exists(), "{kind:?}");
    }
}
