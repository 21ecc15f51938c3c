//! The server itself: its socket, its threads, its scripts, and its record of what was asked.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::conversation::Conversation;
use super::http::Connection;
use super::request::text_of;
use super::routes::serve;
use super::script::Script;

/// A running model server. It serves until it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) conversations: Mutex<BTreeMap<String, Conversation>>,
    seen: Mutex<Vec<Seen>>,
    closing: AtomicBool,
}

/// What a request was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is part of the conversation.
    Turn,
    /// A title, a probe, a classifier: nothing of the script was used up.
    Aside,
    /// Anything else a client asks for.
    Other,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    pub conversation: String,
    pub kind: Kind,
    /// The first step of the script that its answer played.
    pub step: Option<usize>,
    pub status: u16,
    /// When the limit ends that it was refused for, in seconds of Unix time.
    pub reset: Option<u64>,
    pub body: Value,
}

impl Seen {
    /// What the client's user, or a tool, said last.
    pub fn said(&self) -> String {
        let messages = self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = messages.iter().rfind(|message| message["role"] == "user");
        last.map(|message| text_of(&message["content"])).unwrap_or_default()
    }
}

impl ModelServer {
    /// Listens on a free port of the loopback interface.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("no loopback interface: is it up?");
        let address = listener.local_addr().unwrap();
        let conversations =
            scripts.into_iter().map(|script| (script.name.clone(), Conversation::new(&script)));
        let shared = Arc::new(Shared {
            conversations: Mutex::new(conversations.collect()),
            seen: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let server = Self { address, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.closing.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer_all(stream, &shared));
            }
        });
        server
    }

    /// What a client is told to talk to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that were part of a conversation, oldest first.
    pub fn turns(&self, conversation: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        let own = seen.iter().filter(|seen| seen.kind == Kind::Turn && seen.conversation == conversation);
        own.cloned().collect()
    }

    /// All requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Whether a script was played to its end.
    pub fn is_over(&self, conversation: &str) -> bool {
        self.shared.conversations.lock().unwrap()[conversation].is_over()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // The listener looks up only when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    pub(super) fn record(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
    }
}

/// Serves one client until it goes away. A client that goes away early is its own affair.
fn answer_all(stream: TcpStream, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    while let Ok(Some(incoming)) = connection.next() {
        if serve(&mut connection, &incoming, shared).is_err() {
            return;
        }
    }
}
