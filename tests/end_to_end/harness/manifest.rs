//! What tests ask of a manifest.

use serde_json::Value;

/// A manifest as read from `run.json`.
pub trait Manifest {
    /// Where the run is in its life: `initialized`, `ready`, `active`, `ended`.
    fn phase(&self) -> &str;
    /// How it ended; nothing while it has not.
    fn outcome(&self) -> &str;
    /// The status of each task, sorted by id: `one=completed two=pending`.
    fn tasks(&self) -> String;
    /// A task's notes.
    fn notes(&self, task: &str) -> &str;
    /// How each attempt ended, oldest first: `reported timedOut`.
    fn ends(&self) -> String;
    /// The fence of each attempt, oldest first.
    fn fences(&self) -> Vec<u64>;
    /// What the worker was told in each attempt, oldest first: `brief nudge`.
    fn prompts(&self) -> String;
    /// The retries spent in each session.
    fn spent(&self) -> Vec<u64>;
    /// A record of an attempt that ended.
    fn attempt(&self, number: usize) -> &Value;
}

impl Manifest for Value {
    fn phase(&self) -> &str {
        self["state"]["phase"]["name"].as_str().unwrap()
    }

    fn outcome(&self) -> &str {
        self["state"]["phase"]["outcome"]["name"].as_str().unwrap_or("")
    }

    fn tasks(&self) -> String {
        let tasks = self["state"]["finalTasks"].as_object().unwrap();
        let shown = |(id, task): (&String, &Value)| format!("{id}={}", task["status"].as_str().unwrap());
        tasks.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn notes(&self, task: &str) -> &str {
        self["state"]["finalTasks"][task]["notes"].as_str().unwrap()
    }

    fn ends(&self) -> String {
        words(self, |record| &record["end"]["kind"])
    }

    fn fences(&self) -> Vec<u64> {
        records(self).iter().map(|record| record["fence"].as_u64().unwrap()).collect()
    }

    fn prompts(&self) -> String {
        words(self, |record| &record["prompt"])
    }

    fn spent(&self) -> Vec<u64> {
        let sessions = self["state"]["sessions"].as_array().unwrap();
        sessions.iter().map(|session| session["attemptsSpent"].as_u64().unwrap()).collect()
    }

    fn attempt(&self, number: usize) -> &Value {
        &records(self)[number]
    }
}

fn records(manifest: &Value) -> &Vec<Value> {
    manifest["state"]["attemptRecords"].as_array().unwrap()
}

fn words(manifest: &Value, word: impl Fn(&Value) -> &Value) -> String {
    records(manifest).iter().map(|record| word(record).as_str().unwrap()).collect::<Vec<_>>().join(" ")
}
