//! Raising the ceilings of a run's budget.

use agent_runner_api::operations::ExtendBudget;
use agent_runner_api::view::RunDetail;
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::{ControlFact, Fact};

use crate::engine::Engine;
use crate::place::Places;

impl<S: Places + 'static> Handle<ExtendBudget> for Engine<S> {
    async fn call(&self, request: ExtendBudget) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let fact = Fact::Control(ControlFact::Extended { by: request.by });
        let manifest = self.commit(&run_id, &[fact]).await?;
        self.detail(&manifest).await
    }
}
