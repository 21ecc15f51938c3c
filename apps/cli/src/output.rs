//! Standard output: in as few pieces as it needs, and quietly given up when nobody reads it any more.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Read as _, Write as _};

use agent_runner_api::view::ListProblem;
use serde::Serialize;

use crate::args::OutputFormat;
use crate::exit::Failure;
use crate::render::squeeze;

/// Longest text that is read from standard input or a file, in bytes.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Bytes of long replies that are written at once.
const BUFFER: usize = 64 * 1024;

/// Prints a text.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What it means that something was printed, or was not.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Gone),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output").into()),
    }
}

/// Columns of the screen that standard output goes to; nothing when it goes elsewhere.
pub(crate) fn screen_width() -> Option<usize> {
    const DEFAULT: usize = 80;
    let out = io::stdout();
    let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok())?;
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    Some(if columns == 0 { DEFAULT } else { columns })
}

/// Data as JSON, indented, with a final newline.
pub(crate) fn json_text(data: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(data).map_err(anyhow::Error::new)?;
    text.push('\n');
    Ok(text)
}

/// Prints data as JSON.
pub(crate) fn print_json(data: &impl Serialize) -> Result<(), Failure> {
    // Never held as a whole: lists may be long.
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, data).map_err(io::Error::from);
    printed(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
}

/// Prints a reply in the format that was asked for.
pub(crate) fn reply<T: Serialize>(
    format: OutputFormat,
    reply: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    match format {
        OutputFormat::Json => print_json(reply),
        OutputFormat::Text => print(&text(reply)),
    }
}

/// Says on standard error what was left out because it could not be read.
pub(crate) fn warn_of(problems: &[ListProblem]) {
    let mut err = io::stderr().lock();
    for problem in problems {
        let _ =
            writeln!(err, "warning: {} was left out: {}", squeeze(&problem.path), squeeze(&problem.message));
    }
}

/// A text that was given as it is, or as `-` for standard input.
pub(crate) fn text_or_stdin(text: String) -> Result<String, Failure> {
    if text == "-" { read_text("standard input", io::stdin().lock()) } else { Ok(text) }
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn file_text(path: &str) -> Result<String, Failure> {
    if path == "-" {
        return read_text("standard input", io::stdin().lock());
    }
    let file = std::fs::File::open(path);
    let file = file.map_err(|error| anyhow::Error::new(error).context(format!("cannot open {path}")));
    match file {
        Ok(file) => read_text(path, file),
        Err(error) => Err(invalid(error)),
    }
}

fn read_text(name: &str, from: impl io::Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_TEXT + 1).read_to_end(&mut bytes);
    read.map_err(|error| invalid(anyhow::Error::new(error).context(format!("cannot read {name}"))))?;
    if bytes.len() as u64 > MAX_TEXT {
        let limit = MAX_TEXT / 1024 / 1024;
        return Err(invalid(anyhow::anyhow!("{name} has more than {limit} MiB of text")));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| invalid(anyhow::Error::new(error).context(format!("{name} is not UTF-8"))))?;
    let line = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(line.map(str::to_owned).unwrap_or(text))
}

/// What the caller gave cannot be used.
fn invalid(error: anyhow::Error) -> Failure {
    match Failure::from(error) {
        Failure::Error(mut error) => {
            error.code = agent_runner_api::ErrorCode::Invalid;
            error.hint = Some("name a text file that can be read, or `-` for standard input".to_owned());
            Failure::Error(error)
        }
        Failure::Gone => Failure::Gone,
    }
}
