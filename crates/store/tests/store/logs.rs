//! The event log: bytes that count never change, the others do not exist.

use std::fs;
use std::io::Write;

use agent_runner_model::event::EventBody;
use agent_runner_model::{Author, Fact, TaskFact, TaskId};
use agent_runner_store::{CommitError, RunStore};

use super::children::{Job, Worker};
use super::support::{Place, check_whole, message, now, time, told};

fn add_bytes(place: &Place, run: &agent_runner_model::RunId, bytes: &[u8]) {
    let mut log = fs::OpenOptions::new().append(true).open(place.log(run)).unwrap();
    log.write_all(bytes).unwrap();
}

#[test]
fn what_was_never_committed_is_invisible_and_moved_aside() {
    let (place, run) = Place::with_run("run");
    let before = fs::read(place.log(&run)).unwrap();
    let stray = b"{\"cursor\":2,\"at\":\"2026-01-01T00:00:00.000Z\",\"type\":\"run.ready\"}\n\xff\x00 half";
    add_bytes(&place, &run, stray);
    assert_eq!(now(place.store.tail(&run, 0, None)).unwrap().events.len(), 1);
    now(place.store.commit(&run, &[message("m")], time(0))).unwrap();
    let (_, events) = check_whole(&place.store, &run);
    assert_eq!(events.len(), 2);
    assert!(fs::read(place.log(&run)).unwrap().starts_with(&before), "bytes that count stay");
    let kept = fs::read(place.run_dir(&run).join("run-events.quarantine.jsonl")).unwrap();
    assert!(kept.starts_with(stray), "nothing is destroyed");
}

#[test]
fn large_garbage_is_moved_whole() {
    let (place, run) = Place::with_run("run");
    let garbage: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    add_bytes(&place, &run, &garbage);
    now(place.store.commit(&run, &[message("m")], time(0))).unwrap();
    check_whole(&place.store, &run);
    let kept = fs::read(place.run_dir(&run).join("run-events.quarantine.jsonl")).unwrap();
    assert_eq!(kept.get(..garbage.len()), Some(&garbage[..]));
}

#[test]
fn a_shortened_log_is_noted_and_cursors_go_on() {
    for keep in [0, 40] {
        let (place, run) = Place::with_run("run");
        for number in 0..3 {
            now(place.store.commit(&run, &[message(&format!("m{number}"))], time(0))).unwrap();
        }
        let whole = fs::read(place.log(&run)).unwrap();
        let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let keep = if keep == 0 { 0 } else { first_line + keep };
        fs::write(place.log(&run), whole.get(..keep).unwrap()).unwrap();

        let tail = now(place.store.tail(&run, 0, None)).expect("a short log is no failure");
        assert_eq!(tail.events.len(), usize::from(keep > 0));

        let after = now(place.store.commit(&run, &[message("after")], time(1))).unwrap();
        assert_eq!(after.last_cursor, 6);
        let tail = now(place.store.tail(&run, 4, None)).unwrap();
        let bodies: Vec<EventBody> = tail.events.iter().map(|event| event.body().unwrap()).collect();
        let lost = EventBody::HistoryLost { expected_bytes: whole.len() as u64, found_bytes: keep as u64 };
        assert_eq!(bodies, [lost, EventBody::MessageQueued { message_id: "after".to_owned() }]);
        assert_eq!(tail.events.iter().map(|event| event.cursor).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(after.events_len, fs::metadata(place.log(&run)).unwrap().len());
        now(place.store.commit(&run, &[message("later")], time(1))).unwrap();
        assert_eq!(told(&now(place.store.tail(&run, 6, None)).unwrap().events), ["later"]);
    }
}

#[test]
fn a_missing_log_is_a_short_one() {
    let (place, run) = Place::with_run("run");
    fs::remove_file(place.log(&run)).unwrap();
    assert_eq!(now(place.store.tail(&run, 0, None)).unwrap().events, []);
    let after = now(place.store.commit(&run, &[message("m")], time(0))).unwrap();
    assert_eq!(after.last_cursor, 3);
}

#[test]
fn a_line_somebody_spoilt_is_left_out_and_counted() {
    let (place, run) = Place::with_run("run");
    now(place.store.commit(&run, &[message("a"), message("b")], time(0))).unwrap();
    let text = fs::read_to_string(place.log(&run)).unwrap();
    fs::write(place.log(&run), text.replacen("{\"cursor\":2", "?\"cursor\":2", 1)).unwrap();
    let tail = now(place.store.tail(&run, 0, None)).unwrap();
    assert_eq!((tail.events.len(), tail.unreadable, tail.last_cursor), (2, 1, 3));
}

#[test]
fn a_tail_starts_and_stops_where_it_is_told_in_a_long_log() {
    let (place, run) = Place::with_run("run");
    let long = "x".repeat(2_000);
    for round in 0..20 {
        let facts: Vec<Fact> = (0..20).map(|number| message(&format!("{long}{round}-{number}"))).collect();
        now(place.store.commit(&run, &facts, time(0))).unwrap();
    }
    let all = now(place.store.tail(&run, 0, None)).unwrap().events;
    assert_eq!(all.len(), 401);
    for after in [0, 1, 2, 37, 200, 380, 399, 400, 401, 500] {
        for limit in [None, Some(0), Some(1), Some(7)] {
            let tail = now(place.store.tail(&run, after, limit)).unwrap();
            let start = usize::try_from(after).unwrap().min(all.len());
            let end = limit.map_or(all.len(), |limit| (start + limit).min(all.len()));
            assert_eq!(tail.events, all[start..end]);
            assert_eq!(tail.last_cursor, if end > start { end as u64 } else { after });
        }
    }
}

#[test]
fn nothing_new_writes_nothing_and_refusals_change_nothing() {
    let (place, run) = Place::with_run("run");
    let set =
        TaskFact::Set { id: TaskId::parse("task-1").unwrap(), status: None, notes: Some("n".to_owned()) };
    let fact = Fact::Task { author: Author::Person, fact: set };
    let first = now(place.store.commit(&run, std::slice::from_ref(&fact), time(0))).unwrap();
    let file = fs::metadata(place.run_dir(&run).join("run.json")).unwrap();
    let again = now(place.store.commit(&run, &[fact], time(9))).unwrap();
    assert_eq!(first, again);
    let missing = TaskFact::Deleted { id: TaskId::parse("nope").unwrap() };
    let missing = Fact::Task { author: Author::Person, fact: missing };
    let error = now(place.store.commit(&run, &[message("m"), missing], time(9))).unwrap_err();
    assert!(matches!(error, CommitError::Refused(_)), "{error}");
    assert_eq!(now(place.store.snapshot(&run)).unwrap(), first, "all facts or none");
    use std::os::unix::fs::MetadataExt;
    let file_now = fs::metadata(place.run_dir(&run).join("run.json")).unwrap();
    assert_eq!((file.ino(), file.mtime_nsec()), (file_now.ino(), file_now.mtime_nsec()));
}

#[test]
fn a_commit_syncs_three_times() {
    let (place, _) = Place::with_run("run");
    let (done, status) = Worker::start(place.dir.path(), &Job::CountSyncs { count: 4 }, None).finish();
    assert!(status.success(), "{status}");
    assert_eq!(done, ["3", "3", "3", "3"]);
}

#[test]
fn time_does_not_go_back_with_the_clock() {
    let (place, run) = Place::with_run("run");
    now(place.store.commit(&run, &[message("late")], time(50_000))).unwrap();
    let after = now(place.store.commit(&run, &[message("early")], time(10))).unwrap();
    assert_eq!(after.state.updated_at, time(50_000));
    let (_, events) = check_whole(&place.store, &run);
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
}
