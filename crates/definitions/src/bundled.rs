//! The definitions that are compiled into the program. Must not hold text of its own: every entry is a file below
//! the repository's root.

macro_rules! bundled {
    ($($place:literal),+ $(,)?) => {
        /// Every bundled file: its place below the library's root and its text.
        pub(crate) const FILES: &[(&str, &str)] =
            &[$(($place, include_str!(concat!("../../../", $place)))),+];
    };
}

bundled![
    "agents/code-reviewer/agent.md",
    "agents/doc-reviewer/agent.md",
    "agents/generic/agent.md",
    "agents/implementer/agent.md",
    "agents/planner/agent.md",
    "agents/runbook/agent.md",
    "agents/test/agent.md",
    "assignments/code-review-direct/assignment.md",
    "assignments/doc-review/assignment.md",
    "assignments/familiarize/assignment.md",
    "assignments/repo-checkup/assignment.md",
    "assignments/repo-orientation/assignment.md",
    "assignments/test/assignment.md",
    "tasks/review/architecture.md",
    "tasks/review/concurrency.md",
    "tasks/review/docs-drift.md",
    "tasks/review/error-handling.md",
    "tasks/review/resources.md",
    "tasks/review/security.md",
    "tasks/review/simplification-and-duplication.md",
    "tasks/review/state-machine.md",
    "tasks/review/surface-completeness.md",
    "tasks/review/test-coverage.md",
    "tasks/review/types-schema.md",
];

/// The bundled file at that place.
pub(crate) fn find(place: &str) -> Option<(&'static str, &'static str)> {
    FILES.iter().copied().find(|(known, _)| *known == place)
}
