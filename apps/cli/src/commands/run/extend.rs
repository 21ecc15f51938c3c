//! `run extend`: raise the ceilings of a run's budget, and go on with it. Also reads amounts as people write them.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ExtendBudget;
use agent_runner_model::budget::{Amount, BudgetKind, MAX_AMOUNT, OnUnmeasured};

use super::create::message;
use crate::app::App;
use crate::args::ExtendArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::{reply, screen_width};
use crate::render::run_status;

pub(super) async fn extend(app: &App, args: ExtendArgs) -> Outcome {
    let ExtendArgs { run, tokens, cost_usd, attempts, turns, wall_clock, resume, message: words, output } =
        args;
    let cost_micro_usd = cost_usd.as_deref().map(dollars).transpose()?;
    let by = Amount { wall_clock_sec: wall_clock, tokens, cost_micro_usd, attempts, turns };
    let message = message(None, &words)?;
    let detail = app.engine.call(ExtendBudget { run, by, resume, message }).await?;
    reply(output.output_format, &detail, |detail| {
        run_status(detail, &app.settings.display.wall, screen_width())
    })?;
    Ok(0)
}

/// What `--budget` says.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) hard: Amount,
    pub(super) soft_percent: Option<u8>,
    pub(super) on_unmeasured: Option<OnUnmeasured>,
}

/// What `--budget` limits.
pub(super) fn budget(words: &[String]) -> Result<Asked, Failure> {
    let wrong = |word: &str, why: &str| {
        let kinds: Vec<&str> = BudgetKind::ALL.into_iter().map(BudgetKind::as_str).collect();
        usage(
            format!("invalid --budget {word:?}: {why}"),
            format!(
                "write KIND=AMOUNT; kinds are {}; or soft=PERCENT, onUnmeasured=allow, onUnmeasured=refuse",
                kinds.join(", ")
            ),
        )
    };
    let mut asked = Asked::default();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| wrong(word, "there is no ="))?;
        match name {
            SOFT | ON_UNMEASURED if asked.says(name) => return Err(wrong(word, "it is said twice")),
            SOFT => {
                asked.soft_percent =
                    Some(percent(value).ok_or_else(|| wrong(word, "it is no percentage from 1 to 100"))?)
            }
            ON_UNMEASURED => {
                asked.on_unmeasured = Some(match value {
                    "allow" => OnUnmeasured::Allow,
                    "refuse" => OnUnmeasured::Refuse,
                    _ => return Err(wrong(word, "it is allow or refuse")),
                });
            }
            _ => asked.hard = limited(asked.hard, name, value).map_err(|why| wrong(word, why))?,
        }
    }
    Ok(asked)
}

/// The field of definitions that says from when on a worker is told.
const SOFT: &str = "soft";
/// The field of definitions that says what happens to what cannot be measured.
const ON_UNMEASURED: &str = "onUnmeasured";

impl Asked {
    fn says(&self, name: &str) -> bool {
        match name {
            SOFT => self.soft_percent.is_some(),
            _ => self.on_unmeasured.is_some(),
        }
    }
}

fn percent(value: &str) -> Option<u8> {
    value.parse().ok().filter(|percent| (1..=100).contains(percent))
}

/// One more ceiling. Errors say in words what is wrong with it.
fn limited(hard: Amount, name: &str, value: &str) -> Result<Amount, &'static str> {
    let kind =
        BudgetKind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or("there is no such kind")?;
    if hard.get(kind).is_some() {
        return Err("it is limited twice");
    }
    let value = match kind {
        BudgetKind::CostUsd => {
            dollars(value).map_err(|_| "that is no amount of dollars; write it like 2.50")?
        }
        BudgetKind::WallClock | BudgetKind::Tokens | BudgetKind::Attempts | BudgetKind::Turns => {
            value.parse().map_err(|_| "the amount is not a whole number")?
        }
    };
    match value {
        0 => Err("nothing could be done within it"),
        value if value > MAX_AMOUNT => Err("that is above 9007199254740991, the most there can be"),
        value => Ok(hard.with(kind, Some(value))),
    }
}

/// Dollars with up to six decimals, in millionths.
fn dollars(text: &str) -> Result<u64, Failure> {
    let wrong = || usage(format!("{text:?} is no amount of dollars"), "write it like 2.50");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let micro: u64 = format!("{whole}{part:0<6}").parse().map_err(|_| wrong())?;
    Ok(micro)
}
