//! Tests of cutting bytes into lines, without any process.

use super::Lines;
use crate::lines::LineSplitter;
use crate::{MAX_LINE, Source};

fn split(input: &[u8], piece: usize) -> Vec<(Vec<u8>, bool)> {
    let (mut splitter, mut lines) = (LineSplitter::new(Source::Stdout, MAX_LINE), Lines::default());
    input.chunks(piece).for_each(|bytes| splitter.feed(bytes, &mut lines));
    splitter.finish(&mut lines);
    lines.all.into_iter().map(|(_, line, truncated)| (line, truncated)).collect()
}

/// What the splitter must do, said plainly.
fn expected(input: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(|line| (line[..line.len().min(MAX_LINE)].to_vec(), line.len() > MAX_LINE)).collect()
}

#[test]
fn lines_do_not_depend_on_how_they_arrive() {
    let long = |length: usize| "y".repeat(length);
    let inputs = [
        String::new(),
        "\n".to_owned(),
        "\n\n\nx".to_owned(),
        "one\ntwo\r\n\0\nlast".to_owned(),
        format!("{}\n{}\nafter\n", long(MAX_LINE), long(MAX_LINE + 1)),
        format!("{}\n\n{}", long(3 * MAX_LINE), long(MAX_LINE)),
        format!("a\n{}", long(MAX_LINE + 1)),
        format!("{}\nb", long(MAX_LINE - 1)),
    ];
    for input in inputs.iter().map(String::as_bytes) {
        for piece in [1, 2, 7, 4096, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 1 << 20] {
            assert!(split(input, piece) == expected(input), "{} bytes in pieces of {piece}", input.len());
        }
    }
}

#[test]
fn a_cut_line_is_delivered_before_its_end_is_seen() {
    let (mut splitter, mut lines) = (LineSplitter::new(Source::Stderr, MAX_LINE), Lines::default());
    splitter.feed(&vec![b'z'; MAX_LINE], &mut lines);
    assert!(lines.all.is_empty());
    splitter.feed(b"z", &mut lines);
    assert_eq!(lines.all, [(Source::Stderr, vec![b'z'; MAX_LINE], true)]);
}

#[test]
fn protocols_may_have_longer_lines() {
    let (mut splitter, mut lines) = (LineSplitter::new(Source::Stdout, 3 * MAX_LINE), Lines::default());
    let line = vec![b'l'; 2 * MAX_LINE];
    splitter.feed(&line, &mut lines);
    splitter.feed(b"\n", &mut lines);
    splitter.feed(&vec![b'm'; 4 * MAX_LINE], &mut lines);
    assert!(lines.all == [(Source::Stdout, line, false), (Source::Stdout, vec![b'm'; 3 * MAX_LINE], true)]);
}
