//! Pages of the manual, made from the command line itself, the examples beside it, and tables of the documentation. Must
//! not read files: everything is in the program.

mod documents;
mod page;
mod roff;

pub(crate) use page::{Page, pages};
