//! A world with the real client in it and a scripted model that answers it.

use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Command, World};
use crate::model_server::{ModelServer, Script};

/// The variable that leads to the client.
const CLIENT: &str = "AGENT_RUNNER_TEST_CLAUDE";
/// What the worker is told by the agent `real`.
const AGENT: &str = "---\nschemaVersion: 1\nname: real\nbackend: claude\n---\nYou do what the test says.\n";

/// Where one test plays.
pub struct Stage {
    pub world: World,
    pub model: ModelServer,
    client: PathBuf,
}

/// How the client introduces itself to the model.
#[derive(Clone, Copy)]
pub enum Login {
    /// By a key, as programs do.
    Key,
    /// By a token, as people with a subscription do: only they are told when a limit ends.
    Token,
}

impl Stage {
    /// The assignment `work` has the tasks `one` and `two`, the agent `real` is the real client.
    pub fn new(world: World, scripts: impl IntoIterator<Item = Script>) -> Self {
        let client = client();
        world.write("config/agents/real/agent.md", AGENT);
        world.work(&["one", "two"]);
        std::fs::create_dir_all(world.path("tmp")).unwrap();
        Self { world, model: ModelServer::start(scripts), client }
    }

    /// The program with these arguments, and with what the client needs to play the named script.
    pub fn command(&self, script: &str, login: Login, args: &[&str]) -> Command<'_> {
        let command = self.world.command(args);
        let command = match login {
            Login::Key => command.env("ANTHROPIC_API_KEY", format!("conv-{script}")),
            Login::Token => command.env("CLAUDE_CODE_OAUTH_TOKEN", format!("conv-{script}")),
        };
        command
            .env("AGENT_RUNNER_CLAUDE_BIN", &self.client)
            .env("ANTHROPIC_BASE_URL", self.model.base_url())
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            // Somebody has to say that this root may be trusted to a model; a test's model is harmless.
            .env("IS_SANDBOX", "1")
            .env("AGENT_RUNNER_STOP_GRACE_SEC", "5")
            .env("TMPDIR", self.world.path("tmp"))
            .env("SHELL", "/bin/bash")
    }

    /// `run` with the agent `real` and the assignment `work`; prints JSON.
    pub fn run(&self, script: &str, more: &[&str]) -> Command<'_> {
        self.run_as(script, Login::Key, more)
    }

    /// The same for a client that introduces itself in another way.
    pub fn run_as(&self, script: &str, login: Login, more: &[&str]) -> Command<'_> {
        let args = ["run", "--agent", "real", "--assignment", "work", "--output-format", "json"];
        self.command(script, login, &args.iter().chain(more).copied().collect::<Vec<_>>())
    }

    /// What the worker did in an attempt, as the timeline has it.
    pub fn did(&self, run: &str, attempt: usize) -> Vec<Value> {
        let attempt = attempt.to_string();
        let timeline =
            self.world.ok(&["run", "timeline", run, "--attempt", &attempt, "--output-format", "json"]);
        let entries = timeline.json()["entries"].as_array().unwrap().clone();
        entries.into_iter().map(|entry| entry["record"].clone()).collect()
    }

    /// The events of one type among them.
    pub fn did_of(&self, run: &str, attempt: usize, kind: &str) -> Vec<Value> {
        self.did(run, attempt).into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// The conversation each attempt belonged to, as the client named it.
    pub fn conversations(&self, run: &str, attempts: usize) -> Vec<String> {
        let id = |attempt| {
            let named = self.did_of(run, attempt, "session");
            named.first().and_then(|event| event["id"].as_str()).unwrap_or("none").to_owned()
        };
        (0..attempts).map(id).collect()
    }

    /// Fails unless all attempts belonged to one conversation, the one the run remembers.
    #[track_caller]
    pub fn assert_one_conversation(&self, run: &str, attempts: usize) {
        let known = self.world.status(run)["backendSessionId"].as_str().unwrap().to_owned();
        assert_eq!(
            self.conversations(run, attempts),
            vec![known; attempts],
            "{}",
            self.world.everything_known()
        );
    }

    /// All that the model was sent with the last request of a conversation.
    pub fn last_sent(&self, script: &str) -> String {
        self.model.turns(script).last().unwrap().body["messages"].to_string()
    }
}

/// A shell command that reports a task as completed, as a worker would call it.
pub fn complete(task: &str) -> String {
    format!("agent-runner task set \"$AGENT_RUNNER_RUN_ID\" {task} --status completed")
}

fn client() -> PathBuf {
    let path = std::env::var_os(CLIENT).filter(|path| !path.is_empty());
    let path = PathBuf::from(path.unwrap_or_else(|| {
        panic!(
            "{CLIENT} is not set: these tests need the program `claude`. `.ci/run clients` installs the version they \
             were written for and runs them; or set {CLIENT} to the path of one you have."
        )
    }));
    assert!(path.is_file(), "{CLIENT} is {}, and there is no such file", path.display());
    path
}
