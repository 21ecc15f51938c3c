//! What a new run is called and belongs to: refused where it says nothing or cannot be written. Must not look for runs.

use agent_runner_api::operations::CreateRun;
use agent_runner_api::{ApiError, ErrorCode};

/// Longest group id, in characters.
const MAX_GROUP_ID: usize = 128;

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
    match &request.run_group_id {
        Some(id) if !is_group_id(id) => {
            let message =
                format!("a group id has 1 to {MAX_GROUP_ID} letters, digits and . _ : / -, this is {id:?}");
            refused(message, "correct --group-id, or AGENT_RUNNER_RUN_GROUP_ID if it is left out")
        }
        Some(_) | None => Ok(()),
    }
}

fn is_group_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '-');
    (1..=MAX_GROUP_ID).contains(&text.len()) && text.chars().all(allowed)
}
