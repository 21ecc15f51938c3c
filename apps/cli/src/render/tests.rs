//! Text that is shown fits and is harmless.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::clean::{cell, clean, indent, one_line};
use super::span::duration_words;
use super::table::columns;

#[test]
fn a_line_never_takes_more_columns_than_it_may() {
    for text in [
        "short",
        "a rather long line of text",
        "漢字の長い題名をここに書く",
        "é\u{301}e\u{301}x",
        "tab\tand\nline",
    ] {
        for width in 1..30 {
            let line = one_line(text, width);
            assert!(line.width() <= width, "{line:?} takes {} of {width} columns", line.width());
            assert!(!line.contains(['\n', '\t']));
            assert_eq!(cell(text, width).width(), width, "{text:?} in {width}");
        }
    }
    assert_eq!(one_line("fits exactly", 12), "fits exactly");
    assert_eq!(one_line("does not fit", 8), "does no…");
}

#[test]
fn columns_line_up_whatever_they_hold() {
    let rows = [["漢字", "x"], ["plain", "y"]].map(|row| row.map(str::to_owned).to_vec());
    let text = columns(&rows);
    let ends: Vec<usize> = text.lines().map(|line| line[..line.rfind(['x', 'y']).unwrap()].width()).collect();
    assert_eq!(ends, [7, 7], "{text}");
}

#[test]
fn text_cannot_steer_a_terminal() {
    assert_eq!(clean("a\x1b[2Jb\r\u{9b}c\td\n"), "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c\td\n");
    assert_eq!(indent("a\n\nb"), "  a\n\n  b");
}

#[test]
fn durations_are_for_people() {
    for (millis, words) in [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_949, "59.9 s"),
        (60_000, "1 min 00 s"),
        (3_599_999, "59 min 59 s"),
        (7_380_000, "2 h 03 min"),
    ] {
        assert_eq!(duration_words(Duration::from_millis(millis)), words);
    }
}
