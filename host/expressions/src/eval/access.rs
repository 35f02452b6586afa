//! Fields and elements of values.

use crate::eval::Error;
use crate::library::no_overload;
use crate::program::Select;
use crate::value::{Key, Value};

pub(super) fn select(of: &Value, field: &str, kind: Select) -> Result<Value, Error> {
    let (of, was_optional) = match of {
        Value::Optional(None) => return Ok(missing(kind)),
        Value::Optional(Some(inner)) => (&**inner, true),
        other => (other, false),
    };
    let found = field_of(of, field)?;
    match (kind, found) {
        (Select::Test, found) => Ok(found.is_some().into()),
        (Select::Plain, Some(value)) if !was_optional => Ok(value),
        (Select::Plain, None) if !was_optional => {
            Err(Error::message(format!("no such key: {field}")))
        }
        (_, Some(value)) => Ok(Value::some(value)),
        (_, None) => Ok(Value::Optional(None)),
    }
}

fn missing(kind: Select) -> Value {
    match kind {
        Select::Test => false.into(),
        Select::Plain | Select::Optional => Value::Optional(None),
    }
}

fn field_of(of: &Value, field: &str) -> Result<Option<Value>, Error> {
    match of {
        Value::Map(entries) => Ok(entries.get(&Key::text(field)).cloned()),
        Value::Record(record) => Ok(record.fields.get(field).cloned()),
        _ => Err(no_overload()),
    }
}

pub(super) fn index(of: &Value, index: &Value, optional: bool) -> Result<Value, Error> {
    let (of, optional) = match of {
        Value::Optional(None) => return Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => (&**inner, true),
        other => (other, optional),
    };
    match (element(of, index)?, optional) {
        (Some(value), false) => Ok(value),
        (Some(value), true) => Ok(Value::some(value)),
        (None, true) => Ok(Value::Optional(None)),
        (None, false) => Err(match (of, Key::of(index)) {
            (Value::List(_), Some(key)) => Error::message(format!("index out of bounds: {key}")),
            (_, Some(key)) => Error::message(format!("no such key: {key}")),
            (_, None) => no_overload(),
        }),
    }
}

fn element(of: &Value, index: &Value) -> Result<Option<Value>, Error> {
    match (of, Key::of(index)) {
        (Value::List(items), Some(Key::Int(at))) => {
            Ok(usize::try_from(at).ok().and_then(|at| items.get(at).cloned()))
        }
        (Value::List(_), Some(Key::Uint(_))) => Ok(None),
        (Value::Map(entries), Some(key)) => Ok(entries.get(&key).cloned()),
        (Value::Map(_), None) => Err(Error::message("unsupported key type")),
        _ => Err(no_overload()),
    }
}
