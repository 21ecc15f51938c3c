//! The operations, carried out. One file a noun; each handler is: resolve, commit or read, view.

mod authoring;
mod changes;
mod definitions;
mod digest;
mod recover;
mod report;
mod runs;
mod system;
mod tasks;
mod timeline;
mod turn_log;
mod whole_file;
