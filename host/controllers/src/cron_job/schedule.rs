//! When a schedule is due: five fields, or one of the short words, or `@every`.
//! See <https://en.wikipedia.org/wiki/Cron>.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Times after which a schedule that is never due gives up: five years of days.
const DAYS_MAX: u32 = 5 * 366;

/// A schedule in one time zone.
#[derive(Clone, Debug)]
pub(super) enum Schedule {
    Fields(Box<Fields>),
    Every(SignedDuration),
}

#[derive(Clone, Debug)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// With both a day of the month and of the week, either will do.
    any_day: bool,
    zone: TimeZone,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    pub(super) fn parse(text: &str, zone: TimeZone) -> Option<Self> {
        let text = text.trim();
        if let Some(every) = text.strip_prefix("@every ") {
            return every
                .parse()
                .ok()
                .filter(|d| *d >= SignedDuration::from_secs(1))
                .map(Self::Every);
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts[..] else { return None };
        let is_star = |part: &str| part.starts_with('*') || part.starts_with('?');
        let mut on = field(weekdays, 0, 7, &WEEKDAYS, 0)?;
        // Seven is Sunday, too.
        on |= on >> 7;
        Some(Self::Fields(Box::new(Fields {
            minutes: field(minutes, 0, 59, &[], 0)?,
            hours: field(hours, 0, 23, &[], 0)?,
            days: field(days, 1, 31, &[], 0)?,
            months: field(months, 1, 12, &MONTHS, 1)?,
            weekdays: on & 0x7f,
            any_day: !is_star(days) && !is_star(weekdays),
            zone,
        })))
    }

    /// The first due time after `after`.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(every) => Some(after + *every),
            Self::Fields(fields) => fields.next(after),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let begin = after.to_zoned(self.zone.clone()).datetime();
        let mut date = begin.date();
        for _ in 0..DAYS_MAX {
            if self.is_day(date)
                && let Some(found) = self.in_day(date, after)
            {
                return Some(found);
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn in_day(&self, date: Date, after: Timestamp) -> Option<Timestamp> {
        for hour in (0_i8..24).filter(|hour| has(self.hours, *hour)) {
            for minute in (0_i8..60).filter(|minute| has(self.minutes, *minute)) {
                let time =
                    date.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()?.timestamp();
                if time > after {
                    return Some(time);
                }
            }
        }
        None
    }

    fn is_day(&self, date: Date) -> bool {
        let of_month = has(self.days, date.day());
        let of_week = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month())
            && if self.any_day { of_month || of_week } else { of_month && of_week }
    }
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set >> number & 1 == 1)
}

/// `*`, `1,2`, `1-5`, `*/2`, `10-30/5`, and names.
fn field(text: &str, least: u32, most: u32, words: &[&str], first_word: u32) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let place = words.iter().position(|word| *word == lower);
        let by_word = place.and_then(|place| u32::try_from(place).ok()).map(|n| n + first_word);
        by_word.or_else(|| text.parse().ok()).filter(|number| (least..=most).contains(number))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(r, s)| (r, Some(s)));
        let every: u32 = step.map_or(Some(1), |step| step.parse().ok()).filter(|step| *step > 0)?;
        let (from, to) = match range {
            "*" | "?" => (least, most),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                None => (number(range)?, if step.is_some() { most } else { number(range)? }),
            },
        };
        if from > to {
            return None;
        }
        (from..=to).step_by(usize::try_from(every).ok()?).for_each(|bit| set |= 1 << bit);
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule: &str, after: &str, expected: &str) {
        let schedule = Schedule::parse(schedule, TimeZone::UTC).expect("a schedule");
        let next = schedule.next(after.parse().expect("a time"));
        assert_eq!(next.map(|t| t.to_string()).as_deref(), Some(expected), "{schedule:?}");
    }

    #[test]
    fn schedules_are_due() {
        let at = "2026-01-31T10:07:30Z";
        check("* * * * *", at, "2026-01-31T10:08:00Z");
        check("*/15 * * * *", at, "2026-01-31T10:15:00Z");
        check("5 4 * * sun", at, "2026-02-01T04:05:00Z");
        check("0 0 29 2 *", at, "2028-02-29T00:00:00Z");
        check("0 22 * * 1-5", at, "2026-02-02T22:00:00Z");
        check("0 0 1 * 1", at, "2026-02-01T00:00:00Z");
        check("10-30/10 8 * JAN,MAR *", at, "2026-03-01T08:10:00Z");
        check("@hourly", at, "2026-01-31T11:00:00Z");
        check("@every 90s", at, "2026-01-31T10:09:00Z");
        check("0 0 * * 7", at, "2026-02-01T00:00:00Z");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *"] {
            assert!(Schedule::parse(text, TimeZone::UTC).is_none(), "{text}");
        }
    }
}
