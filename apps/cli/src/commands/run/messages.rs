//! `run queue-message`, `run queued-messages` and `run remove-queued-message`: words for a run's next session.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{ListMessages, QueueMessage, RemoveMessage};
use agent_runner_api::view::MessageList;

use crate::app::App;
use crate::args::{OneRunArgs, QueueMessageArgs, RemoveMessageArgs};
use crate::exit::Outcome;
use crate::output::{file_text, reply};
use crate::render::{clean, indent};

pub(crate) async fn queue_message(app: &App, args: QueueMessageArgs) -> Outcome {
    let QueueMessageArgs { run, message_file, message, output } = args;
    let text = match message_file {
        Some(path) => file_text(&path)?,
        None => message.join(" "),
    };
    let list = app.engine.call(QueueMessage { run, text }).await?;
    reply(output.output_format, &list, |list| {
        let id = list.message_id.as_deref().unwrap_or_default();
        format!("Queued {id} for the next session of run {}.\n", list.run_id)
    })?;
    Ok(0)
}

pub(crate) async fn queued_messages(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let list = app.engine.call(ListMessages { run }).await?;
    reply(output.output_format, &list, listed)?;
    Ok(0)
}

pub(crate) async fn remove_queued_message(app: &App, args: RemoveMessageArgs) -> Outcome {
    let RemoveMessageArgs { run, message, output } = args;
    let list = app.engine.call(RemoveMessage { run, message }).await?;
    reply(output.output_format, &list, |list| {
        let id = list.message_id.as_deref().unwrap_or_default();
        clean(&format!("Removed {id} from run {}.\n", list.run_id))
    })?;
    Ok(0)
}

fn listed(list: &MessageList) -> String {
    if list.queued_resume_messages.is_empty() {
        return format!("No message waits for run {}.\n", list.run_id);
    }
    let mut text = String::new();
    for message in &list.queued_resume_messages {
        let from = message.from_run_id.as_ref().map(|run| format!(", from run {run}")).unwrap_or_default();
        text.push_str(&format!("{} ({}{from})\n{}\n", message.id, message.queued_at, indent(&message.text)));
    }
    clean(&text)
}
