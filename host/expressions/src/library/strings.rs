//! Functions on texts. Positions count characters.

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    member("contains", "string, string -> bool", contains),
    member("startsWith", "string, string -> bool", starts_with),
    member("endsWith", "string, string -> bool", ends_with),
    member("charAt", "string, int -> string", char_at),
    member("indexOf", "string, string -> int", index_of),
    member("indexOf", "string, string, int -> int", index_of),
    member("lastIndexOf", "string, string -> int", last_index_of),
    member("lastIndexOf", "string, string, int -> int", last_index_of),
    member("lowerAscii", "string -> string", lower),
    member("upperAscii", "string -> string", upper),
    member("replace", "string, string, string -> string", replace),
    member("replace", "string, string, string, int -> string", replace),
    member("split", "string, string -> list<string>", split),
    member("split", "string, string, int -> list<string>", split),
    member("substring", "string, int -> string", substring),
    member("substring", "string, int, int -> string", substring),
    member("trim", "string -> string", trim),
    member("join", "list<string> -> string", join),
    member("join", "list<string>, string -> string", join),
    global("strings.quote", "string -> string", quote),
];

/// Looking for a text in another costs as much as both are long, multiplied.
fn search(args: &mut Args<'_>) -> Result<(), Error> {
    let cost = args.get(0).size().div_ceil(10).saturating_mul(args.get(1).size().div_ceil(10));
    args.meter.charge(cost)
}

fn contains(args: &mut Args<'_>) -> Result<Value, Error> {
    search(args)?;
    Ok(args.text(0)?.contains(args.text(1)?).into())
}

fn starts_with(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(1)?;
    Ok(args.text(0)?.starts_with(args.text(1)?).into())
}

fn ends_with(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(1)?;
    Ok(args.text(0)?.ends_with(args.text(1)?).into())
}

fn out_of_range(index: i64) -> Error {
    Error::message(format!("index out of range: {index}"))
}

fn char_at(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let (text, index) = (args.text(0)?, args.int(1)?);
    let at = usize::try_from(index).map_err(|_| out_of_range(index))?;
    match text.chars().nth(at) {
        Some(char) => Ok(Value::from(char.to_string())),
        None if at == text.chars().count() => Ok("".into()),
        None => Err(out_of_range(index)),
    }
}

/// The byte at which a character stands.
fn byte_at(text: &str, index: i64) -> Result<usize, Error> {
    let at = usize::try_from(index).map_err(|_| out_of_range(index))?;
    let mut places = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    places.nth(at).ok_or_else(|| out_of_range(index))
}

fn count(text: &str) -> Result<Value, Error> {
    i64::try_from(text.chars().count()).map(Value::Int).map_err(|_| no_overload())
}

fn index_of(args: &mut Args<'_>) -> Result<Value, Error> {
    search(args)?;
    let (text, part) = (args.text(0)?, args.text(1)?);
    let from = match args.get(2) {
        Value::Int(index) => byte_at(text, *index)?,
        _ => 0,
    };
    let (before, behind) = text.split_at(from);
    match behind.find(part) {
        Some(at) => count(text.get(..before.len() + at).unwrap_or_default()),
        None => Ok(Value::Int(-1)),
    }
}

fn last_index_of(args: &mut Args<'_>) -> Result<Value, Error> {
    search(args)?;
    let (text, part) = (args.text(0)?, args.text(1)?);
    let until = match args.get(2) {
        Value::Int(index) => {
            let from = byte_at(text, *index)?;
            (from + part.len()).min(text.len())
        }
        _ => text.len(),
    };
    let mut until = until;
    while !text.is_char_boundary(until) {
        until -= 1;
    }
    match text.get(..until).unwrap_or_default().rfind(part) {
        Some(at) => count(text.get(..at).unwrap_or_default()),
        None => Ok(Value::Int(-1)),
    }
}

fn lower(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(Value::from(args.text(0)?.to_ascii_lowercase()))
}

fn upper(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(Value::from(args.text(0)?.to_ascii_uppercase()))
}

/// A count of which negative ones mean "all".
fn limit(args: &Args<'_>, index: usize) -> usize {
    match args.get(index) {
        Value::Int(limit) => usize::try_from(*limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

fn replace(args: &mut Args<'_>) -> Result<Value, Error> {
    search(args)?;
    let limit = limit(args, 3);
    let (text, part, by) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let found = text.matches(part).take(limit).count();
    let size = text.len().saturating_add(found.saturating_mul(by.len()));
    args.make(size)?;
    let (text, part, by) = (args.text(0)?, args.text(1)?, args.text(2)?);
    Ok(Value::from(text.replacen(part, by, limit)))
}

fn split(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let limit = limit(args, 2);
    let (text, by) = (args.text(0)?, args.text(1)?);
    let parts: Vec<Value> = if limit == 0 {
        Vec::new()
    } else if by.is_empty() {
        characters(text, limit)
    } else {
        text.splitn(limit, by).map(Value::text).collect()
    };
    args.make(parts.len())?;
    Ok(Value::list(parts))
}

/// A text in its characters, what exceeds the limit in the last part.
fn characters(text: &str, limit: usize) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(Value::text(rest));
            break;
        }
        let (first, behind) = rest.split_at(char.len_utf8());
        parts.push(Value::text(first));
        rest = behind;
    }
    parts
}

fn substring(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let (text, start) = (args.text(0)?, args.int(1)?);
    let from = byte_at(text, start)?;
    let until = match args.get(2) {
        Value::Int(end) => {
            if *end < start {
                let text = format!("invalid substring range. start: {start}, end: {end}");
                return Err(Error::message(text));
            }
            byte_at(text, *end)?
        }
        _ => text.len(),
    };
    Ok(Value::text(text.get(from..until).unwrap_or_default()))
}

fn trim(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(Value::text(args.text(0)?.trim()))
}

fn join(args: &mut Args<'_>) -> Result<Value, Error> {
    let between = match args.get(1) {
        Value::String(between) => between.to_string(),
        _ => String::new(),
    };
    let mut size = 0_usize;
    for item in args.list(0)? {
        let text = item.as_str().ok_or_else(no_overload)?;
        size = size.saturating_add(text.len()).saturating_add(between.len());
    }
    args.make(size)?;
    let parts: Vec<&str> = args.list(0)?.iter().filter_map(Value::as_str).collect();
    Ok(Value::from(parts.join(&between)))
}

fn quote(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let mut quoted = String::from("\"");
    for char in args.text(0)?.chars() {
        match char {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    Ok(Value::from(quoted))
}
