//! Where there is nothing to offer, nothing is seen.

use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::World;
use crate::shell::{ALL, Shell};

#[test]
fn whatever_is_broken_is_not_said_on_the_line() {
    for kind in ALL {
        let world = World::new();
        let shell = Shell::start(&world, kind);
        // No runs at all.
        shell.leaves("agent-runner run status ");
        std::fs::remove_dir_all(world.state_dir()).unwrap();
        std::fs::write(world.state_dir(), "no directory").unwrap();
        shell.leaves("agent-runner run status ");
        shell.leaves("agent-runner task show @last ");
        std::fs::remove_dir_all(world.config_dir()).unwrap();
        std::fs::write(world.config_dir(), "no directory").unwrap();
        shell.completes("agent-runner run --agent impl", "agent-runner run --agent implementer");
        shell.leaves("agent-runner no-such-command ");
        shell.leaves("agent-runner run status x --no-such-flag=");
    }
}

#[test]
fn a_program_that_is_gone_is_not_missed() {
    for kind in ALL {
        let world = World::new();
        let shell = Shell::start(&world, kind);
        shell.completes("agent-runner run stat", "agent-runner run status");
        std::fs::remove_file(world.path("bin/agent-runner")).unwrap();
        shell.leaves("agent-runner run stat");
    }
}

#[test]
fn a_disk_that_does_not_answer_does_not_take_the_prompt_with_it() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] One\n");
    let run = world.init(&["--backend", "passive", "--checklist", "list.md"]);
    let manifest = world.run_dir(&run).join("run.json");
    std::fs::remove_file(&manifest).unwrap();
    mknodat(CWD, &manifest, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let began = Instant::now();
    let line = ["complete", "--shell", "fish", "--", "agent-runner", "task", "show", &run, ""];
    let asked = world.command(&line).build().output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(asked.status.success() && asked.stderr.is_empty(), "{asked:?}");
    assert!(asked.stdout.iter().filter(|byte| **byte == b'\n').count() <= 1, "{asked:?}");
    // A test that fails reads what is there.
    std::fs::remove_file(&manifest).unwrap();
}
