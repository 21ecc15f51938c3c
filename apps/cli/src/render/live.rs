//! The live view: the task table drawn in place, with the attempt, the time and the worker's latest line.

use std::time::Instant;

use agent_runner_api::view::{RunDetail, RunReading};
use agent_runner_engine::talk::LiveEvent;
use agent_runner_model::task::TaskStatus;

use super::clean::{clean, one_line};
use super::run::duration_words;
use super::turn::turn_line;

/// Width when the terminal does not say.
const DEFAULT_WIDTH: u16 = 80;
/// Height when the terminal does not say.
const DEFAULT_HEIGHT: u16 = 24;
/// Lines besides the tasks.
const FRAME_LINES: usize = 4;

/// A live view. Drawing moves up over what was drawn before and overwrites it line by line, so nothing flickers.
#[derive(Default)]
pub(crate) struct Live {
    run: Option<Box<RunDetail>>,
    started: Option<Instant>,
    latest: String,
    drawn: usize,
}

impl Live {
    pub(crate) fn update(&mut self, reading: &RunReading) {
        self.started.get_or_insert_with(Instant::now);
        self.run = Some(Box::new(reading.run.clone()));
    }

    pub(crate) fn event(&mut self, event: &LiveEvent) {
        if let Some(line) = turn_line(&event.record.event) {
            self.latest = line;
        }
    }

    pub(crate) fn say(&mut self, words: &str) {
        self.latest = words.to_owned();
    }

    /// The picture as it is now, over the one before.
    pub(crate) fn draw(&mut self) -> String {
        let (width, height) = terminal_size();
        let lines = self.lines(width, height);
        let mut text = self.up();
        for line in &lines {
            text.push_str(&format!("\r{line}\x1b[K\n"));
        }
        // What is left of a longer picture.
        text.push_str("\x1b[J");
        self.drawn = lines.len();
        text
    }

    /// Takes the picture away: the closing table takes its place.
    pub(crate) fn erase(&mut self) -> String {
        if self.drawn == 0 {
            return String::new();
        }
        let text = self.up() + "\r\x1b[J";
        self.drawn = 0;
        text
    }

    fn up(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}A", self.drawn) }
    }

    fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let Some(run) = &self.run else { return Vec::new() };
        let summary = &run.summary;
        let elapsed = self.started.map(|started| started.elapsed()).unwrap_or_default();
        let mut lines = vec![one_line(
            &format!(
                "Run {}  {}  {}/{} tasks  attempt {}  {}",
                summary.run_id,
                summary.effective_status.as_str(),
                summary.tasks_completed,
                summary.tasks_total,
                run.attempts.len(),
                duration_words(elapsed)
            ),
            width,
        )];
        lines.extend(task_lines(run, width, height.saturating_sub(FRAME_LINES)));
        if let Some(wait) = &run.summary.wait {
            let until = wait.until.map(|until| format!(" until {until}")).unwrap_or_default();
            lines.push(one_line(&format!("waiting{until}: {}", wait.detail), width));
        }
        if !self.latest.is_empty() {
            lines.push(one_line(&format!("> {}", clean(&self.latest)), width));
        }
        lines
    }
}

/// The tasks, or as many as fit: those around the first open one.
fn task_lines(run: &RunDetail, width: usize, room: usize) -> Vec<String> {
    let line = |index: usize| {
        let task = &run.tasks[index];
        let mark = match task.status {
            TaskStatus::Pending => ' ',
            TaskStatus::InProgress => '~',
            TaskStatus::Completed => 'x',
            TaskStatus::Blocked => '!',
        };
        one_line(&format!("[{mark}] {}  {}", task.id, task.title), width)
    };
    let room = room.max(1);
    if run.tasks.len() <= room {
        return (0..run.tasks.len()).map(line).collect();
    }
    let open = run.tasks.iter().position(|task| task.status.is_open()).unwrap_or(0);
    let start = open.saturating_sub(room / 2).min(run.tasks.len() - room);
    (start..start + room).map(line).collect()
}

fn terminal_size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let width = size.map_or(DEFAULT_WIDTH, |size| if size.ws_col == 0 { DEFAULT_WIDTH } else { size.ws_col });
    let height =
        size.map_or(DEFAULT_HEIGHT, |size| if size.ws_row == 0 { DEFAULT_HEIGHT } else { size.ws_row });
    (usize::from(width), usize::from(height))
}
