//! The side that talks to a driver.

use std::io;
use std::path::Path;
use std::time::Duration;

use agent_runner_api::ApiError;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::check_private;
use super::words::{Answer, LiveEvent, Request};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// How long a driver may take to answer. It commits before it does, and a commit waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a driver did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// Nobody listens, or the connection broke.
    #[error("no answer from the driver")]
    Unreachable {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It listens, but does not answer.
    #[error("the driver did not answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// It answered something else.
    #[error("the driver's answer cannot be understood")]
    Garbled {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It refused.
    #[error("{0}")]
    Refused(ApiError),
}

/// Says one thing and waits for the answer.
pub async fn ask(socket: &Path, request: &Request) -> Result<serde_json::Value, TalkError> {
    match tokio::time::timeout(PATIENCE, exchange(socket, request)).await {
        Ok(answer) => answer,
        Err(_) => Err(TalkError::Silent),
    }
}

async fn exchange(socket: &Path, request: &Request) -> Result<serde_json::Value, TalkError> {
    let unreachable = |source| TalkError::Unreachable { source };
    let mut stream = connect(socket).await.map_err(unreachable)?;
    let mut line = serde_json::to_vec(request).map_err(|source| TalkError::Garbled { source })?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream.take(MAX_ANSWER));
    reader.read_until(b'\n', &mut answer).await.map_err(unreachable)?;
    if answer.is_empty() {
        return Err(unreachable(std::io::ErrorKind::UnexpectedEof.into()));
    }
    match serde_json::from_slice(&answer).map_err(|source| TalkError::Garbled { source })? {
        Answer::Done(value) => Ok(value),
        Answer::Failed(error) => Err(TalkError::Refused(error)),
        Answer::Watching | Answer::Live(_) => Ok(serde_json::Value::Null),
    }
}

/// Connects to a driver's socket, if nobody else can have put it there.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    socket.parent().map_or(Ok(()), check_private)?;
    UnixStream::connect(socket).await
}

/// Lets a driver know that somebody else committed something. Best effort, and never waits: a driver that does not
/// listen finds out by itself.
pub fn ping(socket: &Path) {
    let _ = try_ping(socket);
}

fn try_ping(socket: &Path) -> io::Result<()> {
    socket.parent().map_or(Ok(()), check_private)?;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&stream, &SocketAddrUnix::new(socket)?)?;
    let mut line = serde_json::to_vec(&Request::Changed)?;
    line.push(b'\n');
    rustix::io::write(&stream, &line)?;
    Ok(())
}

/// Waits until the driver that listens there is gone. Where nobody listens, it is gone already.
pub async fn until_gone(socket: &Path) {
    let Ok(mut stream) = connect(socket).await else { return };
    let mut bytes = [0u8; 64];
    while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {}
}

/// What a watcher of a driver hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The driver listens: what happens from here on is heard.
    Watching,
    /// The worker did something.
    Event(Box<LiveEvent>),
}

/// What the worker does, until the driver is gone or nobody listens any more.
pub async fn watch_events(socket: &Path, events: mpsc::Sender<Seen>) {
    let Ok(mut stream) = connect(socket).await else { return };
    let Ok(mut request) = serde_json::to_vec(&Request::Watch) else { return };
    request.push(b'\n');
    if stream.write_all(&request).await.is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(MAX_ANSWER).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let seen = match serde_json::from_slice(&line) {
            Ok(Answer::Watching) => Seen::Watching,
            Ok(Answer::Live(event)) => Seen::Event(Box::new(event)),
            // A driver of a newer version may say more.
            Ok(Answer::Done(_) | Answer::Failed(_)) | Err(_) => continue,
        };
        if events.send(seen).await.is_err() {
            return;
        }
    }
}
