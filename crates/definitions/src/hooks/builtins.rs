//! The hooks that the program brings along, and what each can be told in its `with:`. Must not know what they do.

use agent_runner_model::hook::HookPhase;

use crate::fields::Known;

/// A hook that the program brings along.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub name: &'static str,
    /// The phases it has something to do in.
    pub phases: &'static [HookPhase],
    /// The names of its settings.
    pub known: Known,
    /// The same settings, with what each may hold.
    pub settings: &'static [Setting],
    /// Settings of which exactly one is needed.
    pub one_of: &'static [&'static str],
}

/// A setting of a builtin.
#[derive(Debug)]
pub(crate) struct Setting {
    pub name: &'static str,
    pub kind: SettingKind,
    pub required: bool,
    pub description: &'static str,
    /// What may be written after the colon.
    pub example: &'static str,
}

/// What a setting may hold. Texts may have placeholders in them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SettingKind {
    /// A text that is not blank.
    Text,
    /// `true` or `false`.
    Flag,
    /// `true`.
    Yes,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Texts, at least that many.
    Texts(usize),
    /// Texts that are arguments: any but empty ones.
    Arguments,
    /// Some of these words, at least one.
    Words(&'static [&'static str]),
}

/// The words for how a run ended.
pub(crate) const ENDS: &[&str] = &["success", "blocked", "exhausted", "aborted", "error"];

const ALL: &[HookPhase] = &HookPhase::ALL;

const fn known(what: &'static str, fields: &'static [&'static str]) -> Known {
    Known { what, fields, later: &[], elsewhere: &[], instead: &[] }
}

const fn setting(
    name: &'static str,
    kind: SettingKind,
    example: &'static str,
    description: &'static str,
) -> Setting {
    Setting { name, kind, required: false, description, example }
}

const fn needed(
    name: &'static str,
    kind: SettingKind,
    example: &'static str,
    description: &'static str,
) -> Setting {
    Setting { name, kind, required: true, description, example }
}

/// Every builtin, in the documented order.
pub(crate) const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "git-worktree",
        phases: &[HookPhase::Prepare, HookPhase::BeforeAttempt],
        known: known("the builtin git-worktree", &["repo", "from", "branch", "path", "collision"]),
        settings: &[
            needed("repo", SettingKind::Text, "\"{{cwd}}\"", "The repository's directory."),
            needed("from", SettingKind::Text, "main", "What a new branch starts at."),
            needed("branch", SettingKind::Text, "my-branch", "The branch that is checked out there."),
            needed("path", SettingKind::Text, "\"{{cwd}}/.worktrees/mine\"", "The worktree's directory."),
            setting(
                "collision",
                SettingKind::Word(&["fail", "reuse", "replace"]),
                "fail",
                "What happens when the directory is there already.",
            ),
        ],
        one_of: &[],
    },
    Builtin {
        name: "command",
        phases: ALL,
        known: known("the builtin command", &["mode", "command", "args", "cwd"]),
        settings: &[
            needed(
                "mode",
                SettingKind::Word(&["status", "json"]),
                "status",
                "What tells the result: the exit code, or JSON on standard output.",
            ),
            needed("command", SettingKind::Text, "make", "The program."),
            setting("args", SettingKind::Arguments, "[check]", "Its arguments, one an item."),
            setting(
                "cwd",
                SettingKind::Text,
                "\"{{cwd}}\"",
                "Where it runs; where the run works without it.",
            ),
        ],
        one_of: &[],
    },
    Builtin {
        name: "require-children-success",
        phases: &[HookPhase::TaskTransition],
        known: known("the builtin require-children-success", &["requireAny"]),
        settings: &[setting(
            "requireAny",
            SettingKind::Flag,
            "true",
            "Whether there has to be at least one run that this one has started.",
        )],
        one_of: &[],
    },
    Builtin {
        name: "git-clean",
        phases: ALL,
        known: known("the builtin git-clean", &["ignoreUntracked", "paths"]),
        settings: &[
            setting("ignoreUntracked", SettingKind::Flag, "true", "Whether new files do not count."),
            setting("paths", SettingKind::Texts(1), "[src]", "Where to look; everywhere without it."),
        ],
        one_of: &[],
    },
    Builtin {
        name: "files-exist",
        phases: ALL,
        known: known("the builtin files-exist", &["paths", "nonEmpty"]),
        settings: &[
            needed(
                "paths",
                SettingKind::Texts(1),
                "[\"docs/*.md\"]",
                "Files that have to be there, or patterns.",
            ),
            setting("nonEmpty", SettingKind::Flag, "true", "Whether they must hold something."),
        ],
        one_of: &[],
    },
    Builtin {
        name: "no-diff-outside",
        phases: ALL,
        known: known("the builtin no-diff-outside", &["allow", "base"]),
        settings: &[
            needed("allow", SettingKind::Texts(0), "[\"src/**\"]", "Patterns of the files that may change."),
            setting(
                "base",
                SettingKind::Text,
                "main",
                "What is compared with; where the run began without it.",
            ),
        ],
        one_of: &[],
    },
    Builtin {
        name: "notify",
        phases: ALL,
        known: known("the builtin notify", &["command", "desktop", "on", "message"]),
        settings: &[
            setting("command", SettingKind::Text, "my-notifier", "The program that is told."),
            setting("desktop", SettingKind::Yes, "true", "Whether the desktop shows it."),
            setting(
                "on",
                SettingKind::Words(ENDS),
                "[blocked, error]",
                "Which ends of a run are told; all without it.",
            ),
            setting("message", SettingKind::Text, "\"{{run_name}} has ended\"", "What is told."),
        ],
        one_of: &["command", "desktop"],
    },
];

impl Builtin {
    /// The builtin with that name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        BUILTINS.iter().find(|builtin| builtin.name == name)
    }

    /// Whether it has something to do in the phase.
    pub(crate) fn knows(&self, phase: HookPhase) -> bool {
        self.phases.contains(&phase)
    }

    /// Whether it can do without `with:`.
    pub(crate) fn needs_nothing(&self) -> bool {
        self.one_of.is_empty() && self.settings.iter().all(|setting| !setting.required)
    }
}
