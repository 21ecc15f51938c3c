//! What a run may use: the ceilings of its definitions and of whoever starts it, as one. Must not keep to them.

use agent_runner_api::operations::CreateRun;
use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_definitions::{Agent, Assignment, Budget};
use agent_runner_model::budget::{
    Amount, BudgetKind, BudgetSpec, DEFAULT_SOFT_PERCENT, MAX_AMOUNT, OnUnmeasured,
};
use agent_runner_model::spec::LockableField;

/// Of two ceilings of the definitions the smaller one holds. What is asked for by a flag holds in place of that, unless
/// budgets are locked: then it may only be smaller.
pub(crate) fn budget(
    request: &CreateRun,
    agent: Option<&Agent>,
    assignment: Option<&Assignment>,
    locked: &[LockableField],
) -> Result<BudgetSpec, ApiError> {
    let asked = request.budget;
    let is_locked = locked.contains(&LockableField::Budget);
    let above =
        BudgetKind::ALL.into_iter().find(|kind| asked.get(*kind).is_some_and(|asked| asked > MAX_AMOUNT));
    if let Some(kind) = above {
        let message = format!("a ceiling of `{}` is at most {MAX_AMOUNT}", kind.as_str());
        return Err(ApiError::new(ErrorCode::Invalid, message).hint("leave it out for no ceiling"));
    }
    let sides = [agent.map(|agent| agent.budget), assignment.map(|assignment| assignment.budget)];
    let sides: Vec<Budget> = sides.into_iter().flatten().flatten().collect();
    let mut hard = Amount::default();
    for kind in BudgetKind::ALL {
        let authored = sides.iter().filter_map(|side| side.hard.get(kind)).min();
        let value = match (asked.get(kind), authored) {
            (Some(asked), Some(authored)) if asked > authored && is_locked => {
                let message = format!(
                    "`budget` is locked by the definitions, and {} {asked} is above their {authored}",
                    kind.as_str()
                );
                return Err(ApiError::new(ErrorCode::Invalid, message)
                    .hint("ask for less, or use a definition that does not lock the budget"));
            }
            (asked, authored) => asked.or(authored),
        };
        hard = hard.with(kind, value);
    }
    let soft_percent = request.budget_soft_percent.unwrap_or_else(|| authored_soft(&sides));
    let said = |word| sides.iter().any(|side| side.on_unmeasured == Some(word));
    let authored = match said(OnUnmeasured::Allow) && !said(OnUnmeasured::Refuse) {
        true => OnUnmeasured::Allow,
        false => OnUnmeasured::Refuse,
    };
    let on_unmeasured = request.on_unmeasured.unwrap_or(authored);
    let loosens = (on_unmeasured, authored) == (OnUnmeasured::Allow, OnUnmeasured::Refuse);
    if is_locked && (loosens || soft_percent > authored_soft(&sides)) {
        let message = "`budget` is locked by the definitions: it can be made smaller, not looser";
        return Err(ApiError::new(ErrorCode::Invalid, message).hint(
            "leave `soft` and `onUnmeasured` as they are, or use a definition that does not lock the budget",
        ));
    }
    Ok(BudgetSpec { hard, soft_percent, on_unmeasured })
}

fn authored_soft(sides: &[Budget]) -> u8 {
    sides.iter().filter_map(|side| side.soft_percent).min().unwrap_or(DEFAULT_SOFT_PERCENT)
}
