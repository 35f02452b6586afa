//! Lists that are made of other lists: reversed, cut, flat, without repetitions, sorted.

use std::cmp::Ordering;

use super::Args;
use super::declare::{Declared, global, member};
use crate::eval::Error;
use crate::macros::SORT_BY_KEYS;
use crate::value::Value;

/// No range has more numbers.
const RANGE_MAX: i64 = 10_000_000;
/// What a new list costs beside its items.
const LIST_COST: u64 = 10;

pub(super) const ALL: &[Declared] = &[
    global("lists.range", "int -> list<int>", range),
    member("reverse", "list<A> -> list<A>", reverse),
    member("slice", "list<A>, int, int -> list<A>", slice),
    member("flatten", "list<list<A>> -> list<A>", flatten_once),
    member("flatten", "list<dyn>, int -> list<dyn>", flatten),
    member("distinct", "list<A> -> list<A>", distinct),
    member("sort", "list<int> -> list<int>", sort),
    member("sort", "list<uint> -> list<uint>", sort),
    member("sort", "list<double> -> list<double>", sort),
    member("sort", "list<bool> -> list<bool>", sort),
    member("sort", "list<duration> -> list<duration>", sort),
    member("sort", "list<timestamp> -> list<timestamp>", sort),
    member("sort", "list<string> -> list<string>", sort),
    member("sort", "list<bytes> -> list<bytes>", sort),
    member(SORT_BY_KEYS, "list<A>, list<int> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<uint> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<double> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<bool> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<duration> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<timestamp> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<string> -> list<A>", sort_by),
    member(SORT_BY_KEYS, "list<A>, list<bytes> -> list<A>", sort_by),
];

/// Counts the cost of a new list of so many items.
fn charge(args: &mut Args<'_>, size: u64) -> Result<(), Error> {
    args.meter.charge(size.saturating_add(LIST_COST))
}

fn range(args: &mut Args<'_>) -> Result<Value, Error> {
    let size = args.int(0)?;
    if size < 0 {
        let problem = format!("lists.range: size must be non-negative, got {size}");
        return Err(Error::message(problem));
    }
    if size > RANGE_MAX {
        let problem = format!("lists.range: size {size} exceeds maximum allowed ({RANGE_MAX})");
        return Err(Error::message(problem));
    }
    charge(args, size.unsigned_abs())?;
    Ok(Value::list((0..size).map(Value::Int).collect()))
}

fn reverse(args: &mut Args<'_>) -> Result<Value, Error> {
    charge(args, args.get(0).size())?;
    Ok(Value::list(args.list(0)?.iter().rev().cloned().collect()))
}

fn slice(args: &mut Args<'_>) -> Result<Value, Error> {
    let (start, end, length) = (args.int(1)?, args.int(2)?, args.list(0)?.len());
    let why = |problem: &str| Error::message(format!("cannot slice({start}, {end}), {problem}"));
    let (Ok(first), Ok(last)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(why("negative indexes not supported"));
    };
    if first > last {
        return Err(why("start index must be less than or equal to end index"));
    }
    charge(args, end.abs_diff(start))?;
    let part = args.list(0)?.get(first..last);
    let part = part.ok_or_else(|| why(&format!("list is length {length}")))?;
    Ok(Value::list(part.to_vec()))
}

fn flatten_once(args: &mut Args<'_>) -> Result<Value, Error> {
    flattened(args, 1)
}

fn flatten(args: &mut Args<'_>) -> Result<Value, Error> {
    let levels = args.int(1)?;
    let levels = u64::try_from(levels).map_err(|_| Error::message("level must be non-negative"))?;
    flattened(args, levels)
}

fn flattened(args: &mut Args<'_>, levels: u64) -> Result<Value, Error> {
    charge(args, args.get(0).size().saturating_mul(levels))?;
    let mut flat = Vec::new();
    // What is still to be looked at, and through how many levels of it.
    let mut rest: Vec<(&Value, u64)> = vec![(args.get(0), levels.saturating_add(1))];
    while let Some((value, levels)) = rest.pop() {
        match value {
            Value::List(items) if levels > 0 => {
                rest.extend(items.iter().rev().map(|item| (item, levels - 1)));
            }
            value => flat.push(value.clone()),
        }
    }
    Ok(Value::list(flat))
}

/// Counts the cost of comparing the items of an argument with each other.
fn compare_all(args: &mut Args<'_>, index: usize) -> Result<(), Error> {
    let size = args.get(index).size();
    let is_text = matches!(args.list(index)?.first(), Some(Value::String(_) | Value::Bytes(_)));
    let square = size.saturating_mul(size);
    let traversal = if is_text { square / 10 } else { 0 };
    charge(args, square.saturating_mul(2).saturating_add(traversal))
}

fn distinct(args: &mut Args<'_>) -> Result<Value, Error> {
    compare_all(args, 0)?;
    let mut seen: Vec<Value> = Vec::new();
    for item in args.list(0)? {
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    Ok(Value::list(seen))
}

fn sort(args: &mut Args<'_>) -> Result<Value, Error> {
    compare_all(args, 0)?;
    sorted(args.list(0)?, args.list(0)?)
}

fn sort_by(args: &mut Args<'_>) -> Result<Value, Error> {
    compare_all(args, 1)?;
    sorted(args.list(0)?, args.list(1)?)
}

/// The items in the order of their keys.
fn sorted(items: &[Value], keys: &[Value]) -> Result<Value, Error> {
    if keys.iter().any(|key| key.compare(key).is_none() && !matches!(key, Value::Double(_))) {
        return Err(Error::message("list elements must be comparable"));
    }
    let types = keys.iter().map(Value::type_name);
    if types.clone().zip(types.skip(1)).any(|(one, next)| one != next) {
        return Err(Error::message("list elements must have the same type"));
    }
    let mut pairs: Vec<(&Value, &Value)> = keys.iter().zip(items).collect();
    pairs.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(Ordering::Equal));
    Ok(Value::list(pairs.into_iter().map(|(_, item)| item.clone()).collect()))
}
