//! Task commands of a worker that cannot write the state directory: they go to the run's driver, which can.

use std::path::PathBuf;

use agent_runner_api::{ApiError, ErrorCode, Operation};
use agent_runner_engine::driver::DRIVER_SOCKET;
use agent_runner_engine::talk::{Request, TalkError, ask};

use crate::settings::variable;

/// Tries the driver when the disk refused. Without a driver, or when it fails too, the first error stands.
pub(crate) async fn over_socket<O: Operation>(
    error: ApiError,
    request: Request,
) -> Result<O::Reply, ApiError> {
    let disk_refused = match error.code {
        ErrorCode::Storage | ErrorCode::NotFound => true,
        ErrorCode::Invalid
        | ErrorCode::Definition
        | ErrorCode::NotAllowed
        | ErrorCode::Stale
        | ErrorCode::Busy
        | ErrorCode::Unreadable
        | ErrorCode::Process
        | ErrorCode::Internal => false,
    };
    let is_ours = crate::worker::is_own_run(request_run(&request));
    let Some(socket) = variable(DRIVER_SOCKET).filter(|_| disk_refused && is_ours) else {
        return Err(error);
    };
    match ask(&PathBuf::from(socket), &request).await {
        Ok(value) => {
            serde_json::from_value(value).map_err(|source| ApiError::from_error(ErrorCode::Internal, &source))
        }
        Err(TalkError::Refused(refused)) => Err(refused),
        Err(TalkError::Unreachable { .. } | TalkError::Silent | TalkError::Garbled { .. }) => Err(error),
    }
}

fn request_run(request: &Request) -> &str {
    match request {
        Request::Abort { .. } | Request::Changed | Request::Watch => "",
        Request::SetTask(request) => &request.run,
        Request::AppendNotes(request) => &request.run,
        Request::PassBlock(request) => &request.run,
        Request::AddTask(request) => &request.run,
        Request::EditTask(request) => &request.run,
        Request::DeleteTask(request) => &request.run,
        Request::ShowTask(request) => &request.run,
        Request::ListTasks(request) => &request.run,
    }
}
