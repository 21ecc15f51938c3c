//! Finds the word somebody probably meant. Must not decide what is valid.

/// The candidates that look most like `word`, best first, at most three.
pub fn similar<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = fold(word);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| {
            let other = fold(candidate);
            let allowed = (folded.chars().count().max(other.chars().count()) / 3).clamp(1, 3);
            let distance = distance(&folded, &other);
            let contained = folded.len() >= 3 && (other.contains(&folded) || folded.contains(&other));
            (distance <= allowed || contained).then_some((distance, candidate))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, candidate)| candidate).take(3).collect()
}

/// Letters and digits in lower case: `time_out` and `timeOut` are the same.
fn fold(word: &str) -> String {
    word.chars().take(64).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Edits between two short words; swapping neighbours is one edit.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let change = last.get(j).copied().unwrap_or(0) + usize::from(a != b);
            let delete = last.get(j + 1).copied().unwrap_or(0) + 1;
            let insert = row.get(j).copied().unwrap_or(0) + 1;
            let mut best = change.min(delete).min(insert);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if swapped {
                best = best.min(before.get(j - 1).copied().unwrap_or(0) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
