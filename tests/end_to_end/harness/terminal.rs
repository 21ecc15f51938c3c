//! A pseudo terminal with the program in it.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::PATIENCE;
use super::collected::Collected;
use super::command::Command;
use super::waiting::{pidfd, wait_readable};

/// A program at a terminal of its own.
pub struct Terminal {
    child: Child,
    shown: Collected,
}

impl Command<'_> {
    /// Starts the command with all standard streams at a terminal of this size.
    pub fn at_terminal(self, columns: u16, rows: u16) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let theirs =
            File::options().read(true).write(true).custom_flags(flags).open(name.to_str().unwrap()).unwrap();
        let mut command = self.env("TERM", "xterm").build();
        command.stdin(Stdio::from(theirs.try_clone().unwrap()));
        command.stdout(Stdio::from(theirs.try_clone().unwrap()));
        command.stderr(Stdio::from(theirs));
        let child = command.spawn().unwrap();
        // The command holds the other side; as long as it lives here, the terminal never hangs up.
        drop(command);
        Terminal { child, shown: Collected::from(File::from(ours)) }
    }
}

impl Terminal {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until the terminal was sent a text.
    pub fn wait_for(&self, text: &str) {
        assert!(self.shown.wait_for(text, PATIENCE), "never shown: {text:?}\n{}", self.shown.text());
    }

    /// Waits for the program to end: its exit code, and everything the terminal was sent.
    pub fn wait(mut self) -> (Option<i32>, String) {
        assert!(pidfd(self.pid()).is_none_or(|fd| wait_readable(&fd, PATIENCE)), "still at the terminal");
        let code = self.child.wait().unwrap().code();
        assert!(self.shown.wait_for_end(PATIENCE), "somebody still holds the terminal");
        (code, self.shown.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
