//! `gc`: deletes runs that a policy does not keep.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::CollectGarbage;

use super::definitions::directory_of;
use crate::amounts::{parse_size, parse_span};
use crate::app::App;
use crate::args::{CollectArgs, OutputFormat, SpaceScopeArgs};
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::render::{clean, collection};
use crate::settings::{GC_KEEP, GC_MAX_SIZE, GC_OLDER_THAN, count, text};

/// Exit code when something could not be done.
const FAILED: u8 = 4;

pub(crate) async fn gc(app: &App, args: CollectArgs) -> Outcome {
    let CollectArgs { dry_run, older_than, keep, max_size, compress_only, scope, output } = args;
    let SpaceScopeArgs { cwd, repo, global } = scope;
    let cwd = directory_of(app, cwd, global || repo.is_some())?;
    let mut request = CollectGarbage {
        dry_run,
        older_than_sec: None,
        keep: None,
        max_bytes: None,
        compress_only,
        cwd,
        repo,
    };
    if !compress_only {
        request.older_than_sec = older_than_sec(older_than)?;
        request.keep = match keep {
            Some(keep) => Some(keep),
            None => count(GC_KEEP)?,
        };
        request.max_bytes = max_bytes(max_size)?;
    }
    let scope = request.cwd.clone();
    let done = app.engine.call(request).await?;
    reply(output.output_format, &done, |done| collection(done, scope.as_deref()))?;
    if output.output_format == OutputFormat::Text {
        for problem in &done.problems {
            eprintln!("warning: {} stays: {}", clean(&problem.path), clean(&problem.message));
        }
        for failed in &done.failed {
            eprintln!("error: run {}: {}", failed.run_id, clean(&failed.message));
            if let Some(hint) = &failed.hint {
                eprintln!("hint: {}", clean(hint));
            }
        }
    }
    Ok(if done.failed.is_empty() { 0 } else { FAILED })
}

fn older_than_sec(flag: Option<String>) -> Result<Option<u64>, Failure> {
    let (name, given) = given("--older-than", flag, GC_OLDER_THAN)?;
    let Some(given) = given else { return Ok(None) };
    let span = parse_span(&given)
        .ok_or_else(|| usage(format!("{name} is no span of time: {given:?}"), "write 30m, 12h, 30d or 8w"))?;
    Ok(Some(span.as_secs()))
}

fn max_bytes(flag: Option<String>) -> Result<Option<u64>, Failure> {
    let (name, given) = given("--max-size", flag, GC_MAX_SIZE)?;
    let Some(given) = given else { return Ok(None) };
    let size = parse_size(&given).ok_or_else(|| {
        usage(format!("{name} is no size: {given:?}"), "write a number of bytes, or 500K, 500M, 10G, 1T")
    })?;
    Ok(Some(size))
}

/// What a flag says, else a variable, and which of them.
fn given(
    flag: &'static str,
    given: Option<String>,
    variable: &'static str,
) -> Result<(&'static str, Option<String>), Failure> {
    match given {
        Some(given) => Ok((flag, Some(given))),
        None => Ok((variable, text(variable)?)),
    }
}
