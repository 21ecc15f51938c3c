//! What each shell hands over and wants to read. The scripts that ask are in `scripts/`. Must not know where candidates
//! come from.

use std::fmt::Write as _;

use super::bash;
use super::candidate::{Candidate, Offer};
use super::words::{plain, plain_in_fish};
use crate::args::ShellChoice;
use crate::render::{one_line, width};

/// Widest column of values that descriptions are aligned beside.
const VALUES: usize = 32;

/// The script that a shell has to read once.
pub(crate) fn script(shell: ShellChoice) -> &'static str {
    match shell {
        ShellChoice::Bash => include_str!("scripts/agent-runner.bash"),
        ShellChoice::Zsh => include_str!("scripts/agent-runner.zsh"),
        ShellChoice::Fish => include_str!("scripts/agent-runner.fish"),
    }
}

/// The words of a line without quotes. fish has taken them off all but the last.
pub(super) fn words(shell: ShellChoice, raw: &[String]) -> Vec<String> {
    let last = raw.len().saturating_sub(1);
    let mean = |(index, word): (usize, &String)| match shell {
        ShellChoice::Fish if index != last => word.clone(),
        ShellChoice::Bash | ShellChoice::Zsh => plain(word).text,
        ShellChoice::Fish => plain_in_fish(word),
    };
    raw.iter().enumerate().map(mean).collect()
}

/// The first line says what it is, the others are candidates. `raw` is the word at the cursor as it was typed, `tail` the
/// part of it that bash would replace.
pub(super) fn print(
    shell: ShellChoice,
    offer: &Offer,
    attached: &str,
    raw: &str,
    tail: Option<&str>,
) -> String {
    let candidates = match offer {
        Offer::Files => return "files\n".to_owned(),
        Offer::Directories => return "directories\n".to_owned(),
        Offer::Candidates(candidates) => candidates,
    };
    let mut text = "these\n".to_owned();
    let widest = candidates.iter().map(|candidate| width(&candidate.value)).max().unwrap_or(0).min(VALUES);
    for candidate in candidates {
        let Candidate { value, about } = candidate;
        let _ = match shell {
            ShellChoice::Bash => match bash::replacement(attached, value, raw, tail.unwrap_or(raw)) {
                Some(word) => writeln!(text, "{word}"),
                None => Ok(()),
            },
            ShellChoice::Zsh => writeln!(text, "{attached}{value}\t{}", display(value, about, widest)),
            ShellChoice::Fish if about.is_empty() => writeln!(text, "{attached}{value}"),
            ShellChoice::Fish => writeln!(text, "{attached}{value}\t{about}"),
        };
    }
    text
}

/// What fish needs to look for paths by itself: what stands before the path in the word, and the path as it is meant, not
/// as it was typed.
pub(super) fn paths(offer: &Offer, attached: &str, path: &str) -> String {
    let what = match offer {
        Offer::Files => "files",
        Offer::Directories => "directories",
        Offer::Candidates(_) => return String::new(),
    };
    format!("{what}\n{attached}\n{path}\n")
}

/// A value with its description beside it.
fn display(value: &str, about: &str, widest: usize) -> String {
    if about.is_empty() {
        return value.to_owned();
    }
    let shown = one_line(value, VALUES);
    let blanks = " ".repeat(widest.saturating_sub(width(&shown)));
    format!("{shown}{blanks}  -- {about}")
}
