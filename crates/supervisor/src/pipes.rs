//! Owns the three pipes to a program: feeding its input and reading its output, side by side and without ever
//! blocking. It must not know about the process at the other end, nor when to stop.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use tokio::net::unix::pipe::{Receiver, Sender};

use crate::lines::{LineSink, LineSplitter, MAX_LINE, Source};

/// One read takes at most this much; a default pipe holds as much.
const BUFFER: usize = 64 << 10;
/// Reads from one pipe before the other one, and everything else, gets its turn.
const READS_PER_TURN: usize = 4;

pub(crate) struct Pipes {
    stdin: Option<Feed>,
    stdout: Output,
    stderr: Output,
    buffer: Box<[u8]>,
}

struct Feed {
    pipe: Sender,
    bytes: Vec<u8>,
    written: usize,
}

struct Output {
    /// `None` from end-of-file on.
    pipe: Option<Receiver>,
    splitter: LineSplitter,
    bytes: u64,
}

impl Pipes {
    /// Takes the parent's ends. Needs a runtime to be entered.
    pub fn new(
        stdin: Option<(OwnedFd, Vec<u8>)>,
        stdout: OwnedFd,
        stderr: OwnedFd,
        max_line: usize,
    ) -> io::Result<Self> {
        let stdin = match stdin {
            Some((pipe, bytes)) => Some(Feed { pipe: Sender::from_owned_fd(pipe)?, bytes, written: 0 }),
            None => None,
        };
        Ok(Self {
            stdin,
            stdout: Output::new(Source::Stdout, stdout, max_line)?,
            stderr: Output::new(Source::Stderr, stderr, MAX_LINE)?,
            buffer: vec![0; BUFFER].into_boxed_slice(),
        })
    }

    /// Whether there is anything left to do.
    pub fn is_open(&self) -> bool {
        self.stdin.is_some() || self.output_open()
    }

    /// Whether somebody still holds an output open.
    pub fn output_open(&self) -> bool {
        self.stdout.pipe.is_some() || self.stderr.pipe.is_some()
    }

    pub fn stdout_bytes(&self) -> u64 {
        self.stdout.bytes
    }

    pub fn stderr_bytes(&self) -> u64 {
        self.stderr.bytes
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until something can be moved, moves one turn of everything, and says whether output came. Nothing
    /// is lost when the future is dropped.
    pub async fn pump(&mut self, sink: &mut dyn LineSink) -> bool {
        poll_fn(|cx| self.poll_pump(cx, sink)).await
    }

    /// Reads what is there without waiting, at most what both pipes can hold, and says whether output came.
    pub fn drain(&mut self, sink: &mut dyn LineSink) -> bool {
        let stdout = self.stdout.drain(&mut self.buffer, sink);
        let stderr = self.stderr.drain(&mut self.buffer, sink);
        stdout || stderr
    }

    /// Delivers last lines without a newline.
    pub fn finish(&mut self, sink: &mut dyn LineSink) {
        self.stdout.splitter.finish(sink);
        self.stderr.splitter.finish(sink);
    }

    fn poll_pump(&mut self, cx: &mut Context<'_>, sink: &mut dyn LineSink) -> Poll<bool> {
        let fed = match &mut self.stdin {
            Some(feed) => feed.poll(cx),
            None => Poll::Pending,
        };
        if fed.is_ready() {
            self.stdin = None;
        }
        let before = (self.stdout.bytes, self.stderr.bytes);
        let stdout = self.stdout.poll(cx, &mut self.buffer, sink);
        let stderr = self.stderr.poll(cx, &mut self.buffer, sink);
        if fed.is_pending() && stdout.is_pending() && stderr.is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(before != (self.stdout.bytes, self.stderr.bytes))
    }
}

impl Feed {
    /// Ready when there is nothing more to write, or nobody who reads.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) else {
                return Poll::Ready(());
            };
            match self.pipe.poll_write_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
            }
            match self.pipe.try_write(rest) {
                Ok(count) => self.written += count,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                // A program that does not read its input is its own affair.
                Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl Output {
    fn new(source: Source, pipe: OwnedFd, max_line: usize) -> io::Result<Self> {
        let pipe = Receiver::from_owned_fd(pipe)?;
        Ok(Self { pipe: Some(pipe), splitter: LineSplitter::new(source, max_line), bytes: 0 })
    }

    /// Ready when something was read or the end was reached.
    fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut [u8], sink: &mut dyn LineSink) -> Poll<()> {
        loop {
            let Some(pipe) = &self.pipe else { return Poll::Pending };
            match pipe.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    self.pipe = None;
                    return Poll::Ready(());
                }
            }
            let mut moved = false;
            for _ in 0..READS_PER_TURN {
                let Some(pipe) = &self.pipe else { break };
                let read = pipe.try_read(buffer);
                if !self.take(read, buffer, sink) {
                    break;
                }
                moved = true;
            }
            if moved {
                return Poll::Ready(());
            }
            // The attempt cleared the readiness, so the next round registers for being woken.
        }
    }

    fn drain(&mut self, buffer: &mut [u8], sink: &mut dyn LineSink) -> bool {
        let before = self.bytes;
        let capacity = self.pipe.as_ref().and_then(|pipe| rustix::pipe::fcntl_getpipe_size(pipe).ok());
        let limit = before + capacity.unwrap_or(1 << 20) as u64;
        while let Some(pipe) = &self.pipe {
            // Past the runtime, which may not have been told yet that there is something to read.
            let read = rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from);
            if !self.take(read, buffer, sink) || self.bytes > limit {
                break;
            }
        }
        self.bytes != before
    }

    /// Takes in what a read returned; `false` when there was nothing to read.
    fn take(&mut self, read: io::Result<usize>, buffer: &[u8], sink: &mut dyn LineSink) -> bool {
        match read {
            Ok(count) if count > 0 => {
                self.bytes += count as u64;
                self.splitter.feed(&buffer[..count], sink);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Ok(_) | Err(_) => {
                self.pipe = None;
                true
            }
        }
    }
}
