//! Environment expressions and variables of definitions that are right.

use agent_runner_model::spec::{Effort, Value};
use agent_runner_model::vars::{RequiredAt, VarSource, VarSpec, VarType, VarValue};

use super::{library, write};
use crate::{Library, Surroundings};

fn within(library: Library, variables: &[(&str, &str)]) -> Library {
    library.within(Surroundings::of(variables.iter().map(|(name, value)| (name.into(), value.into()))))
}

#[test]
fn a_whole_value_is_what_the_environment_says_and_then_of_the_fields_type() {
    let (_dir, library) = library();
    let text = "---\nschemaVersion: 1\nname: a\nbackend: ${BACKEND}\nmodel: \"${MODEL}\"\neffort: ${EFFORT:-low}\n\
                timeoutSec: ${LIMIT}\nunrestricted: ${FREE:-false}\nlockedFields: ['${LOCK}']\nbackendConfig:\n  shell:\n    \
                port: ${PORT}\n    deep: [{a: '${EMPTY-x}'}]\nbackendArgs:\n  shell:\n    extraArgs: ['${ARG:-{x}}', '${ARG:-y}']\n\
                ---\n\n${ROLE}\n";
    write(&library.caller_dir, "agent.md", text);
    let variables = [
        ("BACKEND", "shell"),
        ("MODEL", "5"),
        ("LIMIT", "60"),
        ("LOCK", "model"),
        ("PORT", "8080"),
        ("EMPTY", ""),
        ("ROLE", "Be kind.\nBe ${BRIEF}.\n"),
    ];
    let agent = within(library, &variables).agent("./agent.md").unwrap();
    assert_eq!(
        (agent.backend.as_str(), agent.model.as_deref(), agent.effort),
        ("shell", Some("5"), Some(Effort::Low))
    );
    assert_eq!(
        (agent.timeout_sec, agent.unrestricted, agent.locked_fields.len()),
        (Some(60), Some(false), 1)
    );
    assert_eq!(agent.backend_config["shell"]["port"], Value::Text("8080".into()));
    let Value::List(deep) = &agent.backend_config["shell"]["deep"] else { panic!("no list") };
    assert_eq!(deep[0], Value::Map([("a".to_owned(), Value::Text(String::new()))].into()));
    assert_eq!(agent.backend_args["shell"], ["${ARG:-{x}}", "y"], "braces inside make it a text");
    assert_eq!(agent.instructions, "Be kind.\nBe ${BRIEF}.", "a value is not looked through");
}

#[test]
fn a_part_of_a_text_is_text() {
    let (_dir, library) = library();
    let text = "---\nschemaVersion: 1\nname: a\nmessage: Review ${TARGET} now\ntasks:\n  - id: one\n    title: ${{ x }}\n    \
                body: |\n      ${ONE} ${TWO}\n---\n${{ github.sha }}\n";
    write(&library.caller_dir, "work.md", text);
    let work = within(library, &[("TARGET", "x"), ("ONE", "x")]).assignment("./work.md").unwrap();
    assert_eq!(work.message.as_deref(), Some("Review ${TARGET} now"));
    assert_eq!(
        (work.tasks[0].spec.title.as_str(), work.tasks[0].spec.body.as_str()),
        ("${{ x }}", "${ONE} ${TWO}")
    );
    assert_eq!(work.instructions, "${{ github.sha }}");
}

#[test]
fn no_message_repeats_what_the_environment_says() {
    let (_dir, library) = library();
    let library = within(library, &[("X", "s3cret value")]);
    for front in [
        "backend: ${X}",
        "backend: shell\neffort: ${X}",
        "backend: shell\ntimeoutSec: ${X}",
        "backend: shell\nunrestricted: ${X}",
        "backend: shell\nlockedFields: ${X}",
        "backend: shell\nlockedFields: ['${X}']",
        "backend: shell\nbackendConfig: ${X}",
        "backend: shell\nbackendArgs: {shell: {extraArgs: '${X}'}}",
        "backend: shell\nbackendArgs: {shell: '${X}'}",
        "backend: shell\nbackendArgs: {shell: ['--flag', '${X}']}",
        "backend: command\nbackendConfig: {command: '${X}'}",
        "backend: command\nbackendConfig: {command: [tool, '${X}']}",
        "backend: shell\nschemaVersion: ${X}",
    ] {
        write(&library.caller_dir, "agent.md", &format!("---\nname: a\nschemaVersion: 1\n{front}\n---\n"));
        let error = library.agent("./agent.md").unwrap_err().render();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn variables_are_read_with_their_defaults() {
    let (_dir, library) = library();
    let text = "---\nschemaVersion: 1\nname: a\nvars:\n  range: {}\n  level:\n    type: enum\n    values: [low, high]\n    sources: \
                [parent, env]\n    envName: LEVEL\n    default: ${WANTED}\n    required: true\n    requiredAt: prepare\n  count: \
                {type: number, default: '${COUNT}'}\n  on.or-off: {type: boolean, default: false, description: D}\n---\n";
    write(&library.caller_dir, "work.md", text);
    let work = within(library, &[("WANTED", "high"), ("COUNT", "1.50")]).assignment("./work.md").unwrap();
    let [range, level, count, loud] = &work.vars[..] else { panic!("{:?}", work.vars) };
    assert_eq!(
        *range,
        VarSpec {
            name: "range".into(),
            kind: VarType::String,
            required: false,
            required_at: RequiredAt::Initial,
            sources: vec![VarSource::Cli, VarSource::Web],
            env_name: "range".into(),
            default: None,
            description: None,
        }
    );
    assert_eq!(
        (level.required, level.required_at, level.env_name.as_str()),
        (true, RequiredAt::Prepare, "LEVEL")
    );
    assert_eq!(
        (&level.sources[..], &level.default),
        (&[VarSource::Parent, VarSource::Env][..], &Some(VarValue::Text("high".into())))
    );
    assert_eq!(count.default.as_ref().map(ToString::to_string).as_deref(), Some("1.5"));
    assert_eq!((&loud.default, loud.description.as_deref()), (&Some(VarValue::Bool(false)), Some("D")));
}
