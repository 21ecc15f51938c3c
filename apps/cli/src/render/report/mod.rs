//! The report: one page about a run for people who were not there. What the page says is decided once, as data; two small
//! writers turn it into Markdown and HTML, and they alone escape. Must not look anything up.

mod attempts;
mod block;
mod changes;
mod data;
mod foreign;
mod history;
mod html;
mod markdown;
mod notes;
mod outcome;
mod page;
mod tasks;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use data::Report;
pub(crate) use html::html;
pub(crate) use markdown::markdown;
pub(crate) use page::page;
