//! From one type to another: `int("1")`, `string(1)`, `type(1)`, `dyn(1)`.

use std::sync::Arc;

use super::declare::{Declared, global};
use super::{Args, no_overload, time};
use crate::eval::Error;
use crate::value::Value;

pub(super) const ALL: &[Declared] = &[
    global("type", "A -> type<A>", type_of),
    global("dyn", "A -> dyn", same),
    global("int", "int -> int", int),
    global("int", "uint -> int", int),
    global("int", "double -> int", int),
    global("int", "string -> int", int),
    global("int", "timestamp -> int", int),
    global("int", "duration -> int", int),
    global("uint", "uint -> uint", uint),
    global("uint", "int -> uint", uint),
    global("uint", "double -> uint", uint),
    global("uint", "string -> uint", uint),
    global("double", "double -> double", double),
    global("double", "int -> double", double),
    global("double", "uint -> double", double),
    global("double", "string -> double", double),
    global("string", "string -> string", string),
    global("string", "bool -> string", string),
    global("string", "int -> string", string),
    global("string", "uint -> string", string),
    global("string", "double -> string", string),
    global("string", "bytes -> string", string),
    global("string", "timestamp -> string", string),
    global("string", "duration -> string", string),
    global("string", "url -> string", string),
    global("string", "ip -> string", string),
    global("string", "cidr -> string", string),
    global("bytes", "bytes -> bytes", bytes),
    global("bytes", "string -> bytes", bytes),
    global("bool", "bool -> bool", boolean),
    global("bool", "string -> bool", boolean),
];

fn type_of(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(Value::Type(Arc::from(args.get(0).type_name())))
}

fn same(args: &mut Args<'_>) -> Result<Value, Error> {
    Ok(args.take(0))
}

fn out_of_range() -> Error {
    Error::message("integer overflow")
}

fn syntax(function: &str, text: &str) -> Error {
    Error::message(format!("strconv.{function}: parsing {}: invalid syntax", meta::quote(text)))
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
#[expect(clippy::cast_precision_loss, reason = "the bounds are powers of two")]
fn int(args: &mut Args<'_>) -> Result<Value, Error> {
    let value = match args.get(0) {
        Value::Int(value) => *value,
        Value::Uint(value) => i64::try_from(*value).map_err(|_| out_of_range())?,
        Value::Double(value) if *value > i64::MIN as f64 && *value < i64::MAX as f64 => {
            *value as i64
        }
        Value::Double(_) => return Err(out_of_range()),
        Value::String(text) => text.parse().map_err(|_| syntax("ParseInt", text))?,
        Value::Timestamp(at) => at.as_second(),
        Value::Duration(duration) => {
            i64::try_from(duration.as_nanos()).map_err(|_| out_of_range())?
        }
        _ => return Err(no_overload()),
    };
    Ok(Value::Int(value))
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
#[expect(clippy::cast_precision_loss, reason = "the bound is a power of two")]
#[expect(clippy::cast_sign_loss, reason = "the range was checked")]
fn uint(args: &mut Args<'_>) -> Result<Value, Error> {
    let overflow = || Error::message("unsigned integer overflow");
    let value = match args.get(0) {
        Value::Uint(value) => *value,
        Value::Int(value) => u64::try_from(*value).map_err(|_| overflow())?,
        Value::Double(value) if *value >= 0.0 && *value < u64::MAX as f64 => *value as u64,
        Value::Double(_) => return Err(overflow()),
        Value::String(text) => text.parse().map_err(|_| syntax("ParseUint", text))?,
        _ => return Err(no_overload()),
    };
    Ok(Value::Uint(value))
}

#[expect(clippy::cast_precision_loss, reason = "the language says so")]
fn double(args: &mut Args<'_>) -> Result<Value, Error> {
    let value = match args.get(0) {
        Value::Double(value) => *value,
        Value::Int(value) => *value as f64,
        Value::Uint(value) => *value as f64,
        Value::String(text) => text.parse().map_err(|_| syntax("ParseFloat", text))?,
        _ => return Err(no_overload()),
    };
    Ok(Value::Double(value))
}

fn string(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    let value = match args.get(0) {
        Value::String(_) => return Ok(args.take(0)),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double_text(*value),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| Error::message("invalid UTF-8 in bytes, cannot convert to string"))?,
        Value::Timestamp(at) => time::timestamp_text(*at),
        Value::Duration(duration) => time::duration_text(*duration),
        Value::Url(url) => url.to_string(),
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(cidr) => cidr.to_string(),
        _ => return Err(no_overload()),
    };
    Ok(Value::from(value))
}

/// A double as Go writes it in its shortest form.
pub(super) fn double_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if value != 0.0 && !(1e-4..1e21).contains(&value.abs()) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) =
            exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        format!("{digits}e{sign}{exponent:0>2}")
    } else {
        format!("{value}")
    }
}

fn bytes(args: &mut Args<'_>) -> Result<Value, Error> {
    args.walk(0)?;
    match args.get(0) {
        Value::Bytes(_) => Ok(args.take(0)),
        Value::String(text) => Ok(Value::Bytes(Arc::from(text.as_bytes()))),
        _ => Err(no_overload()),
    }
}

fn boolean(args: &mut Args<'_>) -> Result<Value, Error> {
    match args.get(0) {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::String(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            text => Err(syntax("ParseBool", text)),
        },
        _ => Err(no_overload()),
    }
}
