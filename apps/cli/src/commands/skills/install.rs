//! `skills install`: writes skills where it is called, so it is no operation of the engine. Must not replace what somebody
//! has written, unless that is asked for, and must not destroy it even then.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use agent_runner_definitions::{SKILL_FILE, Skill, is_untouched, similar, skills};

use crate::app::App;
use crate::args::InstallSkillsArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::render::{InstalledSkill, InstalledSkills, SkillFate, installed_skills};
use crate::replace::{create_file, replace_file};

/// Most old versions of one skill that are kept beside it.
const MAX_OLD: u32 = 1000;

pub(super) fn install(app: &App, args: InstallSkillsArgs) -> Outcome {
    let InstallSkillsArgs { names, to, force, output } = args;
    let chosen = chosen(&names)?;
    if to.is_empty() {
        return Err(usage("--to is empty", "name a directory, such as .claude/skills"));
    }
    let directory: PathBuf = Path::new(app.settings.caller_dir()?).join(to).components().collect();
    let mut done = InstalledSkills { directory: directory.display().to_string(), skills: Vec::new() };
    for skill in chosen {
        done.skills.push(put(&directory, &skill, force)?);
    }
    reply(output.output_format, &done, installed_skills)?;
    Ok(0)
}

/// The skills of these names, all without any. Nothing is written if one of them does not exist.
fn chosen(names: &[String]) -> Result<Vec<Skill>, Failure> {
    let known: Vec<Skill> = skills().collect();
    if let Some(name) = names.iter().find(|name| known.iter().all(|skill| skill.name != **name)) {
        let all = known.iter().map(|skill| skill.name);
        let hint = match similar(name, all.clone()).first() {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("there are {}", all.collect::<Vec<_>>().join(", ")),
        };
        return Err(usage(format!("there is no skill {name:?}"), hint));
    }
    let is_wanted = |skill: &Skill| names.is_empty() || names.iter().any(|name| name == skill.name);
    Ok(known.into_iter().filter(is_wanted).collect())
}

fn put(directory: &Path, skill: &Skill, force: bool) -> Result<InstalledSkill, Failure> {
    let folder = directory.join(skill.name);
    let file = folder.join(SKILL_FILE);
    let text = skill.installed();
    let before = match fs::read(&file) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(cannot("read", &file, &error)),
    };
    let mut old = None;
    let written = match before {
        None => {
            fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
            match create_file(&file, text.as_bytes())? {
                true => SkillFate::Created,
                // Somebody was faster, or it is a link that leads nowhere.
                false => SkillFate::Kept,
            }
        }
        Some(before) if before == text.as_bytes() => SkillFate::Unchanged,
        Some(before) if std::str::from_utf8(&before).is_ok_and(is_untouched) => {
            replace_file(&file, &text)?;
            SkillFate::Updated
        }
        Some(_) if !force => SkillFate::Kept,
        Some(before) => {
            old = Some(keep(&file, &before)?.display().to_string());
            replace_file(&file, &text)?;
            SkillFate::Replaced
        }
    };
    Ok(InstalledSkill { name: skill.name, file: file.display().to_string(), written, old })
}

/// Writes what is there under another name beside it, and says under which.
fn keep(file: &Path, before: &[u8]) -> Result<PathBuf, Failure> {
    for number in 1..MAX_OLD {
        let ending = if number == 1 { "old".to_owned() } else { format!("old.{number}") };
        let old = file.with_file_name(format!("{SKILL_FILE}.{ending}"));
        if create_file(&old, before)? {
            return Ok(old);
        }
    }
    Err(usage(format!("too many old versions beside {}", file.display()), "move some of them away"))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot {what} {}: {error}", path.display());
    usage(message, "name a directory that you may write with --to")
}
