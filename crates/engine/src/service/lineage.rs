//! Where a new run stands among others: its parent, its group, and how deep it is nested. Must not change other runs.

use agent_runner_api::operations::CreateRun;
use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::{Manifest, RunId, check_group_id};
use agent_runner_store::StoreError;

use crate::compose::Lineage;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

impl<S: Places + 'static> Engine<S> {
    /// The place of a run that is asked for. Refused where runs would be nested without end, and where the parent is
    /// nobody.
    pub(super) async fn lineage(&self, request: &CreateRun) -> Result<Lineage, ApiError> {
        let parent = match &request.parent_run_id {
            Some(parent) => Some(self.parent(parent).await?),
            None => None,
        };
        // The environment may have been cleared on the way; the parent's record was not.
        let below_parent = parent.as_ref().map_or(0, |parent| parent.spec.call_depth.saturating_add(1));
        let call_depth = request.call_depth.max(below_parent);
        let most = self.config.max_call_depth;
        if call_depth >= most {
            let message = format!(
                "a run cannot be created here: it would be nested in {call_depth} others, and {most} is the limit"
            );
            return Err(ApiError::new(ErrorCode::NotAllowed, message).hint(
                "this stops agents that start one another without end; set AGENT_RUNNER_MAX_CALL_DEPTH to a larger \
                 number if it is meant",
            ));
        }
        let run_group_id = match &request.run_group_id {
            Some(group_id) => {
                let hint = "correct --group-id, or AGENT_RUNNER_RUN_GROUP_ID if it is left out";
                let wrong = |why| ApiError::new(ErrorCode::Invalid, why).hint(hint);
                check_group_id(group_id).map_err(wrong)?;
                Some(group_id.clone())
            }
            None if request.inherit_run_group => {
                parent.as_ref().map(|parent| parent.state.run_group_id.clone())
            }
            None => None,
        };
        let ancestors = parent.map_or_else(Vec::new, |parent| {
            let mut ancestors = parent.spec.ancestors();
            ancestors.insert(0, parent.spec.run_id);
            ancestors
        });
        let takes_a_share = self.is_limited_below(&ancestors).await?;
        Ok(Lineage { ancestors, run_group_id, call_depth, takes_a_share })
    }

    async fn parent(&self, text: &str) -> Result<Manifest, ApiError> {
        const HINT: &str = "name another one with --parent-run, or unset AGENT_RUNNER_PARENT_RUN_ID";
        let run_id = RunId::parse(text).map_err(|error| {
            let message = format!("the parent run's id is not one: {error}");
            ApiError::new(ErrorCode::Invalid, message).hint(HINT)
        })?;
        self.store.snapshot(&run_id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => {
                let message = format!("the parent run {run_id} does not exist");
                ApiError::new(ErrorCode::NotFound, message).hint(HINT)
            }
            error => store_error(&error),
        })
    }
}
