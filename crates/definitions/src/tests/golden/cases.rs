//! Definitions that are wrong in one way each.

/// What the text is read as.
pub(in crate::tests) enum Reads {
    Agent,
    Assignment,
    Task,
    Checklist,
    /// The agent of that name in the configuration directory.
    AgentCalled(&'static str),
    /// The task of that name in the configuration directory.
    TaskCalled(&'static str),
    /// A file that is checked without being told what it is.
    Validated,
    /// An agent that is valid; what is remarked about it.
    Remarks,
    /// An assignment that is valid; what is remarked about it.
    AssignmentRemarks,
    /// Nothing: an agent is looked up by that reference.
    Lookup(&'static str),
    /// Nothing: a task is made under that name.
    NewTask(&'static str),
    /// Nothing: there is a folder where the agent's file should be.
    Folder,
    /// Nothing: the agent's file is a link that leads nowhere.
    DeadLink,
}

/// A definition that must be refused.
pub(in crate::tests) struct Case {
    pub reads: Reads,
    pub label: &'static str,
    /// `@200@` and `@5000@` stand for that many letters.
    pub text: &'static [u8],
}

macro_rules! cases {
    ($($reads:ident $(($name:literal))? $label:literal $text:expr;)+) => {
        pub(in crate::tests) const CASES: &[Case] =
            &[$(Case { reads: Reads::$reads $(($name))?, label: $label, text: $text.as_bytes() }),+, NOT_UTF8, UTF16];
    };
}

const NOT_UTF8: Case = Case {
    reads: Reads::Agent,
    label: "not UTF-8",
    text: b"---\nschemaVersion: 1\nname: caf\xe9\nbackend: shell\n---\n",
};

const UTF16: Case =
    Case { reads: Reads::Agent, label: "UTF-16", text: b"\xff\xfe-\0-\0-\0\n\0n\0a\0m\0e\0:\0 \0a\0\n\0" };

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

/// The head of a definition that extends the one in `base`.
macro_rules! heir {
    ($rest:literal) => {
        concat!("---\nschemaVersion: 1\nname: a\nextends: ./base\n", $rest)
    };
}

/// The head of a definition that extends that.
macro_rules! extends {
    ($base:literal) => {
        concat!("---\nschemaVersion: 1\nname: a\nextends: ", $base, "\n---\n")
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
    Agent "missing name" "---\nschemaVersion: 1\nbackend: shell\n---\n";
    Agent "missing schema version" "---\nname: a\nbackend: shell\n---\n";
    Agent "TOML front matter" "+++\nname = \"a\"\n+++\nBe kind.\n";
    Agent "front matter in a code fence" "```yaml\n---\nname: a\n---\n```\n";
    Agent "fields without any ---" "schemaVersion: 1\nname: a\nbackend: shell\n\nBe kind.\n";
    Agent "four dashes at the start" "----\nschemaVersion: 1\n----\n";
    Agent "four dashes at the end" agent!("----\nBe kind.\n");
    Agent "long dashes at the end" agent!("—\nBe kind.\n");
    Agent "wrong schema version" "---\nschemaVersion: 2\nname: a\nbackend: shell\n---\n";
    Agent "quoted schema version" "---\nschemaVersion: \"1\"\nname: a\nbackend: shell\n---\n";
    Agent "misspelt field" "---\nschemaVersion: 1\nname: a\nbakend: shell\n---\n";
    Agent "field in the wrong spelling" agent!("timeout_sec: 60\n---\n");
    Agent "field in capitals" agent!("Model: m\n---\n");
    Agent "field nobody knows" agent!("colour: red\n---\n");
    Agent "field of an assignment" agent!("tasks: []\n---\n");
    Agent "role as a field" agent!("description: Reviews changes.\n---\n");
    Agent "field that is not supported yet" agent!("launcher: ssh-docker\nexecutionEnvironment: box\n---\n");
    Agent "field twice" agent!("model: m\nname: b\n---\n");
    Agent "reserved name" "---\nschemaVersion: 1\nname: ad-hoc\nbackend: shell\n---\n";
    Agent "field twice, further in" agent!("backendArgs:\n  claude: {}\n  codex: {}\n  claude:\n    extraArgs: [a]\n---\n");
    AgentCalled("careful") "name that differs from its place" agent!("---\nBe careful.\n");
    TaskCalled("team/lint") "task id that differs from its place" "---\nschemaVersion: 1\nid: lint\ntitle: Lint\n---\n";
    Agent "empty name" "---\nschemaVersion: 1\nname: ''\nbackend: shell\n---\n";
    Agent "nothing for a name" "---\nschemaVersion: 1\nname:\nbackend: shell\n---\n";
    Agent "number for a text" agent!("model: 5.4\n---\n");
    Agent "nothing for a text" agent!("model:\n---\n");
    Agent "comment in place of a text" agent!("model: #5\n---\n");
    Agent "list for a text" agent!("model: [a, b]\n---\n");
    Agent "backend of two words" "---\nschemaVersion: 1\nname: a\nbackend: my shell\n---\n";
    Agent "yes for a truth value" agent!("unrestricted: yes\n---\n");
    Agent "on for a truth value" agent!("unrestricted: on\n---\n");
    Agent "quoted truth value" agent!("unrestricted: \"true\"\n---\n");
    Agent "capital truth value" agent!("unrestricted: True\n---\n");
    Agent "zero timeout" agent!("timeoutSec: 0\n---\n");
    Agent "negative timeout" agent!("timeoutSec: -5\n---\n");
    Agent "timeout out of range" agent!("timeoutSec: 99999999999\n---\n");
    Agent "timeout with separators" agent!("timeoutSec: 3_600\n---\n");
    Agent "timeout with a unit" agent!("timeoutSec: 10m\n---\n");
    Agent "quoted timeout" agent!("timeoutSec: \"60\"\n---\n");
    Agent "fraction" agent!("timeoutSec: 1.5\n---\n");
    Agent "unknown effort" agent!("effort: hihg\n---\n");
    Agent "effort that no list has" agent!("effort: enormous\n---\n");
    Agent "effort as a number" agent!("effort: 3\n---\n");
    Agent "near miss of a locked field" agent!("lockedFields: [timeout]\n---\n");
    Agent "unknown locked field" agent!("lockedFields: [model, tasks, colour]\n---\n");
    Agent "locked fields as a text" agent!("lockedFields: model\n---\n");
    Agent "backend configuration as a text" agent!("backendConfig: ws\n---\n");
    Agent "backend configuration without a backend" agent!("backendConfig:\n  argv: [my-program]\n---\n");
    Agent "backendArgs without a backend" agent!("backendArgs:\n  extraArgs: [--verbose]\n---\n");
    Agent "backendArgs as a list" agent!("backendArgs: [--verbose]\n---\n");
    Agent "program as a text below its backend" agent!("backendConfig:\n  command: my-agent --fast\n---\n");
    Agent "program as a list below its backend" agent!("backendConfig:\n  command: [my-agent, \"a b\"]\n---\n");
    Agent "arguments as a list below their backend" agent!("backendArgs:\n  claude: [--verbose]\n---\n");
    Agent "arguments as a text below their backend" agent!("backendArgs: {shell: --verbose}\n---\n");
    Agent "name of two lines" "---\nschemaVersion: 1\nname: \"a\\n b\"\nbackend: shell\n---\n";
    Agent "name with a control character" "---\nschemaVersion: 1\nname: \"a\\e[31m\"\nbackend: shell\n---\n";
    Agent "name of lines joined by the reader" "---\nschemaVersion: 1\nname: |\n  a\n  b\nbackend: shell\n---\n";
    Agent "quotes inside quotes" agent!("model: \"Say \"hello\" to all\"\n---\n");
    Agent "quotes at the end inside quotes" agent!("model: \"Say \"hello\"\"\n---\n");
    Agent "apostrophe between single quotes" agent!("model: 'don't do it'\n---\n");
    Agent "text on the line of |" agent!("model: |opus\n---\n");
    Agent "text on the line of >" agent!("model: >opus\n---\n");
    Agent "text after | and a blank" agent!("model: | opus\n---\n");
    Agent "no-break space after the colon" agent!("model:\u{a0}opus\n---\n");
    Agent "no-break space as indentation" agent!("backendArgs:\n\u{a0}\u{a0}claude:\n\u{a0}\u{a0}\u{a0}\u{a0}extraArgs: [a]\n---\n");
    Agent "zero-width space in a field name" agent!("mod\u{200b}el: opus\n---\n");
    Agent "byte-order mark in the middle" agent!("\u{feff}model: opus\n---\n");
    Agent "no-break space before a field" agent!("\u{a0}model: opus\n---\n");
    Agent "ideographic space after the colon" agent!("model:\u{3000}opus\n---\n");
    Remarks "backendArgs for another backend" agent!("backendArgs:\n  codex:\n    extraArgs: [--verbose]\n---\n");
    Remarks "backend misspelt in backendConfig" agent!("backendConfig:\n  shel: {}\n---\n");
    Agent "backend configuration with doubtful values"
        agent!("backendConfig:\n  codex:\n    a: no\n    b: 1.10\n    c: 017\n    d:\n      - ok\n      - ~\n---\n");
    Agent "unknown field of backendArgs" agent!("backendArgs:\n  claude:\n    args: [a]\n---\n");
    Agent "number among backendArgs" agent!("backendArgs:\n  claude:\n    extraArgs: [--depth, 3, '']\n---\n");
    Agent "template without quotes" "---\nschemaVersion: 1\nname: {{ticket}}\nbackend: shell\n---\n";
    Agent "template and text without quotes" agent!("model: {{model}}-large\n---\n");
    Agent "template in a list without quotes" agent!("backendConfig:\n  command:\n    argv: [my-program, {{prompt}}]\n---\n");
    Assignment "variables as a list" assignment!("vars:\n  - range\n---\n");
    Assignment "variable without a map" assignment!("vars:\n  range: main\n---\n");
    Assignment "variable with a field that is none" assignment!("vars:\n  range:\n    typ: string\n---\n");
    Assignment "variable with a type that is none" assignment!("vars:\n  range:\n    type: text\n---\n");
    Assignment "variable every run sets" assignment!("vars:\n  run_id: {}\n---\n");
    Assignment "variable with a name that cannot be" assignment!("vars:\n  my range: {}\n---\n");
    Assignment "enum without values" assignment!("vars:\n  level:\n    type: enum\n---\n");
    Assignment "values of a text" assignment!("vars:\n  level:\n    values: [a]\n---\n");
    Assignment "variable whose default is none of its values" assignment!("vars:\n  level: {type: enum, values: [a, b], default: c}\n---\n");
    Assignment "variable whose default is no number" assignment!("vars:\n  count: {type: number, default: \"5\"}\n---\n");
    Agent "template engine that is none" agent!("template: mustache\n---\n");
    Agent "template with a block that is not closed" agent!("template: handlebars\n---\n\nYou are kind.\n{{#if loud}}\nShout.\n");
    Agent "template with a partial" agent!("template: handlebars\n---\nYou are kind.\n  {{> manners}}\n");
    Agent "template with a block that is none" agent!("template: handlebars\n---\n{{#with tasks}}{{/with}}\n");
    Agent "template with an expression of something else" agent!("template: handlebars\n---\nUse ${{ github.sha }} or ${{ env }}\n");
    Assignment "template with an unknown variable in its text" assignment!("template: handlebars\nvars:\n  range: {}\n---\n\nLook\nat {{ragne}}.\n");
    Assignment "template with an unknown variable in a task" assignment!("template: handlebars\nvars:\n  loud: {type: boolean}\ntasks:\n  - id: a\n    title: \"A {{#if loud}}!{{/if}}\"\n    body: |\n      First.\n      {{#each tasks}}{{name}}{{/each}}\n---\n");
    Assignment "template with tasks in a title" assignment!("template: handlebars\ntasks:\n  - {id: a, title: \"A {{len tasks}}\"}\n---\n");
    Assignment "template with a loop through a text" assignment!("template: handlebars\nvars:\n  files: {}\ncallerInstructions: \"{{#each files}}{{this}}{{/each}}\"\n---\n");
    Assignment "template with a function that is none" assignment!("template: handlebars\nvars:\n  files: {}\n---\n{{#if (equals files \"x\")}}{{/if}}\n");
    Assignment "template with a block that another one ends" assignment!("template: handlebars\nvars:\n  files: {}\n---\n{{#if files}}{{#each tasks}}{{/if}}{{/each}}\n");
    Assignment "variable whose default is no truth value" assignment!("vars:\n  loud: {type: boolean, default: 1}\n---\n");
    Assignment "variable whose default is no text" assignment!("vars:\n  range: {default: 5}\n---\n");
    Assignment "variable without sources" assignment!("vars:\n  range: {sources: []}\n---\n");
    Assignment "variable with a source that is none" assignment!("vars:\n  range: {sources: [cli, environment]}\n---\n");
    Assignment "variable with a source twice" assignment!("vars:\n  range: {sources: [cli, cli]}\n---\n");
    Assignment "variable with an impossible envName" assignment!("vars:\n  range: {envName: A=B}\n---\n");
    Assignment "variable with a value twice" assignment!("vars:\n  level: {type: enum, values: [a, b, a]}\n---\n");
    Assignment "variable required at some other time" assignment!("vars:\n  range: {requiredAt: later}\n---\n");
    Agent "budget as a number" agent!("budget: 5\n---\n");
    Agent "budget with a ceiling that is none" agent!("budget: {cost: 5}\n---\n");
    Agent "budget of nothing" agent!("budget: {tokens: 0}\n---\n");
    Agent "budget that readers of JSON would round" agent!("budget: {attempts: 9007199254740992}\n---\n");
    Assignment "budget in another currency" assignment!("budget: {costUsd: 5 EUR}\n---\n");
    Assignment "budget with a soft mark beyond it" assignment!("budget: {costUsd: 5, soft: 120}\n---\n");
    Agent "launcher as a list" agent!("launcher: [ssh, host]\n---\n");
    Agent "launcher without a command" agent!("launcher: {args: [x]}\n---\n");
    Agent "launcher with a field that is none" agent!("launcher: {command: x, argv: [y]}\n---\n");
    Agent "environment expression" agent!("model: ${MODEL:-m}\ntimeoutSec: ${LIMIT}\n---\n");
    Agent "environment expression in a text" agent!("model: ${MODEL}\n---\n");
    Agent "environment expression that is none" agent!("model: ${MODEL:=m}\n---\n");
    Agent "environment expression for a number that is none" agent!("timeoutSec: ${LIMIT:-soon}\n---\n");
    Agent "environment expression for a list" agent!("lockedFields: ${LOCKS:-model}\n---\n");
    Agent "environment expression for a map" agent!("backendConfig: ${CONFIG:-x}\n---\n");
    Agent "environment expression below the fields" agent!("---\n\n${ROLE}\n");
    Assignment "environment expression in a task" assignment!("tasks:\n  - id: a\n    title: ${TITLE}\n---\n");
    Agent "alias" agent!("model: &m large\neffort: *m\n---\n");
    Agent "merge key" agent!("<<: {model: m}\n---\n");
    Agent "tag" agent!("model: !important m\n---\n");
    Agent "cron expression without quotes" agent!("model: */5 * * * *\n---\n");
    Agent "cron expression without quotes, by the hour" agent!("model: * 9 * * 1-5\n---\n");
    Agent "value that starts with @" agent!("model: @latest\n---\n");
    Agent "colon inside a value" agent!("model: provider: m\n---\n");
    Agent "quote without end" agent!("model: \"m\neffort: low\n---\n");
    Agent "brackets that do not match" agent!("lockedFields: [model, effort\n---\n");
    Agent "unknown escape" agent!("model: \"C:\\models\"\n---\n");
    Agent "missing colon" agent!("effort low\n---\n");
    Agent "missing blank after the colon" agent!("effort:low\n---\n");
    Agent "equals sign in place of the colon" agent!("effort = low\n---\n");
    Agent "tab as indentation" agent!("backendArgs:\n\tclaude:\n\t\textraArgs: [a]\n---\n");
    Agent "indented too far" agent!("  model: m\n---\n");
    Agent "second document" agent!("...\n--- more\nmodel: m\n---\n");
    Agent "control character" agent!("model: a\u{1b}[31mb\n---\n");
    Agent "NUL in the front matter" agent!("model: a\0b\n---\n");
    Agent "NUL below the front matter" agent!("---\nBe\0kind.\n");
    Agent "list as a field name" agent!("? [a, b]\n: c\n---\n");
    Agent "directive" "---\n%YAML 1.2\nname: a\n---\n";
    Agent "too deep"
        agent!("backendConfig: {a: {b: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}\n---\n");
    Agent "very long line" agent!("backendConfig: {claude: {a: x@5000@, b: ~}}\n---\n");
    Agent "wide characters before the place" agent!("backendArgs: {名前: {args: [\"é\"]}}\n---\n");
    Agent "byte-order mark and nothing after it" "\u{feff}";
    Agent "Windows line ends" "\u{feff}---\r\nschemaVersion: 1\r\nname: a\r\nbackend: shell\r\ncolour: red\r\n---\r\n";
    Assignment "too many retries" assignment!("maxRetries: 21\n---\n");
    Assignment "negative retries" assignment!("maxRetries: -1\n---\n");
    Assignment "hooks and variables" assignment!("vars: {a: {type: string}}\nhooks: {}\nschedule:\n  delay: 1h\n---\n");
    Assignment "model in an assignment" assignment!("model: m\n---\n");
    Assignment "agent in an assignment" assignment!("agent: planner\n---\n");
    Assignment "task with a name" assignment!("tasks:\n  - name: one\n    title: One\n---\n");
    Assignment "tasks as a map" assignment!("tasks:\n  one: Do it\n---\n");
    Assignment "task without title, with a misspelt field" assignment!("tasks:\n  - id: one\n    titel: One\n---\n");
    Assignment "task without id" assignment!("tasks:\n  - title: One\n---\n");
    Assignment "tasks misspelt" assignment!("task:\n  - id: one\n    title: One\n---\n");
    Assignment "blank missing after the dash" assignment!("tasks:\n  -id: one\n   title: One\n---\n");
    Assignment "first task on the line of the field" assignment!("tasks: - id: one\n---\n");
    Assignment "title that is not indented like its id" assignment!("tasks:\n  - id: one\n   title: One\n---\n");
    Assignment "title with a colon" assignment!("tasks:\n  - id: one\n    title: Fix: the parser\n---\n");
    Assignment "title that starts with #" assignment!("tasks:\n  - id: one\n    title: #12 is closed\n---\n");
    Assignment "title that is too long" assignment!("tasks:\n  - id: one\n    title: Very l@200@ng\n---\n");
    Assignment "body of several lines without |" assignment!("tasks:\n  - id: one\n    title: One\n    body: Do it.\n      Then: look.\n---\n");
    Assignment "body that is not indented" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\nDo it.\n---\n");
    Assignment "body as a list" assignment!("tasks:\n  - id: one\n    title: One\n    body:\n      - do it\n---\n");
    Assignment "task id with a blank" assignment!("tasks:\n  - id: one two\n    title: One\n---\n");
    Assignment "task id that is a number" assignment!("tasks:\n  - id: 1\n    title: One\n---\n");
    Assignment "task id twice"
        assignment!("tasks:\n  - id: one\n    title: One\n  - id: two\n    title: Two\n  - title: Three\n    id: one\n---\n");
    Assignment "title of two lines" assignment!("tasks:\n  - id: one\n    title: |\n      One\n      two\n---\n");
    Assignment "task hooks" assignment!("tasks:\n  - id: one\n    title: One\n    hooks:\n      - builtin: x\n---\n");
    Assignment "task that is nowhere" assignment!("tasks:\n  - review/reuse\n  - ./missing.md\n  - ../../a\\b\n---\n");
    Assignment "task named with its ending" assignment!("tasks:\n  - review/security.md\n---\n");
    Assignment "task named by its title" assignment!("tasks:\n  - Review the security\n---\n");
    Assignment "tasks written as sentences" assignment!("tasks:\n  - Write the code\n  - Deploy\n  - \"Fix: the \\\"parser\\\"\"\n---\n");
    Assignment "task as a map with ref" assignment!("tasks:\n  - ref: review/security\n---\n");
    Assignment "task as a map with task" assignment!("tasks:\n  - task: ./steps/lint.md\n---\n");
    Assignment "number among the tasks" assignment!("tasks:\n  - 5\n---\n");
    Assignment "dash with nothing after it" assignment!("tasks:\n  - review/security\n  -\n---\n");
    Assignment "task without a dash" assignment!("tasks:\n  id: a\n  title: Do it\n---\n");
    Assignment "task named with its folder and ending" assignment!("tasks:\n  - tasks/x.md\n  - tasks/review/security.md\n  - steps/lint.md\n---\n");
    Assignment "tasks by a pattern" assignment!("tasks:\n  - review/*\n  - ./steps/*.md\n---\n");
    Assignment "title that starts with a bracket" assignment!("tasks:\n  - id: one\n    title: [WIP] fix\n---\n");
    Assignment "title between brackets" assignment!("tasks:\n  - id: one\n    title: [WIP]\n---\n");
    Assignment "checkboxes among the tasks" assignment!("tasks:\n  - [ ] Write it\n  - [x] Think\n---\n");
    Assignment "code fence indented less than its text" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\n      Do it:\n\n    ```sh\n    true\n    ```\n---\n");
    Assignment "code fence at the margin of a body" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\n      Do it:\n\n```sh\ntrue\n```\n---\n");
    Assignment "body at the column of its field" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\n    Do it.\n    Then look.\n---\n");
    Assignment "body with a colon at the column of its field" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\n    Note: do it.\n---\n");
    Assignment "list in a body at the column of its field" assignment!("tasks:\n  - id: one\n    title: One\n    body: |\n    - do it\n---\n");
    Assignment "quotes inside a quoted title" assignment!("tasks:\n  - id: one\n    title: \"Say \"hello\" to all\"\n---\n");
    Assignment "no-break space in the indentation of a task" assignment!("tasks:\n  - id: one\n   \u{a0}title: One\n---\n");
    Assignment "no-break space after a dash" assignment!("tasks:\n  -\u{a0}id: one\n    title: One\n---\n");
    Assignment "home directory by a tilde" assignment!("cwd: ~/work\n---\n");
    Assignment "home directory by a variable" assignment!("cwd: $HOME/work\n---\n");
    Assignment "directory with an expression in it" assignment!("cwd: ${HOME}/work\n---\n");
    Assignment "assignment name of two lines" "---\nschemaVersion: 1\nname: \"a\\n b\"\n---\n";
    Assignment "task name with a near miss" assignment!("tasks:\n  - review/securty\n---\n");
    Assignment "task name with .." assignment!("tasks:\n  - a/../b\n---\n");
    Assignment "task whose file is wrong" assignment!("tasks:\n  - ./broken-task.md\n---\n");
    Assignment "list among the tasks" assignment!("tasks:\n  - [one]\n---\n");
    Assignment "cron working directory" assignment!("cwd: *home\n---\n");
    Task "body as a field" "---\nschemaVersion: 1\nid: a\ntitle: A\nbody: text\n---\n";
    Task "task without title" "---\nschemaVersion: 1\nid: a\n---\nText.\n";
    Task "empty title" "---\nschemaVersion: 1\ntitle: '  '\n---\n";
    Lookup("planer") "agent with a near miss" "";
    Lookup("agents\\planner") "agent named with a backslash" "";
    Lookup("./nowhere") "agent file that is not there" "";
    Lookup("./agents.md/") "folder without an agent" "";
    Folder "folder in place of a file" "";
    DeadLink "link that leads nowhere" "";
    NewTask("lint all") "new name with a blank" "";
    NewTask("../lint") "new name that is a path" "";
    NewTask("lint.md") "new name with an ending" "";
    Agent "extends a file that is nowhere" extends!("./nowhere");
    Agent "extends a name with a near miss" extends!("planer");
    Agent "extends an impossible name" extends!("a\\b");
    Agent "extends an assignment by its name" extends!("repo-checkup");
    Agent "extends the file of an assignment" extends!("./base/assignment.md");
    Assignment "extends the file of an agent" extends!("./base/agent.md");
    Agent "extends several" extends!("[planner, ./base]");
    Agent "extends nothing" extends!("");
    Agent "extends itself" extends!("./agent.md");
    Agent "extends in a circle" extends!("./circle");
    Agent "extends without end" extends!("./deep/1");
    Agent "extends something that is wrong" extends!("./broken");
    Agent "extends something that extends something that is wrong" extends!("./above-broken");
    Assignment "extends a checklist that is done" extends!("./done.md");
    Agent "changes what is locked" heir!("backend: command\nmodel: large\n---\n");
    Agent "locked instructions" heir!("---\n\nBe quick.\n");
    Agent "locked instructions left out" heir!("baseInstructions: none\n---\n");
    Agent "locked budget made larger" heir!("budget: {tokens: 2000, turns: 5}\n---\n");
    Agent "clears what is locked" heir!("clear: [model, budget.tokens]\n---\n");
    Agent "unlocks what is not locked" heir!("unlock: [model, effort]\n---\n");
    Agent "unlocks what cannot be locked" heir!("unlock: [colour]\n---\n");
    Agent "clears what is not there" heir!("clear: [effort, budget.turns, backendConfig.claude]\n---\n");
    Agent "clears what cannot be cleared" heir!("clear: [backend, tasks.build, lockedFields, instructions, colour, budget.x]\n---\n");
    Agent "inherits nothing and says how" agent!("baseInstructions: last\nunlock: [model]\nclear: []\n---\n");
    Agent "base instructions by another word" heir!("baseInstructions: append\n---\n");
    Agent "instructions in front of the base's" heir!("instructions: replace\n---\n");
    Agent "removes tasks in an agent" heir!("removeTasks: [build]\n---\n");
    Assignment "removes a task that is not there" heir!("removeTasks: [build, tset]\n---\n");
    Assignment "removes a task by something that is no id" heir!("removeTasks: [two words, 1]\n---\n");
    Assignment "changes a task that is not there" heir!("tasks:\n  - id: buidl\n    body: make\n---\n");
    Assignment "changes locked tasks" "---\nschemaVersion: 1\nname: a\nextends: ./locked\nremoveTasks: [build]\n---\n";
    Assignment "too many tasks with those of the base" extends!("./heir-of-many");
    Assignment "hooks without phases" assignment!("hooks:\n  - builtin: git-clean\n---\n");
    Assignment "hooks in the place of phases" assignment!("hooks:\n  builtin: git-clean\n---\n");
    Assignment "hook of a misspelt phase" assignment!("hooks:\n  afterAtempt: []\n---\n");
    Assignment "hook of a phase that is none" assignment!("hooks:\n  onFailure: []\n---\n");
    Assignment "hooks of a phase without a list" assignment!("hooks:\n  afterAttempt:\n    builtin: git-clean\n---\n");
    Assignment "hook as a word" assignment!("hooks:\n  afterAttempt:\n    - git-clean\n---\n");
    Assignment "hook that runs nothing" assignment!("hooks:\n  prepare:\n    - timeoutSec: 5\n---\n");
    Assignment "hook that runs two things" assignment!("hooks:\n  prepare:\n    - name: lint\n      path: ./lint.sh\n---\n");
    Assignment "hook with a misspelt field" assignment!("hooks:\n  afterAttempt:\n    - buildin: git-clean\n---\n");
    Assignment "hook with a command" assignment!("hooks:\n  afterAttempt:\n    - command: make\n---\n");
    Assignment "builtin with a near miss" assignment!("hooks:\n  afterAttempt:\n    - builtin: git-cleen\n---\n");
    Assignment "builtin that is none" assignment!("hooks:\n  afterAttempt:\n    - builtin: deploy\n---\n");
    Assignment "builtin in another phase" assignment!("hooks:\n  afterAttempt:\n    - builtin: require-children-success\n---\n");
    Assignment "builtin in another phase, on a task" assignment!("tasks:\n  - id: a\n    title: A\n    hooks:\n      - builtin: git-worktree\n        with: {repo: r, from: f, branch: b, path: p}\n---\n");
    Assignment "hook that is nowhere, with a near miss" assignment!("hooks:\n  afterExit:\n    - name: lnt\n---\n");
    Assignment "hook that is nowhere" assignment!("hooks:\n  afterExit:\n    - builtin: git-clean\n    - name: changelog\n---\n");
    Assignment "hook whose folder holds something else" assignment!("hooks:\n  afterExit:\n    - name: odd\n---\n");
    Assignment "hook by an impossible name" assignment!("hooks:\n  afterExit:\n    - name: ../lint\n---\n");
    Assignment "hook file that is nowhere" assignment!("hooks:\n  afterExit:\n    - path: ./hooks/none.sh\n---\n");
    Assignment "hook file that is a folder" assignment!("hooks:\n  afterExit:\n    - path: hooks\n---\n");
    Assignment "hook file that cannot be run" assignment!("hooks:\n  afterExit:\n    - path: hooks/plain\n---\n");
    Assignment "hook file with a placeholder" assignment!("hooks:\n  afterExit:\n    - path: \"{{cwd}}/check.sh\"\n---\n");
    Assignment "hook with a timeout that is too long" assignment!("hooks:\n  afterExit:\n    - name: lint\n      timeoutSec: 2d\n    - name: lint\n      timeoutSec: 100000\n---\n");
    Assignment "when of a hook that prepares" assignment!("hooks:\n  prepare:\n    - name: lint\n      when: {sessionIndex: 0}\n---\n");
    Assignment "when of another phase" assignment!("hooks:\n  afterAttempt:\n    - name: lint\n      when: {toStatus: completed}\n  taskTransition:\n    - name: lint\n      when: {sessionIndex: 0}\n---\n");
    Assignment "when as a word" assignment!("hooks:\n  afterAttempt:\n    - name: lint\n      when: always\n---\n");
    Assignment "when with a number that is none" assignment!("hooks:\n  afterAttempt:\n    - name: lint\n      when:\n        sessionIndex: first\n        attemptIndexInSession: [0, -1]\n---\n");
    Assignment "when with nothing to choose from" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when: {toStatus: [], taskIds: []}\n---\n");
    Assignment "when with a status that is none" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when: {toStatus: complete, fromStatus: [pending, done]}\n---\n");
    Assignment "when with a source that is none" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when: {source: task_set}\n---\n");
    Assignment "when with a task and tasks" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when:\n        taskId: a\n        taskIds: [b]\n---\n");
    Assignment "when with a task twice, and with one that is none" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when: {taskIds: [a, a, \"{{task}}\"]}\n---\n");
    Assignment "hook of a task about another one" assignment!("tasks:\n  - id: a\n    title: A\n    hooks:\n      - name: lint\n        when: {taskId: b}\n---\n");
    Assignment "phases in the hooks of a task" assignment!("tasks:\n  - id: a\n    title: A\n    hooks:\n      taskTransition:\n        - name: lint\n---\n");
    Assignment "command without settings" assignment!("hooks:\n  afterAttempt:\n    - builtin: command\n---\n");
    Assignment "command without a mode" assignment!("hooks:\n  afterAttempt:\n    - builtin: command\n      with:\n        command: make\n---\n");
    Assignment "command with wrong settings" assignment!("hooks:\n  afterAttempt:\n    - builtin: command\n      with:\n        mode: text\n        command: [make, check]\n        args: check\n        workdir: .\n---\n");
    Assignment "builtin with a text for its settings" assignment!("hooks:\n  afterAttempt:\n    - builtin: git-clean\n      with: src\n---\n");
    Assignment "setting with a near miss" assignment!("hooks:\n  afterAttempt:\n    - builtin: git-clean\n      with: {ignoreUntraked: true}\n---\n");
    Assignment "quoted truth value for a setting" assignment!("hooks:\n  taskTransition:\n    - builtin: require-children-success\n      with: {requireAny: \"true\"}\n---\n");
    Assignment "collision by another word" assignment!("hooks:\n  prepare:\n    - builtin: git-worktree\n      with: {repo: r, from: f, branch: b, path: p, collision: overwrite}\n---\n");
    Assignment "no files that have to exist" assignment!("hooks:\n  afterAttempt:\n    - builtin: files-exist\n      with: {paths: []}\n    - builtin: files-exist\n      with: {paths: [\" \"]}\n---\n");
    Assignment "notification to nobody, and to both" assignment!("hooks:\n  afterExit:\n    - builtin: notify\n      with: {message: Done}\n    - builtin: notify\n      with:\n        command: mail\n        desktop: true\n    - builtin: notify\n      with: {desktop: false}\n---\n");
    Assignment "notification of something that is no end" assignment!("hooks:\n  afterExit:\n    - builtin: notify\n      with: {desktop: true, on: [succes, running]}\n---\n");
    Assignment "ambiguous values for a hook" assignment!("hooks:\n  afterExit:\n    - name: lint\n      with: {fast: yes, level: 0x10}\n---\n");
    Assignment "prompt of another name" assignment!("prompts:\n  afterTimout: Go on.\n---\n");
    Assignment "prompt that is empty" assignment!("prompts:\n  nudge: \" \"\n---\n");
    Assignment "prompts as a text" assignment!("prompts: Go on.\n---\n");
    Assignment "first prompt as a field" assignment!("prompts: {brief: Begin.}\n---\n");
    Assignment "worktree by its branch" assignment!("worktree: feature/x\n---\n");
    Assignment "worktree of a repository" assignment!("worktree:\n  repo: .\n  branch: 5\n---\n");
    Assignment "yes for a worktree" assignment!("worktree: yes\n---\n");
    Assignment "author in an assignment" assignment!("commitAs: Bot <bot@example.org>\n---\n");
    Agent "author without an address" agent!("commitAs: Review Bot\n---\n");
    Agent "author without a name" agent!("commitAs: <bot@example.org>\n---\n");
    Agent "author as a map" agent!("commitAs: {name: Bot, email: bot@example.org}\n---\n");
    Agent "hooks in an agent" agent!("hooks: {}\nprompts: {}\nworktree: true\n---\n");
    Task "hook of a task file about another task" "---\nschemaVersion: 1\nid: a\ntitle: A\nhooks:\n  - name: lint\n    when: {taskIds: [a, b]}\n---\n";
    Task "hook of a task file that is nowhere" "---\nschemaVersion: 1\nid: a\ntitle: A\nhooks:\n  - path: ./none.sh\n---\n";
    Assignment "clears hooks that are not there" heir!("clear: [hooks.prepare, prompts, worktree]\n---\n");
    Assignment "clears hooks of a phase that is none" heir!("clear: [hooks.before, prompts.first]\n---\n");
    AssignmentRemarks "hook about a task that is not listed" assignment!("hooks:\n  taskTransition:\n    - name: lint\n      when: {taskId: biuld}\n    - name: lint\n      when: {taskIds: [build, later]}\ntasks:\n  - id: build\n    title: Build it\n---\n");
    Checklist "no list at all" "# Plan\n\nThink first.\n";
    Checklist "empty checklist" "";
    Checklist "everything ticked off" "# Plan\n\n- [x] One\n- [X] Two\n";
    Checklist "front matter" "---\nschemaVersion: 1\nname: a\n---\n- [ ] One\n";
    Checklist "broken checkboxes" "- [ ] One\n- [] Two\n-[ ] Three\n* [  ] Four\n- [ ]Five\n";
    Checklist "item without text" "- [ ] One\n- [ ]\n";
    Checklist "open item below a plain item" "- [ ] One\n- Group\n  - [ ] Two\n";
    Checklist "open item below a ticked item" "- [ ] One\n- [x] Done\n  - [ ] Not done\n";
    Checklist "boxes of other signs" "- [ ] One\n- [-] Two\n- ( ) Three\n- ☐ Four\n- [/] Five\n- [x] Six\n1. [] Seven\n";
    Validated "boxes without a blank" "# Plan\n\n- []a\n- ( ) b\n";
    Validated "round boxes" "- ( ) a\n";
    Validated "drawn boxes" "- ☐ a\n- ☑ b\n";
    Validated "plain text" "Buy milk.\n";
    Validated "plain list" "# Plan\n\n- Write it\n";
    Validated "front matter above boxes" "---\ntitle: My plan\n---\n\n- [ ] One\n";
    Validated "other front matter above boxes" "---\ntags: [a]\n---\n\n- [ ] One\n";
}
