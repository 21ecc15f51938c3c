//! The operations, carried out. One file a noun; each handler is: resolve, commit or read, view.

mod acts;
mod attachments;
mod authoring;
mod changes;
mod definitions;
mod digest;
mod disk_use;
mod extend;
mod garbage;
mod hints;
mod import_reference;
mod inheritance;
mod launchers;
mod lineage;
mod listing;
mod messages;
mod recover;
mod reference_files;
mod relations;
mod report;
mod runs;
mod system;
mod tasks;
mod timeline;
mod transfer;
mod transitions;
mod tree;
mod turn_log;
mod vars;
mod whole_file;
mod workspace_views;
mod workspaces;

pub use attachments::NewAttachment;
pub use transfer::{Export, NewHome};
