//! The rules of a run's sessions and attempts: how it is started, what comes after each attempt, how it ends.

use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::task::TaskStatus;

use super::plain::{End, Next, Plain, Session, Stand};

/// Interruptions in a row that a run bears.
const PATIENCE: u32 = 5;

enum Verdict {
    Attempt,
    /// With whether words that wait are heard first.
    Over(RunStatus, bool),
}

impl Plain {
    /// Goes on with a run: `tasks` come first, and its ceiling is raised first. Says whether that is possible.
    pub(super) fn resume(&mut self, at: usize, words: Option<&str>, tasks: usize, more: Option<u64>) -> bool {
        let run = &self.runs[at];
        let is_mute = words.is_none() && run.messages.is_empty();
        let remains = match run.stand {
            Stand::Initialized => false,
            Stand::Ready => words.is_none() && tasks == 0,
            Stand::Active => true,
            Stand::Ended(RunStatus::Blocked) if is_mute && run.count(TaskStatus::Blocked) > 0 => false,
            Stand::Ended(RunStatus::Success) => !is_mute || run.open() + tasks > 0,
            // Without a list, the brief is what remains to be done.
            Stand::Ended(_) => !is_mute || run.open() + tasks > 0 || run.tasks.is_empty(),
        };
        let may_start = run.waits || self.satisfied(at);
        let can_raise = more.is_none() || run.ceiling.is_some();
        if !remains || !may_start || !can_raise || run.passive || run.archived {
            return false;
        }
        if run.is_active() {
            self.runs[at].extended += more.unwrap_or(0);
            self.say_more(at, words);
            return true;
        }
        if !self.give(at, more.unwrap_or(0)) {
            return false;
        }
        let run = &mut self.runs[at];
        run.extended += more.unwrap_or(0);
        let waiting: Vec<u32> = run.messages.iter().map(|message| message.serial).collect();
        run.next = Some(match (run.stand, words) {
            (Stand::Ready, _) => Next::First,
            (_, None) if !waiting.is_empty() => Next::Queued(waiting),
            (_, words) => Next::Continue(words.map(str::to_owned)),
        });
        run.stand = Stand::Active;
        true
    }

    /// Words for a run that is active already: the first open a session, others wait their turn.
    fn say_more(&mut self, at: usize, words: Option<&str>) {
        let Some(words) = words else { return };
        if self.runs[at].next.is_none() {
            self.runs[at].next = Some(Next::Continue(Some(words.to_owned())));
        } else {
            let waiting = self.waiting(Some(words.to_owned()), None);
            self.runs[at].messages.push(waiting);
        }
    }

    fn open_session(&mut self, at: usize, next: Next) {
        let run = &mut self.runs[at];
        let unheard = run.session.take().filter(|session| session.last.is_none()).and_then(|open| open.words);
        let words = match next {
            Next::First => None,
            Next::Continue(words) => words.map(Some),
            Next::Queued(serials) => {
                let (taken, kept) =
                    run.messages.drain(..).partition::<Vec<_>, _>(|one| serials.contains(&one.serial));
                run.messages = kept;
                Some(joined(taken.into_iter().map(|one| one.text)))
            }
        };
        let both: Vec<Option<String>> = [unheard, words].into_iter().flatten().collect();
        run.session = Some(Session {
            words: (!both.is_empty()).then(|| joined(both.into_iter())),
            retries_left: run.retries + 1,
            last: None,
            progress_then: 0,
            interruptions: 0,
        });
        run.sessions += 1;
    }

    /// A driver goes on until an attempt begins, or the run is over. Says which.
    pub(super) fn drive_to_attempt(&mut self, at: usize) -> bool {
        if self.runs[at].live {
            self.attempt_ended(at, End::Interrupted);
        }
        loop {
            if let Some(next) = self.runs[at].next.take() {
                self.open_session(at, next);
                continue;
            }
            if self.runs[at].session.is_none() {
                self.open_session(at, Next::Continue(None));
            }
            match self.verdict(at) {
                Verdict::Attempt if self.remaining(at) == Some(0) => {
                    self.end(at, RunStatus::Blocked);
                    return false;
                }
                Verdict::Attempt => {
                    let run = &mut self.runs[at];
                    run.spent += 1;
                    run.live = true;
                    if let Some(session) = &mut run.session {
                        session.progress_then = run.progress;
                    }
                    return true;
                }
                Verdict::Over(_, true) if !self.runs[at].messages.is_empty() => {
                    let run = &mut self.runs[at];
                    run.next = Some(Next::Queued(run.messages.iter().map(|one| one.serial).collect()));
                }
                Verdict::Over(status, _) => {
                    self.end(at, status);
                    return false;
                }
            }
        }
    }

    pub(super) fn attempt_ended(&mut self, at: usize, end: End) {
        let run = &mut self.runs[at];
        run.live = false;
        let Some(session) = &mut run.session else { return };
        let progressed = run.progress != session.progress_then;
        session.interruptions = match end {
            End::Interrupted if progressed => 1,
            End::Interrupted => session.interruptions + 1,
            End::Reported | End::Crashed | End::Aborted => 0,
        };
        session.last = Some(end);
        match end {
            End::Reported | End::Crashed => session.retries_left -= 1,
            End::Interrupted | End::Aborted => {}
        }
    }

    /// What comes now, by the tasks first and the last attempt then.
    fn verdict(&self, at: usize) -> Verdict {
        let run = &self.runs[at];
        let Some((session, last)) = run.session.as_ref().and_then(|open| Some((open, open.last?))) else {
            return Verdict::Attempt;
        };
        // Who was cut off may not have heard what there was to do.
        let counts = last != End::Interrupted || run.progress != session.progress_then;
        let (blocked, open) = (run.count(TaskStatus::Blocked), run.open());
        let is_listed = !run.tasks.is_empty();
        match last {
            End::Aborted => Verdict::Over(RunStatus::Aborted, false),
            _ if counts && blocked > 0 => Verdict::Over(RunStatus::Blocked, true),
            _ if counts && open == 0 && (is_listed || last == End::Reported) => {
                Verdict::Over(RunStatus::Success, true)
            }
            End::Interrupted if session.interruptions > PATIENCE => Verdict::Over(RunStatus::Error, false),
            End::Interrupted => Verdict::Attempt,
            End::Reported | End::Crashed if session.retries_left > 0 => Verdict::Attempt,
            End::Crashed if !is_listed => Verdict::Over(RunStatus::Error, false),
            End::Reported | End::Crashed => Verdict::Over(RunStatus::Exhausted, true),
        }
    }

    /// The run is over. Words that nobody has heard wait for whoever goes on with it, the oldest first.
    pub(super) fn end(&mut self, at: usize, status: RunStatus) {
        let run = &mut self.runs[at];
        run.stand = Stand::Ended(status);
        let of_session =
            run.session.take().filter(|session| session.last.is_none()).and_then(|open| open.words);
        let of_next = match run.next.take() {
            Some(Next::Continue(words)) => words.map(Some),
            Some(Next::First | Next::Queued(_)) | None => None,
        };
        for (place, text) in [of_session, of_next].into_iter().flatten().enumerate() {
            let waiting = self.waiting(text, None);
            self.runs[at].messages.insert(place, waiting);
        }
        let run = &self.runs[at];
        if run.tells
            && let Some(parent) = self.parent(at)
        {
            let child = run.id.clone();
            self.hear(parent, child);
        }
    }

    /// A run hears that one it made has ended, and goes on if it is over itself.
    fn hear(&mut self, at: usize, child: RunId) {
        if self.runs[at].passive || self.runs[at].archived {
            return;
        }
        let waiting = self.waiting(None, Some(child));
        self.runs[at].messages.push(waiting);
        let is_over = match self.runs[at].stand {
            Stand::Ended(RunStatus::Aborted) | Stand::Initialized | Stand::Ready | Stand::Active => false,
            Stand::Ended(_) => true,
        };
        if is_over && self.remaining(at) != Some(0) {
            self.resume(at, None, 0, None);
        }
    }

    /// Somebody ends a run that nobody drives.
    pub(super) fn abort(&mut self, at: usize) -> bool {
        if !self.runs[at].is_active() {
            return false;
        }
        if self.runs[at].live {
            self.attempt_ended(at, End::Interrupted);
        }
        self.end(at, RunStatus::Aborted);
        true
    }

    /// What is recorded of a driver that died.
    pub(super) fn recover(&mut self, at: usize) {
        if self.runs[at].live {
            self.attempt_ended(at, End::Interrupted);
        }
    }
}

/// Words one after the other, where all of them are known.
fn joined(words: impl Iterator<Item = Option<String>>) -> Option<String> {
    let words: Option<Vec<String>> = words.collect();
    words.map(|words| words.join("\n\n"))
}
