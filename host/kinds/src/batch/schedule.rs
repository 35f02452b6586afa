//! When a `CronJob` is due: five fields, or one of a few words.
//!
//! This only says what is wrong with a schedule, in the words of the parser that Kubernetes uses.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>.

use jiff::tz::TimeZone;
use meta::decode::parse_duration;

/// The least and the greatest number of a field, and the words for its numbers.
type Field = (i64, i64, &'static [&'static str]);

const MONTHS: &[&str] =
    &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] =
    [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];

const WORDS: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// What is wrong with a schedule.
pub(super) fn check(text: &str) -> Result<(), String> {
    let text = without_zone(text)?;
    if text.starts_with('@') {
        return check_word(text);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (found, shown) = (fields.len(), fields.join(" "));
        return Err(format!("expected exactly 5 fields, found {found}: [{shown}]"));
    }
    fields.into_iter().zip(&FIELDS).try_for_each(|(text, field)| check_field(text, field))
}

/// The schedule without a time zone in front.
fn without_zone(text: &str) -> Result<&str, String> {
    let zoned = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
    let Some(zoned) = zoned else { return Ok(text) };
    let Some((zone, rest)) = zoned.split_once(' ') else {
        return Err(
            "invalid schedule format: runtime error: slice bounds out of range [:-1]".into()
        );
    };
    match check_zone(zone) {
        Ok(()) => Ok(rest.trim()),
        Err(error) => Err(format!("provided bad location {zone}: {error}")),
    }
}

/// Whether there is a time zone of that very name.
pub(super) fn check_zone(name: &str) -> Result<(), String> {
    if matches!(name, "" | "UTC" | "Local") {
        return Ok(());
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err("time: invalid location name".to_owned());
    }
    // The data base does not mind the case of letters, Kubernetes does.
    let found = TimeZone::get(name).is_ok_and(|zone| zone.iana_name() == Some(name));
    if found { Ok(()) } else { Err(format!("unknown time zone {name}")) }
}

fn check_word(text: &str) -> Result<(), String> {
    if let Some(every) = text.strip_prefix("@every ") {
        let parsed = parse_duration(every).map(|_| ());
        return parsed.map_err(|error| format!("failed to parse duration {text}: {error}"));
    }
    if WORDS.contains(&text) { Ok(()) } else { Err(format!("unrecognized descriptor: {text}")) }
}

/// A list of ranges: `1,3-5,*/15`.
fn check_field(text: &str, field: &Field) -> Result<(), String> {
    text.split(',')
        .filter(|range| !range.is_empty())
        .try_for_each(|range| check_range(range, field))
}

fn check_range(text: &str, (least, most, words): &Field) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let bounds: Vec<&str> = parts.first().copied().unwrap_or_default().split('-').collect();
    let (start, mut end) = match bounds[..] {
        ["*" | "?", ..] | [] => (*least, *most),
        [only] => number_or_word(only, *least, words).map(|number| (number, number))?,
        [start, end] => {
            (number_or_word(start, *least, words)?, number_or_word(end, *least, words)?)
        }
        [start, ..] => {
            number_or_word(start, *least, words)?;
            return Err(format!("too many hyphens: {text}"));
        }
    };
    let step = match parts[..] {
        [_] => 1,
        [_, step] => {
            if bounds.len() == 1 {
                end = *most;
            }
            number(step)?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < *least {
        return Err(format!("beginning of range ({start}) below minimum ({least}): {text}"));
    }
    if end > *most {
        return Err(format!("end of range ({end}) above maximum ({most}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

/// A number, or the word for one. The first word stands for the least number.
fn number_or_word(text: &str, least: i64, words: &[&str]) -> Result<i64, String> {
    let lower = text.to_lowercase();
    match (least..).zip(words).find(|(_, word)| **word == lower) {
        Some((number, _)) => Ok(number),
        None => number(text),
    }
}

fn number(text: &str) -> Result<i64, String> {
    let number: i64 = text.parse().map_err(|error: std::num::ParseIntError| {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "value out of range"
            }
            _ => "invalid syntax",
        };
        let quoted = meta::quote(text);
        format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: {reason}")
    })?;
    if number < 0 {
        return Err(format!("negative number ({number}) not allowed: {text}"));
    }
    Ok(number)
}
