//! Recovery that meets others who want something of the same run.

use agent_runner_api::operations::RecoverRuns;
use agent_runner_api::view::{Recovered, RecoveryAction};
use agent_runner_api::{ApiError, ErrorCode, Handle as _};

use super::world::World;

/// Recovers and resumes all runs of the world, of which there is one that nobody drives.
async fn recovered(world: &World, refusal: Option<ApiError>) -> Recovered {
    let run_id = world.create(&["one"], 0).await;
    if let Some(refusal) = refusal {
        world.refuse_launch(refusal);
    }
    let request = RecoverRuns { run: None, dry_run: false, resume: true, take_over: false };
    let mut recovery = world.engine.call(request).await.unwrap();
    assert_eq!((recovery.runs.len(), &recovery.runs[0].run_id), (1, &run_id));
    recovery.runs.remove(0)
}

#[tokio::test]
async fn a_run_that_somebody_else_drives_by_now_is_left_alone() {
    let busy = ApiError::new(ErrorCode::Busy, "another command drives it");
    let left = recovered(&World::new(Vec::new()), Some(busy)).await;
    assert_eq!(left.action, RecoveryAction::LeftAlone);
    assert_eq!(left.detail.as_deref(), Some("another command drives it"));
}

#[tokio::test]
async fn a_driver_that_cannot_start_fails_its_run_alone_and_says_why() {
    let mut error = ApiError::new(ErrorCode::Process, "the driver ended before it began");
    error.causes = vec!["cannot open a file".to_owned(), "is a directory".to_owned()];
    let failed = recovered(&World::new(Vec::new()), Some(error)).await;
    assert_eq!(failed.action, RecoveryAction::Failed);
    let detail = "the driver ended before it began: cannot open a file: is a directory";
    assert_eq!(failed.detail.as_deref(), Some(detail));
}

#[tokio::test]
async fn a_run_that_nobody_else_wants_is_resumed() {
    let resumed = recovered(&World::new(Vec::new()), None).await;
    assert_eq!((resumed.action, resumed.detail), (RecoveryAction::Resumed, None));
}
