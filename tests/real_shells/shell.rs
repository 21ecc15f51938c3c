//! A shell at a terminal, with the completions installed as the documentation says.

use crate::harness::{Tmux, World};

/// What a shell asks for a command with.
const PROMPT: &str = "ready> ";

/// The shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bash,
    /// With the package `bash-completion`, which reads completions when they are wanted.
    BashWithPackage,
    /// Read from `~/.zshrc`.
    Zsh,
    /// Found in `$fpath`.
    ZshFunction,
    Fish,
}

pub const ALL: [Kind; 5] = [Kind::Bash, Kind::BashWithPackage, Kind::Zsh, Kind::ZshFunction, Kind::Fish];

impl Kind {
    pub fn is_bash(self) -> bool {
        matches!(self, Self::Bash | Self::BashWithPackage)
    }

    /// Installs the completions, and says how the shell is started.
    fn install(self, world: &World) -> String {
        let (name, place) = match self {
            Self::Bash => ("bash", None),
            Self::BashWithPackage => {
                ("bash", Some("home/.local/share/bash-completion/completions/agent-runner"))
            }
            Self::Zsh => ("zsh", None),
            Self::ZshFunction => ("zsh", Some("home/.zfunc/_agent-runner")),
            Self::Fish => ("fish", Some("home/.config/fish/completions/agent-runner.fish")),
        };
        if let Some(place) = place {
            world.write(place, world.ok(&["completions", name]).stdout);
        }
        let prompt = format!("PS1='{PROMPT}'\n");
        let load = format!("source <(agent-runner completions {name})\n");
        match self {
            Self::Bash => {
                let rc = world.write("home/rc", format!("{prompt}{load}"));
                format!("bash --noprofile --rcfile '{}' -i", rc.display())
            }
            Self::BashWithPackage => {
                let rc =
                    world.write("home/rc", format!("{prompt}. /usr/share/bash-completion/bash_completion\n"));
                format!("bash --noprofile --rcfile '{}' -i", rc.display())
            }
            Self::Zsh => {
                world.write("home/.zshrc", format!("{prompt}autoload -Uz compinit && compinit -u\n{load}"));
                "zsh -i".to_owned()
            }
            Self::ZshFunction => {
                let rc = format!("{prompt}fpath=(~/.zfunc $fpath)\nautoload -Uz compinit && compinit -u\n");
                world.write("home/.zshrc", rc);
                "zsh -i".to_owned()
            }
            Self::Fish => {
                let rc = format!(
                    "set -g fish_autosuggestion_enabled 0\nfunction fish_greeting; end\nfunction fish_prompt; echo -n '{PROMPT}'; end\n"
                );
                world.write("home/.config/fish/config.fish", rc);
                "fish".to_owned()
            }
        }
    }
}

/// A shell that waits for a command.
pub struct Shell<'a> {
    pub kind: Kind,
    pane: Tmux<'a>,
}

impl<'a> Shell<'a> {
    pub fn start(world: &'a World, kind: Kind) -> Self {
        let start = kind.install(world);
        let pane = world.command(&[]).in_tmux(160, 50, &start);
        pane.wait_until(&format!("the prompt of {kind:?}"), |shown| line(shown) == Some(""));
        Self { kind, pane }
    }

    /// Types a text on an empty line and presses the tab key.
    fn tab(&self, typed: &str) {
        self.tab_at(typed, 0);
    }

    /// The same so many letters before the end.
    fn tab_at(&self, typed: &str, before: usize) {
        self.pane.keys(&["C-e", "C-u", "C-l"]);
        self.pane.wait_until("an empty line", |shown| shown.trim_end() == PROMPT.trim_end());
        self.pane.keys(&["-l", "--", typed]);
        self.pane.wait_until(&format!("{typed:?}"), |shown| line(shown) == Some(typed.trim_end()));
        self.pane.keys(&[vec!["Left"; before], vec!["Tab"]].concat());
    }

    /// Checks what becomes of a line when the tab key is pressed.
    #[track_caller]
    pub fn completes(&self, typed: &str, expected: &str) {
        self.tab(typed);
        let kind = self.kind;
        self.pane.wait_until(&format!("{kind:?}: {expected:?} for {typed:?}"), |shown| {
            line(shown) == Some(expected)
        });
    }

    /// The same, and that no blank is put behind it: what is typed next follows at once.
    #[track_caller]
    pub fn completes_exactly(&self, typed: &str, expected: &str) {
        self.completes(typed, expected);
        self.pane.keys(&["-l", "--", "1"]);
        let kind = self.kind;
        self.pane.wait_until(&format!("{kind:?}: {expected:?} without a blank"), |shown| {
            line(shown) == Some(format!("{expected}1").as_str())
        });
    }

    /// Checks what becomes of a line when the tab key is pressed in front of `after`.
    #[track_caller]
    pub fn completes_before(&self, typed: &str, after: &str, expected: &str) {
        let whole = format!("{typed}{after}");
        self.tab_at(&whole, after.chars().count());
        let what = format!("{:?}: {expected:?} in {whole:?}", self.kind);
        // Whether there are one or two blanks then is up to the shell.
        self.pane.wait_until(&what, |shown| {
            line(shown).is_some_and(|line| line.starts_with(expected) && line.ends_with(after.trim_start()))
        });
    }

    /// Checks that the line is completed to something with this in it.
    #[track_caller]
    pub fn offers_one(&self, typed: &str, part: &str) {
        self.tab(typed);
        let kind = self.kind;
        self.pane.wait_until(&format!("{kind:?}: {part:?} for {typed:?}"), |shown| {
            line(shown).is_some_and(|line| line.contains(part))
        });
    }

    /// Checks that a line stays as it is: what is typed next follows it.
    #[track_caller]
    pub fn leaves(&self, typed: &str) {
        self.tab(typed);
        self.pane.keys(&["-l", "--", "#"]);
        let shown =
            self.pane.wait_until("what is typed next", |shown| line(shown).is_some_and(|l| l.ends_with('#')));
        assert_eq!(line(&shown), Some(format!("{typed}#").as_str()), "{:?}: {shown}", self.kind);
        assert_eq!(shown.trim_end().lines().count(), 1, "{:?} shows something: {shown}", self.kind);
    }

    /// Checks that all of these are offered, in this order, and returns what is seen.
    #[track_caller]
    pub fn offers(&self, typed: &str, expected: &[&str]) -> String {
        self.tab(typed);
        // The first may add what all of them begin with. bash wants to be asked twice then; fish shows them at once.
        match self.kind {
            Kind::Bash | Kind::BashWithPackage => self.pane.keys(&["Tab", "Tab"]),
            Kind::Zsh | Kind::ZshFunction => self.pane.keys(&["Tab"]),
            Kind::Fish => {}
        }
        let what = format!("{:?}: {expected:?} for {typed:?}", self.kind);
        let in_order = |shown: &str| {
            let places: Option<Vec<_>> = expected.iter().map(|candidate| place(shown, candidate)).collect();
            places.is_some_and(|places| places.is_sorted())
        };
        let shown = self.pane.wait_until(&what, in_order);
        offered(&shown).collect::<Vec<_>>().join("\n")
    }

    /// Runs the line as it stands, and waits until all of this is seen.
    #[track_caller]
    pub fn runs(&self, expected: &[&str]) -> String {
        self.pane.keys(&["Enter"]);
        self.pane.wait_until(&format!("{:?}: {expected:?}", self.kind), |shown| {
            line(shown) == Some("") && expected.iter().all(|text| shown.contains(text))
        })
    }
}

/// The line that is being edited.
fn line(shown: &str) -> Option<&str> {
    let last = shown.lines().rfind(|line| line.starts_with(PROMPT.trim_end()))?;
    Some(last.strip_prefix(PROMPT).unwrap_or("").trim_end())
}

/// What is shown besides the line.
fn offered(shown: &str) -> impl Iterator<Item = &str> {
    shown.lines().filter(|line| !line.starts_with(PROMPT.trim_end()))
}

/// Where a candidate is offered: column and row, as lists are read in shells.
fn place(shown: &str, candidate: &str) -> Option<(usize, usize)> {
    offered(shown).enumerate().find_map(|(row, line)| {
        let found = line.match_indices(candidate).find(|(at, _)| {
            let (before, after) = (&line[..*at], &line[at + candidate.len()..]);
            (before.is_empty() || before.ends_with("  ")) && (after.is_empty() || after.starts_with(' '))
        });
        found.map(|(at, _)| (line[..at].chars().count(), row))
    })
}
