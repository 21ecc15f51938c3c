//! What a shell offers where the cursor is. Prints candidates, or nothing: must not say what is wrong, ask, wait for long,
//! start anything or change anything.

mod answer;
mod bash;
mod candidate;
mod definitions;
mod fields;
mod line;
mod parts;
mod redirection;
mod runs;
mod sense;
mod shell;
#[cfg(test)]
mod tests;
mod topic;
mod words;

pub(crate) use answer::answer;
pub(crate) use shell::script;
