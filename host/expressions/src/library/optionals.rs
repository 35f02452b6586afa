//! Values that may be missing.

use super::declare::{Declared, global, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("optional.of", "A -> optional<A>", of),
    global("optional.ofNonZeroValue", "A -> optional<A>", of_non_zero),
    global("optional.none", "-> optional<A>", none),
    member("hasValue", "optional<A> -> bool", has_value),
    member("value", "optional<A> -> A", value),
    member("or", "optional<A>, optional<A> -> optional<A>", or),
    member("orValue", "optional<A>, A -> A", or_value),
    global("optional.unwrap", "list<optional<A>> -> list<A>", unwrap),
    member("unwrapOpt", "list<optional<A>> -> list<A>", unwrap),
    member("first", "list<A> -> optional<A>", first),
    member("last", "list<A> -> optional<A>", last),
];

/// The values of those that have one.
fn unwrap(args: &mut Args<'_>) -> Result<Value, Error> {
    let values = args.list(0)?.iter().filter_map(|item| match item {
        Value::Optional(value) => value.as_deref().cloned().map(Ok),
        _ => Some(Err(no_overload())),
    });
    Ok(Value::list(values.collect::<Result<_, _>>()?))
}

fn first(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(args.list(0)?.first().cloned().map_or(Value::Optional(None), Value::some))
}

fn last(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(args.list(0)?.last().cloned().map_or(Value::Optional(None), Value::some))
}

fn of(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::some(args.take(0)))
}

fn of_non_zero(args: &mut Args<'_>) -> Result<Value, Error> {
    let value = args.take(0);
    Ok(if is_zero(&value) { Value::Optional(None) } else { Value::some(value) })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Duration(duration) => duration.is_zero(),
        Value::Optional(value) => value.is_none(),
        Value::Record(record) => record.fields.is_empty(),
        _ => false,
    }
}

fn none(_: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Optional(None))
}

fn has_value(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Optional(value) => Ok(value.is_some().into()),
        _ => Err(no_overload()),
    }
}

fn value(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Optional(Some(value)) => Ok((**value).clone()),
        Value::Optional(None) => Err(Error::message("optional.none() dereference")),
        _ => Err(no_overload()),
    }
}

fn or(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Optional(None) => Ok(args.take(1)),
        Value::Optional(Some(_)) => Ok(args.take(0)),
        _ => Err(no_overload()),
    }
}

fn or_value(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Optional(None) => Ok(args.take(1)),
        Value::Optional(Some(value)) => Ok((**value).clone()),
        _ => Err(no_overload()),
    }
}
