//! Recovery and processes that are not the run's: numbers of another boot or another container mean somebody else.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{World, pidfd, wait_readable};

/// Where the numbers on record come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Here,
    OtherBoot,
    OtherNamespace,
}

/// A process group that has nothing to do with the run: its leader and another member.
struct Strangers {
    leader: Child,
    member: Child,
}

impl Strangers {
    fn new() -> Self {
        let sleep = |group| {
            let mut command = std::process::Command::new("sleep");
            command.arg("1000").env_clear().current_dir("/").process_group(group);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let leader = sleep(0);
        let member = sleep(i32::try_from(leader.id()).unwrap());
        Self { leader, member }
    }

    fn each(&mut self) -> [&mut Child; 2] {
        [&mut self.leader, &mut self.member]
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        for child in self.each() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Clock ticks since boot at which a process was started.
fn start_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap()
}

/// An interrupted run of which nothing is left, and a manifest that takes the strangers for its worker.
fn mistaken(world: &World, strangers: &Strangers, origin: Origin) -> String {
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world
        .agent("fake", "if [ $FENCE = 1 ]; then echo $RUN > \"$W/ready\"; exec sleep 1000; fi; complete one");
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").run().run_id();
    assert_eq!(ready.line(), run);
    let (worker, driver) = (world.wait_worker(&run, 0), world.driver_pid(&run));
    for pid in [driver, worker] {
        world.signal(pid, Signal::KILL);
        world.wait_gone(pid);
    }
    world.assert_nothing_left();

    let pid = strangers.leader.id();
    edit(world, &run, "run.json", |manifest| {
        let process = &mut manifest["state"]["phase"]["stage"]["attempt"]["process"];
        assert!(!process["bootId"].as_str().unwrap().is_empty(), "{process}");
        assert!(process["pidNamespace"].as_str().unwrap().starts_with("pid:["), "{process}");
        process["pid"] = json!(pid);
        process["pgid"] = json!(pid);
        process["startTime"] = json!(start_time(pid));
        displace(process, origin);
    });
    edit(world, &run, "owner.lock", |holder| displace(holder, origin));
    run
}

fn displace(record: &mut Value, origin: Origin) {
    match origin {
        Origin::Here => {}
        Origin::OtherBoot => record["bootId"] = json!("00000000-0000-4000-8000-000000000000"),
        Origin::OtherNamespace => record["pidNamespace"] = json!("pid:[1]"),
    }
}

fn edit(world: &World, run: &str, file: &str, change: impl FnOnce(&mut Value)) {
    let path = world.run_dir(run).join(file);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(&path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

fn recovered(world: &World, run: &str) -> Value {
    let recovery = world.ok(&["recover", run, "--take-over", "--output-format", "json"]).json();
    assert_eq!(recovery["runs"][0]["action"], "recovered", "{recovery}");
    assert_eq!(world.manifest(run)["state"]["attemptRecords"][0]["end"]["kind"], "interrupted");
    recovery["runs"][0]["leftovers"].clone()
}

#[test]
fn what_the_record_names_here_and_now_is_ended() {
    let (world, mut strangers) = (World::new(), Strangers::new());
    let run = mistaken(&world, &strangers, Origin::Here);
    world.ok(&["recover", "--dry-run"]).expect_stdout("would end sleep (");
    assert_eq!(recovered(&world, &run).as_array().unwrap().len(), 2);
    for child in strangers.each() {
        let pid = i32::try_from(child.id()).unwrap();
        assert!(pidfd(pid).is_none_or(|fd| wait_readable(&fd, crate::harness::PATIENCE)), "{pid} lives");
    }
}

#[test]
fn numbers_of_another_boot_or_container_are_nobodys() {
    for origin in [Origin::OtherBoot, Origin::OtherNamespace] {
        let (world, mut strangers) = (World::new(), Strangers::new());
        let run = mistaken(&world, &strangers, origin);
        let shown = world.ok(&["recover", "--dry-run", "--take-over"]);
        assert!(
            shown.stdout.contains("would be recovered") && !shown.stdout.contains("end sleep"),
            "{shown}"
        );
        if origin == Origin::OtherNamespace {
            world.ok(&["recover"]).expect_stdout("left alone");
        }
        assert_eq!(recovered(&world, &run), json!([]), "{origin:?}");
        for child in strangers.each() {
            assert_eq!(child.try_wait().unwrap(), None, "{origin:?}: a stranger was ended");
        }
        world.run(&["run", "--resume-run", &run]).expect_code(0);
        for child in strangers.each() {
            assert_eq!(child.try_wait().unwrap(), None, "{origin:?}: a stranger was ended");
        }
    }
}

#[test]
fn a_resume_spares_strangers_as_well() {
    let (world, mut strangers) = (World::new(), Strangers::new());
    let run = mistaken(&world, &strangers, Origin::OtherBoot);
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    for child in strangers.each() {
        assert_eq!(child.try_wait().unwrap(), None, "a stranger was ended");
    }
    world.assert_nothing_left();
}
