//! Quantities of resources: `quantity("1.5Gi")`.

use std::cmp::Ordering;
use std::sync::Arc;

use meta::Quantity;

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("quantity", "string -> quantity", quantity),
    global("isQuantity", "string -> bool", is_quantity),
    global("sign", "quantity -> int", sign),
    member("isGreaterThan", "quantity, quantity -> bool", is_greater),
    member("isLessThan", "quantity, quantity -> bool", is_less),
    member("compareTo", "quantity, quantity -> int", compare),
    member("asInteger", "quantity -> int", as_integer),
    member("isInteger", "quantity -> bool", is_integer),
    member("asApproximateFloat", "quantity -> double", approximate),
    member("add", "quantity, quantity -> quantity", add),
    member("add", "quantity, int -> quantity", add),
    member("sub", "quantity, quantity -> quantity", subtract),
    member("sub", "quantity, int -> quantity", subtract),
];

fn quantity(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let parsed = Quantity::parse(args.text(0)?)
        .map_err(|error| Error::message(format!("quantity parse error: {error}")))?;
    Ok(Value::Quantity(Arc::new(parsed)))
}

fn is_quantity(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    Ok(Quantity::parse(args.text(0)?).is_ok().into())
}

fn of<'a>(args: &'a Args<'_>, index: usize) -> Result<&'a Quantity, Error> {
    match args.get(index) {
        Value::Quantity(quantity) => Ok(quantity),
        _ => Err(no_overload()),
    }
}

fn sign(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(number(of(args, 0)?.cmp(&Quantity::units(0)))))
}

fn number(order: Ordering) -> i64 {
    match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

fn is_greater(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok((of(args, 0)? > of(args, 1)?).into())
}

fn is_less(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok((of(args, 0)? < of(args, 1)?).into())
}

fn compare(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Int(number(of(args, 0)?.cmp(of(args, 1)?))))
}

/// The quantity as a whole number, if it is one.
fn whole(quantity: &Quantity) -> Option<i64> {
    let value = quantity.value();
    (Quantity::units(value) == *quantity).then_some(value)
}

fn as_integer(args: &mut Args<'_>) -> Result<Value, Error> {
    whole(of(args, 0)?)
        .map(Value::Int)
        .ok_or_else(|| Error::message("cannot convert value to integer"))
}

fn is_integer(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(whole(of(args, 0)?).is_some().into())
}

fn approximate(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Double(of(args, 0)?.approximate()))
}

fn operand(args: &Args<'_>) -> Result<Quantity, Error> {
    match args.get(1) {
        Value::Int(units) => Ok(Quantity::units(*units)),
        _ => of(args, 1).cloned(),
    }
}

fn add(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Quantity(Arc::new(of(args, 0)?.plus(&operand(args)?))))
}

fn subtract(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Quantity(Arc::new(of(args, 0)?.minus(&operand(args)?))))
}
