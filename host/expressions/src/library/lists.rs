//! Functions on lists.

use std::cmp::Ordering;

use super::arithmetic;
use super::declare::{Declared, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    member("isSorted", "list<int> -> bool", is_sorted),
    member("isSorted", "list<uint> -> bool", is_sorted),
    member("isSorted", "list<double> -> bool", is_sorted),
    member("isSorted", "list<bool> -> bool", is_sorted),
    member("isSorted", "list<string> -> bool", is_sorted),
    member("isSorted", "list<bytes> -> bool", is_sorted),
    member("isSorted", "list<duration> -> bool", is_sorted),
    member("isSorted", "list<timestamp> -> bool", is_sorted),
    member("sum", "list<int> -> int", sum_ints),
    member("sum", "list<uint> -> uint", sum_uints),
    member("sum", "list<double> -> double", sum_doubles),
    member("sum", "list<duration> -> duration", sum_durations),
    member("min", "list<int> -> int", min),
    member("min", "list<uint> -> uint", min),
    member("min", "list<double> -> double", min),
    member("min", "list<bool> -> bool", min),
    member("min", "list<string> -> string", min),
    member("min", "list<bytes> -> bytes", min),
    member("min", "list<duration> -> duration", min),
    member("min", "list<timestamp> -> timestamp", min),
    member("max", "list<int> -> int", max),
    member("max", "list<uint> -> uint", max),
    member("max", "list<double> -> double", max),
    member("max", "list<bool> -> bool", max),
    member("max", "list<string> -> string", max),
    member("max", "list<bytes> -> bytes", max),
    member("max", "list<duration> -> duration", max),
    member("max", "list<timestamp> -> timestamp", max),
    member("indexOf", "list<A>, A -> int", index_of),
    member("lastIndexOf", "list<A>, A -> int", last_index_of),
];

fn walked<'a>(args: &'a mut Args<'_>) -> Result<&'a [Value], Error> {
    let size = args.get(0).size();
    args.meter.charge(size)?;
    args.list(0)
}

fn is_sorted(args: &mut Args<'_>) -> Result<Value, Error> {
    let items = walked(args)?;
    for (a, b) in items.iter().zip(items.iter().skip(1)) {
        if a.compare(b).ok_or_else(no_overload)? == Ordering::Greater {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

fn sum(args: &mut Args<'_>, zero: Value) -> Result<Value, Error> {
    let items = walked(args)?.to_vec();
    // Of values whose type is known only now, the first one tells it.
    let mut items = items.into_iter();
    let Some(mut total) = items.next() else { return Ok(zero) };
    for item in items {
        let values = vec![total, item];
        total = arithmetic::add(&mut Args { values, meter: args.meter })?;
    }
    Ok(total)
}

fn sum_ints(args: &mut Args<'_>) -> Result<Value, Error> {
    sum(args, Value::Int(0))
}

fn sum_uints(args: &mut Args<'_>) -> Result<Value, Error> {
    sum(args, Value::Uint(0))
}

fn sum_doubles(args: &mut Args<'_>) -> Result<Value, Error> {
    sum(args, Value::Double(0.0))
}

fn sum_durations(args: &mut Args<'_>) -> Result<Value, Error> {
    sum(args, Value::Duration(jiff::SignedDuration::ZERO))
}

fn extreme(args: &mut Args<'_>, name: &str, wanted: Ordering) -> Result<Value, Error> {
    let mut best: Option<&Value> = None;
    for item in walked(args)? {
        let better = match best {
            None => true,
            Some(best) => item.compare(best).ok_or_else(no_overload)? == wanted,
        };
        if better {
            best = Some(item);
        }
    }
    best.cloned().ok_or_else(|| Error::message(format!("{name} called on empty list")))
}

fn min(args: &mut Args<'_>) -> Result<Value, Error> {
    extreme(args, "min", Ordering::Less)
}

fn max(args: &mut Args<'_>) -> Result<Value, Error> {
    extreme(args, "max", Ordering::Greater)
}

fn place(found: Option<usize>) -> Result<Value, Error> {
    match found {
        None => Ok(Value::Int(-1)),
        Some(at) => i64::try_from(at).map(Value::Int).map_err(|_| no_overload()),
    }
}

/// What is searched for, with the cost of comparing it counted.
fn searched(args: &mut Args<'_>) -> Result<Value, Error> {
    let cost = args.get(0).size().saturating_mul(args.get(1).weight());
    args.meter.charge(cost)?;
    Ok(args.take(1))
}

fn index_of(args: &mut Args<'_>) -> Result<Value, Error> {
    let wanted = searched(args)?;
    place(walked(args)?.iter().position(|item| *item == wanted))
}

fn last_index_of(args: &mut Args<'_>) -> Result<Value, Error> {
    let wanted = searched(args)?;
    place(walked(args)?.iter().rposition(|item| *item == wanted))
}
