//! Where the files of hooks are found.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use agent_runner_model::hook::HookSpec;

use super::{assignment_text, library, write};
use crate::hooks::named;
use crate::{DefinitionError, Library, bundled_hook};

fn hooks(library: &Library, entry: &str) -> Result<Vec<HookSpec>, DefinitionError> {
    let text = assignment_text("a", &format!("hooks:\n  afterExit:\n    - {entry}\n"));
    write(&library.config_dir, "assignments/a/assignment.md", &text);
    library.assignment("a").map(|found| found.hooks)
}

fn path(library: &Library, entry: &str) -> String {
    let found = hooks(library, entry).unwrap_or_else(|error| panic!("{}", error.render()));
    found[0].resolved_path.clone().unwrap()
}

fn make_executable(library: &Library, place: &str) {
    let file = library.config_dir.join(place);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_name_leads_to_the_first_file_of_its_folder() {
    let (_dir, library) = library();
    let at = |place: &str| library.config_dir.join(place).to_str().unwrap().to_owned();
    for (file, text) in [("hook.mts", ""), ("hook.py", ""), ("hook.sh", "true\n"), ("hook", "#!/bin/sh\n")] {
        let place = format!("hooks/team/lint/{file}");
        write(&library.config_dir, &place, text);
        assert_eq!(path(&library, "name: team/lint"), at(&place));
    }
    let found = hooks(&library, "name: team/lint").unwrap();
    assert_eq!(found[0].hook_id, "afterExit:0:team/lint");
    assert_eq!(found[0].source.name.as_deref(), Some("team/lint"));
}

#[test]
fn the_sum_is_that_of_the_bytes() {
    let (_dir, library) = library();
    write(&library.config_dir, "hooks/x/hook.sh", "true\n");
    let output =
        std::process::Command::new("sha256sum").arg(library.config_dir.join("hooks/x/hook.sh")).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    let sum = || hooks(&library, "name: x").unwrap().remove(0).sha256.unwrap();
    assert_eq!(Some(sum().as_str()), output.split(' ').next());
    let before = sum();
    write(&library.config_dir, "hooks/x/hook.sh", "false\n");
    assert_ne!(sum(), before);
}

#[test]
fn a_file_has_to_be_one_that_can_be_run() {
    let (_dir, library) = library();
    let refused = |entry: &str| hooks(&library, entry).unwrap_err().render();
    write(&library.config_dir, "hooks/x/hook", "true\n");
    assert!(refused("name: x").contains("chmod +x"));
    write(&library.config_dir, "hooks/x/hook", "#!/bin/sh\ntrue\n");
    assert!(hooks(&library, "name: x").is_ok());
    write(&library.config_dir, "hooks/x/hook", "#");
    assert!(refused("name: x").contains("neither its ending nor its first line"));
    make_executable(&library, "hooks/x/hook");
    assert!(hooks(&library, "name: x").is_ok());
    // A link that leads nowhere hides what would be taken without it.
    write(&library.config_dir, "hooks/x/hook.py", "");
    std::fs::remove_file(library.config_dir.join("hooks/x/hook")).unwrap();
    symlink("nowhere", library.config_dir.join("hooks/x/hook")).unwrap();
    assert!(refused("name: x").contains("there is no file"));
    assert!(refused("path: /dev/null").contains("no regular file"));
}

#[test]
fn a_path_starts_at_the_file_it_is_written_in() {
    let (_dir, library) = library();
    let config = library.config_dir.to_str().unwrap().to_owned();
    write(&library.config_dir, "assignments/a/steps/check.sh", "true\n");
    assert_eq!(path(&library, "path: ./steps/check.sh"), format!("{config}/assignments/a/steps/check.sh"));
    assert_eq!(path(&library, "path: steps/check.sh"), format!("{config}/assignments/a/steps/check.sh"));
    let absolute = format!("{config}/assignments/a/steps/check.sh");
    assert_eq!(path(&library, &format!("path: {absolute}")), absolute);

    // Those of a shared task start at the task's file, those of a base at the base's.
    let task = "---\nschemaVersion: 1\ntitle: T\nhooks:\n  - path: ./guard.sh\n---\n";
    write(&library.config_dir, "tasks/team/t.md", task);
    write(&library.config_dir, "tasks/team/guard.sh", "true\n");
    write(&library.caller_dir, "heir.md", &assignment_text("heir", "extends: a\ntasks: [team/t]\n"));
    let found = library.assignment("./heir.md").unwrap_or_else(|error| panic!("{}", error.render()));
    let paths: Vec<&str> = found.hooks.iter().map(|hook| hook.resolved_path.as_deref().unwrap()).collect();
    assert_eq!(paths, [format!("{config}/tasks/team/guard.sh"), absolute]);
    assert_eq!(found.hooks[0].hook_id, "taskTransition:task:team/t:0:./guard.sh");
    let task = library.task("team/t").unwrap();
    assert_eq!(task.hooks, found.hooks[..1]);
}

#[test]
fn what_is_ones_own_hides_what_is_bundled() {
    let (_dir, library) = library();
    let bundled = &[("hooks/gate/hook.py", "print()\n"), ("hooks/other/hook.sh", "")];
    let found = named(&library.config_dir, "gate", bundled).unwrap();
    assert_eq!((found.path.as_str(), found.sha256.len()), ("bundled:hooks/gate/hook.py", 64));
    let trouble = named(&library.config_dir, "gaet", bundled).unwrap_err();
    assert!(trouble.hint.starts_with("did you mean `gate`?"), "{trouble:?}");
    write(&library.config_dir, "hooks/gate/hook.sh", "true\n");
    let found = named(&library.config_dir, "gate", bundled).unwrap();
    assert_eq!(found.path, library.config_dir.join("hooks/gate/hook.sh").to_str().unwrap());
}

#[test]
fn every_bundled_hook_can_be_named_and_read() {
    let (_dir, library) = library();
    for (place, text) in crate::bundled::HOOKS {
        let (name, _) = place.strip_prefix("hooks/").unwrap().rsplit_once('/').unwrap();
        let found = path(&library, &format!("name: {name}"));
        assert_eq!(found, format!("bundled:{place}"));
        assert_eq!(bundled_hook(&found), Some(*text));
    }
    assert_eq!(bundled_hook("bundled:hooks/none/hook.sh"), None);
    assert_eq!(bundled_hook("/hooks/none/hook.sh"), None);
}

#[test]
fn every_hook_of_the_repository_is_bundled() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hooks");
    for folder in
        std::fs::read_dir(root).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir())
    {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let (folder, file) =
                (folder.file_name().into_string().unwrap(), file.file_name().into_string().unwrap());
            let place = format!("hooks/{folder}/{file}");
            let is_hook = file == "hook" || file.starts_with("hook.");
            assert!(!is_hook || crate::bundled::HOOKS.iter().any(|(known, _)| *known == place), "{place}");
        }
    }
}
