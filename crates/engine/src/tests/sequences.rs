//! Random operations on a few runs, against a plain model of what they do: each answer, and what can be seen after it.

use std::collections::BTreeSet;

use agent_runner_api::operations::*;
use agent_runner_api::{ApiError, Handle as _};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{RunId, TaskId};
use agent_runner_store::RunStore as _;
use proptest::collection::vec;
use proptest::prelude::*;

use super::world::{World, turn};

/// Where a run of the model stands. Nothing here is ever under way: who starts one sees it through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Initialized,
    Ready,
    Ended(RunStatus),
}

/// What is known of a run.
#[derive(Debug, Clone)]
struct Known {
    id: RunId,
    stand: Stand,
    archived: bool,
    name: Option<String>,
    note: Option<String>,
    pinned: bool,
    group: String,
    dependencies: Vec<Dependency>,
    /// As created, and as they stand.
    created: Vec<TaskId>,
    tasks: Vec<(TaskId, TaskStatus)>,
    sessions: usize,
}

impl Known {
    fn count(&self, status: TaskStatus) -> usize {
        self.tasks.iter().filter(|(_, one)| *one == status).count()
    }

    fn open(&self) -> usize {
        self.count(TaskStatus::Pending) + self.count(TaskStatus::InProgress)
    }

    fn list_is_open(&self) -> bool {
        !self.archived && self.stand != Stand::Ready
    }
}

/// Which run, and two numbers that say what.
#[derive(Debug, Clone, Copy)]
struct Wish {
    kind: u8,
    run: u8,
    a: u8,
    b: u8,
}

const GROUPS: [&str; 3] = ["team", "other", "third"];

struct Model {
    world: World,
    runs: Vec<Known>,
}

impl Model {
    fn depends(&self, from: &Known, to: &Known) -> bool {
        from.dependencies.iter().any(|dependency| match dependency {
            Dependency::Run { run_id } => *run_id == to.id,
            Dependency::Group { group_id } => *group_id == to.group,
        })
    }

    /// Whether some run would wait for itself: every way is gone until nothing new is reached.
    fn circle(&self) -> bool {
        self.runs.iter().any(|start| {
            let mut reached: BTreeSet<&RunId> = BTreeSet::new();
            loop {
                let next = self.runs.iter().filter(|to| {
                    !reached.contains(&to.id)
                        && (self.depends(start, to)
                            || self.runs.iter().any(|via| reached.contains(&via.id) && self.depends(via, to)))
                });
                let next: Vec<&RunId> = next.map(|run| &run.id).collect();
                if next.is_empty() {
                    return reached.contains(&start.id);
                }
                reached.extend(next);
            }
        })
    }

    fn satisfied(&self, run: &Known) -> bool {
        let good = |one: &Known| one.stand == Stand::Ended(RunStatus::Success);
        run.dependencies.iter().all(|dependency| match dependency {
            Dependency::Run { run_id } => self.runs.iter().any(|one| one.id == *run_id && good(one)),
            Dependency::Group { group_id } => {
                let counted: Vec<&Known> =
                    self.runs.iter().filter(|one| one.group == *group_id && !one.archived).collect();
                !counted.is_empty() && counted.into_iter().all(good)
            }
        })
    }

    /// Changes the model if that leaves no circle; says whether it did.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Known) -> bool) -> bool {
        let before = self.runs[at].clone();
        let fits = change(&mut self.runs[at]) && !self.circle();
        if !fits {
            self.runs[at] = before;
        }
        fits
    }

    async fn create(&mut self, a: u8) {
        let titles: Vec<String> = (0..usize::from(a % 3) + 1).map(|at| format!("Task {at}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let request = CreateRun { start: Start::Later, ..self.world.request(&titles, 0) };
        let detail = self.world.engine.call(request).await.unwrap();
        let id = detail.summary.run_id;
        let created: Vec<TaskId> = detail.tasks.iter().map(|task| task.id.clone()).collect();
        let tasks = created.iter().map(|id| (id.clone(), TaskStatus::Pending)).collect();
        self.runs.push(Known {
            group: id.to_string(),
            id,
            stand: Stand::Initialized,
            archived: false,
            name: None,
            note: None,
            pinned: false,
            dependencies: Vec::new(),
            created,
            tasks,
            sessions: 0,
        });
    }

    /// Starts a run and sees it through: its worker reports, and leaves the tasks as they are.
    async fn start(&mut self, at: usize, words: bool) -> (bool, Result<(), ApiError>) {
        let known = self.runs[at].clone();
        let allowed = match known.stand {
            Stand::Initialized => false,
            Stand::Ready => !words,
            Stand::Ended(_) if words => true,
            Stand::Ended(RunStatus::Blocked) if known.count(TaskStatus::Blocked) > 0 => false,
            Stand::Ended(RunStatus::Success) => known.open() > 0,
            // Without a list, the brief is what remains to be done.
            Stand::Ended(_) => known.open() > 0 || known.tasks.is_empty(),
        };
        let allowed = allowed && !known.archived && self.satisfied(&known);
        let request = ResumeRun {
            run: known.id.to_string(),
            message: words.then(|| "go on".to_owned()),
            add_tasks: Vec::new(),
            on_limit: None,
            on_orphan: OrphanPolicy::Continue,
            take_over: false,
            tell_parent: None,
        };
        let answer = self.world.engine.call(request).await.map(drop);
        if answer.is_ok() {
            self.world.drive(&known.id).await.unwrap();
        }
        if allowed {
            let known = &mut self.runs[at];
            known.sessions += 1;
            known.stand = Stand::Ended(match (known.count(TaskStatus::Blocked), known.open()) {
                (0, 0) => RunStatus::Success,
                (0, _) => RunStatus::Exhausted,
                (_, _) => RunStatus::Blocked,
            });
        }
        (allowed, answer)
    }

    async fn task(&mut self, at: usize, wish: Wish) -> (bool, Result<(), ApiError>) {
        let known = self.runs[at].clone();
        let run = known.id.to_string();
        let engine = self.world.engine.clone();
        let (place, author) = (usize::from(wish.b) % 5, TaskAuthor::Person);
        let found = known.tasks.get(place).cloned();
        let task = found.as_ref().map_or_else(|| TaskId::parse("nowhere").unwrap(), |(id, _)| id.clone());
        let allowed = known.list_is_open();
        match wish.a % 4 {
            0 | 1 => {
                let status = TaskStatus::ALL[usize::from(wish.a / 4) % TaskStatus::ALL.len()];
                let request = SetTask { run, task, author, status: Some(status), notes: None };
                let answer = engine.call(request).await.map(drop);
                let fits = allowed && found.is_some();
                if fits {
                    self.runs[at].tasks[place].1 = status;
                }
                (fits, answer)
            }
            2 => {
                let title = "More".to_owned();
                let request =
                    AddTask { run: run.clone(), author, title, body: String::new(), request_id: None };
                let answer = engine.call(request).await.map(drop);
                if allowed {
                    let manifest = self.world.manifest(&known.id).await;
                    let id = manifest.state.final_tasks.keys().last().unwrap().clone();
                    self.runs[at].tasks.push((id, TaskStatus::Pending));
                }
                (allowed, answer)
            }
            _ => {
                let answer = engine.call(DeleteTask { run, task, author }).await.map(drop);
                let fits = allowed && found.is_some_and(|(_, status)| status == TaskStatus::Pending);
                if fits {
                    self.runs[at].tasks.remove(place);
                }
                (fits, answer)
            }
        }
    }

    async fn dependency(&mut self, at: usize, wish: Wish) -> (bool, Result<(), ApiError>) {
        let run = self.runs[at].id.to_string();
        let engine = self.world.engine.clone();
        let other = self.runs[usize::from(wish.b) % self.runs.len()].id.clone();
        let group_id = GROUPS[usize::from(wish.b) % GROUPS.len()].to_owned();
        let (dependency, upstream) = if wish.a.is_multiple_of(2) {
            (Dependency::Run { run_id: other.clone() }, Upstream::Run { run: other.to_string() })
        } else {
            (Dependency::Group { group_id: group_id.clone() }, Upstream::Group { group_id })
        };
        match wish.a / 2 % 4 {
            0 | 1 => {
                let answer = engine.call(AddDependency { run, upstream }).await.map(drop);
                let fits = self.change(at, |known| {
                    let own = dependency == Dependency::Group { group_id: known.group.clone() };
                    let fits = known.stand == Stand::Initialized
                        && !own
                        && !known.dependencies.contains(&dependency);
                    known.dependencies.push(dependency);
                    fits
                });
                (fits, answer)
            }
            2 => {
                let answer = engine.call(RemoveDependency { run, upstream }).await.map(drop);
                let fits = self.change(at, |known| {
                    let fits = known.stand == Stand::Initialized && known.dependencies.contains(&dependency);
                    known.dependencies.retain(|one| *one != dependency);
                    fits
                });
                (fits, answer)
            }
            _ => {
                let answer = engine.call(ClearDependencies { run }).await.map(drop);
                let fits = self.change(at, |known| {
                    known.stand == Stand::Initialized && !std::mem::take(&mut known.dependencies).is_empty()
                });
                (fits, answer)
            }
        }
    }

    async fn life(&mut self, at: usize, wish: Wish) -> (bool, Result<(), ApiError>) {
        let run = self.runs[at].id.to_string();
        let engine = self.world.engine.clone();
        let text = (!wish.b.is_multiple_of(3)).then(|| format!("text {}", wish.b));
        match wish.a % 9 {
            0 => {
                let fits = self.change(at, |known| {
                    known.stand = Stand::Initialized;
                    known.tasks = known.created.iter().map(|id| (id.clone(), TaskStatus::Pending)).collect();
                    known.sessions = 0;
                    !known.archived
                });
                (fits, engine.call(ResetRun { run }).await.map(drop))
            }
            1 => {
                self.runs[at].archived = true;
                (true, engine.call(ArchiveRun { run }).await.map(drop))
            }
            2 => {
                self.runs[at].archived = false;
                (true, engine.call(UnarchiveRun { run }).await.map(drop))
            }
            3 => {
                self.runs[at].name.clone_from(&text);
                (true, engine.call(SetName { run, name: text }).await.map(drop))
            }
            4 => {
                self.runs[at].note.clone_from(&text);
                (true, engine.call(SetNote { run, note: text }).await.map(drop))
            }
            5 => {
                let pinned = wish.b.is_multiple_of(2);
                self.runs[at].pinned = pinned;
                (true, engine.call(PinRun { run, pinned }).await.map(drop))
            }
            6 => {
                let fits = self.change(at, |known| {
                    let fits = !known.archived && matches!(known.stand, Stand::Initialized | Stand::Ready);
                    known.stand = Stand::Ready;
                    fits
                });
                (fits, engine.call(ReadyRun { run }).await.map(drop))
            }
            7 => {
                let answer = engine.call(QueueMessage { run, text: "and this".to_owned() }).await.map(drop);
                (false, answer)
            }
            _ => {
                let group = GROUPS.get(usize::from(wish.b) % 4).map(|group| (*group).to_owned());
                let answer =
                    engine.call(SetGroup { run: run.clone(), group_id: group.clone() }).await.map(drop);
                let group = group.unwrap_or(run);
                let fits = self.change(at, |known| {
                    let depends = known.dependencies.contains(&Dependency::Group { group_id: group.clone() });
                    known.group = group;
                    !depends
                });
                (fits, answer)
            }
        }
    }

    /// Carries one wish out on both sides.
    async fn carry_out(&mut self, wish: Wish) {
        if self.runs.is_empty() || self.runs.len() < 5 && wish.kind.is_multiple_of(16) {
            return self.create(wish.a).await;
        }
        let at = usize::from(wish.run) % self.runs.len();
        if matches!(wish.kind % 16, 2..=4) && wish.a % 4 == 3 && self.runs[at].stand == Stand::Initialized {
            // Otherwise hardly any run would ever be started.
            let (expected, answer) = self.life(at, Wish { a: 6, ..wish }).await;
            assert_eq!(answer.is_ok(), expected, "{wish:?}: {answer:?}");
        }
        let (expected, answer) = match wish.kind % 16 {
            0 | 1 => {
                let known = &self.runs[at];
                let answer = self.world.engine.call(DeleteRun { run: known.id.to_string() }).await.map(drop);
                let archived = known.archived;
                if archived {
                    self.runs.remove(at);
                }
                (archived, answer)
            }
            2..=4 => self.start(at, wish.a.is_multiple_of(2)).await,
            5..=8 => self.task(at, wish).await,
            9 | 10 => self.dependency(at, wish).await,
            _ => self.life(at, wish).await,
        };
        assert_eq!(answer.is_ok(), expected, "{wish:?}: {answer:?}\n{:#?}", self.runs);
        self.compare(wish).await;
    }

    async fn compare(&self, wish: Wish) {
        for known in &self.runs {
            let run = known.id.to_string();
            let detail = self.world.engine.call(GetRun { run }).await.unwrap();
            let summary = &detail.summary;
            let status = match known.stand {
                Stand::Initialized => RunStatus::Initialized,
                Stand::Ready => RunStatus::Ready,
                Stand::Ended(status) => status,
            };
            assert_eq!((summary.status, summary.effective_status), (status, status), "{wish:?} {known:#?}");
            assert_eq!((summary.archived_at.is_some(), summary.pinned), (known.archived, known.pinned));
            assert_eq!((&summary.name, &detail.note), (&known.name, &known.note), "{wish:?}");
            assert_eq!(summary.run_group_id, known.group);
            assert_eq!(summary.total_session_count, known.sessions, "{wish:?}");
            let tasks: Vec<_> = detail.tasks.iter().map(|task| (task.id.clone(), task.status)).collect();
            assert_eq!(tasks, known.tasks, "{wish:?}");
            let manifest = self.world.manifest(&known.id).await;
            assert_eq!(manifest.state.dependencies, known.dependencies, "{wish:?}");
            let can = &summary.capabilities;
            assert_eq!(can.can_reset, !known.archived);
            assert_eq!(can.can_ready, known.stand == Stand::Initialized && !known.archived);
            let tail = self.world.engine.store.tail(&known.id, 0, None).await.unwrap();
            let cursors: Vec<u64> = tail.events.iter().map(|event| event.cursor).collect();
            assert!(cursors.iter().copied().eq(1..=tail.manifest.last_cursor), "{cursors:?}");
        }
        let list =
            |include_archived| ListRuns { cwd: None, repo: None, run_group_id: None, include_archived };
        for include_archived in [false, true] {
            let listed = self.world.engine.call(list(include_archived)).await.unwrap();
            assert!(listed.problems.is_empty(), "{:?}", listed.problems);
            let listed: BTreeSet<RunId> = listed.runs.into_iter().map(|run| run.run_id).collect();
            let expected = self.runs.iter().filter(|run| include_archived || !run.archived);
            assert_eq!(listed, expected.map(|run| run.id.clone()).collect(), "{wish:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_do_what_a_plain_model_says(
        wishes in vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let turns = wishes.iter().map(|_| turn("true", AttemptEnd::Reported)).collect();
            let mut model = Model { world: World::new(turns), runs: Vec::new() };
            for (kind, run, a, b) in wishes {
                model.carry_out(Wish { kind, run, a, b }).await;
            }
        });
    }
}
