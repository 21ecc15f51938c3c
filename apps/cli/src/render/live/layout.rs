//! How the parts share the rows there are. What matters most gets its row first; the rest is left out.

use super::line::{Line, Look};

/// Widest picture in one column of parts; above, tasks and news stand side by side.
const ONE_COLUMN: usize = 119;
/// Fewest lines of news that are worth their rows, and most.
const NEWS: (usize, usize) = (3, 6);
/// What stands between tasks and news side by side.
const BETWEEN: &str = "  │ ";

/// What wants to be shown. Lines may be of any length.
pub(super) struct Parts<'a> {
    /// The first line.
    pub(super) head: Line,
    /// What the first line had no room for.
    pub(super) about: Option<Line>,
    /// The attempt.
    pub(super) attempt: Option<Line>,
    /// How many tasks there are, and how many have a note to show.
    pub(super) tasks: usize,
    pub(super) notes: usize,
    /// The tasks in so many lines, with so many notes.
    pub(super) task_lines: &'a dyn Fn(usize, usize) -> Vec<Line>,
    /// How much news there is, and the newest of it in so many lines of so many columns.
    pub(super) news: usize,
    pub(super) news_lines: &'a dyn Fn(usize, usize) -> Vec<Line>,
    /// What goes on now, or is waited for.
    pub(super) now: Option<Line>,
    /// What was used.
    pub(super) used: Option<Line>,
    /// What was asked of this command.
    pub(super) asked: Option<Line>,
    /// What keys do.
    pub(super) keys: Option<Line>,
}

/// Rows that are still to be given away.
struct Rows(usize);

impl Rows {
    fn take(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.0);
        self.0 -= taken;
        taken
    }

    fn one(&mut self, part: &Option<Line>) -> bool {
        part.is_some() && self.take(1) == 1
    }
}

/// What each part was given.
struct Shares {
    asked: bool,
    now: bool,
    attempt: bool,
    used: bool,
    about: bool,
    keys: bool,
    gaps: usize,
    tasks: usize,
    notes: usize,
    news: usize,
}

/// The picture: at most `rows` lines of at most `columns` columns.
pub(super) fn picture(parts: Parts<'_>, columns: usize, rows: usize) -> Vec<Line> {
    let beside = columns > ONE_COLUMN && parts.news > 0 && parts.tasks > 0;
    let shares = share(&parts, rows, beside);
    let mut lines = vec![parts.head];
    let mut add = |wanted: bool, part: Option<Line>| lines.extend(part.filter(|_| wanted));
    add(shares.about, parts.about);
    add(shares.attempt, parts.attempt);
    add(shares.gaps > 0, Some(Line::default()));
    let tasks = (parts.task_lines)(shares.tasks, shares.notes);
    if beside {
        let between = BETWEEN.chars().count();
        let widest = tasks.iter().map(Line::width).max().unwrap_or(0);
        let left = widest.clamp(columns / 4, columns / 2);
        let right = columns - left - between;
        let news = (parts.news_lines)(shares.news, right);
        lines.extend(side_by_side(tasks, news, left));
    } else {
        lines.extend(tasks);
        if shares.gaps > 1 && shares.news > 0 {
            lines.push(Line::default());
        }
        lines.extend((parts.news_lines)(shares.news, columns));
    }
    if shares.gaps > 2 {
        lines.push(Line::default());
    }
    let mut add = |wanted: bool, part: Option<Line>| lines.extend(part.filter(|_| wanted));
    add(shares.now, parts.now);
    add(shares.used, parts.used);
    add(shares.asked, parts.asked);
    add(shares.keys, parts.keys);
    lines.truncate(rows);
    lines.into_iter().map(|line| line.cut(columns)).collect()
}

fn share(parts: &Parts<'_>, rows: usize, beside: bool) -> Shares {
    let mut left = Rows(rows);
    left.take(1);
    let asked = left.one(&parts.asked);
    let now = left.one(&parts.now);
    let mut tasks = left.take(parts.tasks.min(1));
    let attempt = left.one(&parts.attempt);
    let used = left.one(&parts.used);
    // Side by side, news takes rows that the tasks have anyway.
    let (fewest, most) = if beside { (0, 0) } else { NEWS };
    let mut more_tasks = |left: &mut Rows, wanted: usize| tasks += left.take(wanted.min(parts.tasks - tasks));
    more_tasks(&mut left, 4);
    let mut news = left.take(fewest.min(parts.news));
    more_tasks(&mut left, 4);
    let about = left.one(&parts.about);
    let mut gaps = left.take(1);
    let notes = left.take(parts.notes);
    gaps += left.take(2);
    news += left.take(most.min(parts.news).saturating_sub(news));
    more_tasks(&mut left, usize::MAX);
    let keys = left.one(&parts.keys);
    if beside {
        let column = tasks + notes;
        news = column + left.take(NEWS.1.min(parts.news).saturating_sub(column));
    }
    Shares { asked, now, attempt, used, about, keys, gaps, tasks, notes, news }
}

fn side_by_side(left: Vec<Line>, right: Vec<Line>, width: usize) -> Vec<Line> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| {
        let first = left.next().unwrap_or_default().fill(width);
        first.and(Look::Faint, BETWEEN).join(right.next().unwrap_or_default())
    };
    (0..rows).map(row).collect()
}
