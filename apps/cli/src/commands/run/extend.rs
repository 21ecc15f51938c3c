//! `run extend`: raise the ceilings of a run's budget, and go on with it. Also reads amounts as people write them.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{ExtendBudget, ResumeRun};
use agent_runner_model::budget::{Amount, BudgetKind};
use agent_runner_model::spec::OrphanPolicy;

use crate::app::App;
use crate::args::ExtendArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::{reply, screen_width};
use crate::render::run_status;

pub(super) async fn extend(app: &App, args: ExtendArgs) -> Outcome {
    let ExtendArgs { run, tokens, cost_usd, attempts, turns, wall_clock, resume, output } = args;
    let cost_micro_usd = cost_usd.as_deref().map(dollars).transpose()?;
    let by = Amount { wall_clock_sec: wall_clock, tokens, cost_micro_usd, attempts, turns };
    let mut detail = app.engine.call(ExtendBudget { run: run.clone(), by }).await?;
    if resume {
        let (message, on_limit, on_orphan) = (None, None, OrphanPolicy::Continue);
        let request = ResumeRun {
            run,
            message,
            add_tasks: Vec::new(),
            on_limit,
            on_orphan,
            take_over: false,
            tell_parent: None,
        };
        detail = app.engine.call(request).await?;
    }
    reply(output.output_format, &detail, |detail| {
        run_status(detail, &app.settings.display.wall, screen_width())
    })?;
    Ok(0)
}

/// What `--budget` limits.
pub(super) fn budget(words: &[String]) -> Result<Amount, Failure> {
    let wrong = |word: &str, why: &str| {
        let kinds: Vec<&str> = BudgetKind::ALL.into_iter().map(BudgetKind::as_str).collect();
        usage(
            format!("invalid --budget {word:?}: {why}"),
            format!("write KIND=AMOUNT; kinds are {}", kinds.join(", ")),
        )
    };
    let mut amount = Amount::default();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| wrong(word, "there is no ="))?;
        let kind = BudgetKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| wrong(word, "there is no such kind"))?;
        if amount.get(kind).is_some() {
            return Err(wrong(word, "it is limited twice"));
        }
        let value = match kind {
            BudgetKind::CostUsd => dollars(value)?,
            BudgetKind::WallClock | BudgetKind::Tokens | BudgetKind::Attempts | BudgetKind::Turns => {
                value.parse().map_err(|_| wrong(word, "the amount is not a whole number"))?
            }
        };
        if value == 0 {
            return Err(wrong(word, "nothing could be done within it"));
        }
        amount = amount.with(kind, Some(value));
    }
    Ok(amount)
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
