//! Where on the command line the cursor is: which command, what was given to it, and what is asked for. Reads the line as
//! the parser would, as far as it goes; must not look anything up.

use clap::{Arg, ArgAction, Command};

/// A command line up to the cursor.
pub(super) struct Line<'a> {
    /// The command, with the names that lead to it.
    pub(super) command: &'a Command,
    pub(super) path: Vec<&'a str>,
    /// What was given to it, by the ids of its arguments.
    given: Vec<(&'a str, String)>,
    /// What stands where the cursor is.
    pub(super) asked: Asked<'a>,
    /// What was typed of it, without what belongs to a flag: `ru` of `--status=ru`.
    pub(super) typed: String,
}

/// What stands where the cursor is.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// The value of a flag. `attached` is what stands before it in the same word: `--status=`.
    Value { arg: &'a Arg, attached: String },
    /// The name of a flag.
    Flag,
    /// A word: a subcommand, if there may be one, or what is to be given in this place.
    Word { subcommand: bool, arg: Option<&'a Arg> },
    /// Nothing that is known.
    Nothing,
}

/// How the words so far are read.
struct Walk<'a> {
    command: &'a Command,
    path: Vec<&'a str>,
    given: Vec<(&'a str, String)>,
    /// The flag whose value comes next.
    pending: Option<&'a Arg>,
    /// How many arguments without a flag there were.
    place: usize,
    /// Whether flags are over.
    escaped: bool,
    /// Whether there was a word that has no place: nobody can tell what comes after it.
    lost: bool,
}

/// Reads a line. `words` begins with the program, and ends with what is typed at the cursor, which may be nothing.
pub(super) fn read<'a>(root: &'a Command, words: &[String]) -> Line<'a> {
    let mut walk = Walk {
        command: root,
        path: Vec::new(),
        given: Vec::new(),
        pending: None,
        place: 0,
        escaped: false,
        lost: false,
    };
    let (typed, before) = match words.split_last() {
        Some((typed, before)) => (typed.as_str(), before.get(1..).unwrap_or_default()),
        None => ("", Default::default()),
    };
    for word in before {
        walk.take(word);
    }
    let (asked, typed) = walk.at_cursor(typed);
    Line { command: walk.command, path: walk.path, given: walk.given, asked, typed: typed.to_owned() }
}

impl<'a> Line<'a> {
    /// What was given for an argument.
    pub(super) fn given(&self, id: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| *given == id).map(|(_, value)| value.as_str())
    }

    /// All that was given for an argument.
    pub(super) fn all_given(&self, id: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(given, _)| *given == id).map(|(_, value)| value.as_str())
    }
}

impl<'a> Walk<'a> {
    fn take(&mut self, word: &str) {
        if let Some(arg) = self.pending.take() {
            self.give(arg, word);
        } else if self.escaped {
            self.take_place(word);
        } else if word == "--" {
            self.escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.take_flag(long);
        } else if word.starts_with('-') && word.len() > 1 {
            // The only short flags are those that end everything: help and version.
        } else if let Some(sub) = self.subcommand(word) {
            self.command = sub;
            self.path.push(sub.get_name());
            self.given.clear();
            self.place = 0;
        } else {
            self.take_place(word);
        }
    }

    fn take_flag(&mut self, long: &str) {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let Some(arg) = self.flag(name) else { return };
        match value {
            Some(value) => self.give(arg, value),
            None if takes_value(arg) && !arg.is_require_equals_set() => self.pending = Some(arg),
            None => self.give(arg, ""),
        }
    }

    fn take_place(&mut self, word: &str) {
        let Some(arg) = self.placed() else {
            self.lost = true;
            return;
        };
        self.give(arg, word);
        if !repeats(arg) {
            self.place += 1;
        }
    }

    fn give(&mut self, arg: &'a Arg, value: &str) {
        self.given.push((arg.get_id().as_str(), value.to_owned()));
    }

    fn at_cursor<'w>(&self, typed: &'w str) -> (Asked<'a>, &'w str) {
        if let Some(arg) = self.pending {
            return (Asked::Value { arg, attached: String::new() }, typed);
        }
        if self.lost {
            return (Asked::Nothing, typed);
        }
        if self.escaped {
            return (Asked::Word { subcommand: false, arg: self.placed() }, typed);
        }
        let value = typed.strip_prefix("--").and_then(|long| long.split_once('='));
        match value {
            Some((name, value)) => match self.flag(name).filter(|arg| takes_value(arg)) {
                Some(arg) => (Asked::Value { arg, attached: format!("--{name}=") }, value),
                None => (Asked::Nothing, typed),
            },
            None if typed.starts_with('-') => (Asked::Flag, typed),
            None => (Asked::Word { subcommand: self.may_have_subcommand(), arg: self.placed() }, typed),
        }
    }

    fn flag(&self, long: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| arg.get_long() == Some(long))
    }

    fn placed(&self) -> Option<&'a Arg> {
        self.command.get_positionals().nth(self.place)
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        self.command.find_subcommand(word).filter(|_| self.may_have_subcommand())
    }

    /// A command that does something by itself is not meant once something was given to it.
    fn may_have_subcommand(&self) -> bool {
        self.given.is_empty() && self.command.has_subcommands()
    }
}

/// Whether a flag is followed by something.
fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Whether an argument may be given more than once.
pub(super) fn repeats(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
}
