//! A real terminal: a pane of a tmux server of the test's own, with the program in it as a person would have it.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Output, Stdio};
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use super::PATIENCE;
use super::command::Command;
use super::waiting::wait_readable;
use super::world::World;

/// A terminal with a shell command in it. Dropping it ends its server.
pub struct Tmux<'a> {
    world: &'a World,
    /// What the pane is sent; read only to hear that it was sent something.
    sent: RefCell<File>,
}

impl<'a> Command<'a> {
    /// A terminal of this size, in which a shell runs this script with what this command would have been given. When
    /// the script is over the shell says with which exit code, and stays.
    pub fn in_tmux(self, columns: u16, rows: u16, script: &str) -> Tmux<'a> {
        let world = self.world();
        let fifo = world.path("pane");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let sent = File::options().read(true).write(true).custom_flags(flags).open(&fifo).unwrap();
        let mut assignments = String::new();
        for (name, value) in self.build().get_envs() {
            let (name, value) = (name.to_str().unwrap(), value.unwrap_or_default().to_str().unwrap());
            assignments.push_str(&format!("{name}='{value}'; export {name}\n"));
        }
        // What a person types for the program must not end the shell around it.
        let script = world.write(
            "scripts/pane.sh",
            format!("{assignments}trap : INT QUIT\nread begin\n{script}\necho \"ended with $?\"\nexec sleep 1000\n"),
        );
        let pane = Tmux { world, sent: RefCell::new(sent) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell = format!("exec sh '{}'", script.display());
        pane.tell(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &shell]);
        pane.tell(&["pipe-pane", "-O", &format!("cat > '{}'", fifo.display())]);
        // Nothing happens before everything that is sent is heard of.
        pane.keys(&["Enter"]);
        pane
    }
}

impl Tmux<'_> {
    fn command(&self, args: &[&str]) -> Output {
        let mut command = std::process::Command::new("tmux");
        command.args(["-L", "test"]).args(args).current_dir(self.world.repo()).env_clear();
        command.env("PATH", self.world.search_path()).env("TMUX_TMPDIR", self.world.path("rt"));
        command.env("HOME", self.world.path("home")).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command.output().unwrap_or_else(|error| {
            panic!("these tests need tmux, a terminal in a program (apt-get install tmux): {error}")
        })
    }

    fn tell(&self, args: &[&str]) -> String {
        let output = self.command(args);
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the terminal shows, line by line, without blanks at the ends and without empty lines around it.
    pub fn shown(&self) -> String {
        format!("{}\n", self.tell(&["capture-pane", "-p"]).trim_matches('\n'))
    }

    /// What the terminal shows and has shown before, with the sequences that make colours.
    pub fn everything(&self) -> String {
        self.tell(&["capture-pane", "-p", "-e", "-S", "-"])
    }

    /// Types keys, by their names.
    pub fn keys(&self, keys: &[&str]) {
        self.tell(&[&["send-keys"], keys].concat());
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.tell(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Whether the cursor can be seen.
    pub fn has_cursor(&self) -> bool {
        self.tell(&["display-message", "-p", "#{cursor_flag}"]).trim() == "1"
    }

    /// Waits until what the terminal shows is as it should be, and returns it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, done: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if done(&shown) {
                return shown;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut sent = self.sent.borrow_mut();
            let woken = wait_readable(&*sent, left);
            assert!(woken, "the terminal never showed {what}:\n{shown}\n{}", self.world.everything_known());
            let mut buffer = [0u8; 65536];
            let _ = sent.read(&mut buffer);
        }
    }

    /// Waits until the terminal shows a text, and returns all it shows.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?}"), |shown| shown.contains(text))
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]);
    }
}
