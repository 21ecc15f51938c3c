//! Skills: texts that teach other agents to use this program. Their last line tells whether somebody has changed them since
//! they were installed. Must not read or write files.

use sha2::{Digest as _, Sha256};

use crate::bundled;

/// The name of the file that is a skill, in a folder called like it.
pub const SKILL_FILE: &str = "SKILL.md";

/// What the last line of an installed skill has around its checksum.
const MARK: (&str, &str) = ("<!-- agent-runner skills install, sha256 of the lines above: ", " -->\n");

/// A skill that comes with the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// Its name, which is that of its folder.
    pub name: &'static str,
    /// What it is for, as its front matter says it.
    pub description: &'static str,
    text: &'static str,
}

impl Skill {
    /// Its text as it is installed.
    pub fn installed(&self) -> String {
        marked(self.text)
    }
}

/// The skills that come with the program, by name.
pub fn skills() -> impl Iterator<Item = Skill> {
    bundled::SKILLS.iter().filter_map(|(place, text)| {
        let name = place.strip_suffix(SKILL_FILE)?.strip_suffix('/')?.rsplit('/').next()?;
        let description = text.lines().find_map(|line| line.strip_prefix("description: "))?;
        Some(Skill { name, description, text })
    })
}

/// Whether this is a skill as some version of this program has installed it.
pub fn is_untouched(installed: &str) -> bool {
    installed.rfind(MARK.0).and_then(|end| installed.get(..end)).is_some_and(|text| marked(text) == installed)
}

fn marked(text: &str) -> String {
    let sum: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{text}{}{sum}{}", MARK.0, MARK.1)
}
