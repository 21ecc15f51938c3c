//! How the help of a command ends: what for, and what is typed. Tests parse all of them and run those that can be run.

/// Examples for `--help`, each with what it does.
macro_rules! examples {
    ($($what:literal => $typed:literal),+ $(,)?) => {
        concat!("Examples:" $(, "\n  ", $what, ":\n    agent-runner ", $typed)+)
    };
}

pub(crate) use examples;
