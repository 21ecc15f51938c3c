//! What is compiled in: complete, valid, and named after its place.

use std::path::{Path, PathBuf};

use super::library;
use crate::{BlockShell, Kind, Source, command_blocks};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn every_definition_file_of_the_repository_is_compiled_in() {
    let root = repository();
    let mut files = Vec::new();
    for kind in Kind::ALL {
        files_below(&root.join(kind.folder()), &mut files);
    }
    let mut places: Vec<String> =
        files.iter().map(|file| file.strip_prefix(&root).unwrap().to_string_lossy().into_owned()).collect();
    places.sort();
    let mut known: Vec<&str> = crate::bundled::FILES.iter().map(|(place, _)| *place).collect();
    known.sort_unstable();
    assert_eq!(places, known);
    assert!(known.len() >= 4);
}

#[test]
fn every_bundled_definition_is_valid_and_listed() {
    let (_dir, library) = library();
    let mut seen = 0;
    for kind in Kind::ALL {
        for listed in library.list(kind) {
            assert!(listed.problem.is_none(), "{}", listed.problem.unwrap().render());
            assert!(matches!(listed.source, Source::Bundled(_)));
            assert!(!listed.title.is_empty(), "{} has no title", listed.name);
            seen += 1;
        }
    }
    assert_eq!(seen, crate::bundled::FILES.len());
}

#[test]
fn the_test_assignment_holds_two_commands() {
    let (_dir, library) = library();
    let assignment = library.assignment("test").unwrap();
    let scripts: Vec<_> = assignment.tasks.iter().flat_map(|task| command_blocks(&task.body)).collect();
    assert_eq!(scripts.iter().map(|block| block.script.as_str()).collect::<Vec<_>>(), ["date\n", "pwd\n"]);
    assert!(scripts.iter().all(|block| block.shell == BlockShell::Sh));
    assert_eq!(library.agent("test").unwrap().backend, "shell");
    assert_eq!(library.agent("runbook").unwrap().backend, "shell");
}
