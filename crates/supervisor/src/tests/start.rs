//! Tests of starting a program, of what it is given, and of how it ends by itself.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{block_on, is_alive, marker, program, run, shell, until_gone};
use crate::{Exit, Job, Program, SpawnError, Stdin};

const ROOT: &str = "/";

fn refused(program: &Program) -> SpawnError {
    block_on(async { Job::spawn(program, &marker()).unwrap_err() })
}

#[test]
fn exit_codes_are_reported() {
    for code in [0, 1, 7, 255] {
        let (report, _) = block_on(run(&shell(&format!("exit {code}"), Path::new(ROOT))));
        assert_eq!((report.exit, report.stop), (Exit::Code(code), None));
        assert!(report.leftovers.is_empty() && !report.undrained, "{report:?}");
    }
}

#[test]
fn death_by_signal_is_reported() {
    let (report, _) = block_on(run(&shell("kill -SEGV $$", Path::new(ROOT))));
    assert_eq!((report.exit, report.stop), (Exit::Signal(11), None));
}

#[test]
fn a_missing_program_is_named() {
    for name in ["no-such-program-anywhere", "/no/such/program", "./nothing"] {
        let error = refused(&program(&[name], Path::new(ROOT)));
        assert!(matches!(&error, SpawnError::NotFound { program } if program == name), "{error:?}");
    }
}

#[test]
fn what_cannot_be_executed_is_told_from_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    let orphan = directory.path().join("orphan");
    std::fs::write(&orphan, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&orphan, std::fs::Permissions::from_mode(0o755)).unwrap();
    for file in [plain, orphan] {
        let error = refused(&program(&[file.to_str().unwrap()], Path::new(ROOT)));
        assert!(matches!(&error, SpawnError::NotExecutable { .. }), "{file:?}: {error:?}");
    }
    let error = refused(&program(&["/"], Path::new(ROOT)));
    assert!(matches!(&error, SpawnError::NotExecutable { .. }), "{error:?}");
}

#[test]
fn a_missing_directory_is_told_from_a_missing_program() {
    for directory in ["/no/such/directory", "/dev/null"] {
        let error = refused(&program(&["/bin/sh"], Path::new(directory)));
        let SpawnError::MissingDirectory { path, .. } = &error else { panic!("{error:?}") };
        assert_eq!(path, Path::new(directory));
    }
}

#[test]
fn an_oversized_argument_is_told() {
    let error = refused(&program(&["/bin/true", &"x".repeat(200 << 10)], Path::new(ROOT)));
    let SpawnError::TooLarge { bytes, .. } = &error else { panic!("{error:?}") };
    assert!(*bytes > 200 << 10);
}

#[test]
fn what_no_system_call_accepts_fails() {
    for argv in [&[][..], &["/bin/echo", "a\0b"]] {
        let error = refused(&program(argv, Path::new(ROOT)));
        assert!(matches!(&error, SpawnError::Failed { .. }), "{error:?}");
    }
}

#[test]
fn errors_do_not_repeat_their_source() {
    let error = refused(&program(&["/bin/true"], Path::new("/no/such/directory")));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        !error.to_string().contains(&source) && error.to_string().starts_with(char::is_lowercase),
        "{error}"
    );
}

#[test]
fn starting_without_a_runtime_is_an_error_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let error = Job::spawn(&shell("touch started", directory.path()), &marker()).unwrap_err();
    assert!(matches!(error, SpawnError::Failed { .. }), "{error:?}");
    assert!(!directory.path().join("started").exists());
}

#[test]
fn the_environment_is_what_was_given_and_the_marker() {
    let mut program = program(&["env"], Path::new(ROOT));
    let marker = marker();
    program.env.extend([("A".into(), "1".into()), ("A".into(), "2".into())]);
    program.env.push((marker.name.clone().into(), "somebody else's".into()));
    let mut lines = super::Lines::default();
    let (_keep, stop) = tokio::sync::watch::channel(crate::StopRequest::None);
    block_on(super::run_with(&program, &marker, &super::NO_LIMITS, stop, &mut lines));
    let mut texts = lines.texts();
    texts.retain(|text| !text.starts_with("PATH="));
    texts.sort();
    assert_eq!(texts, ["A=2".to_owned(), format!("{}={}", marker.name, marker.value)]);
}

#[test]
fn the_program_is_looked_up_in_its_own_path() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("only-here");
    std::fs::write(&file, "#!/bin/sh\necho found; pwd\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = program(&["only-here"], Path::new(ROOT));
    program.env = vec![("PATH".into(), directory.path().into())];
    let (report, lines) = block_on(run(&program));
    assert_eq!((report.exit, lines.texts()), (Exit::Code(0), vec!["found".to_owned(), "/".to_owned()]));
}

#[test]
fn the_child_leads_its_own_group_and_goes_first_when_memory_runs_out() {
    block_on(async {
        let mut program =
            shell("cat; cat /proc/self/oom_score_adj; cut -d' ' -f5 /proc/$$/stat; echo $$", Path::new(ROOT));
        // The program waits for its input, and gets it only once everything is set up.
        program.stdin = Stdin::Bytes(b"go\n".to_vec());
        let job = Job::spawn(&program, &marker()).unwrap();
        let identity = job.identity();
        assert_eq!(crate::identity_of(identity.pid), Some(identity));
        let mut lines = super::Lines::default();
        let (_keep, stop) = tokio::sync::watch::channel(crate::StopRequest::None);
        job.run(&super::NO_LIMITS, stop, &mut lines).await;
        let pid = identity.pid.to_string();
        let texts = lines.texts();
        assert_eq!((&texts[0][..], &texts[2], &texts[3]), ("go", &pid, &pid));
        assert!(texts[1].parse::<i32>().unwrap() >= 500, "{texts:?}");
    });
}

#[test]
fn a_dropped_job_is_killed_with_its_group() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let fifo = super::fifo(directory.path(), "ready");
        let script = "sh -c 'echo $$ > ready; exec sleep 300' & wait";
        let job = Job::spawn(&shell(script, directory.path()), &marker()).unwrap();
        let leader = job.identity().pid;
        let member: u32 = std::fs::read_to_string(&fifo).unwrap().trim().parse().unwrap();
        drop(job);
        until_gone(leader).await;
        until_gone(member).await;
        assert!(!is_alive(leader) && !is_alive(member));
    });
}
