//! Prints from a thread of its own: a reader of standard output that stalls must not keep this command from hearing
//! that it should stop.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::watch;

/// Texts on their way to standard output.
pub(crate) struct Printer {
    texts: Option<mpsc::Sender<String>>,
    queued: u64,
    printed: watch::Receiver<Printed>,
}

/// How far the thread is.
#[derive(Debug, Default)]
struct Printed {
    texts: u64,
    failure: Option<io::Error>,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let (texts, incoming) = mpsc::channel::<String>();
        let (progress, printed) = watch::channel(Printed::default());
        let thread = thread::Builder::new().name("printer".to_owned()).spawn(move || {
            for text in incoming {
                let failed = progress.borrow().failure.is_some();
                let result = if failed { Ok(()) } else { write(&text) };
                progress.send_modify(|printed| {
                    printed.texts += 1;
                    if let Err(error) = result {
                        printed.failure = Some(error);
                    }
                });
            }
        });
        // Without a thread nothing can be printed; the run and its exit code are the same.
        Self { texts: thread.is_ok().then_some(texts), queued: 0, printed }
    }

    /// Puts a text on its way.
    pub(crate) fn print(&mut self, text: String) {
        if let Some(texts) = self.texts.as_ref().filter(|_| !text.is_empty())
            && texts.send(text).is_ok()
        {
            self.queued += 1;
        }
    }

    /// Waits until nothing is on its way: a picture that will soon be drawn again need not be drawn before.
    pub(crate) async fn idle(&self) {
        let mut printed = self.printed.clone();
        // Without a thread nothing will ever be printed, and nothing has to be waited for.
        let _ = printed.wait_for(|printed| printed.texts >= self.queued).await;
    }

    /// Waits until everything is printed. Errors say why something could not be; a reader that went away is none.
    pub(crate) async fn flushed(&mut self) -> io::Result<()> {
        let queued = self.queued;
        let printed = self.printed.wait_for(|printed| printed.texts >= queued).await;
        match printed {
            Ok(printed) => match &printed.failure {
                Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(io::Error::new(error.kind(), error.to_string()))
                }
                Some(_) | None => Ok(()),
            },
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

/// Writes a text in as few pieces as the system takes: a picture that comes in two is seen in two.
fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // What other parts of this program have begun to print comes first.
    out.flush()?;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(&out, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Somebody else made it so; it is not for this program to change.
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::new(&out, PollFlags::OUT)];
                let _ = poll(&mut ready, None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
