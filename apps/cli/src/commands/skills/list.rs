//! `skills list`.

use agent_runner_definitions::skills;

use crate::args::Output;
use crate::exit::Outcome;
use crate::output::{reply, screen_width};
use crate::render::{KnownSkill, SkillList, skill_list};

pub(super) fn list(output: Output) -> Outcome {
    let known = skills().map(|skill| KnownSkill { name: skill.name, description: skill.description });
    let list = SkillList { skills: known.collect() };
    reply(output.output_format, &list, |list| skill_list(list, screen_width()))?;
    Ok(0)
}
