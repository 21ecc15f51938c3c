//! `run set-note` and `run clear-note`: a note for people. Must not print it: it may be long, or not for this screen.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::SetNote;

use crate::app::App;
use crate::args::{OneRunArgs, Output, SetNoteArgs};
use crate::exit::Outcome;
use crate::output::{reply, text_or_stdin};

pub(crate) async fn set_note(app: &App, args: SetNoteArgs) -> Outcome {
    let SetNoteArgs { run, note, output } = args;
    change(app, run, Some(text_or_stdin(note)?), output).await
}

pub(crate) async fn clear_note(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    change(app, run, None, output).await
}

async fn change(app: &App, run: String, note: Option<String>, output: Output) -> Outcome {
    let detail = app.engine.call(SetNote { run, note }).await?;
    reply(output.output_format, &detail, |detail| {
        let verb = if detail.note.is_some() { "Set" } else { "Cleared" };
        format!("{verb} the note of run {}.\n", detail.summary.run_id)
    })?;
    Ok(0)
}
