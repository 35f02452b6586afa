//! Operators on numbers, texts, lists and times. What overflows is an error.

use std::cmp::Ordering;

use cel::common::ast::operators::{
    ADD, DIVIDE, GREATER, GREATER_EQUALS, LESS, LESS_EQUALS, LOGICAL_NOT, MODULO, MULTIPLY, NEGATE,
    SUBSTRACT,
};
use jiff::SignedDuration;

use super::declare::{Declared, global};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global(LOGICAL_NOT, "bool -> bool", not),
    global(NEGATE, "int -> int", negate),
    global(NEGATE, "double -> double", negate),
    global(ADD, "int, int -> int", add),
    global(ADD, "uint, uint -> uint", add),
    global(ADD, "double, double -> double", add),
    global(ADD, "string, string -> string", add),
    global(ADD, "bytes, bytes -> bytes", add),
    global(ADD, "list<A>, list<A> -> list<A>", add),
    global(ADD, "duration, duration -> duration", add),
    global(ADD, "timestamp, duration -> timestamp", add),
    global(ADD, "duration, timestamp -> timestamp", add),
    global(SUBSTRACT, "int, int -> int", subtract),
    global(SUBSTRACT, "uint, uint -> uint", subtract),
    global(SUBSTRACT, "double, double -> double", subtract),
    global(SUBSTRACT, "duration, duration -> duration", subtract),
    global(SUBSTRACT, "timestamp, timestamp -> duration", subtract),
    global(SUBSTRACT, "timestamp, duration -> timestamp", subtract),
    global(MULTIPLY, "int, int -> int", multiply),
    global(MULTIPLY, "uint, uint -> uint", multiply),
    global(MULTIPLY, "double, double -> double", multiply),
    global(DIVIDE, "int, int -> int", divide),
    global(DIVIDE, "uint, uint -> uint", divide),
    global(DIVIDE, "double, double -> double", divide),
    global(MODULO, "int, int -> int", modulo),
    global(MODULO, "uint, uint -> uint", modulo),
    global(LESS, "bool, bool -> bool", less),
    global(LESS, "int, int -> bool", less),
    global(LESS, "int, uint -> bool", less),
    global(LESS, "int, double -> bool", less),
    global(LESS, "uint, uint -> bool", less),
    global(LESS, "uint, int -> bool", less),
    global(LESS, "uint, double -> bool", less),
    global(LESS, "double, double -> bool", less),
    global(LESS, "double, int -> bool", less),
    global(LESS, "double, uint -> bool", less),
    global(LESS, "string, string -> bool", less),
    global(LESS, "bytes, bytes -> bool", less),
    global(LESS, "duration, duration -> bool", less),
    global(LESS, "timestamp, timestamp -> bool", less),
    global(LESS_EQUALS, "bool, bool -> bool", less_or_equal),
    global(LESS_EQUALS, "int, int -> bool", less_or_equal),
    global(LESS_EQUALS, "int, uint -> bool", less_or_equal),
    global(LESS_EQUALS, "int, double -> bool", less_or_equal),
    global(LESS_EQUALS, "uint, uint -> bool", less_or_equal),
    global(LESS_EQUALS, "uint, int -> bool", less_or_equal),
    global(LESS_EQUALS, "uint, double -> bool", less_or_equal),
    global(LESS_EQUALS, "double, double -> bool", less_or_equal),
    global(LESS_EQUALS, "double, int -> bool", less_or_equal),
    global(LESS_EQUALS, "double, uint -> bool", less_or_equal),
    global(LESS_EQUALS, "string, string -> bool", less_or_equal),
    global(LESS_EQUALS, "bytes, bytes -> bool", less_or_equal),
    global(LESS_EQUALS, "duration, duration -> bool", less_or_equal),
    global(LESS_EQUALS, "timestamp, timestamp -> bool", less_or_equal),
    global(GREATER, "bool, bool -> bool", greater),
    global(GREATER, "int, int -> bool", greater),
    global(GREATER, "int, uint -> bool", greater),
    global(GREATER, "int, double -> bool", greater),
    global(GREATER, "uint, uint -> bool", greater),
    global(GREATER, "uint, int -> bool", greater),
    global(GREATER, "uint, double -> bool", greater),
    global(GREATER, "double, double -> bool", greater),
    global(GREATER, "double, int -> bool", greater),
    global(GREATER, "double, uint -> bool", greater),
    global(GREATER, "string, string -> bool", greater),
    global(GREATER, "bytes, bytes -> bool", greater),
    global(GREATER, "duration, duration -> bool", greater),
    global(GREATER, "timestamp, timestamp -> bool", greater),
    global(GREATER_EQUALS, "bool, bool -> bool", greater_or_equal),
    global(GREATER_EQUALS, "int, int -> bool", greater_or_equal),
    global(GREATER_EQUALS, "int, uint -> bool", greater_or_equal),
    global(GREATER_EQUALS, "int, double -> bool", greater_or_equal),
    global(GREATER_EQUALS, "uint, uint -> bool", greater_or_equal),
    global(GREATER_EQUALS, "uint, int -> bool", greater_or_equal),
    global(GREATER_EQUALS, "uint, double -> bool", greater_or_equal),
    global(GREATER_EQUALS, "double, double -> bool", greater_or_equal),
    global(GREATER_EQUALS, "double, int -> bool", greater_or_equal),
    global(GREATER_EQUALS, "double, uint -> bool", greater_or_equal),
    global(GREATER_EQUALS, "string, string -> bool", greater_or_equal),
    global(GREATER_EQUALS, "bytes, bytes -> bool", greater_or_equal),
    global(GREATER_EQUALS, "duration, duration -> bool", greater_or_equal),
    global(GREATER_EQUALS, "timestamp, timestamp -> bool", greater_or_equal),
];

fn not(args: &mut Args<'_>) -> Result<Value, Error> {
    args.get(0).as_bool().map(|value| Value::Bool(!value)).ok_or_else(no_overload)
}

fn negate(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(int_overflow),
        Value::Double(value) => Ok(Value::Double(-value)),
        _ => Err(no_overload()),
    }
}

fn int_overflow() -> Error {
    Error::message("integer overflow")
}

fn uint_overflow() -> Error {
    Error::message("unsigned integer overflow")
}

fn duration_overflow() -> Error {
    Error::message("duration overflow")
}

fn timestamp_overflow() -> Error {
    Error::message("timestamp overflow")
}

pub(super) fn add(args: &mut Args<'_>) -> Result<Value, Error> {
    let (left, right) = (args.take(0), args.take(1));
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(b).map(Value::Int).ok_or_else(int_overflow),
        (Value::Uint(a), Value::Uint(b)) => {
            a.checked_add(b).map(Value::Uint).ok_or_else(uint_overflow)
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            args.make(a.len() + b.len())?;
            Ok(Value::from([&*a, &*b].concat()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            args.make(a.len() + b.len())?;
            Ok(Value::Bytes([&*a, &*b].concat().into()))
        }
        (Value::List(mut a), Value::List(b)) => {
            // The list that a comprehension makes is nobody else's, and grows in place.
            args.make(b.len())?;
            if std::sync::Arc::get_mut(&mut a).is_none() {
                args.make(a.len())?;
            }
            if a.is_unordered() {
                let cost = a.len().saturating_mul(b.len());
                let cost = u64::try_from(cost).unwrap_or(u64::MAX);
                args.meter.charge(cost)?;
            }
            std::sync::Arc::make_mut(&mut a).add(&b);
            Ok(Value::List(a))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(b).map(Value::Duration).ok_or_else(duration_overflow)
        }
        (Value::Timestamp(at), Value::Duration(by))
        | (Value::Duration(by), Value::Timestamp(at)) => {
            at.checked_add(by).map(Value::Timestamp).map_err(|_| timestamp_overflow())
        }
        _ => Err(no_overload()),
    }
}

fn subtract(args: &mut Args<'_>) -> Result<Value, Error> {
    match (args.get(0), args.get(1)) {
        (Value::Int(a), Value::Int(b)) => {
            a.checked_sub(*b).map(Value::Int).ok_or_else(int_overflow)
        }
        (Value::Uint(a), Value::Uint(b)) => {
            a.checked_sub(*b).map(Value::Uint).ok_or_else(uint_overflow)
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map(Value::Duration).ok_or_else(duration_overflow)
        }
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(Value::Duration(a.duration_since(*b))),
        (Value::Timestamp(at), Value::Duration(by)) => {
            let back = SignedDuration::ZERO.checked_sub(*by).ok_or_else(duration_overflow)?;
            at.checked_add(back).map(Value::Timestamp).map_err(|_| timestamp_overflow())
        }
        _ => Err(no_overload()),
    }
}

fn multiply(args: &mut Args<'_>) -> Result<Value, Error> {
    match (args.get(0), args.get(1)) {
        (Value::Int(a), Value::Int(b)) => {
            a.checked_mul(*b).map(Value::Int).ok_or_else(int_overflow)
        }
        (Value::Uint(a), Value::Uint(b)) => {
            a.checked_mul(*b).map(Value::Uint).ok_or_else(uint_overflow)
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        _ => Err(no_overload()),
    }
}

fn divide(args: &mut Args<'_>) -> Result<Value, Error> {
    match (args.get(0), args.get(1)) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Error::message("division by zero"))
        }
        (Value::Int(a), Value::Int(b)) => {
            a.checked_div(*b).map(Value::Int).ok_or_else(int_overflow)
        }
        (Value::Uint(a), Value::Uint(b)) => Ok(Value::Uint(a / b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        _ => Err(no_overload()),
    }
}

fn modulo(args: &mut Args<'_>) -> Result<Value, Error> {
    match (args.get(0), args.get(1)) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Error::message("modulus by zero"))
        }
        (Value::Int(a), Value::Int(b)) => {
            a.checked_rem(*b).map(Value::Int).ok_or_else(int_overflow)
        }
        (Value::Uint(a), Value::Uint(b)) => Ok(Value::Uint(a % b)),
        _ => Err(no_overload()),
    }
}

fn order(args: &mut Args<'_>) -> Result<Option<Ordering>, Error> {
    let shorter = args.get(0).size().min(args.get(1).size());
    args.meter.charge(shorter.div_ceil(10))?;
    let (left, right) = (args.get(0), args.get(1));
    // NaN has no order, and every comparison with it is false.
    match (left, right, left.compare(right)) {
        (Value::Double(_), _, found) | (_, Value::Double(_), found) => Ok(found),
        (_, _, Some(found)) => Ok(Some(found)),
        _ => Err(no_overload()),
    }
}

fn less(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Bool(order(args)?.is_some_and(Ordering::is_lt)))
}

fn less_or_equal(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Bool(order(args)?.is_some_and(Ordering::is_le)))
}

fn greater(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Bool(order(args)?.is_some_and(Ordering::is_gt)))
}

fn greater_or_equal(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Bool(order(args)?.is_some_and(Ordering::is_ge)))
}
