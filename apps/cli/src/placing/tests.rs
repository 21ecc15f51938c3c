//! Where a copy is written until it is known to be right.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::Place;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn places(directory: &Path) -> [Place; 2] {
    let target = directory.join("copy");
    [Place::open(directory, &target, 0o600).unwrap(), Place::beside(directory, target, 0o600).unwrap()]
}

#[test]
fn a_copy_appears_when_it_is_complete_and_in_place_of_nothing() {
    for which in 0..2 {
        let directory = tempfile::tempdir().unwrap();
        let [nameless, beside] = places(directory.path());
        let (mut place, other) = if which == 0 { (nameless, beside) } else { (beside, nameless) };
        other.give_up();
        place.file().write_all(b"whole").unwrap();
        assert!(
            !names(directory.path()).contains(&"copy".to_owned()),
            "whoever is killed now leaves no copy"
        );
        place.keep().unwrap();
        assert_eq!(names(directory.path()), ["copy"]);
        assert_eq!(fs::read(directory.path().join("copy")).unwrap(), b"whole");
    }
}

/// Ends both kinds of places after somebody else has put a file there, and looks at what is there then.
fn contested(end: impl Fn(Place), left: &[u8]) {
    for which in 0..2 {
        let directory = tempfile::tempdir().unwrap();
        let [nameless, beside] = places(directory.path());
        let (mut place, other) = if which == 0 { (nameless, beside) } else { (beside, nameless) };
        other.give_up();
        place.file().write_all(b"ours").unwrap();
        fs::write(directory.path().join("copy"), b"theirs").unwrap();
        end(place);
        assert_eq!(names(directory.path()), ["copy"], "and nothing is left beside it");
        assert_eq!(fs::read(directory.path().join("copy")).unwrap(), left);
    }
}

#[test]
fn what_came_to_be_there_meanwhile_stays() {
    contested(|place| assert!(place.keep().is_err()), b"theirs");
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for mut place in places(directory.path()) {
        place.file().write_all(b"half").unwrap();
        place.give_up();
    }
    assert_eq!(names(directory.path()), Vec::<String>::new());
}

#[test]
fn it_takes_the_place_of_another_if_that_is_wanted() {
    contested(|place| place.keep_instead().unwrap(), b"ours");
}
