//! Moments and spans of time, in Go's notation.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("timestamp", "string -> timestamp", timestamp),
    global("timestamp", "int -> timestamp", timestamp),
    global("timestamp", "timestamp -> timestamp", timestamp),
    global("duration", "string -> duration", duration),
    global("duration", "int -> duration", duration),
    global("duration", "duration -> duration", duration),
    member("getFullYear", "timestamp -> int", year),
    member("getFullYear", "timestamp, string -> int", year),
    member("getMonth", "timestamp -> int", month),
    member("getMonth", "timestamp, string -> int", month),
    member("getDayOfYear", "timestamp -> int", day_of_year),
    member("getDayOfYear", "timestamp, string -> int", day_of_year),
    member("getDayOfMonth", "timestamp -> int", day_of_month),
    member("getDayOfMonth", "timestamp, string -> int", day_of_month),
    member("getDate", "timestamp -> int", date),
    member("getDate", "timestamp, string -> int", date),
    member("getDayOfWeek", "timestamp -> int", day_of_week),
    member("getDayOfWeek", "timestamp, string -> int", day_of_week),
    member("getHours", "timestamp -> int", hours),
    member("getHours", "timestamp, string -> int", hours),
    member("getHours", "duration -> int", hours),
    member("getMinutes", "timestamp -> int", minutes),
    member("getMinutes", "timestamp, string -> int", minutes),
    member("getMinutes", "duration -> int", minutes),
    member("getSeconds", "timestamp -> int", seconds),
    member("getSeconds", "timestamp, string -> int", seconds),
    member("getSeconds", "duration -> int", seconds),
    member("getMilliseconds", "timestamp -> int", milliseconds),
    member("getMilliseconds", "timestamp, string -> int", milliseconds),
    member("getMilliseconds", "duration -> int", milliseconds),
];

/// Reads a moment of RFC 3339.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let zoned = text.ends_with(['Z', 'z']) || text.get(text.len().checked_sub(6)?..)?.contains(':');
    if !zoned || text.contains('[') {
        return None;
    }
    text.parse().ok()
}

/// Reads a span as Go writes it: `1h30m`, `-1.5s`.
pub(crate) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, behind) = rest.split_at(digits);
        let unit =
            behind.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        nanos = nanos.checked_add(part(number, unit)?)?;
        rest = behind;
    }
    let nanos = i64::try_from(if negative { -nanos } else { nanos }).ok()?;
    Some(SignedDuration::from_nanos(nanos))
}

fn part(number: &str, unit: &str) -> Option<i128> {
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    let mut scale = unit;
    for digit in fraction.chars() {
        scale /= 10;
        nanos += i128::from(digit.to_digit(10)?) * scale;
    }
    Some(nanos)
}

/// A moment as text.
pub(crate) fn timestamp_text(at: Timestamp) -> String {
    at.to_string()
}

/// A span as text: in seconds.
pub(crate) fn duration_text(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let (secs, nanos) = (duration.as_secs().unsigned_abs(), duration.subsec_nanos().unsigned_abs());
    if nanos == 0 {
        return format!("{sign}{secs}s");
    }
    let fraction = format!("{nanos:09}");
    format!("{sign}{secs}.{}s", fraction.trim_end_matches('0'))
}

fn timestamp(args: &mut Args<'_>) -> Result<Value, Error> {
    let at = match args.get(0) {
        Value::Timestamp(at) => *at,
        Value::Int(secs) => {
            Timestamp::from_second(*secs).map_err(|_| Error::message("timestamp overflow"))?
        }
        Value::String(text) => parse_timestamp(text).ok_or_else(|| {
            Error::message(format!("invalid timestamp string: {}", meta::quote(text)))
        })?,
        _ => return Err(no_overload()),
    };
    Ok(Value::Timestamp(at))
}

fn duration(args: &mut Args<'_>) -> Result<Value, Error> {
    let duration = match args.get(0) {
        Value::Duration(duration) => *duration,
        Value::Int(nanos) => SignedDuration::from_nanos(*nanos),
        Value::String(text) => parse_duration(text).ok_or_else(|| {
            Error::message(format!("time: invalid duration {}", meta::quote(text)))
        })?,
        _ => return Err(no_overload()),
    };
    Ok(Value::Duration(duration))
}

/// The moment in the zone that is asked for, which is UTC if none is.
fn zoned(args: &Args<'_>) -> Result<Zoned, Error> {
    let Value::Timestamp(at) = args.get(0) else { return Err(no_overload()) };
    let zone = match args.get(1) {
        Value::String(name) => {
            zone(name).ok_or_else(|| Error::message(format!("unknown time zone {name}")))?
        }
        _ => TimeZone::UTC,
    };
    Ok(at.to_zoned(zone))
}

fn zone(name: &str) -> Option<TimeZone> {
    if let Some((hours, minutes)) = name.split_once(':') {
        let sign = if hours.starts_with('-') { -1 } else { 1 };
        let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let secs = i32::from(hours) * 3600 + sign * i32::from(minutes) * 60;
        return jiff::tz::Offset::from_seconds(secs).ok().map(TimeZone::fixed);
    }
    if name.is_empty() || name == "UTC" {
        return Some(TimeZone::UTC);
    }
    TimeZone::get(name).ok()
}

fn year(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(zoned(args)?.year().into()))
}

fn month(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(i64::from(zoned(args)?.month()) - 1))
}

fn day_of_year(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(i64::from(zoned(args)?.day_of_year()) - 1))
}

fn day_of_month(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(i64::from(zoned(args)?.day()) - 1))
}

fn date(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(zoned(args)?.day().into()))
}

fn day_of_week(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(zoned(args)?.weekday().to_sunday_zero_offset().into()))
}

fn hours(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Duration(duration) => Ok(Value::Int(duration.as_hours())),
        _ => Ok(Value::Int(zoned(args)?.hour().into())),
    }
}

fn minutes(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Duration(duration) => Ok(Value::Int(duration.as_mins())),
        _ => Ok(Value::Int(zoned(args)?.minute().into())),
    }
}

fn seconds(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Duration(duration) => Ok(Value::Int(duration.as_secs())),
        _ => Ok(Value::Int(zoned(args)?.second().into())),
    }
}

fn milliseconds(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Duration(duration) => Ok(Value::Int(i64::from(duration.subsec_millis()))),
        _ => Ok(Value::Int(zoned(args)?.millisecond().into())),
    }
}
