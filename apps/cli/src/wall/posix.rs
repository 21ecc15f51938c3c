//! Zones as POSIX writes them in `TZ`, such as `CET-1CEST,M3.5.0,M10.5.0/3`: the offset, and a rule for summer time that
//! is the same every year.

use super::clock::{civil, day_of};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// When clocks change if the rule does not say: at two.
const DEFAULT_TIME: i64 = 7_200;

/// An offset, and another one for a part of the year.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    standard: i64,
    summer: Option<Summer>,
}

#[derive(Debug, PartialEq, Eq)]
struct Summer {
    offset: i64,
    start: Change,
    end: Change,
}

/// A day of the year and the local time of that day.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    day: Day,
    time: i64,
}

#[derive(Debug, PartialEq, Eq)]
enum Day {
    /// 1 to 365, as if there were no leap days.
    Julian(i64),
    /// 0 to 365.
    Counted(i64),
    /// The n-th such weekday of a month; the fifth is the last.
    Weekday { month: i64, week: i64, weekday: i64 },
}

impl Rule {
    /// Offsets in the text count west of Greenwich; here they count east.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        rest.name()?;
        let standard = -rest.time(24)?;
        if rest.0.is_empty() {
            return Some(Self { standard, summer: None });
        }
        rest.name()?;
        let offset = match rest.0.starts_with(',') || rest.0.is_empty() {
            true => standard + 3600,
            false => -rest.time(24)?,
        };
        let (start, end) = match rest.0.is_empty() {
            // What POSIX leaves open is the rule of the United States everywhere.
            true => (weekday(3, 2), weekday(11, 1)),
            false => (rest.change()?, rest.change()?),
        };
        rest.0.is_empty().then_some(Self { standard, summer: Some(Summer { offset, start, end }) })
    }

    pub(super) fn offset_at(&self, seconds: i64) -> i64 {
        let Some(summer) = &self.summer else { return self.standard };
        let (year, ..) = civil((seconds + self.standard).div_euclid(DAY));
        // Each change happens at a time on the clock of the season that ends then.
        let start = summer.start.local(year) - self.standard;
        let end = summer.end.local(year) - summer.offset;
        let is_summer = match start < end {
            true => (start..end).contains(&seconds),
            // South of the equator summer has the turn of the year in it.
            false => !(end..start).contains(&seconds),
        };
        if is_summer { summer.offset } else { self.standard }
    }
}

fn weekday(month: i64, week: i64) -> Change {
    Change { day: Day::Weekday { month, week, weekday: 0 }, time: DEFAULT_TIME }
}

impl Change {
    /// Seconds since 1970 on the local clock.
    fn local(&self, year: i64) -> i64 {
        let first = day_of(year, 1, 1);
        let day = match self.day {
            Day::Julian(day) => {
                let leap = day_of(year, 3, 1) - day_of(year, 2, 1) == 29;
                first + day - 1 + i64::from(leap && day >= 60)
            }
            Day::Counted(day) => first + day,
            Day::Weekday { month, week, weekday } => {
                let first = day_of(year, month, 1);
                let next = if month == 12 { day_of(year + 1, 1, 1) } else { day_of(year, month + 1, 1) };
                // 1970-01-01 was a Thursday.
                let until = (weekday - (first + 4)).rem_euclid(7);
                let day = first + until + (week - 1) * 7;
                if day < next { day } else { day - 7 }
            }
        };
        day * DAY + self.time
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    /// Passes over a name: letters, or anything in angle brackets.
    fn name(&mut self) -> Option<()> {
        let length = match self.0.strip_prefix('<') {
            Some(rest) => rest.find('>')? + 2,
            None => self.0.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.0.len()),
        };
        self.0 = self.0.get(length..)?;
        (length >= 3).then_some(())
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn number(&mut self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let length = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let number = self.0.get(..length)?.parse().ok()?;
        self.0 = self.0.get(length..)?;
        range.contains(&number).then_some(number)
    }

    /// `[+-]hours[:minutes[:seconds]]`, in seconds.
    fn time(&mut self, hours: i64) -> Option<i64> {
        let sign = if self.eat('-') {
            -1
        } else {
            self.eat('+');
            1
        };
        let mut seconds = self.number(0..=hours)? * 3600;
        for unit in [60, 1] {
            if !self.eat(':') {
                break;
            }
            seconds += self.number(0..=59)? * unit;
        }
        Some(sign * seconds)
    }

    /// `,date[/time]`
    fn change(&mut self) -> Option<Change> {
        self.eat(',').then_some(())?;
        let day = if self.eat('M') {
            let month = self.number(1..=12)?;
            self.eat('.').then_some(())?;
            let week = self.number(1..=5)?;
            self.eat('.').then_some(())?;
            Day::Weekday { month, week, weekday: self.number(0..=6)? }
        } else if self.eat('J') {
            Day::Julian(self.number(1..=365)?)
        } else {
            Day::Counted(self.number(0..=365)?)
        };
        let time = if self.eat('/') { self.time(167)? } else { DEFAULT_TIME };
        Some(Change { day, time })
    }
}
