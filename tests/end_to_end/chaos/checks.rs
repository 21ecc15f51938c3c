//! What has to be so after every kill, and at the end.

use serde_json::Value;

use crate::harness::{Finished, Manifest as _};

use super::scene::{RAN, Scene};

/// Ends of attempts that are tries of their session.
const COSTLY: [&str; 4] = ["reported", "timedOut", "crashed", "protocolError"];

impl Scene {
    /// The run as it stands, after everything was checked that has to be so at any time.
    pub fn check(&self) -> Value {
        // What was acknowledged before the manifest is read has to be in it.
        let acks = self.acks();
        let manifest = self.world.manifest(&self.run);
        self.assert_written(&manifest, &acks);
        let events = self.assert_history(&manifest);
        if !self.has_lost_history() {
            assert_fences(&manifest, &events);
        }
        assert_spent(&manifest);
        assert_blocks(&self.world.lines(RAN));
        let status = self.status();
        assert_eq!(status["runId"], self.run.as_str());
        self.assert_listed();
        manifest
    }

    /// What is listed is what reading every manifest lists, unless somebody writes meanwhile.
    fn assert_listed(&self) {
        let revision = || self.world.manifest(&self.run)["revision"].clone();
        let list = |cache: Option<&str>| {
            let list = self.command(&["list", "runs", "--global", "--output-format", "json"]);
            let list = cache.into_iter().fold(list, |list, cache| list.env("XDG_CACHE_HOME", cache));
            let mut list = list.run().expect_code(0).json();
            for run in list["runs"].as_array_mut().unwrap() {
                // Who drives it may change without anything being written.
                for of_the_lease in ["effectiveStatus", "capabilities"] {
                    assert!(run.as_object_mut().unwrap().remove(of_the_lease).is_some(), "{run}");
                }
            }
            list
        };
        let before = revision();
        let (by_index, scanned) = (list(None), list(Some("/dev/null/nowhere")));
        if before == revision() {
            assert_eq!(by_index, scanned);
        }
    }

    /// What the program says of the run.
    pub fn status(&self) -> Value {
        let args = ["run", "status", &self.run, "--output-format", "json"];
        self.command(&args).timeout(super::scene::PROMPTLY).run().expect_code(0).json()
    }

    /// The status people see.
    pub fn effective_status(&self) -> String {
        self.status()["effectiveStatus"].as_str().unwrap().to_owned()
    }

    fn assert_written(&self, manifest: &Value, acks: &[String]) {
        for ack in acks {
            let words: Vec<&str> = ack.splitn(3, ' ').collect();
            let there = match words[..] {
                ["note", task, text] => manifest.notes(task).lines().any(|line| line == text),
                ["status", task, status] => {
                    let now = manifest["state"]["finalTasks"][task]["status"].as_str().unwrap();
                    rank(now) >= rank(status)
                }
                _ => panic!("not an acknowledgement: {ack:?}"),
            };
            assert!(there, "acknowledged and lost: {ack}\n{}", self.world.everything_known());
        }
    }

    /// The log holds what the manifest counts: whole lines, numbered without a gap.
    fn assert_history(&self, manifest: &Value) -> Vec<Value> {
        let events = self.counted_events(manifest);
        let cursors: Vec<u64> = events.iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
        let last = manifest["lastCursor"].as_u64().unwrap();
        if self.has_lost_history() {
            let steps = cursors.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
            assert!(cursors.is_sorted() && steps <= 1, "{cursors:?}");
            assert!(cursors.last().is_none_or(|newest| *newest <= last), "{cursors:?}");
            return events;
        }
        assert_eq!(cursors, (1..=last).collect::<Vec<_>>(), "{}", self.world.everything_known());
        events
    }

    /// The events among the bytes that count.
    pub fn counted_events(&self, manifest: &Value) -> Vec<Value> {
        let counted = usize::try_from(manifest["eventsLen"].as_u64().unwrap()).unwrap();
        let log = std::fs::read(self.file("run-events.jsonl")).unwrap();
        assert!(log.len() >= counted, "{} of {counted} bytes of history are there", log.len());
        let text = std::str::from_utf8(&log[..counted]).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "the history ends within a line");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Fails unless the attempt that was under way in `before` was recorded as `end`.
    pub fn assert_recorded(&self, before: &Value, end: &str) {
        let live = &before["state"]["phase"]["stage"]["attempt"];
        let Some(number) = live["attemptNumber"].as_u64() else { return };
        let manifest = self.world.manifest(&self.run);
        let record = manifest.attempt(usize::try_from(number).unwrap());
        assert_eq!((&record["end"]["kind"], &record["fence"]), (&end.into(), &live["fence"]), "{record}");
    }

    /// A foreground command whose driver was killed has ended, and says how to go on; the run says that it was
    /// interrupted. If the run had ended before, it just has. The manifest as it was left.
    pub fn assert_interrupted(&self, front: &Finished) -> Value {
        let manifest = self.check();
        if manifest.phase() == "ended" {
            assert_eq!((front.code, manifest.outcome()), (Some(0), "success"), "{front}");
            return manifest;
        }
        assert_eq!(front.code, Some(4), "{front}");
        let advice = format!("agent-runner run --resume-run {}", self.run);
        assert!(front.stdout.contains(&advice) || front.stderr.contains(&advice), "{front}");
        assert_eq!(self.effective_status(), "interrupted", "{front}");
        manifest
    }

    /// Goes on with the run as often as it takes, which is once, and checks what it came to.
    pub fn conclude(&self) -> Value {
        let before = self.check();
        match self.effective_status().as_str() {
            "success" => {}
            "interrupted" | "ready" | "aborted" => {
                // A run that was aborted when all was done goes on for words only.
                let open = before.tasks().split(' ').any(|task| !task.ends_with("=completed"));
                let words: &[&str] = if before.phase() == "ended" && !open { &["Go", "on."] } else { &[] };
                words.iter().fold(self.resume(), |command, word| command.arg(*word)).run().expect_code(0);
                self.assert_recorded(&before, "interrupted");
            }
            other => panic!("the run is {other}\n{}", self.world.everything_known()),
        }
        let manifest = self.check();
        assert_eq!(manifest.outcome(), "success");
        assert!(manifest.tasks().split(' ').all(|task| task.ends_with("=completed")), "{}", manifest.tasks());
        let told = self.command(&["run", "audit", &self.run, "--output-format", "json"]).run().expect_code(0);
        assert_eq!(told.json()["events"], Value::from(self.counted_events(&manifest)));
        self.world.assert_nothing_left();
        manifest
    }
}

fn rank(status: &str) -> usize {
    ["pending", "in_progress", "completed"].iter().position(|known| *known == status).unwrap()
}

/// Attempts are numbered by fences that only grow, in the history, in the records and in what comes next.
fn assert_fences(manifest: &Value, events: &[Value]) {
    let started = events.iter().filter(|event| event["type"] == "run.attempt_started");
    let started: Vec<u64> = started.map(|event| event["fence"].as_u64().unwrap()).collect();
    let count = u64::try_from(started.len()).unwrap();
    assert_eq!(started, (1..=count).collect::<Vec<_>>());
    assert_eq!(manifest["state"]["nextFence"], count + 1);
    let mut recorded = manifest.fences();
    if let Some(live) = manifest["state"]["phase"]["stage"]["attempt"]["fence"].as_u64() {
        recorded.push(live);
    }
    assert_eq!(recorded, started);
}

/// What a session spent is what its attempts cost, and an interruption costs nothing.
fn assert_spent(manifest: &Value) {
    let records = manifest["state"]["attemptRecords"].as_array().unwrap();
    for (index, spent) in manifest.spent().into_iter().enumerate() {
        let costly = records.iter().filter(|record| {
            record["sessionIndex"] == index && COSTLY.contains(&record["end"]["kind"].as_str().unwrap())
        });
        assert_eq!(spent, u64::try_from(costly.count()).unwrap(), "session {index} of {records:#?}");
    }
}

/// A block that was followed by the next one had passed, and is not run again.
fn assert_blocks(ran: &[String]) {
    for task in ["one", "two", "three", "four"] {
        let numbers: Vec<&str> = ran.iter().filter_map(|line| line.strip_prefix(task)).collect();
        assert!(numbers.is_sorted(), "blocks of {task} ran in this order: {numbers:?}");
    }
}
