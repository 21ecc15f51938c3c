//! What a run may use: the ceilings of its definitions and of whoever starts it, as one. Must not keep to them.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_definitions::{Agent, Assignment, Budget};
use agent_runner_model::budget::{Amount, BudgetKind, BudgetSpec, DEFAULT_SOFT_PERCENT, OnUnmeasured};
use agent_runner_model::spec::LockableField;

/// Of two ceilings of the definitions the smaller one holds. What is asked for by a flag holds in place of that, unless
/// budgets are locked: then it may only be smaller.
pub(crate) fn budget(
    asked: Amount,
    agent: Option<&Agent>,
    assignment: Option<&Assignment>,
    locked: &[LockableField],
) -> Result<BudgetSpec, ApiError> {
    let sides = [agent.map(|agent| agent.budget), assignment.map(|assignment| assignment.budget)];
    let sides: Vec<Budget> = sides.into_iter().flatten().flatten().collect();
    let mut hard = Amount::default();
    for kind in BudgetKind::ALL {
        let authored = sides.iter().filter_map(|side| side.hard.get(kind)).min();
        let value = match (asked.get(kind), authored) {
            (Some(asked), Some(authored)) if asked > authored && locked.contains(&LockableField::Budget) => {
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
    let soft_percent =
        sides.iter().filter_map(|side| side.soft_percent).min().unwrap_or(DEFAULT_SOFT_PERCENT);
    let said = |word| sides.iter().any(|side| side.on_unmeasured == Some(word));
    let on_unmeasured = match said(OnUnmeasured::Allow) && !said(OnUnmeasured::Refuse) {
        true => OnUnmeasured::Allow,
        false => OnUnmeasured::Refuse,
    };
    Ok(BudgetSpec { hard, soft_percent, on_unmeasured })
}
