//! What reaches a driver from outside while it works.

use agent_runner_model::manifest::Urgency;

/// Something from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// End the run.
    Abort {
        /// How fast.
        urgency: Urgency,
        /// Who asks, in words.
        by: String,
    },
    /// Leave the run to a later driver.
    Leave {
        /// Why, in words.
        why: String,
    },
    /// The starter is gone, and the run goes on.
    StarterLost {
        /// What is known of it, in words.
        detail: String,
    },
    /// Somebody else committed something.
    Changed,
}
