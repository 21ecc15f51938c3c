//! Runs made, and made anew, on both sides.

use std::collections::BTreeMap;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{CreateRun, ReconfigureRun, Start};
use agent_runner_api::view::RunDetail;
use agent_runner_model::budget::Amount;
use agent_runner_model::manifest::Dependency;
use agent_runner_model::spec::{BusyPolicy, OrphanPolicy};
use agent_runner_model::task::TaskStatus;

use super::plain::{Known, KnownTask, Next, Stand};
use super::{Came, GROUPS, Model, Wish};

/// Tasks of a run as it was made.
fn tasks_of(detail: &RunDetail) -> Vec<KnownTask> {
    let known = |task: &agent_runner_api::view::TaskView| KnownTask {
        id: task.id.clone(),
        title: task.title.clone(),
        body: task.body.clone(),
        status: task.status,
        notes: task.notes.clone(),
        changes: 0,
    };
    detail.tasks.iter().map(known).collect()
}

/// What the tasks of a new run are, by what it is made from.
fn check_tasks(tasks: &[KnownTask], range: Option<&str>, added: usize) {
    let titles: Vec<&str> = tasks.iter().map(|task| task.title.as_str()).collect();
    let main = range.map(|range| format!("Look at {range}"));
    let more: Vec<String> = (0..added).map(|at| format!("Task {at}")).collect();
    assert!(titles.iter().copied().eq(main.iter().chain(&more).map(String::as_str)), "{titles:?}");
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Pending && task.notes.is_empty()));
}

impl Model {
    /// What makes a run: directory, tasks and words.
    fn request(&self, number: usize, passive: bool, range: Option<&str>, added: usize) -> CreateRun {
        let titles: Vec<String> = (0..added).map(|at| format!("Task {at}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let cwd = self.world.path().join(format!("d{number}"));
        std::fs::create_dir_all(&cwd).unwrap();
        let vars = range.filter(|range| *range != "all").map(|range| ("range".to_owned(), range.to_owned()));
        let request = self.world.request(&titles, 0);
        CreateRun {
            backend: Some(if passive { "passive" } else { "programmed" }.to_owned()),
            assignment: range.map(|_| "work".to_owned()),
            vars: vars.into_iter().collect::<BTreeMap<_, _>>(),
            worktree: None,
            cwd: Some(cwd.to_str().unwrap().to_owned()),
            on_busy: (!passive).then_some(BusyPolicy::Share),
            start: Start::Later,
            ..request
        }
    }

    pub(super) async fn create(&mut self, wish: Wish) -> Came {
        let (a, b, r) = (wish.a, wish.b, usize::from(wish.run));
        let number = self.next_number();
        let runs = self.plain.runs.len();
        let passive = a % 8 == 7;
        let added = usize::from(a % 3) + usize::from(passive);
        let range = (a / 8).is_multiple_of(2).then_some(if a / 128 == 0 { "all" } else { "early" });
        let now = a / 16 % 4 == 3;
        let retries = u32::from(a / 64 % 2);
        let parent = (b % 2 == 1 && runs > 0).then(|| r % runs);
        let group = (b / 2 % 4 == 3).then(|| GROUPS[r % 3].to_owned());
        let after = (b / 8 % 4 == 3 && runs > 0).then(|| r / 8 % runs);
        let ceiling = [None, Some(1), Some(3), Some(6)][usize::from(b / 32 % 4)].filter(|_| !passive);
        let tells = b / 128 == 1 && parent.is_some();
        let id_of = |at: usize| self.plain.runs[at].id.clone();
        let request = CreateRun {
            max_retries: (!passive).then_some(retries),
            parent_run_id: parent.map(|at| id_of(at).to_string()),
            run_group_id: group.clone(),
            after: after.map(|at| id_of(at).to_string()).into_iter().collect(),
            budget: Amount { attempts: ceiling, ..Amount::default() },
            notify_parent: tells,
            start: if now { Start::Now { on_orphan: OrphanPolicy::Abort } } else { Start::Later },
            ..self.request(number, passive, range, added)
        };
        let message = request.message.clone().unwrap();
        let answer = self.world.engine.call(request).await;
        let (id, tasks) = match &answer {
            Ok(detail) => (detail.summary.run_id.clone(), tasks_of(detail)),
            // It is not there, whatever it is called.
            Err(_) => (agent_runner_model::RunId::parse("refused000").unwrap(), Vec::new()),
        };
        if answer.is_ok() {
            check_tasks(&tasks, range, added);
        }
        let ancestors = parent.map_or_else(Vec::new, |at| {
            [id_of(at)].into_iter().chain(self.plain.runs[at].ancestors.iter().cloned()).collect()
        });
        let inherited = parent.map(|at| self.plain.runs[at].group.clone());
        self.plain.runs.push(Known {
            group: group.or(inherited).unwrap_or_else(|| id.to_string()),
            id: id.clone(),
            number,
            ancestors,
            passive,
            stand: Stand::Initialized,
            archived: false,
            name: None,
            note: None,
            pinned: false,
            dependencies: after.map(|at| Dependency::Run { run_id: id_of(at) }).into_iter().collect(),
            waits: after.is_some(),
            tells,
            range: range.map(str::to_owned),
            message,
            retries,
            created: tasks.clone(),
            tasks,
            attachments: Vec::new(),
            messages: Vec::new(),
            conversation: None,
            sessions: 0,
            next: None,
            session: None,
            live: false,
            progress: 0,
            ceiling,
            extended: 0,
            spent: 0,
            before: 0,
            granted: None,
            counted_from: BTreeMap::new(),
            gone: 0,
            gone_open: false,
        });
        let at = runs;
        let starts = now && !passive;
        let fits = !self.plain.circle() && (!starts || self.plain.give(at, 0));
        if !fits {
            self.plain.runs.pop();
        } else if starts {
            let run = &mut self.plain.runs[at];
            (run.stand, run.next) = (Stand::Active, Some(Next::First));
        }
        (fits, answer.map(drop))
    }

    /// Other values, or other words.
    pub(super) async fn reconfigure(&mut self, at: usize, wish: Wish) -> Came {
        let range = wish.a.is_multiple_of(2).then(|| format!("range {}", wish.b % 3));
        let words = (wish.a / 2).is_multiple_of(2).then(|| format!("words {}", wish.b / 3 % 3));
        let run = self.plain.runs[at].id.to_string();
        let vars: BTreeMap<String, String> =
            range.clone().map(|range| ("range".to_owned(), range)).into_iter().collect();
        let request = ReconfigureRun { run, vars, message: words.clone() };
        let answer = self.world.engine.call(request).await.map(drop);
        let known = &mut self.plain.runs[at];
        let is_known = range.is_none() || known.range.is_some();
        let is_other = range.is_some() && range != known.range
            || words.as_ref().is_some_and(|words| *words != known.message);
        let asks = range.is_some() || words.is_some();
        // To say what it says already is no change.
        let is_possible = known.stand == Stand::Initialized && (known.can_remake() || !is_other);
        let fits = asks && is_known && is_possible;
        if fits && is_other {
            known.range = range.or(known.range.take());
            known.message = words.unwrap_or_else(|| known.message.clone());
            known.retitle();
            known.tasks.clone_from(&known.created);
        }
        (fits, answer)
    }

    /// Other definitions.
    pub(super) async fn make_anew(&mut self, at: usize, wish: Wish) -> Came {
        let (a, b) = (wish.a, wish.b);
        let known = self.plain.runs[at].clone();
        if known.gone_open {
            // What runs of a deleted run hold is an open account until somebody looks, and a reset does.
            return self.life(at, Wish { a: 0, ..wish }).await.1;
        }
        let added = usize::from(a % 3) + 1;
        let range = (a / 8).is_multiple_of(2).then_some("late");
        let name = (a / 16).is_multiple_of(2).then(|| format!("name {b}"));
        let after =
            (b % 4 == 3).then(|| self.plain.runs[usize::from(b / 4) % self.plain.runs.len()].id.clone());
        let ceiling = known.ceiling.map(|_| u64::from(b / 32) + 1);
        let retries = u32::from(a / 64 % 2);
        let request = CreateRun {
            run_id: Some(known.id.to_string()),
            max_retries: (!known.passive).then_some(retries),
            name: name.clone(),
            after: after.iter().map(ToString::to_string).collect(),
            budget: Amount { attempts: ceiling, ..Amount::default() },
            message: Some(format!("anew {b}")),
            ..self.request(known.number, known.passive, range, added)
        };
        let answer = self.world.engine.call(request).await;
        let dependency = after.map(|run_id| Dependency::Run { run_id });
        let fits = known.can_remake()
            && self.plain.change(at, |run| {
                run.waits = dependency.is_some() || run.waits && !run.dependencies.is_empty();
                if let Some(dependency) = dependency.filter(|one| !run.dependencies.contains(one)) {
                    run.dependencies.push(dependency);
                }
                true
            });
        if let (true, Ok(detail)) = (fits, &answer) {
            let tasks = tasks_of(detail);
            check_tasks(&tasks, range, added);
            self.plain.runs[at].created = tasks;
            self.plain.begin_anew(at);
            let run = &mut self.plain.runs[at];
            run.range = range.map(str::to_owned);
            run.message = format!("anew {b}");
            run.name = name.or(run.name.take());
            (run.ceiling, run.retries) = (ceiling, retries);
        }
        (fits, answer.map(drop))
    }
}
