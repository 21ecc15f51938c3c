//! Reading a builtin's `with:` once its placeholders are filled. Must not know any builtin.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::hooks::context::Moment;
use crate::hooks::running::NoAnswer;

/// The configuration; without one, that of an empty map.
pub(super) fn settings<T: DeserializeOwned>(moment: &Moment<'_>) -> Result<T, NoAnswer> {
    let config = match &moment.config {
        Value::Null => Value::Object(serde_json::Map::new()),
        config => config.clone(),
    };
    serde_json::from_value(config)
        .map_err(|error| NoAnswer::failed(format!("its configuration (`with:`) is not one: {error}")))
}
