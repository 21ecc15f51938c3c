//! What a new run is called: refused where it says nothing or cannot be written. Must not look for runs.

use agent_runner_api::operations::CreateRun;
use agent_runner_api::{ApiError, ErrorCode};

/// Errors name what to change.
pub(super) fn check_labels(request: &CreateRun) -> Result<(), ApiError> {
    let refused = |message: String, hint: &str| Err(ApiError::new(ErrorCode::Invalid, message).hint(hint));
    let is_blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    if is_blank(&request.name) {
        return refused("the display name is empty".to_owned(), "write a name, or leave --name out");
    }
    if is_blank(&request.model) {
        let hint = "name a model, or leave --model out for the agent's";
        return refused("the model's name is empty".to_owned(), hint);
    }
    Ok(())
}
