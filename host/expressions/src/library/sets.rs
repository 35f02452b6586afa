//! Lists as sets.

use super::Args;
use super::declare::{Declared, global};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("sets.contains", "list<A>, list<A> -> bool", contains),
    global("sets.equivalent", "list<A>, list<A> -> bool", equivalent),
    global("sets.intersects", "list<A>, list<A> -> bool", intersects),
];

/// Every element may be compared with every other.
fn both<'a>(args: &'a mut Args<'_>) -> Result<(&'a [Value], &'a [Value]), Error> {
    let cost = args.get(0).weight().saturating_mul(args.get(1).weight());
    args.meter.charge(cost)?;
    Ok((args.list(0)?, args.list(1)?))
}

fn contains(args: &mut Args<'_>) -> Result<Value, Error> {
    let (all, part) = both(args)?;
    Ok(part.iter().all(|item| all.contains(item)).into())
}

fn equivalent(args: &mut Args<'_>) -> Result<Value, Error> {
    let (a, b) = both(args)?;
    Ok((a.iter().all(|item| b.contains(item)) && b.iter().all(|item| a.contains(item))).into())
}

fn intersects(args: &mut Args<'_>) -> Result<Value, Error> {
    let (a, b) = both(args)?;
    Ok(a.iter().any(|item| b.contains(item)).into())
}
