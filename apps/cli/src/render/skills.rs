//! Skills for people and programs: those there are, and what became of them. Must not look anything up.

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::clean::{cell, clean, one_line};

/// Narrowest description that is worth having beside a name.
const MIN_DESCRIPTION: usize = 28;

/// `skills list`.
#[derive(Debug, Serialize)]
pub(crate) struct SkillList {
    pub(crate) skills: Vec<KnownSkill>,
}

/// A skill that comes with the program.
#[derive(Debug, Serialize)]
pub(crate) struct KnownSkill {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

/// `skills install`.
#[derive(Debug, Serialize)]
pub(crate) struct InstalledSkills {
    pub(crate) directory: String,
    pub(crate) skills: Vec<InstalledSkill>,
}

/// What became of one skill.
#[derive(Debug, Serialize)]
pub(crate) struct InstalledSkill {
    pub(crate) name: &'static str,
    pub(crate) file: String,
    pub(crate) written: SkillFate,
    /// Where what was there before is now.
    pub(crate) old: Option<String>,
}

/// What was done about its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SkillFate {
    /// It is new.
    Created,
    /// It took the place of what another version of this program had installed.
    Updated,
    /// It was there already.
    Unchanged,
    /// Somebody has changed it, and it was left alone.
    Kept,
    /// Somebody had changed it, and that is kept beside it now.
    Replaced,
}

/// A skill a line, or two where the screen is narrow.
pub(crate) fn skill_list(list: &SkillList, width: Option<usize>) -> String {
    let names = list.skills.iter().map(|skill| skill.name.width()).max().unwrap_or(0);
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(names + 2));
    let lines = list.skills.iter().map(|skill| match room >= MIN_DESCRIPTION {
        true => format!("{}  {}\n", cell(skill.name, names), one_line(skill.description, room)),
        false => {
            let room = width.unwrap_or(usize::MAX).saturating_sub(2);
            format!("{}\n  {}\n", skill.name, one_line(skill.description, room))
        }
    });
    lines.collect()
}

/// What became of each skill, a line each.
pub(crate) fn installed_skills(done: &InstalledSkills) -> String {
    let lines = done.skills.iter().map(|skill| {
        let file = &skill.file;
        match (skill.written, &skill.old) {
            (SkillFate::Created, _) => format!("written    {file}\n"),
            (SkillFate::Updated, _) => format!("updated    {file}\n"),
            (SkillFate::Unchanged, _) => format!("unchanged  {file}\n"),
            (SkillFate::Kept, _) => {
                format!("kept       {file}: it is not as it was installed; --force replaces it\n")
            }
            (SkillFate::Replaced, Some(old)) => {
                format!("replaced   {file}: what was there before is now {old}\n")
            }
            (SkillFate::Replaced, None) => format!("replaced   {file}\n"),
        }
    });
    clean(&lines.collect::<String>())
}
