//! A stream that a thread of its own reads, so that whoever writes never waits for the test.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Bytes that a thread reads from a stream.
pub(super) struct Collected(Arc<(Mutex<Stream>, Condvar)>);

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    ended: bool,
}

impl Collected {
    pub(super) fn from(mut stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Stream::default()), Condvar::new()));
        let collected = Self(Arc::clone(&shared));
        std::thread::spawn(move || {
            let mut buffer = vec![0u8; 64 * 1024];
            loop {
                // A terminal that nobody is left at ends with an error.
                let count = stream.read(&mut buffer).unwrap_or(0);
                let (stream, changed) = &*shared;
                let mut stream = stream.lock().unwrap();
                stream.bytes.extend_from_slice(&buffer[..count]);
                stream.ended = count == 0;
                changed.notify_all();
                if stream.ended {
                    return;
                }
            }
        });
        collected
    }

    pub(super) fn wait_for(&self, text: &str, patience: Duration) -> bool {
        self.wait_until(patience, |stream| {
            stream.ended || stream.bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }) && self.text().contains(text)
    }

    pub(super) fn wait_for_end(&self, patience: Duration) -> bool {
        self.wait_until(patience, |stream| stream.ended)
    }

    fn wait_until(&self, patience: Duration, done: impl Fn(&Stream) -> bool) -> bool {
        let (stream, changed) = &*self.0;
        let stream = stream.lock().unwrap();
        let (stream, _) = changed.wait_timeout_while(stream, patience, |stream| !done(stream)).unwrap();
        done(&stream)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }
}
