//! The rules of budgets, by what is true of runs: what a run uses counts for those above it, and nobody gets more than each
//! of them has left. Keeps no accounts: each sum is made anew.

use super::plain::Plain;

impl Plain {
    pub(super) fn own(&self, at: usize) -> Option<u64> {
        let run = &self.runs[at];
        run.ceiling.map(|ceiling| ceiling + run.extended)
    }

    /// The runs that one above them counts.
    pub(super) fn counted_by(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let id = &self.runs[at].id;
        (0..self.runs.len()).filter(move |below| self.runs[*below].counted_from.contains_key(id))
    }

    /// What a run above it counts it for.
    pub(super) fn counted(&self, at: usize, above: usize) -> u64 {
        let from = self.runs[at].counted_from.get(&self.runs[above].id);
        from.map_or(0, |from| self.held(at) - from)
    }

    /// While it is active it may use what it was granted, whatever it has used by now.
    fn held(&self, at: usize) -> u64 {
        let run = &self.runs[at];
        run.granted.filter(|_| run.is_active()).unwrap_or_else(|| self.life(at))
    }

    /// What it, and those below it, have used or may use, over its whole life.
    pub(super) fn life(&self, at: usize) -> u64 {
        self.runs[at].before + self.runs[at].spent + self.given(at)
    }

    pub(super) fn given(&self, at: usize) -> u64 {
        self.runs[at].gone + self.counted_by(at).map(|below| self.counted(below, at)).sum::<u64>()
    }

    /// Whether something below it, or itself, may still use more.
    pub(super) fn is_open(&self, at: usize) -> bool {
        self.runs[at].is_active() || self.counted_by(at).any(|below| self.is_open(below))
    }

    pub(super) fn ceiling(&self, at: usize) -> Option<u64> {
        let run = &self.runs[at];
        let granted = run.granted.map(|granted| granted.saturating_sub(run.before));
        [self.own(at), granted].into_iter().flatten().min()
    }

    fn left(&self, at: usize, ceiling: Option<u64>) -> Option<u64> {
        ceiling.map(|ceiling| ceiling.saturating_sub(self.runs[at].spent + self.given(at)))
    }

    pub(super) fn remaining(&self, at: usize) -> Option<u64> {
        self.left(at, self.ceiling(at))
    }

    /// What it has for runs below it: one that is not active has given back what it was granted.
    fn to_share(&self, at: usize) -> Option<u64> {
        match self.runs[at].is_active() {
            true => self.remaining(at),
            false => self.left(at, self.own(at)),
        }
    }

    /// Those who count what it uses, nearest first.
    pub(super) fn above(&self, at: usize) -> Vec<usize> {
        let mut above = Vec::new();
        for one in self.runs[at].ancestors.iter().filter_map(|id| self.find(Some(id))) {
            above.push(one);
            if self.runs[one].is_active() {
                break;
            }
        }
        let last = above.iter().rposition(|one| self.to_share(*one).is_some());
        above.truncate(last.map_or(0, |last| last + 1));
        above
    }

    /// Whether anybody limits what is counted for it.
    pub(super) fn is_counted(&self, at: usize) -> bool {
        self.own(at).is_some() || self.runs[at].granted.is_some() || !self.above(at).is_empty()
    }

    /// Gives a run that is about to start what it may use, if there is enough.
    pub(super) fn give(&mut self, at: usize, more: u64) -> bool {
        let own = self.own(at).map(|own| own + more);
        let asked = self.left(at, own);
        if asked == Some(0) {
            return false;
        }
        let above = self.above(at);
        let Some(left) = above.iter().filter_map(|one| self.to_share(*one)).min() else {
            self.runs[at].granted = None;
            return true;
        };
        let share = asked.unwrap_or_else(|| (left / 2).max(1));
        if share > left {
            return false;
        }
        let lives: Vec<u64> = [at].iter().chain(&above).map(|one| self.life(*one)).collect();
        let below = [at].into_iter().chain(above.iter().copied());
        for ((below, by), life) in below.zip(&above).zip(lives) {
            let by = self.runs[*by].id.clone();
            self.runs[below].counted_from.entry(by).or_insert(life);
        }
        self.runs[at].granted = Some(self.life(at) + share);
        true
    }
}
