//! `workspace snapshots`: what was put aside from a run's worktree.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ListSnapshots;
use agent_runner_api::view::SnapshotList;

use crate::app::App;
use crate::args::SnapshotsArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::columns;

pub(crate) async fn snapshots(app: &App, args: SnapshotsArgs) -> Outcome {
    let SnapshotsArgs { run, output } = args;
    let list = app.engine.call(ListSnapshots { run }).await?;
    reply(output.output_format, &list, text)?;
    Ok(0)
}

fn text(list: &SnapshotList) -> String {
    if list.snapshots.is_empty() {
        return format!("Nothing was put aside from the worktree of run {}.\n", list.run_id);
    }
    let rows: Vec<Vec<String>> = list
        .snapshots
        .iter()
        .map(|detail| {
            let snapshot = &detail.snapshot;
            vec![
                snapshot.number.to_string(),
                detail.taken_at.to_string(),
                match snapshot.files {
                    1 => "1 file".to_owned(),
                    files => format!("{files} files"),
                },
                snapshot.commit.chars().take(12).collect(),
                snapshot.name.clone(),
            ]
        })
        .collect();
    columns(&rows)
}
