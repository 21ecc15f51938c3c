//! Tests of input and output: floods, monster lines, garbage, programs that do not listen.

use std::path::Path;

use super::{Each, NO_LIMITS, block_on, isolated, peak_memory, program, run, run_into, shell};
use crate::{Exit, MAX_LINE, Source, Stdin};

const ROOT: &str = "/";

#[test]
fn a_flood_takes_no_memory() {
    isolated("tests::output::a_flood_takes_no_memory", async {
        const SIZE: u64 = 200 << 20;
        let mut count = 0_u64;
        // A first, small one pays for what is allocated once.
        run_into(&shell("echo", Path::new(ROOT)), &NO_LIMITS, &mut Each(|_, _: &[u8], _| ())).await;
        let before = peak_memory();
        let script = format!("yes 0123456789012345678901234567890123456789 | head -c {SIZE}");
        let mut sink = Each(|_, line: &[u8], _| count += line.len() as u64 + 1);
        let report = run_into(&shell(&script, Path::new(ROOT)), &NO_LIMITS, &mut sink).await;
        assert_eq!((report.exit, report.stdout_bytes), (Exit::Code(0), SIZE));
        assert!(count == SIZE || count == SIZE + 1, "{count}");
        let grown = peak_memory() - before;
        assert!(grown < 4 << 10, "grew by {grown} KiB");
    });
}

#[test]
fn a_monster_line_takes_no_memory() {
    isolated("tests::output::a_monster_line_takes_no_memory", async {
        const SIZE: u64 = 100 << 20;
        let mut lines = Vec::new();
        run_into(&shell("echo", Path::new(ROOT)), &NO_LIMITS, &mut Each(|_, _: &[u8], _| ())).await;
        let before = peak_memory();
        let script = format!("head -c {SIZE} /dev/zero; echo; echo after");
        let mut sink = Each(|_, line: &[u8], truncated| lines.push((line.len(), truncated)));
        let report = run_into(&shell(&script, Path::new(ROOT)), &NO_LIMITS, &mut sink).await;
        assert_eq!((report.exit, report.stdout_bytes), (Exit::Code(0), SIZE + 7));
        assert_eq!(lines, [(MAX_LINE, true), (5, false)]);
        let grown = peak_memory() - before;
        assert!(grown < 4 << 10, "grew by {grown} KiB");
    });
}

#[test]
fn garbage_arrives_as_it_was_written() {
    let (report, lines) =
        block_on(run(&shell(r"printf '\377\376\000\n\200\303(\n\033[31m\r\n'", Path::new(ROOT))));
    let bytes: Vec<&[u8]> = lines.all.iter().map(|(_, line, _)| &line[..]).collect();
    assert_eq!(bytes, [&b"\xff\xfe\0"[..], b"\x80\xc3(", b"\x1b[31m\r"]);
    assert_eq!((report.stdout_bytes, report.stderr_bytes), (15, 0));
}

#[test]
fn a_last_line_needs_no_newline() {
    let (report, lines) = block_on(run(&shell("printf 'a\\nb'; printf 'c' >&2", Path::new(ROOT))));
    let of =
        |wanted| lines.all.iter().filter(move |(source, ..)| *source == wanted).map(|(_, line, _)| &line[..]);
    assert_eq!(of(Source::Stdout).collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(of(Source::Stderr).collect::<Vec<_>>(), [b"c"]);
    assert_eq!((report.stdout_bytes, report.stderr_bytes), (3, 1));
}

#[test]
fn large_input_and_chatty_output_do_not_block_each_other() {
    let mut program =
        shell("head -c 10485760 /dev/zero; cat; head -c 1048576 /dev/zero >&2", Path::new(ROOT));
    program.stdin = Stdin::Bytes(vec![b'i'; 2 << 20]);
    let report = block_on(run_into(&program, &NO_LIMITS, &mut Each(|_, _: &[u8], _| ())));
    assert_eq!((report.exit, report.stdout_bytes, report.stderr_bytes), (Exit::Code(0), 12 << 20, 1 << 20));
}

#[test]
fn input_arrives_whole_and_ends() {
    let mut program = program(&["cksum"], Path::new(ROOT));
    program.stdin = Stdin::Bytes((0..2_u32 << 20).map(|n| (n % 251) as u8).collect());
    let (report, lines) = block_on(run(&program));
    assert_eq!(report.exit, Exit::Code(0));
    let expected = std::process::Command::new("perl")
        .args(["-e", "print pack('C', $_ % 251) for 0 .. (2 << 20) - 1"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|perl| std::process::Command::new("cksum").stdin(perl.stdout.unwrap()).output())
        .unwrap();
    assert_eq!(lines.texts(), [String::from_utf8(expected.stdout).unwrap().trim_end()]);
}

#[test]
fn empty_input_is_end_of_file() {
    for stdin in [Stdin::Null, Stdin::Bytes(Vec::new())] {
        let mut program = shell("cat; echo done", Path::new(ROOT));
        program.stdin = stdin;
        let (report, lines) = block_on(run(&program));
        assert_eq!((report.exit, lines.texts()), (Exit::Code(0), vec!["done".to_owned()]));
    }
}

#[test]
fn a_program_need_not_read_its_input() {
    for script in ["exec <&-; echo closed", "exit 3", "head -c 10 > /dev/null; exit 3"] {
        let mut program = shell(script, Path::new(ROOT));
        program.stdin = Stdin::Bytes(vec![0; 2 << 20]);
        let (report, _) = block_on(run(&program));
        let expected = if script.ends_with('3') { 3 } else { 0 };
        assert_eq!((report.exit, report.undrained), (Exit::Code(expected), false), "{script}");
    }
}

#[test]
fn a_program_may_close_its_output_and_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let script = "exec >&- 2>&-; head -c 100000000 /dev/zero | cksum > sum; exit 5";
    let (report, _) = block_on(run(&shell(script, directory.path())));
    assert_eq!(report.exit, Exit::Code(5));
    assert!(std::fs::metadata(directory.path().join("sum")).unwrap().len() > 0);
}

#[test]
fn the_last_words_of_a_killed_program_are_heard() {
    let (report, lines) =
        block_on(run(&shell("head -c 60000 /dev/zero; echo; echo last; kill -9 $$", Path::new(ROOT))));
    assert_eq!((report.exit, &lines.texts()[1][..]), (Exit::Signal(9), "last"));
}
