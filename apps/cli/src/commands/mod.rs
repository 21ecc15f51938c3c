//! One file a command: arguments -> operation -> service -> rendering.

pub(crate) mod attachment;
mod completions;
pub(crate) mod definitions;
mod du;
mod gc;
mod man;
pub(crate) mod run;
pub(crate) mod skills;
mod status;
pub(crate) mod task;
pub(crate) mod workspace;

pub(crate) use completions::completions;
pub(crate) use du::du;
pub(crate) use gc::gc;
pub(crate) use man::man;
pub(crate) use status::status;
