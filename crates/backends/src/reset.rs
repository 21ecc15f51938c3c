//! When a limit is lifted, by what clients say to people. Must not guess: a time in a zone that is not a known offset
//! from UTC is no time.

use std::time::Duration;

use agent_runner_model::Timestamp;
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

/// The farthest reset that is believed. The longest windows known are a month.
const FARTHEST: Duration = Duration::from_secs(45 * 24 * 60 * 60);
/// A time of day that passed this recently means now, not tomorrow: then no time is named, and the pause is short.
const JUST_PASSED: chrono::TimeDelta = chrono::TimeDelta::minutes(30);
/// Seconds from here on would be after the year 5000: these are milliseconds.
const FIRST_MILLIS: f64 = 1e11;
/// Words between the one that announces a time and the time.
const FILLERS: &[&str] = &["s", "at", "on", "by", ":", "s:", "time", "time:"];
/// Characters after the word that announces a time in which the time has to be.
const PHRASE: usize = 80;

/// When a limit is lifted, by the words of a message: `…|1795163868`, a time with its offset from UTC, `resets 3pm (UTC)`,
/// `resets Nov 24, 3:30pm (UTC+2)`, `try again in 5 minutes`.
pub(crate) fn in_text(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.to_lowercase();
    epoch_in(&text, now)
        .or_else(|| instant_in(&text, now))
        .or_else(|| {
            after(&text, "reset").find_map(|phrase| clock_in(phrase, now).or_else(|| span_in(phrase, now)))
        })
        .or_else(|| {
            after(&text, "try again").chain(after(&text, "retry")).find_map(|phrase| span_in(phrase, now))
        })
}

/// A time in the future, and not so far that it can only be a mistake.
fn plausible(at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (at > now && at.since(now) <= FARTHEST).then_some(at)
}

/// From seconds or milliseconds since 1970.
pub(crate) fn of_epoch(figure: Option<f64>, now: Timestamp) -> Option<Timestamp> {
    let figure = figure?;
    let millis = if figure >= FIRST_MILLIS { figure } else { figure * 1000.0 };
    // The conversion saturates; what it makes of nonsense is not plausible.
    plausible(Timestamp::from_millis(millis as i64), now)
}

fn epoch_in(text: &str, now: Timestamp) -> Option<Timestamp> {
    text.match_indices('|').find_map(|(at, _)| {
        let rest = text[at + 1..].trim_start();
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        if matches!(digits.len(), 10 | 13) { of_epoch(digits.parse().ok(), now) } else { None }
    })
}

fn instant_in(text: &str, now: Timestamp) -> Option<Timestamp> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '\''));
    let times = words.map(|word| word.trim_end_matches('.').to_uppercase()).filter(|word| word.len() >= 20);
    times.filter_map(|word| Timestamp::parse(&word).ok()).find_map(|at| plausible(at, now))
}

/// What follows a word, wherever it occurs, as far as it can belong to it.
fn after<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(word).map(|(at, word)| {
        let rest = &text[at + word.len()..];
        let end = rest.char_indices().nth(PHRASE).map_or(rest.len(), |(at, _)| at);
        &rest[..end]
    })
}

/// A time of day with its zone, with or without a date.
fn clock_in(phrase: &str, now: Timestamp) -> Option<Timestamp> {
    let words: Vec<&str> = phrase.split([' ', ',', '\u{a0}']).filter(|word| !word.is_empty()).collect();
    let (at, (time, taken)) = (0..words.len()).find_map(|at| Some((at, time_of_day(&words[at..])?)))?;
    let zone = zone(words.get(at + taken)?)?;
    let now = zone.timestamp_millis_opt(now.as_millis()).single()?;
    let before: Vec<&str> = words[..at].iter().copied().filter(|word| !FILLERS.contains(word)).collect();
    let local = match before.as_slice() {
        [_, ..] => NaiveDateTime::new(date(&before, now)?, time),
        [] => {
            let today = NaiveDateTime::new(now.date_naive(), time);
            let passed = now.naive_local() - today;
            if passed > JUST_PASSED { today.checked_add_days(Days::new(1))? } else { today }
        }
    };
    let at = zone.from_local_datetime(&local).single()?;
    plausible(Timestamp::from_millis(at.timestamp_millis()), Timestamp::from_millis(now.timestamp_millis()))
}

/// `3pm`, `3:30 pm`, `15:30`: the time and how many words it takes.
fn time_of_day(words: &[&str]) -> Option<(NaiveTime, usize)> {
    let first = words.first()?;
    let (digits, half) = match first.strip_suffix("am").or_else(|| first.strip_suffix("pm")) {
        Some(digits) => (digits, Some((&first[digits.len()..], 1))),
        None => (*first, words.get(1).filter(|word| matches!(**word, "am" | "pm")).map(|word| (*word, 2))),
    };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) => (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?),
        None => (digits.parse::<u32>().ok().filter(|_| half.is_some())?, 0),
    };
    let (hour, taken) = match half {
        Some(_) if hour == 0 || hour > 12 => return None,
        Some(("pm", taken)) => (hour % 12 + 12, taken),
        Some((_, taken)) => (hour % 12, taken),
        None => (hour, 1),
    };
    Some((NaiveTime::from_hms_opt(hour, minute, 0)?, taken))
}

/// `nov 24` or `nov 24 2026`; without a year, the next such day. Anything else, such as a day of the week, is no date.
fn date(words: &[&str], now: DateTime<FixedOffset>) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (name, day, year) = match words {
        [name, day] => (name, day, None),
        [name, day, year] => (name, day, Some(year.parse::<i32>().ok()?)),
        _ => return None,
    };
    let month = (1..).zip(MONTHS).find(|(_, month)| name.starts_with(month)).map(|(number, _)| number)?;
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
    let in_year = |year| NaiveDate::from_ymd_opt(year, month, day);
    match year {
        Some(year) => in_year(year),
        None => {
            in_year(now.year()).filter(|date| *date >= now.date_naive()).or_else(|| in_year(now.year() + 1))
        }
    }
}

/// A zone that is a known offset from UTC. Names of places are not: their offset changes over the year.
fn zone(word: &str) -> Option<FixedOffset> {
    let name = word.trim_matches(['(', ')', '.', ';']);
    let offset = match name {
        "utc" | "gmt" | "z" | "etc/utc" | "etc/gmt" => return FixedOffset::east_opt(0),
        _ => name.strip_prefix("utc").or_else(|| name.strip_prefix("gmt")).unwrap_or(name),
    };
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    let known = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    if known { FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)) } else { None }
}

/// `in 5 minutes`, `after 30s`, `in 2h 30m`.
fn span_in(phrase: &str, now: Timestamp) -> Option<Timestamp> {
    let words = phrase.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ')'));
    let mut words = words.filter(|word| !word.is_empty());
    words.find(|word| matches!(*word, "in" | "after"))?;
    let mut seconds: u64 = 0;
    let mut figure = None;
    for word in words {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = word.split_at(digits);
        let number = if digits > 0 { number.parse::<u64>().ok() } else { figure.take() };
        match (number, unit_seconds(unit)) {
            (Some(number), Some(unit)) => seconds = seconds.checked_add(number.checked_mul(unit)?)?,
            (Some(number), None) if unit.is_empty() && figure.is_none() => figure = Some(number),
            _ if word == "and" => {}
            _ => break,
        }
    }
    if seconds == 0 { None } else { plausible(now.plus(Duration::from_secs(seconds)), now) }
}

fn unit_seconds(unit: &str) -> Option<u64> {
    match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3600),
        "d" | "day" | "days" => Some(86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
