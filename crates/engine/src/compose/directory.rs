//! Where a run works: the directory that was asked for, with variables in it, as a path that exists.

use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::spec::RunSpec;

use super::render::{Values, keys, length, render};
use super::spec::UNNAMED;

/// Longest path that is tried, in bytes; systems take less.
const MAX_PATH: usize = 64 * 1024;

/// The directory of the run. Errors name what to change.
pub(crate) fn directory(spec: &RunSpec, values: &Values) -> Result<String, ApiError> {
    let caller = Path::new(&spec.template.caller_dir);
    let wanted = match &spec.template.cwd {
        Some(asked) => {
            check_keys(spec, asked, values)?;
            let is_empty = asked.trim().is_empty();
            if is_empty || length(asked, values) > MAX_PATH {
                let why = if is_empty { "is empty" } else { "has a path that is too long" };
                return Err(ApiError::new(ErrorCode::Invalid, format!("the working directory {why}"))
                    .hint("name a directory with --cwd, or leave it out to work where you are"));
            }
            caller.join(&*render(asked, values))
        }
        None => caller.to_path_buf(),
    };
    utf8(&existing(&wanted)?)
}

/// The directory is in every list and names the run's own folder: nothing that must not be seen may get into it.
fn check_keys(spec: &RunSpec, asked: &str, values: &Values) -> Result<(), ApiError> {
    for key in keys(asked) {
        let is_too_early = match key {
            "cwd" => true,
            "run_id" => spec.run_id.as_str() == UNNAMED,
            _ => values.get(key).is_some_and(|value| value == UNNAMED),
        };
        if is_too_early {
            let message =
                format!("the working directory {asked:?} asks for `{key}`, which is decided only after it");
            return Err(ApiError::new(ErrorCode::Invalid, message)
                .hint("name a directory that exists; a group given with --group-id is known in time"));
        }
        if !values.contains_key(key) {
            let message = format!("the working directory {asked:?} asks for `{key}`, which has no value");
            return Err(ApiError::new(ErrorCode::Invalid, message).hint(
                "declare it in the assignment's `vars`, give it a value, or name a directory with --cwd",
            ));
        }
        if spec.runtime_vars.get(key).is_some_and(|var| var.is_redacted()) {
            let message = format!(
                "the working directory {asked:?} asks for `{key}`, whose value came from the environment and is shown \
                 to nobody"
            );
            return Err(ApiError::new(ErrorCode::Invalid, message).hint(format!(
                "give it with --var {key}=VALUE if `cli` is among its sources, or name a directory with --cwd"
            )));
        }
    }
    Ok(())
}

fn existing(wanted: &Path) -> Result<PathBuf, ApiError> {
    let real = wanted.canonicalize().map_err(|error| {
        let message = format!("the working directory {} cannot be used", wanted.display());
        ApiError::from_error(ErrorCode::Invalid, &Unusable { message, source: error })
            .hint("create it, or name another one with --cwd")
    })?;
    if !real.is_dir() {
        let message = format!("the working directory {} is not a directory", real.display());
        return Err(ApiError::new(ErrorCode::Invalid, message).hint("name a directory with --cwd"));
    }
    Ok(real)
}

fn utf8(path: &Path) -> Result<String, ApiError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the working directory {} is not UTF-8", path.display());
        ApiError::new(ErrorCode::Invalid, message).hint("work in a directory whose path is UTF-8")
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Unusable {
    message: String,
    source: std::io::Error,
}
