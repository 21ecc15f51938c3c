//! Tests of processes that are started and left to themselves.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::{block_on, is_alive, path, until_gone};
use crate::{
    Detached, EndSignal, SpawnError, identity_of, is_same_process, reap_detached, signal_process,
    spawn_detached,
};

fn detached(script: &str, stdout: Option<OwnedFd>) -> Detached {
    Detached {
        argv: ["/bin/sh", "-c", script].map(Into::into).into(),
        env: vec![path()],
        cwd: PathBuf::from("/"),
        stdin: None,
        stdout,
        stderr: None,
    }
}

#[test]
fn it_has_a_session_of_its_own_and_what_it_was_given() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let script = "cut -d' ' -f5,6 /proc/$$/stat; pwd; cat; echo unheard >&2; exec sleep 300";
    let mut wanted = detached(script, Some(writer.into()));
    let (given, mut giver) = std::io::pipe().unwrap();
    wanted.stdin = Some(given.into());
    let identity = spawn_detached(wanted).unwrap();
    std::io::Write::write_all(&mut giver, b"given").unwrap();
    drop(giver);
    let expected = format!("{0} {0}\n/\ngiven", identity.pid);
    let mut output = vec![0; expected.len()];
    reader.read_exact(&mut output).unwrap();
    assert_eq!(String::from_utf8(output).unwrap(), expected);
    assert_eq!(identity_of(identity.pid), Some(identity));
    assert_eq!(identity.pid, identity.pgid);
    assert!(signal_process(&identity, EndSignal::Kill).unwrap());
    block_on(until_gone(identity.pid));
}

#[test]
fn it_leaves_no_zombie_behind() {
    let identity = spawn_detached(detached("exit 0", None)).unwrap();
    block_on(until_gone(identity.pid));
    assert!(!is_same_process(&identity) && !is_alive(identity.pid));
    reap_detached();
    assert!(!Path::new(&format!("/proc/{}", identity.pid)).exists());
}

#[test]
fn streams_that_are_not_given_are_null() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let identity =
        spawn_detached(detached("cat; readlink /proc/self/fd/0 /proc/$$/fd/2", Some(writer.into()))).unwrap();
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    assert_eq!(output, "/dev/null\n/dev/null\n");
    block_on(until_gone(identity.pid));
    reap_detached();
}

#[test]
fn what_cannot_be_started_is_told() {
    let mut missing = detached("", None);
    missing.argv = vec!["/no/such/program".into()];
    assert!(matches!(spawn_detached(missing), Err(SpawnError::NotFound { .. })));
    let mut nowhere = detached("", None);
    nowhere.cwd = PathBuf::from("/no/such/directory");
    assert!(matches!(spawn_detached(nowhere), Err(SpawnError::MissingDirectory { .. })));
    let mut nothing = detached("", None);
    nothing.argv.clear();
    assert!(matches!(spawn_detached(nothing), Err(SpawnError::Failed { .. })));
}
