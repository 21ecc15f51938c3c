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
/// The places of all files below these folders of the repository.
fn places_below(folders: &[&str]) -> Vec<String> {
    let root = repository();
    let mut files = Vec::new();
    for folder in folders {
        files_below(&root.join(folder), &mut files);
    }
    let mut places: Vec<String> =
        files.iter().map(|file| file.strip_prefix(&root).unwrap().to_string_lossy().into_owned()).collect();
    places.sort();
    places
}

#[test]
fn every_definition_file_of_the_repository_is_compiled_in() {
    let places = places_below(&Kind::ALL.map(Kind::folder));
    let compiled_in = crate::bundled::FILES.iter().chain(crate::bundled::BESIDE).map(|(place, _)| *place);
    let mut known: Vec<&str> = compiled_in.collect();
    known.sort_unstable();
    assert_eq!(places, known);
    assert!(known.len() >= 4);
}

#[test]
fn every_skill_of_the_repository_is_compiled_in_and_says_what_it_is_for() {
    let mut known: Vec<&str> = crate::bundled::SKILLS.iter().map(|(place, _)| *place).collect();
    known.sort_unstable();
    assert_eq!(places_below(&["docs/skills"]), known);
    assert_eq!(crate::skills().count(), known.len());
    for ((place, text), skill) in crate::bundled::SKILLS.iter().zip(crate::skills()) {
        assert_eq!(*place, format!("docs/skills/{}/{}", skill.name, crate::SKILL_FILE));
        let front = format!("---\nname: {}\ndescription: {}\n---\n", skill.name, skill.description);
        assert!(text.starts_with(&front), "{place}");
        // What clients that read skills allow.
        assert!((1..=1024).contains(&skill.description.len()), "{place}");
        assert!(skill.description.contains(" Use it when "), "{place} does not say when it is used");
        assert!(!skill.description.contains(": "), "{place}: that is no plain YAML text");
    }
}

#[test]
fn a_skill_is_untouched_until_one_character_of_it_is_another_one() {
    let skill = crate::skills().next().unwrap();
    let installed = skill.installed();
    assert!(crate::is_untouched(&installed));
    for (from, to) in [("agent", "agenT"), ("sha256", "sha257"), (" -->\n", " -->"), ("\n", "\r\n")] {
        assert!(!crate::is_untouched(&installed.replacen(from, to, 1)), "{from:?}");
    }
    assert!(!crate::is_untouched(&format!("{installed}More.\n")));
    assert!(!crate::is_untouched(&installed[..installed.find("<!--").unwrap()]));
    assert!(!crate::is_untouched(""));
}

#[test]
fn a_file_in_the_folder_of_a_definition_can_be_read_and_replaced() {
    let (_dir, library) = library();
    let (source, text) = library.text(Kind::Assignment, "plan-feature/template.md").unwrap();
    assert_eq!(source, Source::Bundled("assignments/plan-feature/template.md"));
    assert!(text.contains("\ncwd: \"{{repo_root}}\"\n"), "{text}");
    super::write(&library.config_dir, "assignments/plan-feature/template.md", "Ours.\n");
    let (source, text) = library.text(Kind::Assignment, "plan-feature/template.md").unwrap();
    assert_eq!(source, Source::Config(library.config_dir.join("assignments/plan-feature/template.md")));
    assert_eq!(text, "Ours.\n");
    // Not outside of the folder, not a folder, not of another kind; and what is missing is an assignment that is missing.
    for reference in ["plan-feature/../../x.md", "plan-feature/none.md", "plan-feature/x/", "plan-feature"] {
        assert!(library.text(Kind::Agent, reference).is_err(), "{reference}");
    }
    let missing = library.text(Kind::Assignment, "plan-feature/none.md").unwrap_err();
    assert!(missing.to_string().contains("no assignment \"plan-feature/none.md\" found"), "{missing}");
}

#[test]
fn the_form_of_a_plan_is_an_assignment_whose_tasks_say_what_they_leave_behind() {
    let (_dir, library) = library();
    for (place, text) in [
        ("assignments/plan-feature/template.md", "template"),
        ("assignments/plan-feature/assignment.md", "own"),
    ] {
        let authored = std::fs::read_to_string(repository().join(place)).unwrap();
        super::write(&library.caller_dir, &format!("{text}.md"), &authored);
        let plan = library.assignment(&format!("./{text}.md")).unwrap();
        for task in &plan.tasks {
            says_what_it_leaves(&plan.name, task);
            let categories = ["code-bearing", "process", "hybrid"];
            let (first, rest) = task.spec.body.split_once('\n').unwrap();
            assert!(
                categories.iter().any(|category| first == format!("**Category**: {category}")),
                "{}: {first}",
                task.spec.id
            );
            assert_eq!(
                rest.trim_start().starts_with("**Done when:**"),
                first.ends_with("code-bearing") || task.spec.id.as_str() == "verify_surface_coverage",
                "{}",
                task.spec.id
            );
        }
    }
}

fn says_what_it_leaves(name: &str, task: &crate::AssignedTask) {
    let body = task.spec.body.replace('\n', " ").to_lowercase();
    let says =
        ["notes must hold", "notes start with", "they must hold"].iter().any(|words| body.contains(words));
    assert!(says, "{name}: {} does not say what its notes have to hold", task.spec.id);
}

#[test]
fn every_bundled_definition_is_valid_and_listed() {
    let (_dir, library) = library();
    let mut seen = 0;
    for kind in Kind::ALL {
        for listed in library.list(kind).definitions {
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
    let scripts: Vec<_> = assignment.tasks.iter().flat_map(|task| command_blocks(&task.spec.body)).collect();
    assert_eq!(scripts.iter().map(|block| block.script.as_str()).collect::<Vec<_>>(), ["date\n", "pwd\n"]);
    assert!(scripts.iter().all(|block| block.shell == BlockShell::Sh));
    assert_eq!(library.agent("test").unwrap().backend, "shell");
    assert_eq!(library.agent("runbook").unwrap().backend, "shell");
}

/// What scripts read notes by. A change here breaks them.
const IDS: &[(&str, &[&str])] = &[
    ("repo-orientation", &["read_conventions", "inventory_packages", "summary"]),
    (
        "familiarize",
        &[
            "read_primary_entry_points",
            "run_codemap",
            "inventory_structure",
            "identify_entry_points",
            "map_subsystems",
            "capture_conventions",
            "list_unknowns",
            "self_check_summary",
        ],
    ),
    (
        "code-review-direct",
        &[
            "orient",
            "review/architecture",
            "review/concurrency",
            "review/error-handling",
            "review/state-machine",
            "review/resources",
            "review/security",
            "review/types-schema",
            "review/simplification-and-duplication",
            "review/test-coverage",
            "review/docs-drift",
            "review/surface-completeness",
            "synthesis",
            "approval",
        ],
    ),
    (
        "code-review",
        &[
            "orient",
            "review/architecture",
            "review/concurrency",
            "review/error-handling",
            "review/state-machine",
            "review/resources",
            "review/security",
            "review/types-schema",
            "review/simplification-and-duplication",
            "review/test-coverage",
            "review/docs-drift",
            "review/surface-completeness",
            "plan_coverage",
            "synthesis",
            "approval",
        ],
    ),
    (
        "plan-review",
        &[
            "orient_inputs",
            "review_contract_fidelity",
            "review_task_structure",
            "review_workflow_and_handoff",
            "synthesis",
            "approval",
        ],
    ),
    (
        "doc-review",
        &[
            "inventory",
            "review_elevator_pitch",
            "review_quickstart",
            "review_concepts",
            "review_commands_flags_api",
            "review_examples",
            "review_completeness",
            "review_structure",
            "propose_diagrams",
            "review_voice_consistency",
            "review_accessibility",
            "synthesis",
        ],
    ),
];

#[test]
fn bundled_assignments_have_the_ids_that_scripts_know() {
    let (_dir, library) = library();
    for (name, ids) in IDS {
        let assignment = library.assignment(name).unwrap();
        let found: Vec<&str> = assignment.tasks.iter().map(|task| task.spec.id.as_str()).collect();
        assert_eq!(&found, ids, "{name}");
        assert!(assignment.caller_instructions.is_some(), "{name} tells its caller nothing");
        for task in &assignment.tasks {
            says_what_it_leaves(name, task);
        }
    }
    let scope = library.assignment("code-review-direct").unwrap().message.unwrap();
    assert!(scope.contains("whole code base"), "{scope}");
}

#[test]
fn bundled_agents_leave_the_model_to_the_client_and_say_the_rest() {
    let (_dir, library) = library();
    for name in ["generic", "planner", "implementer", "code-reviewer", "doc-reviewer"] {
        let agent = library.agent(name).unwrap();
        assert_eq!((agent.backend.as_str(), agent.model.as_deref()), ("claude", None), "{name}");
        assert!(agent.text.contains("\nunrestricted: true\n"), "{name} does not say it");
        assert!(agent.effort.is_some() && agent.timeout_sec.is_some_and(|limit| limit >= 3600), "{name}");
        assert!(agent.locked_fields.is_empty(), "{name} cannot be adapted on the command line");
    }
}

#[test]
fn a_bundled_assignment_takes_shared_tasks_from_the_bundle_or_from_those_that_hide_them() {
    let (_dir, library) = library();
    let sources = |library: &crate::Library| -> Vec<Option<Source>> {
        library.assignment("code-review-direct").unwrap().tasks.into_iter().map(|task| task.source).collect()
    };
    let bundled = sources(&library);
    assert_eq!(bundled[1], Some(Source::Bundled("tasks/review/architecture.md")));
    assert_eq!(bundled.iter().filter(|source| source.is_none()).count(), 3, "{bundled:?}");
    let text = "---\nschemaVersion: 1\ntitle: Our own way\n---\nOurs.\n";
    super::write(&library.config_dir, "tasks/review/architecture.md", text);
    let own = sources(&library);
    assert_eq!(own[1], Some(Source::Config(library.config_dir.join("tasks/review/architecture.md"))));
    assert_eq!(own[2..], bundled[2..]);
    let task = &library.assignment("code-review-direct").unwrap().tasks[1];
    assert_eq!((task.spec.title.as_str(), task.spec.body.as_str()), ("Our own way", "Ours."));
    // An assignment of one's own lists them the same way, by file as well.
    super::write(&library.caller_dir, "mine/step.md", "---\nschemaVersion: 1\ntitle: Step\n---\n");
    let fields = "tasks: [review/security, ./step.md]\n";
    super::write(&library.caller_dir, "mine/assignment.md", &super::assignment_text("mine", fields));
    let mine = library.assignment("./mine").unwrap();
    assert_eq!(mine.tasks[0].source, Some(Source::Bundled("tasks/review/security.md")));
    assert_eq!(mine.tasks[1].source, Some(Source::Path(library.caller_dir.join("mine/step.md"))));
}

#[test]
fn a_role_leaves_the_first_line_of_the_notes_to_the_task_that_asks_for_one() {
    let (_dir, library) = library();
    let tasks = library.assignment("code-review-direct").unwrap().task_specs();
    let approval = &tasks.iter().find(|task| task.id.as_str() == "approval").unwrap().body;
    assert!(approval.contains("start with one of these two lines, above anything that your role wants"));
    for name in ["code-reviewer", "doc-reviewer"] {
        let role = library.agent(name).unwrap().instructions.replace('\n', " ");
        assert!(
            role.contains("where a task asks for another first line, that one stands above them"),
            "{name}"
        );
    }
}
