//! Somebody who adds notes from another shell all the while, whoever is killed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::scene::Scene;

/// Says that it is enough, also when the test fails.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Scene {
    /// Does something while notes are added one after the other. Each has to be taken, promptly.
    pub fn while_notes_come<T>(&self, work: impl FnOnce() -> T) -> T {
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let first = self.acks().len();
                for number in first.. {
                    self.note(&format!("from-outside-{number}"));
                    if enough.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
            let enough = Enough(&enough);
            let done = work();
            drop(enough);
            done
        })
    }
}
