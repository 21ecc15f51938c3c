//! A point in a script that the model does not pass before the test lets it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long a test waits for the model to come to a gate.
const PATIENCE: Duration = Duration::from_secs(60);

/// Closed until the test opens it. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    reached: usize,
    open: bool,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until the model stands at the gate: what the script says before it has been sent.
    #[track_caller]
    pub fn wait_until_reached(&self) {
        let (state, changed) = &*self.0;
        let waiting = changed.wait_timeout_while(state.lock().unwrap(), PATIENCE, |state| state.reached == 0);
        assert!(waiting.unwrap().0.reached > 0, "the model never came to this gate");
    }

    /// Lets everybody pass, now and from now on.
    pub fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().open = true;
        changed.notify_all();
    }

    /// The model's side: stands here until the gate is open.
    pub(super) fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut held = state.lock().unwrap();
        held.reached += 1;
        changed.notify_all();
        drop(changed.wait_while(held, |state| !state.open).unwrap());
    }
}
