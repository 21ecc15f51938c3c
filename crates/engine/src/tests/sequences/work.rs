//! Runs at work, on both sides: started, driven with workers that do things, interrupted, aborted, cleared up after.

use std::path::PathBuf;
use std::rc::Rc;

use agent_runner_api::operations::*;
use agent_runner_api::view::RecoveryAction;
use agent_runner_api::{ApiError, Handle as _};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::budget::Amount;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::task::TaskStatus;
use agent_runner_store::{Changes as _, RunStore as _};

use super::plain::{End, Stand};
use super::{Came, Model, Wish};
use crate::tests::world::turn;

/// How the first attempt of a driver ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Reported,
    Crashed,
    Aborted,
    /// Its driver dies.
    Orphaned,
}

impl Model {
    fn note(&mut self, what: &'static str) {
        let seen = self.seen.entry(what).or_default();
        *seen = (seen.0 + 1, seen.1 + 1);
    }

    /// Goes on with a run, and starts no driver: whoever was to do that has died.
    pub(super) async fn resume(&mut self, at: usize, wish: Wish) -> Came {
        let is_ready = self.plain.runs[at].stand == Stand::Ready;
        let has_words = if is_ready { wish.a % 8 == 6 } else { wish.a % 4 < 3 };
        let words = has_words.then(|| format!("words {}", self.next_number()));
        let tasks = usize::from(wish.b.is_multiple_of(8));
        let titles: Vec<String> = (0..tasks).map(|_| format!("Then {}", self.next_number())).collect();
        let request = ResumeRun {
            run: self.plain.runs[at].id.to_string(),
            message: words.clone(),
            add_tasks: titles.clone(),
            on_limit: None,
            on_orphan: OrphanPolicy::Continue,
            take_over: false,
            tell_parent: None,
        };
        let answer = self.world.engine.call(request).await;
        let fits = self.plain.resume(at, words.as_deref(), tasks, None);
        if let (true, Ok(detail)) = (fits, &answer) {
            let new = detail.tasks[detail.tasks.len() - tasks..].iter().map(|task| task.id.clone());
            for (id, title) in new.zip(&titles) {
                self.plain.runs[at].add(id, title);
            }
        }
        (fits, answer.map(drop))
    }

    /// Starts a run, or goes on with one, and drives it.
    pub(super) async fn work(&mut self, at: usize, wish: Wish) -> Came {
        let (expected, answer) = match self.plain.runs[at].stand {
            Stand::Active if !wish.b.is_multiple_of(4) => (true, Ok(())),
            Stand::Initialized | Stand::Ready | Stand::Active | Stand::Ended(_) => {
                self.resume(at, wish).await
            }
        };
        if expected && answer.is_ok() {
            self.compare("resume", wish).await;
            self.drive(at, wish).await;
        }
        (expected, answer)
    }

    /// Drives a run that is active, unless it would wait for others.
    async fn drive(&mut self, at: usize, wish: Wish) {
        if self.plain.runs[at].waits && !self.plain.satisfied(at) {
            return;
        }
        let fate = match wish.a / 16 {
            0..=7 => Fate::Reported,
            8..=10 => Fate::Crashed,
            11 | 12 => Fate::Aborted,
            _ => Fate::Orphaned,
        };
        let number = self.next_number();
        let gate = self.gate(number);
        let end = match fate {
            Fate::Crashed => AttemptEnd::Crashed { detail: "as told".to_owned() },
            Fate::Reported | Fate::Aborted | Fate::Orphaned => AttemptEnd::Reported,
        };
        let script = format!("echo session=talk-{number}; read -r word < '{}'", gate.display());
        let more = (0..20).map(|_| turn("true", AttemptEnd::Reported));
        self.world.set_turns([turn(&script, end)].into_iter().chain(more).collect());
        let world = Rc::clone(&self.world);
        let id = self.plain.runs[at].id.clone();
        let driving = world.drive(&id);
        if !self.plain.drive_to_attempt(at) {
            driving.await.unwrap();
            self.note("nothing left to do");
        } else {
            let mut driving = Box::pin(driving);
            let talk = format!("talk-{number}");
            tokio::select! {
                biased;
                ended = &mut driving => panic!("{ended:?} without an attempt: {wish:?} {:#?}", self.plain.runs),
                () = self.attempt(at, wish, &talk) => {}
            }
            match fate {
                Fate::Reported | Fate::Crashed => {
                    std::fs::write(&gate, "go\n").unwrap();
                    driving.await.unwrap();
                    let is_crash = fate == Fate::Crashed;
                    self.note(if is_crash { "a worker crashed" } else { "a worker reported" });
                    self.drive_on(at, if is_crash { End::Crashed } else { End::Reported });
                }
                Fate::Aborted => {
                    let (driven, answer) = tokio::join!(driving, self.world.engine.call(self.abort_of(at)));
                    driven.unwrap();
                    answer.unwrap();
                    self.note("an abort");
                    self.drive_on(at, End::Aborted);
                }
                Fate::Orphaned => {
                    drop(driving);
                    self.note("a driver died");
                }
            }
        }
        self.world.set_turns(Vec::new());
        if self.plain.runs[at].stand == Stand::Ended(RunStatus::Blocked)
            && self.plain.remaining(at) == Some(0)
        {
            self.note("a ceiling was reached");
        }
        if self.plain.runs.iter().any(|run| run.granted.is_some()) {
            self.note("a share was given");
        }
        if self.plain.runs.iter().any(|run| run.messages.iter().any(|one| one.text.is_some())) {
            self.note("words waited");
        }
        if self.plain.runs.iter().any(|run| run.messages.iter().any(|one| one.from.is_some())) {
            self.note("a parent heard");
        }
    }

    /// What a driver does after its first attempt: every other one ends at once.
    fn drive_on(&mut self, at: usize, end: End) {
        self.plain.attempt_ended(at, end);
        while self.plain.drive_to_attempt(at) {
            self.plain.attempt_ended(at, End::Reported);
        }
    }

    /// What a worker reads before it ends. It ends, too, when nobody holds it open any more.
    fn gate(&mut self, number: usize) -> PathBuf {
        use rustix::fs::{CWD, Mode, mkfifoat};
        let gate = self.world.path().join(format!("gate-{number}"));
        mkfifoat(CWD, &gate, Mode::RUSR | Mode::WUSR).unwrap();
        self.gates.push(std::fs::File::options().read(true).write(true).open(&gate).unwrap());
        gate
    }

    /// An attempt that has begun: its worker, and others, do a few things.
    async fn attempt(&mut self, at: usize, wish: Wish, talk: &str) {
        let id = self.plain.runs[at].id.clone();
        let mut changes = self.world.engine.store.changes(&id).await.unwrap();
        let author = loop {
            let manifest = self.world.manifest(&id).await;
            let is_heard = manifest.state.backend_session_id.as_deref() == Some(talk);
            match manifest.live_attempt().filter(|live| live.process.is_some() && is_heard) {
                Some(live) => break TaskAuthor::Worker { fence: live.fence },
                None => changes.next().await,
            };
        };
        self.plain.runs[at].conversation = Some(talk.to_owned());
        for deed in [wish.b % 8, wish.b / 8 % 8] {
            self.deed(at, deed, author).await;
        }
        self.compare("at work", wish).await;
    }

    async fn deed(&mut self, at: usize, deed: u8, author: TaskAuthor) {
        let run = self.plain.runs[at].id.to_string();
        let engine = self.world.engine.clone();
        let place = |status| self.plain.runs[at].tasks.iter().position(|task| task.status == status);
        match deed {
            0 | 1 => {
                for place in 0..self.plain.runs[at].tasks.len() {
                    self.set_status(at, place, TaskStatus::Completed, author).await;
                }
            }
            2 | 3 => {
                let (from, to) = match deed {
                    2 => (TaskStatus::Pending, TaskStatus::Completed),
                    _ => (TaskStatus::Pending, TaskStatus::Blocked),
                };
                if let Some(place) = place(from) {
                    self.set_status(at, place, to, author).await;
                }
            }
            4 => {
                let (expected, answer) = self.add_task(at, author).await;
                assert_eq!(answer.is_ok(), expected, "{answer:?}");
            }
            5 | 6 => {
                let text = format!("words {}", self.next_number());
                engine.call(QueueMessage { run, text: text.clone() }).await.unwrap();
                let waiting = self.plain.waiting(Some(text), None);
                self.plain.runs[at].messages.push(waiting);
                if deed == 6 {
                    let (expected, answer) = self.take_back(at, 0).await;
                    assert_eq!(answer.is_ok(), expected, "{answer:?}");
                }
            }
            _ => self.refused_at_work(at).await,
        }
    }

    /// What nobody does with a run that is being driven.
    async fn refused_at_work(&self, at: usize) {
        let run = self.plain.runs[at].id.to_string();
        let engine = &self.world.engine;
        let refused = |what: &str, answer: Result<(), ApiError>| assert!(answer.is_err(), "{what}");
        refused("ready", engine.call(ReadyRun { run: run.clone() }).await.map(drop));
        refused("reset", engine.call(ResetRun { run: run.clone(), workspace: false }).await.map(drop));
        refused("archive", engine.call(ArchiveRun { run: run.clone() }).await.map(drop));
        refused("unarchive", engine.call(UnarchiveRun { run: run.clone() }).await.map(drop));
        refused("delete", engine.call(DeleteRun { run: run.clone() }).await.map(drop));
        let group = SetGroup { run: run.clone(), group_id: None };
        refused("group", engine.call(group).await.map(drop));
        let words = Some("other words".to_owned());
        let anew = ReconfigureRun { run: run.clone(), vars: Default::default(), message: words.clone() };
        refused("reconfigure", engine.call(anew).await.map(drop));
        let by = Amount { attempts: Some(1), ..Amount::default() };
        let more = ExtendBudget { run: run.clone(), by, resume: true, message: words.clone() };
        refused("extend", engine.call(more).await.map(drop));
        let resume = ResumeRun {
            run,
            message: words,
            add_tasks: vec!["Lost".to_owned()],
            on_limit: None,
            on_orphan: OrphanPolicy::Continue,
            take_over: false,
            tell_parent: None,
        };
        refused("resume", engine.call(resume).await.map(drop));
    }

    fn abort_of(&self, at: usize) -> AbortRun {
        let run = self.plain.runs[at].id.to_string();
        AbortRun { run, at_once: true, by: "a test".to_owned() }
    }

    pub(super) async fn abort(&mut self, at: usize) -> Came {
        let answer = self.world.engine.call(self.abort_of(at)).await.map(drop);
        (self.plain.abort(at), answer)
    }

    /// After drivers that died.
    pub(super) async fn clear_up(&mut self, at: usize, wish: Wish) -> (&'static str, Came) {
        if wish.a.is_multiple_of(3) {
            return ("abort interrupted", self.abort(at).await);
        }
        let resume = wish.a % 3 == 1;
        let run = wish.b.is_multiple_of(2).then(|| self.plain.runs[at].id.to_string());
        let request = RecoverRuns { run: run.clone(), dry_run: false, resume, take_over: false };
        let answer = self.world.engine.call(request).await;
        let is_meant = |one: usize| run.is_none() || one == at;
        let interrupted: Vec<usize> = (0..self.plain.runs.len())
            .filter(|one| is_meant(*one) && self.plain.runs[*one].is_active())
            .collect();
        let mut expected: Vec<_> = interrupted
            .iter()
            .map(|one| {
                let may_go_on = self.plain.runs[*one].waits || self.plain.satisfied(*one);
                (self.plain.runs[*one].id.clone(), resume && may_go_on)
            })
            .collect();
        expected.sort();
        for one in interrupted {
            self.plain.recover(one);
        }
        if let Ok(recovery) = &answer {
            let mut found: Vec<_> = recovery
                .runs
                .iter()
                .map(|run| (run.run_id.clone(), run.action == RecoveryAction::Resumed))
                .collect();
            found.sort();
            assert_eq!(found, expected, "{recovery:?}");
        }
        (if resume { "recover and resume" } else { "recover" }, (true, answer.map(drop)))
    }
}
