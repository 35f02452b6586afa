//! `"%s has %d".format([name, count])`.

use super::conversions::double_text;
use super::declare::{Declared, member};
use super::{Args, no_overload, time};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[member("format", "string, list<dyn> -> string", format_text)];

/// More decimals are not written.
const PRECISION_MAX: usize = 100;

fn format_text(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let values = args.take(1);
    let Value::List(values) = &values else { return Err(no_overload()) };
    let mut values = values.iter();
    let text = args.take(0);
    let text = text.as_str().ok_or_else(no_overload)?;
    let mut written = String::new();
    let mut rest = text.chars();
    let mut used = 0_usize;
    while let Some(char) = rest.next() {
        if char != '%' {
            written.push(char);
            continue;
        }
        let Clause { precision, kind } = clause(&mut rest)?;
        if kind == '%' {
            written.push('%');
            continue;
        }
        let value =
            values.next().ok_or_else(|| Error::message(format!("index {used} out of range")))?;
        used += 1;
        // Counted before it is written: many places may name one long text.
        args.meter.charge(value.weight())?;
        written.push_str(&formatted(kind, precision, value)?);
    }
    Ok(Value::from(written))
}

struct Clause {
    precision: Option<usize>,
    kind: char,
}

fn clause(rest: &mut std::str::Chars<'_>) -> Result<Clause, Error> {
    let unexpected = || Error::message("unexpected end of string");
    let mut kind = rest.next().ok_or_else(unexpected)?;
    let mut precision = None;
    if kind == '.' {
        let mut digits = String::new();
        kind = rest.next().ok_or_else(unexpected)?;
        while kind.is_ascii_digit() {
            digits.push(kind);
            kind = rest.next().ok_or_else(unexpected)?;
        }
        let wanted = digits.parse::<usize>().ok().filter(|digits| *digits <= PRECISION_MAX);
        precision = Some(wanted.ok_or_else(|| Error::message("error while parsing precision"))?);
    }
    Ok(Clause { precision, kind })
}

#[expect(clippy::cast_precision_loss, reason = "numbers are shown as doubles")]
fn formatted(kind: char, precision: Option<usize>, value: &Value) -> Result<String, Error> {
    let wrong = |verb: &str| {
        Error::message(format!(
            "error during formatting: {verb} clause cannot be used with {}",
            value.type_name()
        ))
    };
    let text = match (kind, value) {
        ('s', value) => shown(value)?,
        ('d', Value::Int(number)) => number.to_string(),
        ('d', Value::Uint(number)) => number.to_string(),
        ('d', Value::Double(number)) if !number.is_finite() => double_text(*number),
        ('f', Value::Double(number)) => fixed(*number, precision),
        ('f', Value::Int(number)) => fixed(*number as f64, precision),
        ('f', Value::Uint(number)) => fixed(*number as f64, precision),
        ('e', Value::Double(number)) => scientific(*number, precision),
        ('e', Value::Int(number)) => scientific(*number as f64, precision),
        ('e', Value::Uint(number)) => scientific(*number as f64, precision),
        ('b', Value::Int(number)) => signed(*number, |number| format!("{number:b}")),
        ('b', Value::Uint(number)) => format!("{number:b}"),
        ('b', Value::Bool(value)) => u8::from(*value).to_string(),
        ('o', Value::Int(number)) => signed(*number, |number| format!("{number:o}")),
        ('o', Value::Uint(number)) => format!("{number:o}"),
        ('x', Value::Int(number)) => signed(*number, |number| format!("{number:x}")),
        ('X', Value::Int(number)) => signed(*number, |number| format!("{number:X}")),
        ('x', Value::Uint(number)) => format!("{number:x}"),
        ('X', Value::Uint(number)) => format!("{number:X}"),
        ('x', Value::String(text)) => hex(text.as_bytes()),
        ('X', Value::String(text)) => hex(text.as_bytes()).to_uppercase(),
        ('x', Value::Bytes(bytes)) => hex(bytes),
        ('X', Value::Bytes(bytes)) => hex(bytes).to_uppercase(),
        ('d', _) => return Err(wrong("decimal")),
        ('f', _) => return Err(wrong("fixed-point")),
        ('e', _) => return Err(wrong("scientific")),
        ('b', _) => return Err(wrong("binary")),
        ('o', _) => return Err(wrong("octal")),
        ('x' | 'X', _) => return Err(wrong("hexadecimal")),
        (kind, _) => {
            return Err(Error::message(format!("unrecognized formatting clause \"{kind}\"")));
        }
    };
    Ok(text)
}

fn signed(number: i64, write: fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", write(number.unsigned_abs()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fixed(number: f64, precision: Option<usize>) -> String {
    if number.is_finite() {
        format!("{number:.*}", precision.unwrap_or(6))
    } else {
        double_text(number)
    }
}

fn scientific(number: f64, precision: Option<usize>) -> String {
    if !number.is_finite() {
        return double_text(number);
    }
    let text = format!("{number:.*e}", precision.unwrap_or(6));
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Any value as text.
fn shown(value: &Value) -> Result<String, Error> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => double_text(*number),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Duration(duration) => time::duration_text(*duration),
        Value::Timestamp(at) => time::timestamp_text(*at),
        Value::Type(name) => name.to_string(),
        Value::List(items) => {
            let items = items.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| Ok(format!("{key}: {}", shown(value)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            format!("{{{}}}", entries.join(", "))
        }
        other => {
            let name = other.type_name();
            return Err(Error::message(format!(
                "error during formatting: string clause can only be used on strings, bools, bytes, \
                 ints, doubles, maps, lists, types, durations, and timestamps, was given {name}"
            )));
        }
    })
}
