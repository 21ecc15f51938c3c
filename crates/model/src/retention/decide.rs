//! The decision: what other runs have to say about a run, and who goes in which order. Must give the same answer whenever
//! it is asked about the same runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Candidate, Decision, Going, Keep, Policy, Reason, Staying};
use crate::ids::RunId;
use crate::manifest::Dependency;
use crate::time::Timestamp;

/// Decides which of these runs go. They are all there are, but for those that cannot be read: `named` is every word of what
/// is left of those. `others` is what takes room besides them, in bytes.
pub fn decide(
    candidates: &[Candidate],
    named: &BTreeSet<String>,
    others: u64,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let board = Board::new(candidates, named, policy);
    let mut selection = Selection::new(&board);
    let in_scope = candidates.iter().filter(|run| run.in_scope);
    let mut total = in_scope.map(|run| run.bytes).fold(others, u64::saturating_add);
    let is_small = |total| policy.max_bytes.is_none_or(|max| total <= max);
    let mut last = None;
    selection.take(&board, &mut |run| {
        let reason = by_time(policy, run, now).or((!is_small(total)).then_some(Reason::Size))?;
        total = total.saturating_sub(run.bytes);
        last = last.max(Some((run.since, &run.run_id)));
        Some(reason)
    });
    // Where that was enough, nobody wanted those that are newer than the last one that went.
    let is_wanted = |run: &Candidate| {
        let by_size =
            !is_small(total) || (policy.max_bytes.is_some() && last > Some((run.since, &run.run_id)));
        by_time(policy, run, now).or(by_size.then_some(Reason::Size)).filter(|_| run.in_scope)
    };
    let staying = selection.staying(&board, &is_wanted);
    Decision { going: selection.going, staying }
}

/// Whether a run has been there for long enough, whatever it takes. Those that have are older than all that have not.
fn by_time(policy: &Policy, run: &Candidate, now: Timestamp) -> Option<Reason> {
    match (policy.older_than, policy.keep, policy.max_bytes) {
        (Some(span), _, _) => (now.since(run.since) > span).then_some(Reason::Age),
        (None, Some(_), None) => Some(Reason::Count),
        (None, _, _) => None,
    }
}

/// The place of a run in the order of age: oldest first.
type Place<'a> = (Timestamp, &'a RunId, usize);

/// What keeps a run, and which other run does.
type Kept<'a> = Option<(Keep, Option<&'a RunId>)>;

/// The runs, and what they have to do with one another.
struct Board<'a> {
    runs: &'a [Candidate],
    /// For each run those that can only go after it.
    holds: Vec<Vec<(Keep, usize)>>,
    kept: Vec<Kept<'a>>,
}

impl<'a> Board<'a> {
    fn new(runs: &'a [Candidate], named: &BTreeSet<String>, policy: &Policy) -> Self {
        let places: BTreeMap<&RunId, usize> =
            runs.iter().enumerate().map(|(at, run)| (&run.run_id, at)).collect();
        let holds = holds(runs, &places);
        let mut kept: Vec<Kept<'a>> = runs.iter().map(|run| run.kept.map(|keep| (keep, None))).collect();
        keep_relatives(runs, &places, &mut kept);
        for (kept, run) in kept.iter_mut().zip(runs) {
            if named.contains(run.run_id.as_str()) || named.contains(&run.group) {
                kept.get_or_insert((Keep::Named, None));
            }
        }
        for at in newest(runs, policy.keep) {
            if let Some(kept) = kept.get_mut(at) {
                kept.get_or_insert((Keep::Newest, None));
            }
        }
        Self { runs, holds, kept }
    }

    fn place(&self, at: usize, run: &'a Candidate) -> Place<'a> {
        (run.since, &run.run_id, at)
    }
}

/// For each run those that can only go after it: the one it descends from, and what it depends on as long as somebody may go
/// on with it.
fn holds(runs: &[Candidate], places: &BTreeMap<&RunId, usize>) -> Vec<Vec<(Keep, usize)>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        groups.entry(run.group.as_str()).or_default().push(at);
    }
    let held = |(at, run): (usize, &Candidate)| {
        let parent = run.parent.as_ref().and_then(|parent| places.get(parent));
        let mut held: BTreeMap<usize, Keep> = BTreeMap::new();
        for dependency in run.dependencies.iter().filter(|_| !run.has_succeeded) {
            let meant = match dependency {
                Dependency::Run { run_id } => places.get(run_id).copied().into_iter().collect(),
                Dependency::Group { group_id } => groups.get(group_id.as_str()).cloned().unwrap_or_default(),
            };
            held.extend(meant.into_iter().map(|meant| (meant, Keep::Needed)));
        }
        held.extend(parent.map(|parent| (*parent, Keep::Family)));
        // Nobody holds itself: a run may depend on the group it is in.
        held.remove(&at);
        held.into_iter().map(|(held, why)| (why, held)).collect()
    };
    runs.iter().enumerate().map(held).collect()
}

/// The runs that have to go before each run can.
pub fn holders(runs: &[Candidate]) -> BTreeMap<&RunId, BTreeSet<&RunId>> {
    let places: BTreeMap<&RunId, usize> =
        runs.iter().enumerate().map(|(at, run)| (&run.run_id, at)).collect();
    let mut holders: BTreeMap<&RunId, BTreeSet<&RunId>> = BTreeMap::new();
    for (run, held) in runs.iter().zip(holds(runs, &places)) {
        for held in held.iter().filter_map(|(_, at)| runs.get(*at)) {
            holders.entry(&held.run_id).or_default().insert(&run.run_id);
        }
    }
    holders
}

/// Runs that are not over keep those they depend on, those above them and those below them.
fn keep_relatives<'a>(runs: &'a [Candidate], places: &BTreeMap<&RunId, usize>, kept: &mut [Kept<'a>]) {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        groups.entry(run.group.as_str()).or_default().push(at);
    }
    let mut keep = |at: usize, why: Keep, by: &'a RunId| {
        if let Some(kept) = kept.get_mut(at) {
            kept.get_or_insert((why, Some(by)));
        }
    };
    for run in runs.iter().filter(|run| !run.is_over) {
        for dependency in &run.dependencies {
            let meant: Vec<usize> = match dependency {
                Dependency::Run { run_id } => places.get(run_id).into_iter().copied().collect(),
                Dependency::Group { group_id } => groups.get(group_id.as_str()).cloned().unwrap_or_default(),
            };
            for at in meant {
                keep(at, Keep::Needed, &run.run_id);
            }
        }
        for at in run.ancestors.iter().filter_map(|above| places.get(above)) {
            keep(*at, Keep::Family, &run.run_id);
        }
    }
    let is_open = |id: &&RunId| places.get(*id).and_then(|at| runs.get(*at)).is_some_and(|run| !run.is_over);
    for (at, run) in runs.iter().enumerate() {
        if let Some(above) = run.ancestors.iter().find(is_open) {
            keep(at, Keep::Family, above);
        }
    }
}

/// The newest so many of each repository.
fn newest(runs: &[Candidate], count: Option<u32>) -> Vec<usize> {
    let Some(count) = count else { return Vec::new() };
    let mut repos: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        repos.entry(&run.repo).or_default().push((run.since, &run.run_id, at));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let newest = repos.into_values().flat_map(|mut runs| {
        runs.sort_unstable();
        runs.into_iter().rev().take(count).map(|(_, _, at)| at).collect::<Vec<_>>()
    });
    newest.collect()
}

/// Who was chosen so far.
struct Selection {
    going: Vec<Going>,
    gone: Vec<bool>,
    /// How many runs that do not go hold each run.
    held: Vec<usize>,
}

impl Selection {
    fn new(board: &Board<'_>) -> Self {
        let mut held = vec![0; board.runs.len()];
        for (_, at) in board.holds.iter().flatten() {
            if let Some(count) = held.get_mut(*at) {
                *count += 1;
            }
        }
        Self { going: Vec::new(), gone: vec![false; board.runs.len()], held }
    }

    fn is_going(&self, at: usize) -> bool {
        self.gone.get(at).copied().unwrap_or(false)
    }

    fn may_go(&self, board: &Board<'_>, at: usize) -> bool {
        let is_leaf = self.held.get(at) == Some(&0) && !self.is_going(at);
        let is_free = board.kept.get(at).is_some_and(Option::is_none);
        is_leaf && is_free && board.runs.get(at).is_some_and(|run| run.in_scope)
    }

    /// Takes runs, oldest first and none before those that hold it, for as long as there is a reason.
    fn take<'a>(&mut self, board: &Board<'a>, reason: &mut dyn FnMut(&'a Candidate) -> Option<Reason>) {
        let mut open: BinaryHeap<Reverse<Place<'a>>> = BinaryHeap::new();
        for (at, run) in board.runs.iter().enumerate() {
            if self.may_go(board, at) {
                open.push(Reverse(board.place(at, run)));
            }
        }
        while let Some(Reverse((_, _, at))) = open.pop() {
            let Some(run) = board.runs.get(at) else { continue };
            let Some(reason) = reason(run) else { return };
            self.going.push(Going { run_id: run.run_id.clone(), reason });
            if let Some(gone) = self.gone.get_mut(at) {
                *gone = true;
            }
            for (_, held) in board.holds.get(at).into_iter().flatten() {
                if let Some(count) = self.held.get_mut(*held) {
                    *count = count.saturating_sub(1);
                }
                if let Some(run) = board.runs.get(*held).filter(|_| self.may_go(board, *held)) {
                    open.push(Reverse(board.place(*held, run)));
                }
            }
        }
    }

    /// Those that are wanted and do not go, with what keeps them: oldest first.
    fn staying(&self, board: &Board<'_>, is_wanted: &dyn Fn(&Candidate) -> Option<Reason>) -> Vec<Staying> {
        let holders = self.first_holders(board);
        let mut staying = BTreeMap::new();
        for (at, run) in board.runs.iter().enumerate().filter(|(at, _)| !self.is_going(*at)) {
            let Some(reason) = is_wanted(run) else { continue };
            let kept = board.kept.get(at).copied().flatten();
            let held = holders.get(&at).map(|(why, by)| (*why, Some(*by)));
            let (keep, by) = kept.or(held).unwrap_or((Keep::Family, None));
            let entry = Staying { run_id: run.run_id.clone(), reason, keep, by: by.cloned() };
            staying.insert(board.place(at, run), entry);
        }
        staying.into_values().collect()
    }

    /// A run that holds each run, and why, among those that stay.
    fn first_holders<'a>(&self, board: &Board<'a>) -> BTreeMap<usize, (Keep, &'a RunId)> {
        let mut first = BTreeMap::new();
        for ((at, run), holds) in board.runs.iter().enumerate().zip(&board.holds) {
            for (why, held) in holds.iter().filter(|_| !self.is_going(at)) {
                first.entry(*held).or_insert((*why, &run.run_id));
            }
        }
        first
    }
}
