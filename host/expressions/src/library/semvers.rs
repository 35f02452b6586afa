//! Versions: `semver("1.2.3").isLessThan(semver("1.3.0"))`.

use std::cmp::Ordering;
use std::sync::Arc;

use semver::Version;

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("semver", "string -> semver", version),
    global("semver", "string, bool -> semver", version),
    global("isSemver", "string -> bool", is_version),
    global("isSemver", "string, bool -> bool", is_version),
    member("isGreaterThan", "semver, semver -> bool", is_greater),
    member("isLessThan", "semver, semver -> bool", is_less),
    member("compareTo", "semver, semver -> int", compare),
    member("major", "semver -> int", |args| number(of(args, 0)?.major)),
    member("minor", "semver -> int", |args| number(of(args, 0)?.minor)),
    member("patch", "semver -> int", |args| number(of(args, 0)?.patch)),
];

fn parse(text: &str, normalize: bool) -> Result<Version, Error> {
    let normalized = if normalize { normalized(text) } else { text.to_owned() };
    Version::parse(&normalized)
        .map_err(|error| Error::message(format!("semver parse error: {error}")))
}

/// Without a leading `v` and leading zeros, and with all three numbers.
fn normalized(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts: Vec<&str> = numbers
        .split('.')
        .map(|part| match part.trim_start_matches('0') {
            "" if !part.is_empty() => "0",
            trimmed => trimmed,
        })
        .collect();
    while parts.len() < 3 {
        parts.push("0");
    }
    format!("{}{rest}", parts.join("."))
}

fn parsed(args: &mut Args<'_>) -> Result<Result<Version, Error>, Error> {
    args.walk(0)?;
    let normalize = args.get(1).as_bool().unwrap_or(false);
    Ok(parse(args.text(0)?, normalize))
}

fn version(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Semver(Arc::new(parsed(args)??)))
}

fn is_version(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(parsed(args)?.is_ok().into())
}

fn of<'a>(args: &'a Args<'_>, index: usize) -> Result<&'a Version, Error> {
    match args.get(index) {
        Value::Semver(version) => Ok(version),
        _ => Err(no_overload()),
    }
}

/// What is behind a plus has no rank.
fn order(args: &Args<'_>) -> Result<Ordering, Error> {
    Ok(of(args, 0)?.cmp_precedence(of(args, 1)?))
}

fn is_greater(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(order(args)?.is_gt().into())
}

fn is_less(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(order(args)?.is_lt().into())
}

fn compare(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(order(args)? as i64))
}

fn number(value: u64) -> Result<Value, Error> {
    i64::try_from(value).map(Value::Int).map_err(|_| Error::message("integer overflow"))
}
