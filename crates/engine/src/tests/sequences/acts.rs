//! A run's life outside of its work, on both sides.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::*;
use agent_runner_model::budget::Amount;
use agent_runner_model::manifest::Dependency;

use super::plain::Stand;
use super::{Came, GROUPS, Model, Wish};

impl Model {
    pub(super) async fn ready(&mut self, at: usize) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let known = &mut self.plain.runs[at];
        let fits =
            !known.archived && !known.passive && matches!(known.stand, Stand::Initialized | Stand::Ready);
        if fits {
            known.stand = Stand::Ready;
        }
        (fits, self.world.engine.call(ReadyRun { run }).await.map(drop))
    }

    pub(super) async fn delete(&mut self, at: usize, wish: Wish) -> Came {
        if !wish.a.is_multiple_of(3) {
            let run = self.plain.runs[at].id.to_string();
            let is_idle = !self.plain.runs[at].is_active();
            assert_eq!(self.world.engine.call(ArchiveRun { run }).await.is_ok(), is_idle);
            self.plain.runs[at].archived |= is_idle;
        }
        let known = &self.plain.runs[at];
        let fits = known.archived;
        let answer = self.world.engine.call(DeleteRun { run: known.id.to_string() }).await.map(drop);
        if fits {
            let open = self.plain.is_open(at);
            for above in 0..self.plain.runs.len() {
                let counted = self.plain.counted(at, above);
                self.plain.runs[above].gone += counted;
                self.plain.runs[above].gone_open |= open && counted > 0;
            }
            self.plain.runs.remove(at);
        }
        (fits, answer)
    }

    pub(super) async fn dependency(&mut self, at: usize, wish: Wish) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let engine = self.world.engine.clone();
        let other = self.plain.runs[usize::from(wish.b) % self.plain.runs.len()].id.clone();
        let group_id = GROUPS[usize::from(wish.b) % GROUPS.len()].to_owned();
        let (dependency, upstream) = if wish.a.is_multiple_of(2) {
            (Dependency::Run { run_id: other.clone() }, Upstream::Run { run: other.to_string() })
        } else {
            (Dependency::Group { group_id: group_id.clone() }, Upstream::Group { group_id })
        };
        let is_early = self.plain.runs[at].stand == Stand::Initialized;
        match wish.a / 2 % 4 {
            0 | 1 => {
                let answer = engine.call(AddDependency { run, upstream }).await.map(drop);
                let fits = self.plain.change(at, |known| {
                    let own = dependency == Dependency::Group { group_id: known.group.clone() };
                    let fits = is_early && !own && !known.dependencies.contains(&dependency);
                    known.dependencies.push(dependency);
                    fits
                });
                (fits, answer)
            }
            2 => {
                let answer = engine.call(RemoveDependency { run, upstream }).await.map(drop);
                let fits = self.plain.change(at, |known| {
                    let fits = is_early && known.dependencies.contains(&dependency);
                    known.dependencies.retain(|one| *one != dependency);
                    fits
                });
                (fits, answer)
            }
            _ => {
                let answer = engine.call(ClearDependencies { run }).await.map(drop);
                let fits = self
                    .plain
                    .change(at, |known| is_early && !std::mem::take(&mut known.dependencies).is_empty());
                (fits, answer)
            }
        }
    }

    /// Raises the ceiling, and may go on in the same breath.
    pub(super) async fn extend(&mut self, at: usize, wish: Wish) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let more = u64::from(wish.a % 3);
        let resume = wish.a / 4 % 2 == 1;
        let words = (wish.b % 2 == 1).then(|| format!("words {}", self.number));
        let by = Amount { attempts: Some(more), ..Amount::default() };
        let request = ExtendBudget { run, by, resume, message: words.clone() };
        let answer = self.world.engine.call(request).await.map(drop);
        let known = &self.plain.runs[at];
        let can_raise = known.ceiling.is_some() && !known.archived && more > 0;
        let fits = match resume {
            true => can_raise && self.plain.resume(at, words.as_deref(), 0, Some(more)),
            false => {
                let fits = can_raise && words.is_none();
                self.plain.runs[at].extended += if fits { more } else { 0 };
                fits
            }
        };
        (fits, answer)
    }

    /// The backend's conversation, told by hand.
    pub(super) async fn conversation(&mut self, at: usize, wish: Wish) -> Came {
        let run = self.plain.runs[at].id.to_string();
        let handle = (!wish.a.is_multiple_of(3)).then(|| format!("talk-{}", wish.b % 4));
        let request = SetBackendSession { run, backend_session_id: handle.clone() };
        let answer = self.world.engine.call(request).await.map(drop);
        let known = &mut self.plain.runs[at];
        if known.passive {
            known.conversation = handle;
        }
        (known.passive, answer)
    }

    pub(super) async fn life(&mut self, at: usize, wish: Wish) -> (&'static str, Came) {
        let run = self.plain.runs[at].id.to_string();
        let engine = self.world.engine.clone();
        let text = (!wish.b.is_multiple_of(3)).then(|| format!("text {}", wish.b));
        let is_idle = !self.plain.runs[at].is_active();
        match wish.a % 8 {
            0 => {
                let fits = is_idle && !self.plain.runs[at].archived;
                if fits {
                    self.plain.begin_anew(at);
                }
                ("reset", (fits, engine.call(ResetRun { run, workspace: false }).await.map(drop)))
            }
            1 => {
                self.plain.runs[at].archived |= is_idle;
                ("archive", (is_idle, engine.call(ArchiveRun { run }).await.map(drop)))
            }
            2 => {
                self.plain.runs[at].archived &= !is_idle;
                ("unarchive", (is_idle, engine.call(UnarchiveRun { run }).await.map(drop)))
            }
            3 => {
                self.plain.runs[at].name.clone_from(&text);
                ("name", (true, engine.call(SetName { run, name: text }).await.map(drop)))
            }
            4 => {
                self.plain.runs[at].note.clone_from(&text);
                ("note", (true, engine.call(SetNote { run, note: text }).await.map(drop)))
            }
            5 => {
                let pinned = wish.b.is_multiple_of(2);
                self.plain.runs[at].pinned = pinned;
                ("pin", (true, engine.call(PinRun { run, pinned }).await.map(drop)))
            }
            6 => ("ready", self.ready(at).await),
            _ => {
                let group = GROUPS.get(usize::from(wish.b) % 4).map(|group| (*group).to_owned());
                let request = SetGroup { run: run.clone(), group_id: group.clone() };
                let answer = engine.call(request).await.map(drop);
                let group = group.unwrap_or(run);
                let fits = self.plain.change(at, |known| {
                    let depends = known.dependencies.contains(&Dependency::Group { group_id: group.clone() });
                    known.group = group;
                    is_idle && !depends
                });
                ("group", (fits, answer))
            }
        }
    }
}
