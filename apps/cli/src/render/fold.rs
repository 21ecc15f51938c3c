//! Text folded at words for a screen, so that no terminal breaks it in the middle of one. Must not fold what goes elsewhere.

use super::clean::width;

/// Narrowest screen that is worth folding for.
const MIN_COLUMNS: usize = 20;
/// Columns by which what is folded is set in, unless its line was set in already.
const HANG: usize = 2;

/// The text with lines of at most so many columns; without end if it is not for a screen. A word that is longer than a
/// line is left to the terminal, so that it can be copied.
pub(crate) fn fold(text: &str, columns: Option<usize>) -> String {
    let hang = |line: &str| match line.len() - line.trim_start_matches(' ').len() {
        0 => HANG,
        indentation => indentation,
    };
    text.lines().map(|line| fold_line(line, columns, hang(line)) + "\n").collect()
}

/// A line, and below it what does not fit, set in by `hang` columns.
pub(super) fn fold_line(line: &str, columns: Option<usize>, hang: usize) -> String {
    let Some(columns) = columns.filter(|columns| *columns >= MIN_COLUMNS && width(line) > *columns) else {
        return line.to_owned();
    };
    let mut text = String::new();
    let mut taken = 0;
    let mut rest = line;
    let mut begun = false;
    while !rest.is_empty() {
        let word_start = rest.len() - rest.trim_start_matches(' ').len();
        let word_end = rest.get(word_start..).and_then(|word| word.find(' ')).map(|end| word_start + end);
        let (piece, left) = rest.split_at(word_end.unwrap_or(rest.len()));
        let word = piece.trim_start_matches(' ');
        let (whole, alone) = (width(piece), width(word));
        if begun && taken + whole > columns && hang + alone <= columns {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', hang));
            text.push_str(word);
            taken = hang + alone;
        } else {
            text.push_str(piece);
            taken += whole;
        }
        begun |= !word.is_empty();
        rest = left;
    }
    text
}
