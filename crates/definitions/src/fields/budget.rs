//! Reads the ceilings of agents and assignments. Must not know how they are kept to.

use agent_runner_model::budget::{MAX_AMOUNT, OnUnmeasured};

use super::{CONTAINER, Fields, Known};
use crate::forms::{BudgetForm, MAX_COST_USD};
use crate::node::Shape;
use crate::scalars::{Meaning, meaning};

pub(super) const KNOWN: Known = Known {
    what: "a budget",
    fields: &["wallClock", "tokens", "costUsd", "attempts", "turns", "soft", "onUnmeasured"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("cost", "write `costUsd` with a number of US dollars"),
        ("time", "write `wallClock` with a number of seconds"),
        ("wallClockSec", "write `wallClock` with a number of seconds"),
    ],
};

impl Fields<'_, '_> {
    /// `budget`: a map of ceilings.
    pub(crate) fn budget(&mut self) -> Option<BudgetForm> {
        let node = self.node("budget")?;
        let Shape::Map(entries) = &node.shape else {
            let hint = match node.expression {
                Some(_) => CONTAINER,
                None => "write ceilings on the lines below `budget:`, such as `costUsd: 5`",
            };
            self.complain(node.at, format!("budget must be a map, found {}", node.described()), hint);
            return None;
        };
        let mut fields = Fields::new(self.page, "budget.".to_owned(), node.at, entries, KNOWN, self.problems);
        Some(BudgetForm {
            wall_clock: fields.whole("wallClock"),
            tokens: fields.whole("tokens"),
            cost_usd: fields.dollars("costUsd"),
            attempts: fields.whole("attempts"),
            turns: fields.whole("turns"),
            soft: fields.number("soft", 1, 100),
            on_unmeasured: fields.word(
                "onUnmeasured",
                &[OnUnmeasured::Refuse, OnUnmeasured::Allow],
                |word| match word {
                    OnUnmeasured::Refuse => "refuse",
                    OnUnmeasured::Allow => "allow",
                },
            ),
        })
    }

    /// A whole number from 1.
    fn whole(&mut self, name: &str) -> Option<u64> {
        let node = self.node(name)?;
        if let Shape::Plain(text) = &node.shape
            && let Meaning::Whole(value) = meaning(text)
            && let Some(value) = u64::try_from(value).ok().filter(|value| (1..=MAX_AMOUNT).contains(value))
        {
            return Some(value);
        }
        let path = self.path(name);
        self.complain(
            node.at,
            format!("{path} must be a whole number from 1 to {MAX_AMOUNT}, found {}", node.described()),
            node.hint(format!("write digits only, such as `{name}: 600`; leave it out for no ceiling")),
        );
        None
    }

    /// Millionths of a dollar.
    fn dollars(&mut self, name: &str) -> Option<u64> {
        let node = self.node(name)?;
        if let Shape::Plain(text) = &node.shape
            && let Some(value) = micro_dollars(text)
        {
            return Some(value);
        }
        let path = self.path(name);
        self.complain(
            node.at,
            format!("{path} must be a number of US dollars above 0, found {}", node.described()),
            node.hint(format!(
                "write a number with at most six digits after the point, such as `{name}: 2.50`"
            )),
        );
        None
    }
}

fn micro_dollars(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole <= MAX_COST_USD)?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    let micro = whole.checked_mul(1_000_000)?.checked_add(part)?;
    (micro > 0 && micro <= MAX_COST_USD * 1_000_000).then_some(micro)
}
