//! Owns the life of one program from its start to the end of its whole tree: limits, stop requests, and the
//! order of things at the end. It must not interpret output, and never waits for the end of a pipe in order to
//! notice the end of a process.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::identity::Identity;
use crate::leader::Leader;
use crate::lines::LineSink;
use crate::pipes::Pipes;
use crate::program::{self, Marker, Program, Stdin};
use crate::registry;
use crate::spawn::{Request, SpawnError};
use crate::sweep::{GroupSignal, Leftover, Sweep};
use crate::tree::{Adoption, Tree};

/// Members that outlive the leader get this much time to end at most.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// Once no member is left, an open pipe is given this long to close.
const DRAIN_LIMIT: Duration = Duration::from_millis(100);
/// When memory runs out, the tree goes before this process does.
const OOM_SCORE_ADJ: i32 = 500;

/// When a program is stopped. `None` is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Since the start.
    pub wall: Option<Duration>,
    /// Without any output.
    pub idle: Option<Duration>,
    /// Between the request to end (`SIGTERM`) and the end (`SIGKILL`).
    pub grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// What stands for a status that somebody else took (this process ignores `SIGCHLD`).
    pub const LOST: Self = Self::Code(-1);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Wall,
    Idle,
    Requested,
}

/// What the owner of a job wants; it only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    #[default]
    None,
    /// `SIGTERM`, and `SIGKILL` after the grace.
    Graceful,
    /// `SIGKILL` at once.
    Now,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReport {
    pub exit: Exit,
    /// The first reason to stop it, if there was one before it ended.
    pub stop: Option<StopReason>,
    /// What had to be ended after the leader's exit.
    pub leftovers: Vec<Leftover>,
    /// Somebody still held an output open when everything that could be found had ended.
    pub undrained: bool,
    /// From the start to the leader's exit.
    pub elapsed: Duration,
    /// Everything that was read, including what was cut from long lines.
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
}

/// A program that was started and is to be [`Job::run`] to its end. When it is dropped instead, its group is
/// killed; what left the group is not looked for.
pub struct Job {
    leader: Leader,
    pipes: Pipes,
    marker: Marker,
    adoption: Option<Adoption>,
    started: Instant,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("identity", &self.leader.identity).finish_non_exhaustive()
    }
}

impl Job {
    /// Starts the program in a process group of its own. Needs a runtime with time and I/O to be entered.
    pub fn spawn(program: &Program, marker: &Marker) -> Result<Self, SpawnError> {
        let mut env = program.env.clone();
        env.push((marker.name.clone().into(), marker.value.clone().into()));
        let request = Request { argv: &program.argv, env: &env, cwd: &program.cwd };
        request.check_directory()?;
        Handle::try_current().map_err(|error| request.failed(io::Error::other(error)))?;
        let Some(mut command) = program::command(request.argv, request.env, request.cwd) else {
            return Err(request.no_program());
        };
        let stdin = match &program.stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Bytes(_) => Stdio::piped(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);

        let mut children = registry::children();
        children.collect();
        let adoption = Adoption::prepare();
        let started = Instant::now();
        let mut child = command.spawn().map_err(|source| request.classify(source))?;
        children.enter_leader(child.id());
        drop(children);

        match attend(&mut child, program) {
            Ok((leader, pipes)) => Ok(Self { leader, pipes, marker: marker.clone(), adoption, started }),
            Err(source) => {
                let _ = child.kill();
                let _ = child.wait();
                registry::children().leader_collected(child.id());
                Err(request.failed(source))
            }
        }
    }

    pub fn identity(&self) -> Identity {
        self.leader.identity
    }

    /// Watches the program until it and everything it left behind has ended. A dropped sender of `stop` means
    /// that no request will come.
    pub async fn run(
        self,
        limits: &Limits,
        stop: watch::Receiver<StopRequest>,
        sink: &mut dyn LineSink,
    ) -> JobReport {
        let Self { leader, mut pipes, marker, adoption, started } = self;
        let mut watch =
            Watch { leader: &leader, limits, started, last_output: started, phase: Phase::Running };
        let exit = watch.until_exit(stop, &mut pipes, sink).await;
        let elapsed = started.elapsed();
        let (stop, sent) = watch.phase.outcome();

        pipes.close_stdin();
        pipes.drain(sink);
        let tree = Tree::new(&marker, Some(leader.identity), adoption);
        // A leader somebody else collected has a number that may belong to others.
        let group = exit.map(|_| leader.identity.pgid);
        let sweep = Sweep::new(tree, group, sent, limits.grace.min(LEFTOVER_GRACE)).run();
        let leftovers = pump_during(sweep, &mut pipes, sink).await;
        pipes.drain(sink);
        let closing = async {
            while pipes.output_open() {
                pipes.pump(sink).await;
            }
        };
        let undrained = tokio::time::timeout(DRAIN_LIMIT, closing).await.is_err();
        pipes.finish(sink);
        leader.collect();

        let (stdout_bytes, stderr_bytes) = (pipes.stdout_bytes(), pipes.stderr_bytes());
        let exit = exit.unwrap_or(Exit::LOST);
        JobReport { exit, stop, leftovers, undrained, elapsed, stdout_bytes, stderr_bytes }
    }
}

/// Everything a job needs to hold of its child.
fn attend(child: &mut Child, program: &Program) -> io::Result<(Leader, Pipes)> {
    let missing = || io::Error::other("a pipe is missing");
    let stdin = match &program.stdin {
        Stdin::Null => None,
        Stdin::Bytes(bytes) => Some((OwnedFd::from(child.stdin.take().ok_or_else(missing)?), bytes.clone())),
    };
    let stdout = OwnedFd::from(child.stdout.take().ok_or_else(missing)?);
    let stderr = OwnedFd::from(child.stderr.take().ok_or_else(missing)?);
    let pipes = Pipes::new(stdin, stdout, stderr, program.max_line)?;
    raise_oom_score(child.id());
    Ok((Leader::new(child.id())?, pipes))
}

/// Best effort: nothing depends on it.
fn raise_oom_score(pid: u32) {
    let path = format!("/proc/{pid}/oom_score_adj");
    let now = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if now.is_some_and(|now| now < OOM_SCORE_ADJ) {
        let _ = std::fs::write(&path, OOM_SCORE_ADJ.to_string());
    }
}

/// Keeps reading while something else goes on, so that nobody is held up by a full pipe.
async fn pump_during<T>(work: impl Future<Output = T>, pipes: &mut Pipes, sink: &mut dyn LineSink) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = pipes.pump(sink), if pipes.is_open() => tokio::task::yield_now().await,
        }
    }
}

#[derive(Clone, Copy)]
enum Phase {
    Running,
    Terminating(StopReason, /** When it is killed; never if that is out of range. */ Option<Instant>),
    Killed(StopReason),
}

impl Phase {
    fn outcome(self) -> (Option<StopReason>, GroupSignal) {
        match self {
            Self::Running => (None, GroupSignal::None),
            Self::Terminating(reason, _) => (Some(reason), GroupSignal::Terminate),
            Self::Killed(reason) => (Some(reason), GroupSignal::Kill),
        }
    }
}

/// The time in which the leader lives.
struct Watch<'a> {
    leader: &'a Leader,
    limits: &'a Limits,
    started: Instant,
    last_output: Instant,
    phase: Phase,
}

impl Watch<'_> {
    async fn until_exit(
        &mut self,
        mut stop: watch::Receiver<StopRequest>,
        pipes: &mut Pipes,
        sink: &mut dyn LineSink,
    ) -> Option<Exit> {
        let mut handled = StopRequest::None;
        let mut listening = true;
        loop {
            // Whatever ends a program comes before its output, so that no flood can hold it up.
            tokio::select! {
                biased;
                exit = self.leader.exited() => return exit,
                request = next_request(&mut stop, handled), if listening => match request {
                    Some(request) => {
                        handled = request;
                        self.stop(request);
                    }
                    None => listening = false,
                },
                () = sleep_until(self.deadline()) => {
                    // Nobody is idle who wrote something that was not read yet.
                    if pipes.drain(sink) {
                        self.last_output = Instant::now();
                    }
                    self.check_time();
                }
                output = pipes.pump(sink), if pipes.is_open() => {
                    if output {
                        self.last_output = Instant::now();
                    }
                    // Lets the runtime look at the clock and at other work.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => self.wall_end().into_iter().chain(self.idle_end()).min(),
            Phase::Terminating(_, kill_at) => kill_at,
            Phase::Killed(_) => None,
        }
    }

    fn wall_end(&self) -> Option<Instant> {
        self.started.checked_add(self.limits.wall?)
    }

    fn idle_end(&self) -> Option<Instant> {
        self.last_output.checked_add(self.limits.idle?)
    }

    fn check_time(&mut self) {
        let now = Instant::now();
        let over = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        match self.phase {
            Phase::Running if over(self.wall_end()) => self.terminate(StopReason::Wall),
            Phase::Running if over(self.idle_end()) => self.terminate(StopReason::Idle),
            Phase::Terminating(reason, kill_at) if over(kill_at) => self.kill(reason),
            Phase::Running | Phase::Terminating(..) | Phase::Killed(_) => {}
        }
    }

    fn stop(&mut self, request: StopRequest) {
        match (request, self.phase) {
            (StopRequest::Graceful, Phase::Running) => self.terminate(StopReason::Requested),
            (StopRequest::Now, Phase::Running) => self.kill(StopReason::Requested),
            (StopRequest::Now, Phase::Terminating(reason, _)) => self.kill(reason),
            (StopRequest::None, _)
            | (StopRequest::Graceful, Phase::Terminating(..))
            | (StopRequest::Graceful | StopRequest::Now, Phase::Killed(_)) => {}
        }
    }

    fn terminate(&mut self, reason: StopReason) {
        self.leader.signal(Signal::TERM);
        // A stopped process notices nothing before it goes on.
        self.leader.signal(Signal::CONT);
        self.phase = Phase::Terminating(reason, Instant::now().checked_add(self.limits.grace));
    }

    fn kill(&mut self, reason: StopReason) {
        self.leader.signal(Signal::KILL);
        self.phase = Phase::Killed(reason);
    }
}

/// The next request that asks for more than the last one; `None` when none will come.
async fn next_request(stop: &mut watch::Receiver<StopRequest>, handled: StopRequest) -> Option<StopRequest> {
    stop.wait_for(|request| *request > handled).await.ok().map(|request| *request)
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
