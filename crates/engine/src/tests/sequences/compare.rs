//! What can be seen of runs, beside what is known of them.

use std::collections::BTreeSet;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{GetRun, ListRuns};
use agent_runner_api::view::RunDetail;
use agent_runner_model::budget::given_out;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{Lease, RunId};
use agent_runner_store::RunStore as _;

use super::plain::{Known, KnownTask, Stand};
use super::{Model, Wish};

/// What may be done with a run; a driver holds it while it is at work.
fn compare_capabilities(known: &Known, detail: &RunDetail, what: &str) {
    let can = &detail.summary.capabilities;
    let (active, held) = (known.is_active(), detail.lease == Lease::Held);
    let is_stand = |stand| known.stand == stand;
    let goes_on = matches!(known.stand, Stand::Ready | Stand::Ended(_)) || active && !held;
    let expected = [
        ("ready", can.can_ready, is_stand(Stand::Initialized) && !known.passive && !known.archived),
        ("resume", can.can_resume, goes_on && !known.passive && !known.archived),
        ("abort", can.can_abort, active),
        ("attach", can.can_attach, active),
        ("archive", can.can_archive, !active && !known.archived),
        ("unarchive", can.can_unarchive, known.archived),
        ("reset", can.can_reset, !active && !known.archived),
        ("delete", can.can_delete, known.archived),
        ("reconfigure", can.can_reconfigure, known.can_remake()),
        ("queue-message", can.can_queue_message, active && held),
        ("set status", can.task_mutation.can_set_status, known.can_set()),
        ("edit notes", can.task_mutation.can_edit_notes, known.can_note()),
        ("add", can.task_mutation.can_add, known.can_set()),
        ("edit", can.task_mutation.can_edit_pending, known.can_rewrite()),
        ("delete task", can.task_mutation.can_delete_pending, known.can_rewrite()),
    ];
    for (name, said, expected) in expected {
        assert_eq!(said, expected, "{name} after {what}: {known:#?}");
    }
}

fn compare_work(known: &Known, detail: &RunDetail, what: &str) {
    let summary = &detail.summary;
    let (status, effective) = match known.stand {
        Stand::Initialized => (RunStatus::Initialized, RunStatus::Initialized),
        Stand::Ready => (RunStatus::Ready, RunStatus::Ready),
        Stand::Active if detail.is_live => (RunStatus::Running, RunStatus::Running),
        Stand::Active => (RunStatus::Running, RunStatus::Interrupted),
        Stand::Ended(status) => (status, status),
    };
    assert_eq!((summary.status, summary.effective_status), (status, effective), "{what} {known:#?}");
    assert_eq!(detail.is_live, what == "at work" && detail.lease == Lease::Held, "{what}");
    assert_eq!(summary.total_session_count, known.sessions, "{what} {known:#?}");
    assert_eq!(detail.current_session.is_some(), known.session.is_some(), "{what} {known:#?}");
    assert_eq!(detail.backend_session_id, known.conversation, "{what}");
    let waiting: Vec<_> = detail
        .queued_resume_messages
        .iter()
        .map(|message| (message.text.as_str(), message.from_run_id.as_ref()))
        .collect();
    assert_eq!(waiting.len(), known.messages.len(), "{what} {waiting:?} {known:#?}");
    for ((text, from), expected) in waiting.into_iter().zip(&known.messages) {
        assert_eq!(from, expected.from.as_ref(), "{what} {known:#?}");
        assert!(expected.text.as_deref().is_none_or(|expected| expected == text), "{what} {text:?}");
    }
}

fn compare_words(known: &Known, detail: &RunDetail, what: &str) {
    let summary = &detail.summary;
    assert_eq!((summary.archived_at.is_some(), summary.pinned), (known.archived, known.pinned), "{what}");
    assert_eq!((&summary.name, &detail.note), (&known.name, &known.note), "{what}");
    assert_eq!(summary.run_group_id, known.group, "{what}");
    assert_eq!(summary.parent_run_id.as_ref(), known.ancestors.first(), "{what}");
    assert_eq!(detail.message.as_ref(), Some(&known.message), "{what}");
    let range = detail.runtime_vars.get("range").map(|value| format!("{value:?}"));
    let is_said = |range: &String| known.range.as_ref().is_some_and(|known| range.contains(known));
    assert_eq!(range.is_some(), known.range.is_some(), "{what}");
    assert!(range.as_ref().is_none_or(is_said), "{what} {range:?} {:?}", known.range);
    let seen = detail.tasks.iter().map(|task| (&task.id, &task.title, &task.body, task.status, &task.notes));
    let seen: Vec<_> = seen.collect();
    let task = |task: &'_ KnownTask| {
        (task.id.clone(), task.title.clone(), task.body.clone(), task.status, task.notes.clone())
    };
    let expected: Vec<_> = known.tasks.iter().map(task).collect();
    let seen: Vec<_> = seen
        .into_iter()
        .map(|(id, title, body, status, notes)| {
            (id.clone(), title.clone(), body.clone(), status, notes.clone())
        })
        .collect();
    assert_eq!(seen, expected, "{what}");
}

impl Model {
    pub(super) async fn compare(&self, what: &str, wish: Wish) {
        for at in 0..self.plain.runs.len() {
            let known = &self.plain.runs[at];
            let detail = self
                .world
                .engine
                .call(GetRun { run: known.id.to_string(), with_dependents: true })
                .await
                .unwrap();
            compare_work(known, &detail, what);
            compare_words(known, &detail, what);
            compare_capabilities(known, &detail, what);
            self.compare_budget(at, &detail, what).await;
            let tail = self.world.engine.store.tail(&known.id, 0, None).await.unwrap();
            let state = &tail.manifest.state;
            assert_eq!(state.dependencies, known.dependencies, "{what} {wish:?}");
            let files: Vec<_> =
                state.attachments.iter().map(|file| (file.id.clone(), file.name.clone())).collect();
            assert_eq!(files, known.attachments, "{what} {wish:?}");
            let cursors: Vec<u64> = tail.events.iter().map(|event| event.cursor).collect();
            assert!(cursors.iter().copied().eq(1..=tail.manifest.last_cursor), "{cursors:?}");
        }
        self.compare_lists(what).await;
    }

    async fn compare_budget(&self, at: usize, detail: &RunDetail, what: &str) {
        let known = &self.plain.runs[at];
        let manifest = self.world.manifest(&known.id).await;
        let attempts =
            manifest.state.attempt_records.len() as u64 + u64::from(manifest.live_attempt().is_some());
        assert_eq!(attempts, known.spent, "{what} {:#?}", self.plain.runs);
        if self.plain.is_counted(at) {
            let given = given_out(&manifest).attempts.unwrap_or(0);
            let account = &manifest.state.budget;
            assert_eq!(
                given,
                self.plain.given(at),
                "{what} of {}: {account:?} {:#?}",
                known.id,
                self.plain.runs
            );
        }
        let view = detail.budget.as_ref();
        let ceiling = self.plain.ceiling(at);
        assert_eq!(view.and_then(|view| view.ceilings.attempts), ceiling, "{what} {:#?}", self.plain.runs);
        let remaining = self.plain.remaining(at);
        assert_eq!(view.and_then(|view| view.remaining.attempts), remaining, "{what} {:#?}", self.plain.runs);
    }

    async fn compare_lists(&self, what: &str) {
        let list = |include_archived| ListRuns { include_archived, ..ListRuns::all() };
        for include_archived in [false, true] {
            let listed = self.world.engine.call(list(include_archived)).await.unwrap();
            assert!(listed.problems.is_empty(), "{:?}", listed.problems);
            let listed: BTreeSet<RunId> = listed.runs.into_iter().map(|run| run.run_id).collect();
            let expected = self.plain.runs.iter().filter(|run| include_archived || !run.archived);
            assert_eq!(listed, expected.map(|run| run.id.clone()).collect(), "{what}");
        }
    }
}
