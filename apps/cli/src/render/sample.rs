//! A run for the tests of what is shown, and what its worker does.

use agent_runner_api::view::{RunDetail, RunReading};
use agent_runner_engine::talk::LiveEvent;
use agent_runner_model::Timestamp;
use agent_runner_model::event::EventRecord;
use agent_runner_model::turn::{TurnEvent, TurnRecord};
use serde_json::{Value, json};

use crate::hearing::Told;
use crate::wall::{Wall, Zone};

/// So many seconds after noon, on the day all of this happens.
pub(crate) fn after(seconds: i64) -> Timestamp {
    let noon = Timestamp::parse("2026-05-04T12:00:00Z").unwrap();
    Timestamp::from_millis(noon.as_millis() + seconds * 1000)
}

/// A wall that shows so many seconds after noon, two hours ahead of UTC.
pub(crate) fn wall(seconds: i64) -> Wall {
    Wall::stopped(Zone::find(Some("CEST-2"), |_| None), after(seconds))
}

/// A run in its second attempt.
pub(crate) fn run() -> RunDetail {
    with(&json!({}))
}

/// The same with some fields changed.
pub(crate) fn with(changes: &Value) -> RunDetail {
    let mut run = json!({});
    for part in [&summary(), &situation(), &details(), changes] {
        for (name, value) in part.as_object().unwrap() {
            run[name] = value.clone();
        }
    }
    serde_json::from_value(run).unwrap()
}

fn summary() -> Value {
    json!({
        "runId": "k7d2p9x2aa", "parentRunId": null, "runGroupId": "k7d2p9x2aa", "repo": "shop",
        "status": "running", "effectiveStatus": "running", "archivedAt": null, "pinned": false,
        "agentName": "implementer", "name": "Checkout v2", "assignmentName": "checkout", "backend": "robot",
        "model": "robot-large-4", "cwd": "/srv/shop", "createdAt": after(-300), "startedAt": after(-300),
        "updatedAt": after(0), "endedAt": null, "totalAttemptCount": 1, "totalSessionCount": 1,
        "maxAttemptsPerSession": 4, "tasksCompleted": 1, "tasksTotal": 4, "activeTask": null, "wait": null,
        "dependencyState": { "ready": true, "total": 0, "satisfied": 0, "unsatisfied": 0 },
        "usage": { "inputTokens": 1200, "cacheReadTokens": 40_000, "outputTokens": 2100, "costMicroUsd": 123_400,
            "unmeasuredAttempts": 0 }
    })
}

fn situation() -> Value {
    json!({
        "capabilities": { "canReady": false, "canResume": false, "canAbort": true, "canAttach": true,
            "canArchive": false, "canUnarchive": false, "canReset": false, "canDelete": false,
            "canReconfigure": false, "reconfigureReason": "not_initialized", "canQueueMessage": true,
            "taskMutation": { "canSetStatus": true, "canEditNotes": true, "canAdd": true, "canEditPending": true,
                "canDeletePending": true } },
        "onBusy": "wait", "mayWrite": true,
        "dependencies": [], "dependents": [], "callDepth": 0, "budget": null,
        "isLive": true, "lease": "held", "workspaceDir": "/state/runs/shop/k7d2p9x2aa", "revision": 9,
        "lastCursor": 9, "agent": { "name": "implementer", "sourcePath": null }, "assignment": null,
        "effort": null, "note": null, "backendSessionId": null, "unrestricted": false, "safetyNote": null,
        "onLimit": "wait", "timeoutSec": 3600, "exitCode": null, "failure": null,
        "launcher": "direct", "runtimeVars": {}, "runtimeVarSources": {},
        "resolvedHooks": [], "hookState": {}, "scheduleState": "none"
    })
}

fn details() -> Value {
    json!({
        "sessions": [], "currentSession": session(), "lastSession": session(),
        "attempts": [
            { "attemptNumber": 0, "sessionIndex": 0, "prompt": "brief", "startedAt": after(-300),
              "endedAt": after(-20), "end": { "kind": "reported" }, "exitCode": 0, "signal": null, "pid": null,
              "outputTail": "", "leftovers": 0, "usage": {} },
            { "attemptNumber": 1, "sessionIndex": 0, "prompt": "nudge", "startedAt": after(-20), "endedAt": null,
              "end": null, "exitCode": null, "signal": null, "pid": 77, "outputTail": "", "leftovers": 0,
              "usage": null }
        ],
        "queuedResumeMessages": [], "message": null, "callerInstructions": null, "lockedFields": [],
        "tasks": [
            task("schema", "Add the table of orders", "completed", "migrated, 3 tests added"),
            task("payment", "Call the payment provider and handle its refusals", "in_progress",
                "looked at their API\nsandbox key works; refusals come as 402"),
            task("mail", "Send the confirmation mail", "pending", ""),
            task("legal", "Have the terms checked", "blocked", "nobody from legal answers")
        ]
    })
}

fn session() -> Value {
    json!({ "sessionIndex": 0, "cause": { "kind": "first" }, "status": "running", "startedAt": after(-300),
        "endedAt": null, "exitCode": null, "message": null, "firstAttemptNumber": 0, "lastAttemptNumber": 1,
        "attemptCount": 2, "attemptsSpent": 1, "maxAttemptsPerSession": 4 })
}

/// A task as a run shows it.
pub(crate) fn task(id: &str, title: &str, status: &str, notes: &str) -> Value {
    json!({ "id": id, "title": title, "body": "", "status": status, "notes": notes })
}

/// An event of the run's history.
pub(crate) fn event(cursor: u64, seconds: i64, kind: &str, fields: &Value) -> EventRecord {
    let mut event = json!({ "cursor": cursor, "at": after(seconds), "type": kind });
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    serde_json::from_value(event).unwrap()
}

/// A run and events of it.
pub(crate) fn reading(run: RunDetail, events: Vec<EventRecord>) -> RunReading {
    let last_cursor = events.last().map_or(0, |event| event.cursor);
    RunReading { run, events, last_cursor }
}

/// The worker of an attempt did something.
pub(crate) fn told(attempt_number: u32, seq: u64, seconds: i64, event: TurnEvent) -> Told {
    let record = TurnRecord { seq, at: after(seconds), event };
    Told::Event(Box::new(LiveEvent { attempt_number, record }))
}
