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
    "agents/runbook/agent.md",
    "agents/test/agent.md",
    "assignments/repo-checkup/assignment.md",
    "assignments/test/assignment.md",
];

/// The bundled file at that place.
pub(crate) fn find(place: &str) -> Option<(&'static str, &'static str)> {
    FILES.iter().copied().find(|(known, _)| *known == place)
}
