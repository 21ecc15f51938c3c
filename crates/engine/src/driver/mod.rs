//! The driver: the one process that carries a run's steps out. It decides nothing: `next_step` does.

mod aside;
mod attempt;
mod control;
mod environment;
mod gate;
mod hooks;
mod keeping;
mod last_word;
mod listen;
mod log;
mod notify;
mod outbox;
mod ports;
mod settle;
mod turn;
mod work;

pub use crate::environment::{
    ATTEMPT_FENCE, ATTEMPT_MARKER, CALL_DEPTH, COMMAND, CONFIG_DIR, CWD, DRIVER_SOCKET, HOOK_CHAIN,
    MAX_CALL_DEPTH, PARENT_RUN_ID, RUN_GROUP_ID, RUN_ID, STATE_DIR,
};
pub use crate::told::DESKTOP_NOTIFIER;
pub use control::Control;
pub(crate) use hooks::earlier_hooks;
pub(crate) use outbox::events_log;
pub use ports::{LEASH_ABORT, LEASH_ABORT_NOW, LEASH_HANG_UP, Ports, Signal, WAKE_BUSY, WAKE_LOOK};
pub(crate) use settle::{marker, process_identity, settle};
pub use work::{DriveError, DriveRequest, drive};
