//! The operations, carried out. One file a noun; each handler is: resolve, commit or read, view.

mod definitions;
mod recover;
mod runs;
mod system;
mod tasks;
mod timeline;
