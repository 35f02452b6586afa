//! Times and durations as Kubernetes reads and prints them.
//!
//! A time is RFC 3339; it is printed in UTC, in whole seconds or with six digits of a second. A
//! duration is written in Go's notation (`1h30m`). The messages name the layout of Go's parser,
//! since that is what clients are shown.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::quote;

/// How precisely a time is read and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Seconds,
    Micros,
}

impl Precision {
    const fn layout(self) -> &'static str {
        match self {
            Self::Seconds => "2006-01-02T15:04:05Z07:00",
            Self::Micros => "2006-01-02T15:04:05.000000Z07:00",
        }
    }
}

/// As `metav1.Time` prints it: `2024-05-01T10:00:00Z`.
pub fn format_time(time: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(time);
    let Ok(year) = u16::try_from(at.year()) else {
        return time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    };
    // Every write prints some times, and a pattern takes thousands of instructions.
    let mut text = String::with_capacity("2024-05-01T10:00:00Z".len());
    let mut two = |before: &str, number: u16| {
        text.push_str(before);
        let digit = |number: u16| char::from(b'0' + (number % 10) as u8);
        text.push(digit(number / 10));
        text.push(digit(number));
    };
    let small = |number: i8| u16::from(number.unsigned_abs());
    two("", year / 100);
    two("", year % 100);
    two("-", small(at.month()));
    two("-", small(at.day()));
    two("T", small(at.hour()));
    two(":", small(at.minute()));
    two(":", small(at.second()));
    text.push('Z');
    text
}

/// As `metav1.MicroTime` prints it: `2024-05-01T10:00:00.000000Z`.
pub fn format_micro_time(time: Timestamp) -> String {
    format!("{}", time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
}

/// The canonical form of a time, `Ok(None)` if it is in that form already.
pub(super) fn canonical(text: &str, precision: Precision) -> Result<Option<String>, String> {
    if precision == Precision::Seconds && is_canonical(text) {
        return Ok(None);
    }
    let mut parser = Parser { value: text, rest: text, layout: precision.layout() };
    let parsed = parser.parse(precision)?;
    let out_of_range = || "Time.MarshalJSON: year outside of range [0,9999]".to_owned();
    let (Ok(date), Ok(offset)) = (
        DateTime::new(
            parsed.year,
            parsed.month,
            parsed.day,
            parsed.hour,
            parsed.minute,
            parsed.second,
            parsed.nanos,
        ),
        jiff::tz::Offset::from_seconds(parsed.offset_secs),
    ) else {
        return Err(out_of_range());
    };
    let time = offset.to_timestamp(date).map_err(|_| out_of_range())?;
    Ok(Some(match precision {
        Precision::Seconds => format_time(time),
        Precision::Micros => format_micro_time(time),
    }))
}

/// Recognises what is sent nearly always, without parsing it into a time.
fn is_canonical(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 20
        || bytes.iter().zip(b"dddd-dd-ddTdd:dd:ddZ").any(|(c, shape)| match shape {
            b'd' => !c.is_ascii_digit(),
            shape => c != shape,
        })
    {
        return false;
    }
    let number = |from: usize| (bytes[from] - b'0') * 10 + (bytes[from + 1] - b'0');
    // Days that not every month has are left to the parser.
    (1..=12).contains(&number(5))
        && (1..=28).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) < 60
}

struct Parts {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    offset_secs: i32,
}

struct Parser<'a> {
    value: &'a str,
    rest: &'a str,
    layout: &'static str,
}

impl Parser<'_> {
    fn parse(&mut self, precision: Precision) -> Result<Parts, String> {
        let year = self.year()?;
        self.literal("-")?;
        let month = self.number("01", true)?;
        self.within(1, 12, month, "month")?;
        self.literal("-")?;
        let day = self.number("02", true)?;
        self.literal("T")?;
        let hour = self.number("15", false)?;
        self.within(0, 23, hour, "hour")?;
        self.literal(":")?;
        let minute = self.number("04", true)?;
        self.within(0, 59, minute, "minute")?;
        self.literal(":")?;
        let second = self.number("05", true)?;
        self.within(0, 59, second, "second")?;
        let nanos = match precision {
            Precision::Seconds => self.optional_fraction(),
            Precision::Micros => self.micros()?,
        };
        let offset_secs = self.zone()?;
        if !self.rest.is_empty() {
            return Err(self.failed(&format!(": extra text: {}", quote(self.rest))));
        }
        let last =
            jiff::civil::Date::new(year, month, 1).map_or(31, jiff::civil::Date::days_in_month);
        self.within(1, last, day, "day")?;
        Ok(Parts { year, month, day, hour, minute, second, nanos, offset_secs })
    }

    fn year(&mut self) -> Result<i16, String> {
        let digits = self.rest.get(..4).filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
        let year = digits.and_then(|text| text.parse().ok());
        let year = year.ok_or_else(|| self.cannot("2006"))?;
        self.rest = &self.rest[4..];
        Ok(year)
    }

    /// One or two digits, or exactly two.
    fn number(&mut self, element: &str, two: bool) -> Result<i8, String> {
        let digits = self.rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits == 0 || (two && digits == 1) {
            return Err(self.cannot(element));
        }
        let (number, rest) = self.rest.split_at(digits);
        let number = number.parse().map_err(|_| self.cannot(element))?;
        self.rest = rest;
        Ok(number)
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| self.cannot(literal))?;
        Ok(())
    }

    /// Any fraction of a second is accepted, and lost when printed.
    fn optional_fraction(&mut self) -> i32 {
        if let Some(after) = self.rest.strip_prefix(['.', ','])
            && after.starts_with(|c: char| c.is_ascii_digit())
        {
            self.rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        0
    }

    fn micros(&mut self) -> Result<i32, String> {
        let digits = self.rest.strip_prefix(['.', ',']).and_then(|rest| rest.get(..6));
        let micros = digits
            .filter(|text| text.bytes().all(|c| c.is_ascii_digit()))
            .and_then(|text| text.parse::<i32>().ok())
            .ok_or_else(|| self.cannot(".000000"))?;
        self.rest = &self.rest[7..];
        Ok(micros * 1000)
    }

    fn zone(&mut self) -> Result<i32, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bytes = self.rest.as_bytes();
        let two = |from: usize| -> Option<i32> {
            let (tens, ones) = (bytes.get(from)?, bytes.get(from + 1)?);
            let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
            digits.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
        };
        let sign = match bytes.first() {
            Some(b'+') => Some(1),
            Some(b'-') => Some(-1),
            _ => None,
        };
        let (Some(sign), Some(hours), Some(b':'), Some(minutes)) =
            (sign, two(1), bytes.get(3), two(4))
        else {
            return Err(self.cannot("Z07:00"));
        };
        if hours > 24 {
            return Err(self.failed(": time zone offset hour out of range"));
        }
        if minutes > 60 {
            return Err(self.failed(": time zone offset minute out of range"));
        }
        self.rest = &self.rest[6..];
        Ok(sign * (hours * 3600 + minutes * 60))
    }

    fn within(&self, min: i8, max: i8, number: i8, name: &str) -> Result<(), String> {
        if (min..=max).contains(&number) {
            return Ok(());
        }
        Err(self.failed(&format!(": {name} out of range")))
    }

    fn cannot(&self, element: &str) -> String {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(self.value),
            quote(self.layout),
            quote(self.rest),
            quote(element)
        )
    }

    fn failed(&self, message: &str) -> String {
        format!("parsing time {}{message}", quote(self.value))
    }
}

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads Go's notation of a duration into nanoseconds.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, after) = rest.split_at(whole_end);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => {
                let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                after.split_at(end)
            }
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let unit = quote(unit);
            return Err(format!("time: unknown unit {unit} in duration {}", quote(text)));
        };
        let whole: i128 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let mut part = whole.checked_mul(*nanos).ok_or_else(invalid)?;
        let mut place = *nanos;
        for digit in fraction.bytes().map(|c| i128::from(c - b'0')) {
            place /= 10;
            part += digit * place;
        }
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = after;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_err(|_| invalid())
}

/// Prints nanoseconds in Go's notation.
pub fn format_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let mut out = String::from(if nanos < 0 { "-" } else { "" });
    let total = nanos.unsigned_abs();
    if total < 1_000_000_000 {
        let (unit, name) = match total {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        write_fraction(&mut out, total, unit);
        out.push_str(name);
        return out;
    }
    let minutes = total / 60_000_000_000;
    // Writing to a String cannot fail.
    if minutes >= 60 {
        let _ = write!(out, "{}h", minutes / 60);
    }
    if minutes > 0 {
        let _ = write!(out, "{}m", minutes % 60);
    }
    write_fraction(&mut out, total % 60_000_000_000, 1_000_000_000);
    out.push('s');
    out
}

fn write_fraction(out: &mut String, total: u64, unit: u64) {
    let _ = write!(out, "{}", total / unit);
    let mut rest = total % unit;
    let mut place = unit;
    if rest > 0 {
        out.push('.');
    }
    while rest > 0 {
        place /= 10;
        let _ = write!(out, "{}", rest / place);
        rest %= place;
    }
}
