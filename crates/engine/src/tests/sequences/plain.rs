//! What is known of a few runs, as plain data, and the rules of what may be done with them. Must know nothing of the engine,
//! nor of how it keeps and reckons things.

use std::collections::{BTreeMap, BTreeSet};

use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{RunId, TaskId};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Initialized,
    Ready,
    /// Begun and not over. Between two operations nobody drives it.
    Active,
    Ended(RunStatus),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownTask {
    pub(super) id: TaskId,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) status: TaskStatus,
    pub(super) notes: String,
    /// How often it was changed.
    pub(super) changes: u32,
}

/// Words that wait for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) serial: u32,
    /// Nothing where the words of a run that ended are in it.
    pub(super) text: Option<String>,
    pub(super) from: Option<RunId>,
}

/// What the next session is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    First,
    Continue(Option<String>),
    Queued(Vec<u32>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Reported,
    Crashed,
    Interrupted,
    Aborted,
}

/// An open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// What it was opened with, if anything: the words, where they are known.
    pub(super) words: Option<Option<String>>,
    pub(super) retries_left: u32,
    pub(super) last: Option<End>,
    /// How often statuses of tasks had changed when its last attempt began.
    pub(super) progress_then: u32,
    pub(super) interruptions: u32,
}

/// What is known of a run.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: RunId,
    pub(super) number: usize,
    /// The run that made it, and so on.
    pub(super) ancestors: Vec<RunId>,
    pub(super) passive: bool,
    pub(super) stand: Stand,
    pub(super) archived: bool,
    pub(super) name: Option<String>,
    pub(super) note: Option<String>,
    pub(super) pinned: bool,
    pub(super) group: String,
    pub(super) dependencies: Vec<Dependency>,
    /// Whether it may be started before they are satisfied.
    pub(super) waits: bool,
    /// Whether its parent hears of its end.
    pub(super) tells: bool,
    /// The value of the variable in the title of its first task, if it has one.
    pub(super) range: Option<String>,
    pub(super) message: String,
    pub(super) retries: u32,
    /// As created, and as they stand.
    pub(super) created: Vec<KnownTask>,
    pub(super) tasks: Vec<KnownTask>,
    /// Ids and names.
    pub(super) attachments: Vec<(String, String)>,
    pub(super) messages: Vec<Waiting>,
    pub(super) conversation: Option<String>,
    pub(super) sessions: usize,
    pub(super) next: Option<Next>,
    pub(super) session: Option<Session>,
    /// Whether an attempt is under way, or was when its driver died.
    pub(super) live: bool,
    /// How often statuses of tasks have changed.
    pub(super) progress: u32,
    /// Attempts it may make at most, and what that was raised by.
    pub(super) ceiling: Option<u64>,
    pub(super) extended: u64,
    /// Attempts since it was made or reset, and before.
    pub(super) spent: u64,
    pub(super) before: u64,
    /// What it may use over its whole life, by the runs above it.
    pub(super) granted: Option<u64>,
    /// What it had used over its whole life when runs above it began to count that.
    pub(super) counted_from: BTreeMap<RunId, u64>,
    /// What runs it counted that were deleted had used.
    pub(super) gone: u64,
    /// Whether one of them had runs at work.
    pub(super) gone_open: bool,
}

impl Known {
    pub(super) fn count(&self, status: TaskStatus) -> usize {
        self.tasks.iter().filter(|task| task.status == status).count()
    }

    pub(super) fn open(&self) -> usize {
        self.count(TaskStatus::Pending) + self.count(TaskStatus::InProgress)
    }

    pub(super) fn is_active(&self) -> bool {
        self.stand == Stand::Active
    }

    fn is_frozen(&self) -> bool {
        self.archived || self.stand == Stand::Ready && !self.passive || self.passive && self.is_active()
    }

    pub(super) fn can_set(&self) -> bool {
        !self.is_frozen()
    }

    pub(super) fn can_note(&self) -> bool {
        !self.archived
    }

    /// Titles, bodies, and tasks that go.
    pub(super) fn can_rewrite(&self) -> bool {
        !self.is_frozen() && !self.is_active()
    }

    pub(super) fn can_remake(&self) -> bool {
        self.stand == Stand::Initialized && !self.archived && self.tasks == self.created
    }

    /// Sets a task's status.
    pub(super) fn set(&mut self, place: usize, status: TaskStatus) {
        let task = &mut self.tasks[place];
        if task.status != status {
            task.status = status;
            task.changes += 1;
            self.progress += 1;
        }
        self.settle_passive();
    }

    pub(super) fn add(&mut self, id: TaskId, title: &str) {
        let (title, body, notes) = (title.to_owned(), String::new(), String::new());
        let task = KnownTask { id, title, body, status: TaskStatus::Pending, notes, changes: 0 };
        self.tasks.push(task);
        self.settle_passive();
    }

    /// Where a run without a worker stands is what its tasks say.
    pub(super) fn settle_passive(&mut self) {
        if !self.passive {
            return;
        }
        let is_over = !self.tasks.is_empty() && self.open() == 0;
        self.stand = match (is_over, self.count(TaskStatus::Blocked)) {
            (true, 0) => Stand::Ended(RunStatus::Success),
            (true, _) => Stand::Ended(RunStatus::Blocked),
            (false, _) if matches!(self.stand, Stand::Ended(_)) => Stand::Initialized,
            (false, _) => self.stand,
        };
    }

    pub(super) fn retitle(&mut self) {
        if let Some(range) = &self.range {
            self.created[0].title = format!("Look at {range}");
        }
    }
}

/// All runs there are.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) runs: Vec<Known>,
    /// Counts messages.
    pub(super) serial: u32,
}

impl Plain {
    pub(super) fn find(&self, id: Option<&RunId>) -> Option<usize> {
        self.runs.iter().position(|run| Some(&run.id) == id)
    }

    pub(super) fn parent(&self, at: usize) -> Option<usize> {
        self.find(self.runs[at].ancestors.first())
    }

    pub(super) fn waiting(&mut self, text: Option<String>, from: Option<RunId>) -> Waiting {
        self.serial += 1;
        Waiting { serial: self.serial, text, from }
    }

    fn depends(from: &Known, to: &Known) -> bool {
        from.dependencies.iter().any(|dependency| match dependency {
            Dependency::Run { run_id } => *run_id == to.id,
            Dependency::Group { group_id } => *group_id == to.group,
        })
    }

    /// Whether some run would wait for itself: every way is gone until nothing new is reached.
    pub(super) fn circle(&self) -> bool {
        self.runs.iter().any(|start| {
            let mut reached: BTreeSet<&RunId> = BTreeSet::new();
            loop {
                let next = self.runs.iter().filter(|to| {
                    !reached.contains(&to.id)
                        && (Self::depends(start, to)
                            || self
                                .runs
                                .iter()
                                .any(|via| reached.contains(&via.id) && Self::depends(via, to)))
                });
                let next: Vec<&RunId> = next.map(|run| &run.id).collect();
                if next.is_empty() {
                    return reached.contains(&start.id);
                }
                reached.extend(next);
            }
        })
    }

    pub(super) fn satisfied(&self, at: usize) -> bool {
        let good = |one: &Known| one.stand == Stand::Ended(RunStatus::Success);
        self.runs[at].dependencies.iter().all(|dependency| match dependency {
            Dependency::Run { run_id } => self.runs.iter().any(|one| one.id == *run_id && good(one)),
            Dependency::Group { group_id } => {
                let counted: Vec<&Known> =
                    self.runs.iter().filter(|one| one.group == *group_id && !one.archived).collect();
                !counted.is_empty() && counted.into_iter().all(good)
            }
        })
    }

    /// Changes a run if that leaves no circle; says whether it did.
    pub(super) fn change(&mut self, at: usize, change: impl FnOnce(&mut Known) -> bool) -> bool {
        let before = self.runs[at].clone();
        let fits = change(&mut self.runs[at]) && !self.circle();
        if !fits {
            self.runs[at] = before;
        }
        fits
    }

    /// What was executed is forgotten.
    pub(super) fn begin_anew(&mut self, at: usize) {
        let settled: Vec<usize> = self.counted_by(at).filter(|below| !self.is_open(*below)).collect();
        let counted: u64 = settled.iter().map(|below| self.counted(*below, at)).sum();
        let id = self.runs[at].id.clone();
        for below in settled {
            self.runs[below].counted_from.remove(&id);
        }
        let run = &mut self.runs[at];
        run.before += run.spent + run.gone + counted;
        (run.spent, run.gone, run.extended, run.granted) = (0, 0, 0, None);
        run.gone_open = false;
        run.stand = Stand::Initialized;
        run.tasks.clone_from(&run.created);
        run.progress = 0;
        run.sessions = 0;
        run.messages.clear();
        run.conversation = None;
        (run.next, run.session, run.live) = (None, None, false);
    }
}
