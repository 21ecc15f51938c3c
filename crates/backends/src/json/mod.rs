//! Reading JSON that others wrote: what is there is taken, what is missing, of another type or cut off is not.

mod lenient;
mod mend;
#[cfg(test)]
mod tests;

pub(crate) use lenient::{fields, flag, items, members, number, text, whole, word};
pub(crate) use mend::mend;
