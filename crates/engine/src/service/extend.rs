//! Raising the ceilings of a run's budget, and going on with it.

use agent_runner_api::operations::{ExtendBudget, ResumeRun};
use agent_runner_api::view::RunDetail;
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::budget::{self, Amount, BudgetKind};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{ControlFact, Fact, Manifest};

use super::hints::what_to_do;
use crate::engine::Engine;
use crate::place::Places;

impl<S: Places + 'static> Handle<ExtendBudget> for Engine<S> {
    /// All of it or nothing: a run that cannot go on is not extended either.
    async fn call(&self, request: ExtendBudget) -> Result<RunDetail, ApiError> {
        let ExtendBudget { run, by, resume, message } = request;
        if message.is_some() && !resume {
            let why = "a message is for a run that goes on";
            return Err(ApiError::new(ErrorCode::Invalid, why).hint("say --resume too"));
        }
        let run_id = self.resolve(&run)?;
        let before = self.look_at(&run_id).await?;
        let fact = Fact::Control(ControlFact::Extended { by });
        let extended = match resume {
            true => {
                let request = ResumeRun {
                    run,
                    message,
                    add_tasks: Vec::new(),
                    on_limit: None,
                    on_orphan: OrphanPolicy::Continue,
                    take_over: false,
                    tell_parent: None,
                };
                self.resume(request, vec![fact]).await
            }
            false => match self.commit_settled(&run_id, &[fact]).await {
                Ok(manifest) => self.detail(&manifest).await,
                Err(error) => Err(what_to_do(error, &run_id)),
            },
        };
        extended.map_err(|error| explained(error, &before, &by, resume))
    }
}

/// What to do instead, where the extension itself is refused.
fn explained(error: ApiError, run: &Manifest, by: &Amount, resume: bool) -> ApiError {
    let run_id = &run.spec.run_id;
    if error.code == ErrorCode::Busy && resume && error.message.contains("is running") {
        let hint =
            format!("nothing was raised; without --resume, `run extend {run_id}` raises it while it works");
        return error.hint(hint);
    }
    if error.message.contains("has to add something") {
        return error.hint("say how much more: --tokens, --cost-usd, --attempts, --turns or --wall-clock");
    }
    if error.code != ErrorCode::NotAllowed {
        return error;
    }
    if error.message.contains("needs a message") {
        let words = "nothing was raised; say it at the end: `agent-runner run extend";
        return error.hint(format!("{words} {run_id} … --resume \"how to go on\"`"));
    }
    let own = budget::own_ceilings(run);
    let foreign = BudgetKind::ALL.into_iter().find_map(|kind| {
        by.get(kind).filter(|_| own.get(kind).is_none())?;
        Some((kind, budget::granted_by(run, kind)?))
    });
    match foreign.filter(|_| error.hint.is_none()) {
        Some((kind, above)) => error.hint(format!(
            "what it may use is its share of the budget of run {above}: `agent-runner run --resume-run {run_id}` takes \
             another share of what is left there, and `agent-runner run extend {above} {}` raises that",
            kind.extend_flag()
        )),
        None if error.hint.is_none() => {
            error.hint(format!("`agent-runner run status {run_id}` shows the ceilings it has; others cannot be raised"))
        }
        None => error,
    }
}
