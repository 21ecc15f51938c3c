//! `list runs`.

use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{ListRuns, RunOrder};
use agent_runner_engine::clock::{Clock as _, SystemClock};
use agent_runner_model::Timestamp;
use agent_runner_model::phase::RunStatus;

use crate::amounts::parse_span;
use crate::app::App;
use crate::args::{ListRunsArgs, OrderChoice, OutputFormat, StatusChoice};
use crate::exit::{Failure, Outcome, usage};
use crate::output::{reply, screen_width, warn_of};
use crate::render::run_list;

pub(crate) async fn list_runs(app: &App, args: ListRunsArgs) -> Outcome {
    let ListRunsArgs {
        cwd,
        repo,
        global,
        group_id,
        include_archived,
        status,
        agent,
        backend,
        since,
        until,
        pinned,
        search,
        sort,
        limit,
        cursor,
        output,
    } = args;
    let everywhere = global || repo.is_some() || group_id.is_some();
    let cwd = directory_of(app, cwd, everywhere)?;
    let now = SystemClock.now();
    let request = ListRuns {
        cwd,
        repo,
        run_group_id: group_id,
        include_archived,
        statuses: status.into_iter().map(run_status).collect(),
        agent,
        backend,
        since: since.map(|text| moment(&text, now)).transpose()?,
        until: until.map(|text| moment(&text, now)).transpose()?,
        pinned,
        search,
        sort: match sort {
            OrderChoice::Created => RunOrder::Created,
            OrderChoice::Updated => RunOrder::Updated,
        },
        limit,
        cursor,
    };
    let scope = request.cwd.clone();
    let list = app.engine.call(request).await?;
    let wall = &app.settings.display.wall;
    reply(output.output_format, &list, |list| run_list(list, scope.as_deref(), wall, screen_width()))?;
    if output.output_format == OutputFormat::Text {
        warn_of(&list.problems);
        if let Some(cursor) = &list.next_cursor {
            eprintln!("hint: there are more; `--cursor {cursor}` goes on");
        }
    }
    Ok(0)
}

/// The directory whose runs are meant, if not those of every one: the current one where none is given.
pub(crate) fn directory_of(
    app: &App,
    cwd: Option<String>,
    everywhere: bool,
) -> Result<Option<String>, Failure> {
    if everywhere {
        return Ok(None);
    }
    let wanted = Path::new(app.settings.caller_dir()?).join(cwd.unwrap_or_default());
    // A run keeps its directory's real path; one that is gone can only be named by it.
    let real = wanted.canonicalize().unwrap_or_else(|_| tidy(&wanted));
    Ok(Some(real.to_string_lossy().into_owned()))
}

fn tidy(path: &Path) -> std::path::PathBuf {
    path.components().collect()
}

fn run_status(choice: StatusChoice) -> RunStatus {
    match choice {
        StatusChoice::Initialized => RunStatus::Initialized,
        StatusChoice::Ready => RunStatus::Ready,
        StatusChoice::Running => RunStatus::Running,
        StatusChoice::Interrupted => RunStatus::Interrupted,
        StatusChoice::Success => RunStatus::Success,
        StatusChoice::Blocked => RunStatus::Blocked,
        StatusChoice::Exhausted => RunStatus::Exhausted,
        StatusChoice::Aborted => RunStatus::Aborted,
        StatusChoice::Error => RunStatus::Error,
    }
}

/// A time, the beginning of a day, or so long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || {
        let millis = i64::try_from(parse_span(text)?.as_millis()).ok()?;
        Some(Timestamp::from_millis(now.as_millis().saturating_sub(millis)))
    };
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z")).ok();
    Timestamp::parse(text).ok().or_else(day).or_else(ago).ok_or_else(|| {
        usage(
            format!("{text:?} is neither a time nor a span"),
            "write 2026-01-31, 2026-01-31T08:00:00Z, or how long ago: 30m, 12h, 7d, 2w",
        )
    })
}
