//! Who works in a directory: who goes together with whom, what the killed leave behind, and that nobody gets in twice.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use agent_runner_model::RunId;
use agent_runner_store::{Entry, FileStore, Member, RunStore};

use super::children::{Job, Worker, killed_at};
use super::support::{Place, id, now, store_at};

type Entered = <FileStore as RunStore>::Place;

const ROOT: &str = "/ws";

pub fn writer(run: &str) -> Member {
    Member { run_id: id(run), tree: id(run), may_write: true, shares: false, alone: false }
}

fn reader(run: &str) -> Member {
    Member { may_write: false, ..writer(run) }
}

fn sharer(run: &str) -> Member {
    Member { shares: true, ..writer(run) }
}

fn child(run: &str, tree: &str) -> Member {
    Member { tree: id(tree), ..writer(run) }
}

fn attempt(store: &FileStore, member: &Member) -> Entry<Entered> {
    now(store.enter_workspace(Path::new(ROOT), member, &[])).unwrap()
}

/// Enters, which has to succeed.
pub fn enter(store: &FileStore, member: &Member) -> Entered {
    match attempt(store, member) {
        Entry::Entered(place) => place,
        other => panic!("{} cannot enter: {other:?}", member.run_id),
    }
}

fn in_the_way(store: &FileStore, member: &Member) -> Vec<String> {
    let looked = now(store.look_into_workspace(Path::new(ROOT), member)).unwrap();
    let entered = match attempt(store, member) {
        Entry::Entered(place) => {
            drop(place);
            Vec::new()
        }
        Entry::Busy(members) => members,
        Entry::Abandoned(members) => panic!("{members:?} were killed"),
    };
    assert_eq!(looked, entered, "looking sees what entering meets");
    entered.into_iter().map(|member| member.run_id.to_string()).collect()
}

fn files(place: &Place) -> Vec<String> {
    let mut names = Vec::new();
    for folder in std::fs::read_dir(place.dir.path().join("workspaces")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".lock") {
                names.push(name);
            }
        }
    }
    names.sort();
    names
}

#[test]
fn two_writers_come_one_after_the_other() {
    let place = Place::new();
    let first = enter(&place.store, &writer("a"));
    assert_eq!(in_the_way(&place.store, &writer("b")), ["a"]);
    drop(first);
    let second = enter(&place.store, &writer("b"));
    assert_eq!(in_the_way(&place.store, &writer("a")), ["b"]);
    drop(second);
}

#[test]
fn looking_makes_nothing() {
    let place = Place::new();
    assert_eq!(now(place.store.look_into_workspace(Path::new(ROOT), &writer("a"))).unwrap(), []);
    assert!(!place.dir.path().join("workspaces").exists());
}

#[test]
fn another_directory_is_another_matter() {
    let place = Place::new();
    let _first = enter(&place.store, &writer("a"));
    let elsewhere = now(place.store.enter_workspace(Path::new("/ws2"), &writer("b"), &[])).unwrap();
    assert!(matches!(elsewhere, Entry::Entered(_)));
}

#[test]
fn members_of_a_tree_go_together_and_keep_others_out_until_the_last_has_left() {
    let place = Place::new();
    let parent = enter(&place.store, &writer("a"));
    let one = enter(&place.store, &child("a1", "a"));
    let other = enter(&place.store, &child("a2", "a"));
    assert_eq!(in_the_way(&place.store, &writer("b")), ["a", "a1", "a2"]);
    drop(parent);
    drop(one);
    assert_eq!(in_the_way(&place.store, &writer("b")), ["a2"]);
    drop(other);
    assert_eq!(in_the_way(&place.store, &writer("b")), Vec::<String>::new());
}

#[test]
fn readers_go_together_with_each_other_and_not_with_a_writer() {
    let place = Place::new();
    let one = enter(&place.store, &reader("a"));
    let other = enter(&place.store, &reader("b"));
    assert_eq!(in_the_way(&place.store, &writer("c")), ["a", "b"]);
    drop((one, other));
    let _writing = enter(&place.store, &writer("c"));
    assert_eq!(in_the_way(&place.store, &reader("a")), ["c"]);
}

#[test]
fn who_shares_is_in_nobodys_way_and_nobody_is_in_its() {
    let place = Place::new();
    let _first = enter(&place.store, &writer("a"));
    let _shared = enter(&place.store, &sharer("b"));
    assert_eq!(in_the_way(&place.store, &writer("c")), ["a"], "the one who shares is not named");
    drop(_first);
    let _next = enter(&place.store, &writer("c"));
}

#[test]
fn a_second_driver_of_the_same_run_is_kept_out_too() {
    let place = Place::new();
    let _first = enter(&place.store, &writer("a"));
    let Entry::Busy(members) = attempt(&place.store, &writer("a")) else { panic!("it was let in twice") };
    assert_eq!(members, [writer("a")]);
}

#[test]
fn who_left_leaves_nothing_but_a_file_that_the_next_one_clears_away() {
    let place = Place::new();
    drop(enter(&place.store, &writer("a")));
    assert_eq!(files(&place), ["a.lock"]);
    let _next = enter(&place.store, &writer("b"));
    assert_eq!(files(&place), ["b.lock"]);
}

#[test]
fn who_was_killed_there_is_named_until_somebody_has_seen_to_it() {
    let place = Place::new();
    let mut worker = Worker::start(place.dir.path(), &Job::Enter { run: "a".to_owned() }, None);
    assert_eq!(worker.next_done().as_deref(), Some("a"));
    assert_eq!(in_the_way(&place.store, &writer("b")), ["a"]);
    worker.kill();
    worker.finish();
    for _ in 0..2 {
        let Entry::Abandoned(members) = attempt(&place.store, &writer("b")) else { panic!("b was let in") };
        assert_eq!(members, [writer("a")]);
    }
    // Its own tree knows of it, and it itself goes on where it was.
    drop(enter(&place.store, &child("a1", "a")));
    let settled: [RunId; 1] = [id("a")];
    let entry = now(place.store.enter_workspace(Path::new(ROOT), &writer("b"), &settled)).unwrap();
    assert!(matches!(entry, Entry::Entered(_)), "{entry:?}");
    assert_eq!(files(&place), ["b.lock"]);
}

#[test]
fn who_was_killed_goes_on_itself() {
    let place = Place::new();
    let job = Job::Enter { run: "a".to_owned() };
    killed_at(place.dir.path(), &job, "store.workspace.entered");
    let again = enter(&place.store, &writer("a"));
    assert_eq!(in_the_way(&place.store, &writer("b")), ["a"]);
    drop(again);
    drop(enter(&place.store, &writer("b")));
}

#[test]
fn files_that_say_nothing_are_nobody() {
    let place = Place::new();
    drop(enter(&place.store, &writer("a")));
    let folder = std::fs::read_dir(place.dir.path().join("workspaces")).unwrap().next().unwrap().unwrap();
    for (name, text) in [("x.lock", ""), ("y.lock", "{\"runId\":"), ("z.lock", "null")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let _next = enter(&place.store, &writer("b"));
    assert_eq!(files(&place), ["b.lock"]);
}

#[test]
fn of_many_who_come_at_once_one_is_let_in() {
    let place = Place::new();
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    const TURNS: usize = 3;
    thread::scope(|scope| {
        for number in 0..8 {
            let (inside, most) = (&inside, &most);
            let store = store_at(place.dir.path());
            scope.spawn(move || {
                // Whoever keeps asking gets in.
                let mut turns = 0;
                while turns < TURNS {
                    if let Entry::Entered(place) = attempt(&store, &writer(&format!("run-{number}"))) {
                        turns += 1;
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                }
            });
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1, "never two at once");
    let last = attempt(&place.store, &writer("last"));
    assert!(matches!(last, Entry::Entered(_)), "nobody is taken for killed who only left: {last:?}");
}
