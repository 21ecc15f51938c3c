//! The crate as its callers see it.

mod bundle;
mod checklists;
mod checkup;
mod documents;
mod expressions;
mod golden;
mod hook_files;
mod hooks;
mod inheritance;
mod inheritance_laws;
mod lookups;
mod properties;
mod scaffold;
mod schema;
mod small;
mod trees;
mod validator;

use std::path::Path;

use tempfile::TempDir;

use crate::Library;

/// A library whose configuration directory and caller's directory are `config` and `caller` of a new directory.
fn library() -> (TempDir, Library) {
    let dir = tempfile::tempdir().unwrap();
    let config_dir = dir.path().join("config");
    let caller_dir = dir.path().join("caller");
    std::fs::create_dir_all(&config_dir).unwrap();
    std::fs::create_dir_all(&caller_dir).unwrap();
    let library = Library::new(config_dir, caller_dir);
    (dir, library)
}

fn write(root: &Path, place: &str, text: &str) {
    let path = root.join(place);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn agent_text(name: &str) -> String {
    format!("---\nschemaVersion: 1\nname: {name}\nbackend: shell\n---\nBe {name}.\n")
}

fn assignment_text(name: &str, fields: &str) -> String {
    format!("---\nschemaVersion: 1\nname: {name}\n{fields}---\nDo {name}.\n")
}
