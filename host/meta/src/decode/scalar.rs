//! Values that are no containers: checked against their type and rewritten as Kubernetes prints
//! them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Number;

use super::DecodeError;
use super::time::{self, Precision, format_duration, parse_duration};
use crate::schema::{Schema, TypeRef};
use crate::{Quantity, Tree, json_kind};

/// As lenient as Go about the bits after the last byte, and as strict about padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The value is neither null nor, if its type is a container, reaches here.
pub(super) fn canonicalize(value: &mut Tree, ty: &TypeRef) -> Result<(), DecodeError> {
    match (ty, &mut *value) {
        (TypeRef::String | TypeRef::IntOrString, Tree::String(_))
        | (TypeRef::Bool, Tree::Bool(_)) => Ok(()),
        (TypeRef::Int32, Tree::Number(number)) => integer(number, i32::MIN, i32::MAX, "int32"),
        (TypeRef::Int64, Tree::Number(number)) => integer(number, i64::MIN, i64::MAX, "int64"),
        (TypeRef::Uint32, Tree::Number(number)) => integer(number, u32::MIN, u32::MAX, "uint32"),
        (TypeRef::Uint64, Tree::Number(number)) => integer(number, u64::MIN, u64::MAX, "uint64"),
        (TypeRef::Float64 | TypeRef::Float32 | TypeRef::Number, Tree::Number(number)) => {
            shorten(number);
            Ok(())
        }
        (TypeRef::IntOrString, Tree::Number(number)) => {
            integer(number, i32::MIN, i32::MAX, "int32")
        }
        (TypeRef::Quantity, value) => quantity(value),
        (TypeRef::Bytes, Tree::String(text)) => bytes(text),
        (TypeRef::Bytes, Tree::Array(items)) => {
            let numbers = items.iter().map(|item| item.as_u64().and_then(|n| u8::try_from(n).ok()));
            let bytes: Option<Vec<u8>> = numbers.collect();
            let bytes = bytes.ok_or_else(|| DecodeError::wrong_type("number", "uint8"))?;
            *value = Tree::String(BASE64.encode(bytes));
            Ok(())
        }
        (TypeRef::Time, Tree::String(_)) => time(value, Precision::Seconds),
        (TypeRef::MicroTime, Tree::String(_)) => time(value, Precision::Micros),
        (TypeRef::Duration, Tree::String(text)) => {
            *text = format_duration(parse_duration(text).map_err(DecodeError::value)?);
            Ok(())
        }
        (ty, value) => Err(wrong_kind(value, scalar_name(ty))),
    }
}

/// A value of the wrong kind of JSON.
pub(super) fn wrong_kind(value: &Tree, expected: impl Into<String>) -> DecodeError {
    DecodeError::wrong_type(json_kind(value), expected)
}

/// The name of a type as decoding errors show it.
pub(super) fn type_name(ty: &TypeRef, schema: &Schema) -> String {
    match ty {
        TypeRef::Struct(id) => schema.get(*id).map_or_else(String::new, |ty| {
            let package = ty.package.rsplit('/').next().unwrap_or_default();
            if package.is_empty() {
                return ty.name.to_string();
            }
            format!("{package}.{}", ty.name)
        }),
        TypeRef::List(item) => format!("[]{}", type_name(item, schema)),
        TypeRef::Map(value) => format!("map[string]{}", type_name(value, schema)),
        scalar => scalar_name(scalar).to_owned(),
    }
}

fn scalar_name(ty: &TypeRef) -> &'static str {
    match ty {
        TypeRef::Bool => "bool",
        TypeRef::Int32 | TypeRef::IntOrString => "int32",
        TypeRef::Int64 => "int64",
        TypeRef::Uint32 => "uint32",
        TypeRef::Uint64 => "uint64",
        TypeRef::Float64 | TypeRef::Number => "float64",
        TypeRef::Float32 => "float32",
        TypeRef::Bytes => "[]uint8",
        TypeRef::Quantity => "resource.Quantity",
        TypeRef::String | TypeRef::Time | TypeRef::MicroTime | TypeRef::Duration => "string",
        TypeRef::Struct(_) | TypeRef::List(_) | TypeRef::Map(_) | TypeRef::Any => "interface {}",
    }
}

fn integer<T: Into<i128>>(number: &Number, min: T, max: T, name: &str) -> Result<(), DecodeError> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match whole {
        Some(whole) if (min.into()..=max.into()).contains(&whole) => Ok(()),
        _ => Err(DecodeError::wrong_type(format!("number {number}"), name)),
    }
}

/// A number without a fraction is printed without one: `3.0` is `3`.
#[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the range")]
pub(super) fn shorten(number: &mut Number) {
    /// Whole numbers below this are exact in floating point.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.is_f64()
        && let Some(value) = number.as_f64()
        && value.fract() == 0.0
        && value.abs() < EXACT_MAX
    {
        *number = (value as i64).into();
    }
}

fn time(value: &mut Tree, precision: Precision) -> Result<(), DecodeError> {
    let text = value.as_str().unwrap_or_default();
    let canonical = time::canonical(text, precision).map_err(DecodeError::value)?;
    if is_zero_time(canonical.as_deref().unwrap_or(text)) {
        *value = Tree::Null;
    } else if let Some(text) = canonical {
        *value = Tree::String(text);
    }
    Ok(())
}

fn quantity(value: &mut Tree) -> Result<(), DecodeError> {
    let written;
    let text = match value {
        Tree::String(text) => text.trim(),
        Tree::Number(number) => {
            written = number.to_string();
            &written
        }
        _ => "",
    };
    let parsed = Quantity::parse(text).map_err(|error| DecodeError::value(error.to_string()))?;
    let shown = parsed.to_string();
    if value.as_str() != Some(&shown) {
        *value = Tree::String(shown);
    }
    Ok(())
}

/// Line breaks within base64 are allowed and not printed again.
fn bytes(text: &mut String) -> Result<(), DecodeError> {
    if text.contains(['\r', '\n']) {
        text.retain(|c| !matches!(c, '\r' | '\n'));
    }
    let decoded = BASE64.decode(text.as_bytes()).map_err(|error| {
        let at = match error {
            // What follows padding is told by where that ends.
            base64::DecodeError::InvalidByte(at, b'=') => match at % 4 {
                2 if text.as_bytes().get(at + 1) == Some(&b'=') => at + 2,
                3 => at + 1,
                _ => at,
            },
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            // An incomplete group is told by where it begins, incomplete padding by where it ends.
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                if text.ends_with('=') { text.len() } else { text.len() / 4 * 4 }
            }
        };
        DecodeError::value(format!("illegal base64 data at input byte {at}"))
    })?;
    // Only the bits after the last byte can differ from what would be printed.
    let last_group = decoded.len() - decoded.len() % 3;
    if last_group < decoded.len() {
        text.truncate(last_group / 3 * 4);
        BASE64.encode_string(&decoded[last_group..], text);
    }
    Ok(())
}

/// The zero of Go's times, which prints as null.
fn is_zero_time(text: &str) -> bool {
    matches!(text, "0001-01-01T00:00:00Z" | "0001-01-01T00:00:00.000000Z")
}
