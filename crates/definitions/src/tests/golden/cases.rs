//! Definitions that are wrong in one way each.

/// What the text is read as.
pub(super) enum Reads {
    Agent,
    Assignment,
    Task,
    Checklist,
}

/// A definition that must be refused.
pub(super) struct Case {
    pub reads: Reads,
    pub label: &'static str,
    pub text: &'static [u8],
}

macro_rules! cases {
    ($($reads:ident $label:literal $text:expr;)+) => {
        pub(super) const CASES: &[Case] =
            &[$(Case { reads: Reads::$reads, label: $label, text: $text.as_bytes() }),+, NOT_UTF8];
    };
}

const NOT_UTF8: Case = Case {
    reads: Reads::Agent,
    label: "not UTF-8",
    text: b"---\nschemaVersion: 1\nname: caf\xe9\nbackend: shell\n---\n",
};

/// The head of a valid agent.
macro_rules! agent {
    ($rest:literal) => {
        concat!("---\nschemaVersion: 1\nname: a\nbackend: shell\n", $rest)
    };
}

/// The head of a valid assignment.
macro_rules! assignment {
    ($rest:literal) => {
        concat!("---\nschemaVersion: 1\nname: a\n", $rest)
    };
}

cases! {
    Agent "empty file" "";
    Agent "no front matter" "# My agent\n\nBe kind.\n";
    Agent "blank lines above the front matter" "\n\n---\nschemaVersion: 1\n---\n";
    Agent "front matter without end" agent!("\nBe kind.\n");
    Agent "empty front matter" "---\n---\nBe kind.\n";
    Agent "no fields, only text" "---\nBe kind.\n---\n";
    Agent "a list instead of fields" "---\n- name\n---\n";
    Agent "missing fields" "---\nmodel: m\n---\n";
    Agent "wrong schema version" "---\nschemaVersion: 2\nname: a\nbackend: shell\n---\n";
    Agent "quoted schema version" "---\nschemaVersion: \"1\"\nname: a\nbackend: shell\n---\n";
    Agent "misspelt field" "---\nschemaVersion: 1\nname: a\nbakend: shell\n---\n";
    Agent "field in the wrong spelling" agent!("timeout_sec: 60\n---\n");
    Agent "field nobody knows" agent!("colour: red\n---\n");
    Agent "field of an assignment" agent!("tasks: []\n---\n");
    Agent "field that is not supported yet" agent!("launcher: ssh-docker\nexecutionEnvironment: box\n---\n");
    Agent "field twice" agent!("model: m\nname: b\n---\n");
    Agent "reserved name" "---\nschemaVersion: 1\nname: ad-hoc\nbackend: shell\n---\n";
    Agent "empty name" "---\nschemaVersion: 1\nname: ''\nbackend: shell\n---\n";
    Agent "number for a text" agent!("model: 5.4\n---\n");
    Agent "nothing for a text" agent!("model:\n---\n");
    Agent "list for a text" agent!("model: [a, b]\n---\n");
    Agent "backend of two words" "---\nschemaVersion: 1\nname: a\nbackend: my shell\n---\n";
    Agent "yes for a truth value" agent!("unrestricted: yes\n---\n");
    Agent "capital truth value" agent!("unrestricted: True\n---\n");
    Agent "zero timeout" agent!("timeoutSec: 0\n---\n");
    Agent "timeout with a unit" agent!("timeoutSec: 10m\n---\n");
    Agent "quoted timeout" agent!("timeoutSec: \"60\"\n---\n");
    Agent "fraction" agent!("timeoutSec: 1.5\n---\n");
    Agent "unknown effort" agent!("effort: hihg\n---\n");
    Agent "unknown locked field" agent!("lockedFields: [model, tasks, colour]\n---\n");
    Agent "locked fields as a text" agent!("lockedFields: model\n---\n");
    Agent "backend configuration as a text" agent!("backendConfig: ws\n---\n");
    Agent "backend configuration with doubtful values"
        agent!("backendConfig:\n  codex:\n    a: no\n    b: 1.10\n    c: 017\n    d:\n      - ok\n      - ~\n---\n");
    Agent "unknown field of backendArgs" agent!("backendArgs:\n  claude:\n    args: [a]\n---\n");
    Agent "number among backendArgs" agent!("backendArgs:\n  claude:\n    extraArgs: [--depth, 3, '']\n---\n");
    Agent "template without quotes" "---\nschemaVersion: 1\nname: {{ticket}}\nbackend: shell\n---\n";
    Agent "template and text without quotes" agent!("model: {{model}}-large\n---\n");
    Agent "environment expression" agent!("model: ${MODEL:-m}\ntimeoutSec: ${LIMIT}\n---\n");
    Agent "alias" agent!("model: &m large\neffort: *m\n---\n");
    Agent "merge key" agent!("<<: {model: m}\n---\n");
    Agent "tag" agent!("model: !important m\n---\n");
    Agent "cron expression without quotes" agent!("model: */5 * * * *\n---\n");
    Agent "value that starts with @" agent!("model: @latest\n---\n");
    Agent "colon inside a value" agent!("model: provider: m\n---\n");
    Agent "quote without end" agent!("model: \"m\neffort: low\n---\n");
    Agent "brackets that do not match" agent!("lockedFields: [model, effort\n---\n");
    Agent "unknown escape" agent!("model: \"C:\\models\"\n---\n");
    Agent "missing colon" agent!("effort low\n---\n");
    Agent "missing blank after the colon" agent!("effort:low\n---\n");
    Agent "tab as indentation" agent!("backendArgs:\n\tclaude:\n\t\textraArgs: [a]\n---\n");
    Agent "indented too far" agent!("  model: m\n---\n");
    Agent "second document" agent!("...\n--- more\nmodel: m\n---\n");
    Agent "control character" agent!("model: a\u{1b}[31mb\n---\n");
    Agent "NUL below the front matter" agent!("---\nBe\0kind.\n");
    Agent "list as a field name" agent!("? [a, b]\n: c\n---\n");
    Agent "directive" "---\n%YAML 1.2\nname: a\n---\n";
    Agent "too deep"
        agent!("backendConfig: {a: {b: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}\n---\n");
    Agent "wide characters before the place" agent!("backendArgs: {名前: {args: [\"é\"]}}\n---\n");
    Agent "Windows line ends" "\u{feff}---\r\nschemaVersion: 1\r\nname: a\r\nbackend: shell\r\ncolour: red\r\n---\r\n";
    Assignment "too many retries" assignment!("maxRetries: 21\n---\n");
    Assignment "negative retries" assignment!("maxRetries: -1\n---\n");
    Assignment "hooks and variables" assignment!("vars: {a: {type: string}}\nhooks: {}\nschedule:\n  delay: 1h\n---\n");
    Assignment "model in an assignment" assignment!("model: m\n---\n");
    Assignment "tasks as a map" assignment!("tasks:\n  one: Do it\n---\n");
    Assignment "task without title, with a misspelt field" assignment!("tasks:\n  - id: one\n    titel: One\n---\n");
    Assignment "task id with a blank" assignment!("tasks:\n  - id: one two\n    title: One\n---\n");
    Assignment "task id that is a number" assignment!("tasks:\n  - id: 1\n    title: One\n---\n");
    Assignment "task id twice"
        assignment!("tasks:\n  - id: one\n    title: One\n  - id: two\n    title: Two\n  - title: Three\n    id: one\n---\n");
    Assignment "title of two lines" assignment!("tasks:\n  - id: one\n    title: |\n      One\n      two\n---\n");
    Assignment "task hooks" assignment!("tasks:\n  - id: one\n    title: One\n    hooks:\n      - builtin: x\n---\n");
    Assignment "task that is nowhere" assignment!("tasks:\n  - review/reuse\n  - ./missing.md\n  - ../../a\\b\n---\n");
    Assignment "task name with .." assignment!("tasks:\n  - a/../b\n---\n");
    Assignment "task whose file is wrong" assignment!("tasks:\n  - ./broken-task.md\n---\n");
    Assignment "list among the tasks" assignment!("tasks:\n  - [one]\n---\n");
    Assignment "cron working directory" assignment!("cwd: *home\n---\n");
    Task "body as a field" "---\nschemaVersion: 1\nid: a\ntitle: A\nbody: text\n---\n";
    Task "task without title" "---\nschemaVersion: 1\nid: a\n---\nText.\n";
    Task "empty title" "---\nschemaVersion: 1\ntitle: '  '\n---\n";
    Checklist "no list at all" "# Plan\n\nThink first.\n";
    Checklist "empty checklist" "";
    Checklist "everything ticked off" "# Plan\n\n- [x] One\n- [X] Two\n";
    Checklist "front matter" "---\nschemaVersion: 1\nname: a\n---\n- [ ] One\n";
    Checklist "broken checkboxes" "- [ ] One\n- [] Two\n-[ ] Three\n* [  ] Four\n- [ ]Five\n";
    Checklist "item without text" "- [ ] One\n- [ ]\n";
    Checklist "open item below a plain item" "- [ ] One\n- Group\n  - [ ] Two\n";
    Checklist "open item below a ticked item" "- [ ] One\n- [x] Done\n  - [ ] Not done\n";
}
