//! What a line says to the shell about files that output goes to: that is nothing for the program, and is left out. Must not
//! touch the word at the cursor.

use super::words::Quote;

/// The words of a line in bash that the program would be given.
pub(super) fn without_redirections(words: Vec<String>) -> Vec<String> {
    let last = words.len().saturating_sub(1);
    let mut kept = Vec::with_capacity(words.len());
    let mut is_target = false;
    for (index, word) in words.into_iter().enumerate() {
        if index == last {
            kept.push(word);
        } else if is_target {
            is_target = false;
        } else {
            match redirection(&word) {
                Some(Target::Missing) => is_target = true,
                Some(Target::There) => {}
                None => kept.push(word),
            }
        }
    }
    kept
}

/// Where a redirection leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// In the same word.
    There,
    /// In the next one.
    Missing,
}

/// A word that is a redirection: `>out`, `2>`, `&>>log`, `2>&1`, `<in`.
fn redirection(word: &str) -> Option<Target> {
    let operator = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let operator = operator.strip_prefix('&').filter(|rest| rest.starts_with('>')).unwrap_or(operator);
    if !operator.starts_with(['<', '>']) {
        return None;
    }
    let target = operator.trim_start_matches(['<', '>', '&', '|']);
    Some(if target.is_empty() { Target::Missing } else { Target::There })
}

/// The words of a line in fish that the program would be given. fish leaves operators out of the words, but not what they
/// lead to; the line as it was typed tells which words those are.
pub(super) fn without_targets(words: Vec<String>, line: &str) -> Vec<String> {
    let targets = targets(line);
    if targets.len() != words.len() {
        return words;
    }
    let last = words.len().saturating_sub(1);
    let kept = words.into_iter().zip(targets).enumerate();
    kept.filter(|(index, (_, is_target))| *index == last || !is_target).map(|(_, (word, _))| word).collect()
}

/// Of each word of a line in fish, whether a redirection leads there. The last one may be empty.
fn targets(line: &str) -> Vec<bool> {
    let (mut found, mut word, mut quote, mut depth) = (Vec::new(), String::new(), Quote::Open, 0u32);
    let mut is_target = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let is_bare = quote == Quote::Open && depth == 0;
        let is_operator = is_bare && (matches!(c, '<' | '>') || (c == '&' && rest.peek() == Some(&'>')));
        let ends_word = is_operator || (is_bare && c.is_whitespace());
        if ends_word {
            // A number belongs to the operator behind it.
            let is_number = is_operator && word.bytes().all(|byte| byte.is_ascii_digit());
            if !word.is_empty() && !is_number {
                found.push(std::mem::take(&mut is_target));
            }
            word.clear();
            is_target |= is_operator;
            while is_operator && rest.next_if(|c| "<>&|?".contains(*c)).is_some() {}
            continue;
        }
        word.push(c);
        match (quote, c) {
            (Quote::Open, '\'') => quote = Quote::Single,
            (Quote::Open, '"') => quote = Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::Open,
            (Quote::Open, '(') => depth += 1,
            (Quote::Open, ')') => depth = depth.saturating_sub(1),
            (Quote::Open | Quote::Single | Quote::Double, '\\') => word.extend(rest.next()),
            (Quote::Open | Quote::Single | Quote::Double, _) => {}
        }
    }
    found.push(is_target);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn redirections_are_no_words_of_the_program() {
        for (line, expected) in [
            ("a b 2>/dev/null c", "a b c"),
            ("a 2> err b", "a b"),
            ("a >out 2>&1 b", "a b"),
            ("a &>>log b", "a b"),
            ("a <in b", "a b"),
            ("a b >", "a b >"),
            ("a '>' b", "a '>' b"),
            ("a x>y b", "a x>y b"),
        ] {
            assert_eq!(without_redirections(split(line)).join(" "), expected, "{line}");
        }
    }

    #[test]
    fn fish_tells_what_redirections_lead_to_by_the_line() {
        for (words, line, expected) in [
            ("a /dev/null c", "a 2>/dev/null c", "a c"),
            ("a err b", "a 2> err b", "a b"),
            ("a out 1 b", "a >out 2>&1 b", "a b"),
            ("a >x b", "a '>x' b", "a >x b"),
            ("a in b", "a<in b", "a b"),
            ("a 2 b", "a 2 b", "a 2 b"),
            ("a (x >y) b", "a (x >y) b", "a (x >y) b"),
            ("a out", "a >out", "a out"),
            ("a b c d", "a >out b", "a b c d"),
        ] {
            let words = match words.contains('(') {
                true => vec!["a".to_owned(), "(x >y)".to_owned(), "b".to_owned()],
                false => split(words),
            };
            assert_eq!(without_targets(words, line).join(" "), expected, "{line}");
        }
        let words = vec!["a".to_owned(), "out".to_owned(), String::new()];
        assert_eq!(without_targets(words, "a >out "), ["a", ""]);
    }
}
