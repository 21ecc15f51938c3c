//! Finds the run id somebody probably meant. Must not decide what exists.

use agent_runner_model::RunId;

/// The candidates that look like `wanted`, best first.
pub(crate) fn similar(wanted: &RunId, candidates: Vec<RunId>) -> Vec<RunId> {
    let word = wanted.as_str();
    let mut found: Vec<(usize, RunId)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.as_str();
            let allowed = (word.len().max(other.len()) / 3).clamp(1, 4);
            let distance = distance(word.as_bytes(), other.as_bytes());
            let contained = word.len() >= 3 && (other.contains(word) || word.contains(other));
            (distance <= allowed || contained).then_some((distance, candidate))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Edits between two short words.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let change = at(&last, j) + usize::from(a != b);
            let best = change.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            row.push(best);
        }
        last = row;
    }
    last.last().copied().unwrap_or(0)
}
