//! A store in a temporary directory, a backend with programmed ends, and a driver in this process.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use agent_runner_api::operations::{CreateRun, Start};
use agent_runner_api::{ApiError, Handle as _};
use agent_runner_backends::{
    Backend, BackendError, Plan, PromptDelivery, Registry, TurnEvent, TurnReader, TurnReport, TurnRequest,
};
use agent_runner_definitions::Surroundings;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::budget::BudgetKind;
use agent_runner_model::spec::{OrphanPolicy, PASSIVE_BACKEND, Value};
use agent_runner_model::usage::Usage;
use agent_runner_model::{Manifest, RunId, Timestamp};
use agent_runner_store::{FileOptions, FileStore, RunStore as _};
use agent_runner_supervisor::{Exit, MAX_LINE, Source, Stdin};
use tokio::sync::mpsc;

use crate::clock::{Clock as _, SystemClock};
use crate::driver::{DriveError, DriveRequest, Ports, Signal, drive};
use crate::launch::{LaunchRequest, Launcher, Launching};
use crate::{Engine, EngineConfig};

/// What one attempt does: the script its worker runs, and how its end is judged.
pub(super) struct Turn {
    pub(super) script: String,
    pub(super) end: Box<dyn Fn(Timestamp) -> AttemptEnd + Send>,
}

pub(super) fn turn(script: &str, end: AttemptEnd) -> Turn {
    Turn { script: script.to_owned(), end: Box::new(move |_| end.clone()) }
}

type Turns = Arc<Mutex<VecDeque<Turn>>>;

struct Programmed {
    turns: Turns,
    prompts: Arc<Mutex<Vec<String>>>,
}

struct ProgrammedReader {
    turn: Turn,
}

impl TurnReader for ProgrammedReader {
    fn line(&mut self, _source: Source, line: &[u8], _truncated: bool, _now: Timestamp) -> Vec<TurnEvent> {
        let text = String::from_utf8_lossy(line).into_owned();
        vec![match text.strip_prefix("session=") {
            Some(id) => TurnEvent::Session { id: id.to_owned(), model: None },
            None => match text.strip_prefix("tokens=") {
                Some(count) => {
                    let usage = Usage { output_tokens: count.parse().ok(), ..Usage::default() };
                    TurnEvent::Usage { usage }
                }
                None => TurnEvent::Message { text },
            },
        }]
    }

    fn finish(&mut self, _exit: Exit) -> TurnReport {
        let end = (self.turn.end)(SystemClock.now());
        TurnReport::ended(end, String::new())
    }
}

impl Backend for Programmed {
    fn id(&self) -> &'static str {
        "programmed"
    }

    fn measures(&self) -> &'static [BudgetKind] {
        &[BudgetKind::Tokens]
    }

    fn remembers(&self) -> bool {
        true
    }

    fn check(&self, _config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        Ok(())
    }

    fn plan(&self, request: &TurnRequest) -> Result<Plan, BackendError> {
        let turn = self.turns.lock().unwrap().pop_front();
        let turn = turn.ok_or(BackendError::NoWorker("programmed"))?;
        self.prompts.lock().unwrap().push(request.prompt.clone());
        let argv = ["/bin/sh", "-c", turn.script.as_str()].map(OsString::from).to_vec();
        Ok(Plan {
            argv,
            env: Vec::new(),
            env_remove: Vec::new(),
            max_line: MAX_LINE,
            stdin: Stdin::Null,
            delivery: PromptDelivery::Stdin,
            reader: Box::new(ProgrammedReader { turn }),
        })
    }
}

/// Nobody works: people and tools drive such runs.
struct Idle;

impl Backend for Idle {
    fn id(&self) -> &'static str {
        PASSIVE_BACKEND
    }

    fn remembers(&self) -> bool {
        true
    }

    fn check_session(&self, _id: &str) -> Result<(), BackendError> {
        Ok(())
    }

    fn check(&self, _config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        Ok(())
    }

    fn plan(&self, _request: &TurnRequest) -> Result<Plan, BackendError> {
        Err(BackendError::NoWorker(PASSIVE_BACKEND))
    }
}

/// Starts nothing, and says that it could not as often as it is told to.
struct NoLauncher {
    refusals: Refusals,
}

type Refusals = Arc<Mutex<VecDeque<ApiError>>>;

impl Launcher for NoLauncher {
    fn launch(&self, _request: LaunchRequest) -> Launching<'_> {
        let refusal = self.refusals.lock().unwrap().pop_front();
        Box::pin(async { refusal.map_or(Ok(()), Err) })
    }
}

pub(super) struct World {
    pub(super) directory: tempfile::TempDir,
    pub(super) engine: Arc<Engine<FileStore>>,
    pub(super) prompts: Arc<Mutex<Vec<String>>>,
    turns: Turns,
    refusals: Refusals,
}

impl World {
    pub(super) fn new(turns: Vec<Turn>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let turns = Arc::new(Mutex::new(VecDeque::from(turns)));
        let prompts = Arc::new(Mutex::new(Vec::new()));
        let backend = Programmed { turns: Arc::clone(&turns), prompts: Arc::clone(&prompts) };
        let state_dir = directory.path().join("state");
        let store = Arc::new(FileStore::new(state_dir.clone(), FileOptions::default()));
        let config = EngineConfig {
            hook_environment: std::env::vars_os().collect(),
            config_dir: directory.path().join("config"),
            state_dir,
            runtime_dir: directory.path().join("run"),
            command: "agent-runner".to_owned(),
            own_program: PathBuf::from("/bin/false"),
            search_path: std::env::var_os("PATH").unwrap_or_default(),
            host: "here".to_owned(),
            version: "test",
            stop_grace_sec: 1,
            max_call_depth: 8,
            surroundings: Surroundings::default(),
        };
        let registry = Registry::of(vec![Box::new(backend), Box::new(Idle)]);
        let refusals = Refusals::default();
        let launcher = NoLauncher { refusals: Arc::clone(&refusals) };
        let engine = Engine::new(store, registry, Box::new(SystemClock), Box::new(launcher), config);
        Self { directory, engine: Arc::new(engine), prompts, turns, refusals }
    }

    /// The next driver cannot be started.
    pub(super) fn refuse_launch(&self, error: ApiError) {
        self.refusals.lock().unwrap().push_back(error);
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn turns_left(&self) -> usize {
        self.turns.lock().unwrap().len()
    }

    /// What attempts do from now on, instead of what was left of it.
    pub(super) fn set_turns(&self, turns: Vec<Turn>) {
        *self.turns.lock().unwrap() = VecDeque::from(turns);
    }

    pub(super) async fn create(&self, tasks: &[&str], max_retries: u32) -> RunId {
        self.engine.call(self.request(tasks, max_retries)).await.unwrap().summary.run_id
    }

    /// What makes a run of the programmed backend and starts it.
    pub(super) fn request(&self, tasks: &[&str], max_retries: u32) -> CreateRun {
        CreateRun {
            on_limit: None,
            on_busy: None,
            notify: None,
            agent: None,
            assignment: None,
            checklist: None,
            backend: Some("programmed".to_owned()),
            model: None,
            effort: None,
            timeout_sec: None,
            max_retries: Some(max_retries),
            unrestricted: None,
            name: None,
            worktree: None,
            cwd: None,
            caller_dir: self.path().to_str().unwrap().to_owned(),
            add_tasks: tasks.iter().map(|title| (*title).to_owned()).collect(),
            message: Some("do it".to_owned()),
            parent_run_id: None,
            run_group_id: None,
            inherit_run_group: true,
            call_depth: 0,
            notify_parent: false,
            budget: agent_runner_model::budget::Amount::default(),
            budget_soft_percent: None,
            on_unmeasured: None,
            after: Vec::new(),
            vars: BTreeMap::new(),
            launcher: None,
            web_vars: BTreeMap::new(),
            backend_session_id: None,
            run_id: None,
            start: Start::Now { on_orphan: OrphanPolicy::Abort },
        }
    }

    pub(super) fn drive_request(run_id: &RunId) -> DriveRequest {
        DriveRequest {
            run_id: run_id.clone(),
            environment: std::env::vars_os().collect(),
            on_orphan: OrphanPolicy::Abort,
            take_over: false,
        }
    }

    pub(super) fn ports() -> (Ports, mpsc::Sender<Signal>) {
        let (sender, signals) = mpsc::channel(1);
        (Ports { leash: None, wake: None, signals, say: |text| eprintln!("driver: {text}") }, sender)
    }

    pub(super) async fn drive(&self, run_id: &RunId) -> Result<(), DriveError> {
        let (ports, _signals) = Self::ports();
        drive(Arc::clone(&self.engine), Self::drive_request(run_id), ports).await
    }

    pub(super) async fn manifest(&self, run_id: &RunId) -> Manifest {
        self.engine.store.snapshot(run_id).await.unwrap()
    }
}
