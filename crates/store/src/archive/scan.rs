//! Looks through what goes into an archive for values that are shown to nobody, as bytes pass by. Must not hold more than a
//! window of them.

use std::io::{self, Write};

use agent_runner_model::Secrets;
use flate2::write::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::file::hex;

/// Bytes that are looked through at a time.
const SPAN: usize = 256 * 1024;
/// A value may be written this much longer than it is.
const ESCAPED: usize = 16;

/// Measures what passes by, and looks through it.
pub(super) struct Measure<'a> {
    size: u64,
    hash: Sha256,
    look: Look<'a>,
}

/// How bytes are looked through.
enum Look<'a> {
    /// There is nothing to find.
    Not,
    /// As they are.
    Plain(Window<'a>),
    /// As what they are when they are not compressed.
    Compressed(Box<MultiGzDecoder<Window<'a>>>),
    /// Nobody can tell what is in them.
    Damaged,
}

/// What was found out about bytes.
pub(super) struct Measured {
    pub(super) size: u64,
    pub(super) sha256: String,
    /// Why they must not go anywhere, in words.
    pub(super) objection: Option<&'static str>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(name: &str, secrets: &'a Secrets) -> Self {
        let look = match (secrets.is_empty(), name.ends_with(".gz")) {
            (true, _) => Look::Not,
            (false, false) => Look::Plain(Window::new(secrets)),
            (false, true) => Look::Compressed(Box::new(MultiGzDecoder::new(Window::new(secrets)))),
        };
        Self { size: 0, hash: Sha256::new(), look }
    }

    pub(super) fn finish(self) -> Measured {
        let found = match self.look {
            Look::Not => Ok(false),
            Look::Plain(window) => Ok(window.finish()),
            Look::Compressed(decoder) => decoder.finish().map(Window::finish),
            Look::Damaged => Err(io::ErrorKind::InvalidData.into()),
        };
        let objection = match found {
            Ok(false) => None,
            Ok(true) => Some("it holds a value that is shown to nobody"),
            Err(_) => Some("it is damaged, and may hold a value that is shown to nobody"),
        };
        Measured { size: self.size, sha256: hex(self.hash), objection }
    }
}

impl Write for Measure<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.hash.update(bytes);
        let looked = match &mut self.look {
            Look::Not | Look::Damaged => Ok(()),
            Look::Plain(window) => window.write_all(bytes),
            Look::Compressed(decoder) => decoder.write_all(bytes),
        };
        if looked.is_err() {
            self.look = Look::Damaged;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The last bytes that passed by, so many that no value fits between two looks.
struct Window<'a> {
    secrets: &'a Secrets,
    overlap: usize,
    held: Vec<u8>,
    found: bool,
}

impl<'a> Window<'a> {
    fn new(secrets: &'a Secrets) -> Self {
        let overlap = secrets.longest().saturating_mul(ESCAPED).max(1024);
        Self { secrets, overlap, held: Vec::new(), found: false }
    }

    fn look(&mut self) {
        self.found = self.found || self.secrets.are_in(&String::from_utf8_lossy(&self.held));
    }

    fn finish(mut self) -> bool {
        self.look();
        self.found
    }
}

impl Write for Window<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.found {
            self.held.extend_from_slice(bytes);
            if self.held.len() >= SPAN.max(self.overlap.saturating_mul(4)) {
                self.look();
                self.held.drain(..self.held.len() - self.overlap);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
