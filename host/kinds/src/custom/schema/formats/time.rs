//! Dates, times and durations.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

const NANOS: i128 = 1;
const SECOND: i128 = 1_000_000_000;
const HOUR: i128 = 3_600 * SECOND;
/// The names of units, and how many nanoseconds they have. Of the last name of each, only the beginning counts.
const UNITS: [(&[&str], i128); 8] = [
    (&["ns", "nano"], NANOS),
    (&["us", "µs", "micro"], 1_000),
    (&["ms", "milli"], 1_000_000),
    (&["s", "sec"], SECOND),
    (&["m", "min"], 60 * SECOND),
    (&["h", "hr", "hour"], HOUR),
    (&["d", "day"], 24 * HOUR),
    (&["w", "wk", "week"], 7 * 24 * HOUR),
];

/// `2026-01-31`
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let digits = |range: std::ops::Range<usize>| -> Option<i16> {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let dash = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    if text.len() != 10 || !dash(4) || !dash(7) {
        return None;
    }
    let small = |number: i16| i8::try_from(number).ok();
    Date::new(digits(0..4)?, small(digits(5..7)?)?, small(digits(8..10)?)?).ok()
}

/// A date and a time of the day, with any sign before the fraction of the second.
pub(super) fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    parse_date(date).is_some() && is_time(time)
}

/// `19:30:20.5z`, `19:30:20+02:00`
fn is_time(text: &str) -> bool {
    let pair = |text: &str, at: usize, max: u8| {
        let digits = text.get(at..at + 2).filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|number| number <= max)
    };
    let colon = |text: &str, at: usize| text.as_bytes().get(at) == Some(&b':');
    let day = pair(text, 0, 23) && pair(text, 3, 59) && pair(text, 6, 59);
    if !day || !colon(text, 2) || !colon(text, 5) {
        return false;
    }
    let rest = &text[8..];
    let zone = match rest.strip_suffix('z') {
        Some(fraction) => Some(fraction),
        None => rest.len().checked_sub(6).and_then(|at| rest.split_at_checked(at)).and_then(
            |(fraction, zone)| {
                let signed = zone.starts_with(['+', '-']);
                (signed && pair(zone, 1, 99) && colon(zone, 3) && pair(zone, 4, 99))
                    .then_some(fraction)
            },
        ),
    };
    zone.is_some_and(|fraction| {
        let mut chars = fraction.chars();
        let sign = chars.next();
        let digits = chars.as_str();
        sign.is_none() || !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The point in time that a text of the format `date-time` stands for; one without a zone is in UTC.
pub(crate) fn parse_date_time(text: &str) -> Option<Timestamp> {
    let upper = text.to_uppercase();
    let zoned = upper.parse::<Timestamp>();
    zoned.ok().or_else(|| format!("{upper}Z").parse().ok())
}

/// Go's notation, or numbers with the names of units: `1h30m`, `3 days`.
pub(crate) fn parse_duration(text: &str) -> Option<SignedDuration> {
    if let Ok(nanos) = meta::decode::parse_duration(text) {
        return Some(SignedDuration::from_nanos(nanos));
    }
    let mut total: Option<i128> = None;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = &rest[at..];
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let behind = number[end..].trim_start();
        let is_letter = |c: char| c.is_ascii_alphabetic() || c == 'µ';
        let unit_end = behind.find(|c| !is_letter(c)).unwrap_or(behind.len());
        let unit = behind[..unit_end].to_lowercase();
        rest = &behind[unit_end..];
        if unit.is_empty() {
            continue;
        }
        let count: i64 = number[..end].parse().ok()?;
        for (names, nanos) in UNITS {
            for (index, name) in names.iter().enumerate() {
                let is_last = index + 1 == names.len();
                if unit == *name || (is_last && unit.starts_with(name)) {
                    total = Some(total.unwrap_or_default() + i128::from(count) * nanos);
                }
            }
        }
    }
    // Three hundred years are the longest there is.
    let bounded = |nanos: i128| i64::try_from(nanos).unwrap_or(i64::MAX);
    total.map(|nanos| SignedDuration::from_nanos(bounded(nanos)))
}
