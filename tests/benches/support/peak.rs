//! How much memory a command takes at most.

use std::process::{Command, Stdio};

/// The argument by which this program becomes the parent that measures one child.
pub const PEAK: &str = "--peak-of";

/// The largest resident size the command reached. The system keeps only the maximum over all children, so a process
/// of its own asks.
pub fn peak_kib(mut command: Command) -> i64 {
    let mut parent = Command::new(std::env::current_exe().unwrap());
    parent.arg(PEAK).arg(command.get_program()).args(command.get_args());
    parent.current_dir(command.get_current_dir().unwrap()).env_clear();
    parent.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    let output = parent.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

pub fn measure_peak(args: &[std::ffi::OsString]) {
    let mut command = Command::new(&args[0]);
    command.args(&args[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    println!("{}", usage.max_rss());
}
