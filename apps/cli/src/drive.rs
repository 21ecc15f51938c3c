//! The hidden command `drive`: this process becomes the driver of one run.

use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use agent_runner_engine::driver::{DriveRequest, Ports, Signal, drive as drive_run};
use agent_runner_model::RunId;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_store::failpoint;
use agent_runner_supervisor::become_subreaper;
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::app::App;
use crate::args::{DriveArgs, OrphanChoice};
use crate::exit::{Failure, Outcome};

pub(crate) fn orphan_policy(choice: OrphanChoice) -> OrphanPolicy {
    match choice {
        OrphanChoice::Continue => OrphanPolicy::Continue,
        OrphanChoice::Abort => OrphanPolicy::Abort,
    }
}

pub(crate) async fn drive(app: &App, args: DriveArgs) -> Outcome {
    failpoint::hit("driver.started");
    let run_id = RunId::parse(&args.run_id).context("the run id is not one")?;
    // Where the system has no such thing, what leaves the worker's group and sheds its mark is not found.
    let _ = become_subreaper();
    let (sender, signals) = mpsc::channel(4);
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let mut stream = signal(kind).context("cannot listen to signals")?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(Signal::Terminate).await.is_err() {
                    return;
                }
            }
        });
    }
    let (leash, wake) = if args.held {
        (Some(own(std::io::stdin())?), Some(own(std::io::stdout())?))
    } else {
        (None, Some(own(std::io::stdout())?))
    };
    let request = DriveRequest {
        run_id,
        environment: std::env::vars_os().collect(),
        on_orphan: orphan_policy(args.on_orphan),
        take_over: args.take_over,
    };
    let ports = Ports { leash, wake, signals, say };
    match drive_run(Arc::clone(&app.engine), request, ports).await {
        Ok(()) => Ok(0),
        Err(error) => Err(Failure::from(anyhow::Error::new(error))),
    }
}

fn own(stream: impl AsFd) -> Result<OwnedFd, Failure> {
    let owned = stream.as_fd().try_clone_to_owned().context("cannot take over a standard stream")?;
    Ok(owned)
}

/// Standard error is the driver's log.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
