//! Times in words. Histories keep their times in UTC as they were recorded; what a person waits for is told in the time
//! on the person's wall, with its distance from UTC, so that nobody has to guess which of the two it is.

use std::cell::LazyCell;
use std::time::Duration;

use agent_runner_engine::clock::{Clock, SystemClock};
use agent_runner_model::Timestamp;

use super::zone::Zone;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A clock on the wall.
pub(crate) struct Wall {
    zone: LazyCell<Zone, Box<dyn FnOnce() -> Zone>>,
    clock: Box<dyn Clock>,
}

/// A moment as a wall shows it.
struct Shown {
    /// Days since 1970-01-01.
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// Seconds ahead of UTC.
    offset: i64,
}

impl Wall {
    /// The machine's clock, in the zone that is found when it is needed: most commands tell no times.
    pub(crate) fn new(zone: impl FnOnce() -> Zone + 'static) -> Self {
        Self { zone: LazyCell::new(Box::new(zone)), clock: Box::new(SystemClock) }
    }

    #[cfg(test)]
    pub(crate) fn stopped(zone: Zone, at: Timestamp) -> Self {
        struct Stopped(Timestamp);
        impl Clock for Stopped {
            fn now(&self) -> Timestamp {
                self.0
            }
        }
        Self { zone: LazyCell::new(Box::new(|| zone)), clock: Box::new(Stopped(at)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long it is until then.
    pub(crate) fn left(&self, until: Timestamp) -> Duration {
        until.since(self.now())
    }

    /// The time of day, as in `14:32:07`.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        let Shown { hour, minute, second, .. } = self.shown(at);
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    /// A moment that is waited for, as in `14:32 +02:00` or `12:32:07 UTC`: with its day unless that is today, and with
    /// seconds unless there are none.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let Shown { day, hour, minute, second, offset } = self.shown(at);
        let mut text = String::new();
        if day != self.shown(self.now()).day {
            let (year, month, day) = civil(day);
            text.push_str(&format!("{year:04}-{month:02}-{day:02} "));
        }
        text.push_str(&format!("{hour:02}:{minute:02}"));
        if second != 0 {
            text.push_str(&format!(":{second:02}"));
        }
        if offset == 0 {
            text.push_str(" UTC");
        } else {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            text.push_str(&format!(" {sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }

    /// A moment as a list has it: to the minute.
    pub(crate) fn minute(&self, at: Timestamp) -> String {
        const MINUTE: i64 = 60_000;
        self.moment(Timestamp::from_millis(at.as_millis().div_euclid(MINUTE) * MINUTE))
    }

    fn shown(&self, at: Timestamp) -> Shown {
        let seconds = at.as_millis().div_euclid(1000);
        let offset = self.zone.offset_at(seconds);
        let local = seconds.saturating_add(offset);
        let (day, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        Shown { day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60, offset }
    }
}

/// Year, month and day of a day since 1970-01-01, in the calendar that is used everywhere.
pub(super) fn civil(day: i64) -> (i64, i64, i64) {
    // Counted in years that begin in March, a leap day is the last one, and eras of 400 years are all alike.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since 1970-01-01 of a date.
pub(super) fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}
