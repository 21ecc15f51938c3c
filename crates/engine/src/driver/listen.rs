//! The driver's side of a conversation: listens, carries task operations out through the engine, and hands the rest to the driver.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent_runner_api::operations::{
    AddTask, AppendNotes, DeleteTask, EditTask, ListTasks, PassBlock, SetTask, ShowTask,
};
use agent_runner_api::{ApiError, ErrorCode, Handle, Operation};
use agent_runner_model::RunId;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use super::control::Control;
use crate::engine::Engine;
use crate::place::Places;
use crate::talk::{Answer, LiveEvent, Request, private_directory};

/// Longest request that is read, in bytes: task notes and bodies come this way.
const MAX_REQUEST: u64 = 4 * 1024 * 1024;

/// What the listening side needs of the driver.
#[derive(Clone)]
pub(crate) struct Talk {
    /// The run. Requests for another one are refused.
    pub(crate) run_id: RunId,
    /// Where aborts and prompts go.
    pub(crate) control: mpsc::Sender<Control>,
    /// What the worker does.
    pub(crate) live: broadcast::Sender<LiveEvent>,
}

/// Listens until it is dropped.
pub(crate) struct Listening {
    path: PathBuf,
    accepting: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Starts to listen. Only the holder of the run's lease may call this: it removes the socket of whoever was before.
pub(crate) fn serve<S: Places + 'static>(
    engine: &Arc<Engine<S>>,
    path: &Path,
    talk: Talk,
) -> io::Result<Listening> {
    if let Some(directory) = path.parent() {
        private_directory(directory)?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    // The directory is private already; this is for those who look at the file alone.
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let engine = Arc::clone(engine);
    let accepting = tokio::spawn(async move {
        // Conversations end with the listening: whoever waits for this driver to be gone hears of it at once.
        let mut conversations = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    while conversations.try_join_next().is_some() {}
                    conversations.spawn(converse(Arc::clone(&engine), talk.clone(), stream));
                }
                // Out of descriptors, most likely: those that are open have to end first.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    Ok(Listening { path: path.to_path_buf(), accepting })
}

async fn converse<S: Places + 'static>(engine: Arc<Engine<S>>, talk: Talk, stream: UnixStream) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(MAX_REQUEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let answer = match serde_json::from_slice::<Request>(&line) {
            Ok(Request::Changed) => {
                let _ = talk.control.send(Control::Changed).await;
                continue;
            }
            Ok(Request::Watch) => return send_live(talk.live.subscribe(), &mut writer).await,
            Ok(request) => answer(&engine, &talk, request).await,
            Err(error) => {
                // Where the next request begins is anybody's guess.
                let answer = Answer::Failed(ApiError::from_error(ErrorCode::Invalid, &error));
                let _ = write_answer(&mut writer, &answer).await;
                return;
            }
        };
        if write_answer(&mut writer, &answer).await.is_err() {
            return;
        }
    }
}

async fn answer<S: Places + 'static>(engine: &Engine<S>, talk: &Talk, request: Request) -> Answer {
    // Whatever run a worker names, it speaks for its own.
    let run = talk.run_id.to_string();
    match request {
        Request::Abort { urgency, by } => match talk.control.send(Control::Abort { urgency, by }).await {
            Ok(()) => Answer::Done(serde_json::Value::Null),
            Err(_) => Answer::Failed(ApiError::new(ErrorCode::Busy, "the driver is leaving")),
        },
        Request::Changed | Request::Watch => Answer::Done(serde_json::Value::Null),
        Request::SetTask(request) => perform(engine, SetTask { run, ..request }).await,
        Request::AppendNotes(request) => perform(engine, AppendNotes { run, ..request }).await,
        Request::PassBlock(request) => perform(engine, PassBlock { run, ..request }).await,
        Request::AddTask(request) => perform(engine, AddTask { run, ..request }).await,
        Request::EditTask(request) => perform(engine, EditTask { run, ..request }).await,
        Request::DeleteTask(request) => perform(engine, DeleteTask { run, ..request }).await,
        Request::ShowTask(request) => perform(engine, ShowTask { run, ..request }).await,
        Request::ListTasks(request) => perform(engine, ListTasks { run, ..request }).await,
    }
}

async fn perform<S: Places + 'static, O: Operation>(engine: &Engine<S>, request: O) -> Answer
where
    Engine<S>: Handle<O>,
    O::Reply: Serialize,
{
    match engine.call(request).await {
        Ok(reply) => match serde_json::to_value(&reply) {
            Ok(value) => Answer::Done(value),
            Err(error) => Answer::Failed(ApiError::from_error(ErrorCode::Internal, &error)),
        },
        Err(error) => Answer::Failed(error),
    }
}

async fn send_live(
    mut live: broadcast::Receiver<LiveEvent>,
    writer: &mut (impl tokio::io::AsyncWrite + Unpin),
) {
    if write_answer(writer, &Answer::Watching).await.is_err() {
        return;
    }
    loop {
        match live.recv().await {
            Ok(event) => {
                if write_answer(writer, &Answer::Live(event)).await.is_err() {
                    return;
                }
            }
            // A slow watcher misses something; the log of the attempt has it.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn write_answer(writer: &mut (impl tokio::io::AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    writer.write_all(&line).await
}
