//! Tasks, files and words, on both sides.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::*;
use agent_runner_model::TaskId;
use agent_runner_model::task::TaskStatus;

use super::plain::Known;
use super::{Came, Model, Wish};
use crate::NewAttachment;

const PERSON: TaskAuthor = TaskAuthor::Person;

/// One of a run's tasks, or one that it does not have.
fn pick(known: &Known, b: u8) -> (Option<usize>, TaskId) {
    let place = usize::from(b) % 4;
    match known.tasks.get(place) {
        Some(task) => (Some(place), task.id.clone()),
        None => (None, TaskId::parse("nowhere").unwrap()),
    }
}

impl Model {
    pub(super) async fn set_status(
        &mut self,
        at: usize,
        place: usize,
        status: TaskStatus,
        author: TaskAuthor,
    ) {
        let run = &self.plain.runs[at];
        let (run, task) = (run.id.to_string(), run.tasks[place].id.clone());
        let request = SetTask { run, task, author, status: Some(status), notes: None };
        self.world.engine.call(request).await.unwrap();
        self.plain.runs[at].set(place, status);
    }

    pub(super) async fn add_task(&mut self, at: usize, author: TaskAuthor) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let title = format!("More {}", self.next_number());
        let request = AddTask { run, author, title: title.clone(), body: String::new(), request_id: None };
        let answer = self.world.engine.call(request).await;
        let fits = self.plain.runs[at].can_set();
        if let (true, Ok(added)) = (fits, &answer) {
            self.plain.runs[at].add(added.task.id.clone(), &title);
        }
        (fits, answer.map(drop))
    }

    pub(super) async fn task(&mut self, at: usize, wish: Wish) -> (&'static str, Came) {
        let known = self.plain.runs[at].clone();
        let (run, engine) = (known.id.to_string(), self.world.engine.clone());
        let (place, task) = pick(&known, wish.b);
        match (wish.a % 4, place) {
            (0 | 1, _) => {
                let status = TaskStatus::ALL[usize::from(wish.a / 4) % TaskStatus::ALL.len()];
                let request = SetTask { run, task, author: PERSON, status: Some(status), notes: None };
                let answer = engine.call(request).await.map(drop);
                let place = place.filter(|_| known.can_set());
                if let Some(place) = place {
                    self.plain.runs[at].set(place, status);
                }
                ("set", (place.is_some(), answer))
            }
            (2, _) => ("add", self.add_task(at, PERSON).await),
            (_, _) => {
                let answer = engine.call(DeleteTask { run, task, author: PERSON }).await.map(drop);
                let pending = place.filter(|place| known.tasks[*place].status == TaskStatus::Pending);
                let place = pending.filter(|_| known.can_rewrite());
                if let Some(place) = place {
                    let run = &mut self.plain.runs[at];
                    run.tasks.remove(place);
                    run.settle_passive();
                }
                ("remove", (place.is_some(), answer))
            }
        }
    }

    /// Titles, bodies and notes.
    pub(super) async fn rewrite(&mut self, at: usize, wish: Wish) -> (&'static str, Came) {
        let known = self.plain.runs[at].clone();
        let (run, engine) = (known.id.to_string(), self.world.engine.clone());
        let (place, task) = pick(&known, wish.b);
        let text = format!("text {}", wish.b / 4 % 4);
        if wish.a.is_multiple_of(3) {
            let (title, body) = (
                (wish.a / 3).is_multiple_of(2).then(|| text.clone()),
                (wish.a / 6).is_multiple_of(2).then_some(text),
            );
            let request = EditTask { run, task, author: PERSON, title: title.clone(), body: body.clone() };
            let answer = engine.call(request).await.map(drop);
            let asks = title.is_some() || body.is_some();
            let pending = place.filter(|place| known.tasks[*place].status == TaskStatus::Pending);
            let place = pending.filter(|_| known.can_rewrite() && asks);
            if let Some(place) = place {
                let task = &mut self.plain.runs[at].tasks[place];
                task.title = title.unwrap_or_else(|| task.title.clone());
                task.body = body.unwrap_or_else(|| task.body.clone());
                task.changes += 1;
            }
            return ("edit", (place.is_some(), answer));
        }
        let replaces = wish.a % 3 == 1;
        let answer = match replaces {
            true => {
                let notes = Some(text.clone());
                engine.call(SetTask { run, task, author: PERSON, status: None, notes }).await
            }
            false => {
                let text = text.clone();
                engine.call(AppendNotes { run, task, author: PERSON, text, request_id: None }).await
            }
        };
        let place = place.filter(|_| known.can_note());
        if let Some(place) = place {
            let task = &mut self.plain.runs[at].tasks[place];
            let notes = match replaces || task.notes.is_empty() {
                true => text,
                false => format!("{}\n{text}", task.notes),
            };
            // The same notes again are no change; one more paragraph is.
            task.changes += u32::from(!replaces || task.notes != notes);
            task.notes = notes;
        }
        ("notes", (place.is_some(), answer.map(drop)))
    }

    pub(super) async fn attachment(&mut self, at: usize, wish: Wish) -> Came {
        let known = &self.plain.runs[at];
        let run = known.id.to_string();
        if !wish.a.is_multiple_of(3) {
            let name = format!("file {}.txt", wish.b % 4);
            let new = NewAttachment { run, name: name.clone(), mime_type: None, size: 5 };
            let answer = self.world.engine.add_attachment(new, &mut b"bytes".as_slice()).await;
            let fits = !known.archived;
            if let (true, Ok(added)) = (fits, &answer) {
                let id = added.attachment.id.clone();
                self.plain.runs[at].attachments.push((id, name));
            }
            return (fits, answer.map(drop));
        }
        let place = usize::from(wish.b) % 3;
        let found = known.attachments.get(place).map(|(id, _)| id.clone());
        let attachment = found.clone().unwrap_or_else(|| "att-none".to_owned());
        let answer = self.world.engine.call(RemoveAttachment { run, attachment }).await.map(drop);
        let fits = found.is_some() && !known.archived;
        if fits {
            self.plain.runs[at].attachments.remove(place);
        }
        (fits, answer)
    }

    /// Words are left for runs at work only; any that wait can be taken back.
    pub(super) async fn message(&mut self, at: usize, wish: Wish) -> Came {
        let run = self.plain.runs[at].id.to_string();
        if wish.a.is_multiple_of(4) {
            let answer = self.world.engine.call(QueueMessage { run, text: "and this".to_owned() }).await;
            return (false, answer.map(drop));
        }
        self.take_back(at, usize::from(wish.b) % 2).await
    }

    pub(super) async fn take_back(&mut self, at: usize, place: usize) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let listed = self.world.engine.call(ListMessages { run: run.clone() }).await.unwrap();
        let waiting = listed.queued_resume_messages.get(place);
        let message = waiting.map_or_else(|| "msg-none".to_owned(), |waiting| waiting.id.clone());
        let answer = self.world.engine.call(RemoveMessage { run, message }).await.map(drop);
        let known = &mut self.plain.runs[at];
        let serial = known.messages.get(place).map(|waiting| waiting.serial);
        let is_taken = |serial| matches!(&known.next, Some(super::plain::Next::Queued(taken)) if taken.contains(&serial));
        let fits = serial.is_some_and(|serial| !is_taken(serial));
        if fits {
            known.messages.remove(place);
        }
        (fits, answer)
    }
}
