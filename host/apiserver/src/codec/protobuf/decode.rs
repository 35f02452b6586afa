//! From protobuf to trees. Fields that the type does not have are skipped, as protobuf has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use meta::Tree;
use meta::decode::DEPTH_MAX;
use meta::schema::{Field, TypeRef};
use serde_json::Map;

use super::{Either, Embedded, Layout, MAGIC};
use crate::codec::decode::Expected;

/// Why bytes are no protobuf object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    )]
    NotKubernetes,
    #[error("unexpected end of protobuf data")]
    Truncated,
    #[error("protobuf data has a field of wire type {0}, which its type does not have")]
    WireType(u8),
    #[error("protobuf data is nested too deeply")]
    TooDeep,
    #[error("protobuf data has a text that is no UTF-8")]
    NoText,
    #[error("protobuf data has a raw value that is no JSON")]
    NotJson,
}

/// The `apiVersion` and `kind` that an envelope names.
pub(crate) fn type_of(bytes: &[u8]) -> Result<(String, String), ProtobufError> {
    open(bytes).map(|(api_version, kind, _)| (api_version, kind))
}

/// A body as a tree, with the type that the envelope names.
pub(crate) fn decode(bytes: &[u8], expected: &Expected<'_>) -> Result<Tree, ProtobufError> {
    let (api_version, kind, raw) = open(bytes)?;
    let mut tree = match Layout::find(expected.ty) {
        Some(layout) => message(raw, layout, 0)?,
        None => Tree::Object(Map::new()),
    };
    if let Tree::Object(object) = &mut tree {
        object.insert("apiVersion".to_owned(), api_version.into());
        object.insert("kind".to_owned(), kind.into());
    }
    // Messages are bounded, and so are the raw values in them: both together are not.
    if meta::decode::depth(&tree) > DEPTH_MAX { Err(ProtobufError::TooDeep) } else { Ok(tree) }
}

/// `apiVersion`, `kind` and the bytes of the object.
fn open(bytes: &[u8]) -> Result<(String, String, &[u8]), ProtobufError> {
    let mut envelope = Reader(bytes.strip_prefix(MAGIC).ok_or(ProtobufError::NotKubernetes)?);
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), [].as_slice());
    while let Some((number, value)) = envelope.next()? {
        match (number, value) {
            (1, Value::Bytes(type_meta)) => {
                let mut type_meta = Reader(type_meta);
                while let Some((number, value)) = type_meta.next()? {
                    match (number, value) {
                        (1, Value::Bytes(text)) => api_version = utf8(text)?,
                        (2, Value::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Value::Bytes(object)) => raw = object,
            _ => {}
        }
    }
    Ok((api_version, kind, raw))
}

/// One value as the wire has it.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(ProtobufError::Truncated)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ProtobufError::Truncated)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ProtobufError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(ProtobufError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed(&mut self, len: usize) -> Result<u64, ProtobufError> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().rev().fold(0, |value, &byte| (value << 8) | u64::from(byte)))
    }

    fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, ProtobufError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::Truncated)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(self.fixed(8)?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| ProtobufError::Truncated)?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Number(self.fixed(4)?),
            other => return Err(ProtobufError::WireType(u8::try_from(other).unwrap_or(u8::MAX))),
        };
        Ok(Some((number, value)))
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::NoText)
}

fn message(bytes: &[u8], layout: &Layout, depth: usize) -> Result<Tree, ProtobufError> {
    if depth > DEPTH_MAX {
        return Err(ProtobufError::TooDeep);
    }
    let mut object = Map::new();
    let level = Level { depth: 0, embedded: layout.embedded };
    spread(&mut object, bytes, layout, level, depth)?;
    Ok(Tree::Object(object))
}

/// A message among those that a type's fields are spread over.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    embedded: Option<&'static Embedded>,
}

fn spread(
    object: &mut Map<String, Tree>,
    bytes: &[u8],
    layout: &Layout,
    level: Level,
    depth: usize,
) -> Result<(), ProtobufError> {
    let mut reader = Reader(bytes);
    while let Some((number, value)) = reader.next()? {
        match (level.embedded, value) {
            (Some(embedded), Value::Bytes(bytes)) if embedded.number == number => {
                let inner = Level { depth: level.depth + 1, embedded: embedded.inner };
                spread(object, bytes, layout, inner, depth)?;
            }
            (_, value) => {
                if let Some(field) = layout.field(number, level.depth) {
                    match (layout.either(field), value) {
                        (Some(form), Value::Bytes(bytes)) => {
                            either(object, field, form, bytes, layout, depth)?;
                        }
                        (_, value) => place(object, field, value, depth)?,
                    }
                }
            }
        }
    }
    Ok(())
}

/// A field of a schema, which may be a schema itself.
fn either(
    object: &mut Map<String, Tree>,
    field: &Field,
    form: Either,
    bytes: &[u8],
    schema: &Layout,
    depth: usize,
) -> Result<(), ProtobufError> {
    let name = field.name.to_string();
    if !matches!(field.ty, TypeRef::Map(_)) {
        object.insert(name, form_of(form, bytes, schema, depth)?);
        return Ok(());
    }
    let mut reader = Reader(bytes);
    let (mut key, mut value) = (String::new(), Tree::Null);
    while let Some((number, part)) = reader.next()? {
        match (number, part) {
            (1, Value::Bytes(text)) => key = utf8(text)?,
            (2, Value::Bytes(bytes)) => value = form_of(form, bytes, schema, depth)?,
            _ => {}
        }
    }
    let entries = object.entry(name).or_insert_with(|| Tree::Object(Map::new()));
    if let Tree::Object(entries) = entries {
        entries.insert(key, value);
    }
    Ok(())
}

/// A list counts more than a schema, and a schema more than a boolean.
fn form_of(
    form: Either,
    bytes: &[u8],
    schema: &Layout,
    depth: usize,
) -> Result<Tree, ProtobufError> {
    let (mut own, mut list, mut allows) = (None, Vec::new(), false);
    let mut reader = Reader(bytes);
    while let Some((number, value)) = reader.next()? {
        match (form, number, value) {
            (Either::Schemas | Either::Names, 1, Value::Bytes(bytes))
            | (Either::Bool, 2, Value::Bytes(bytes)) => {
                own = Some(message(bytes, schema, depth + 1)?);
            }
            (Either::Schemas, 2, Value::Bytes(bytes)) => {
                list.push(message(bytes, schema, depth + 1)?);
            }
            (Either::Names, 2, Value::Bytes(text)) => list.push(utf8(text)?.into()),
            (Either::Bool, 1, Value::Number(number)) => allows = number != 0,
            _ => {}
        }
    }
    Ok(match (own, form) {
        _ if !list.is_empty() => list.into(),
        (Some(schema), _) => schema,
        (None, Either::Bool) => allows.into(),
        (None, Either::Schemas | Either::Names) => Tree::Null,
    })
}

/// Lists and maps come one element at a time.
fn place(
    object: &mut Map<String, Tree>,
    field: &Field,
    value: Value<'_>,
    depth: usize,
) -> Result<(), ProtobufError> {
    let name = field.name.to_string();
    // A named type of a list is one more message.
    if field.wrapped && matches!(field.ty, TypeRef::List(_)) {
        object.insert(name, single(&field.ty, value, depth)?);
        return Ok(());
    }
    match &field.ty {
        TypeRef::List(item) => {
            let list = object.entry(name).or_insert_with(|| Tree::Array(Vec::new()));
            let packed = match value {
                Value::Bytes(bytes) if is_number(item) => Some(bytes),
                _ => None,
            };
            let Tree::Array(items) = list else { return Ok(()) };
            if let Some(bytes) = packed {
                let mut reader = Reader(bytes);
                while !reader.0.is_empty() {
                    items.push(single(item, Value::Number(reader.varint()?), depth)?);
                }
            } else {
                items.push(single(item, value, depth)?);
            }
        }
        TypeRef::Map(item) => {
            let Value::Bytes(bytes) = value else { return Err(ProtobufError::WireType(0)) };
            let (key, value) = entry(bytes, item, depth)?;
            if let Tree::Object(entries) =
                object.entry(name).or_insert_with(|| Tree::Object(Map::new()))
            {
                entries.insert(key, value);
            }
        }
        ty => {
            object.insert(name, single(ty, value, depth)?);
        }
    }
    Ok(())
}

/// A list in a message of its own, whose first field holds the elements.
fn list(item: &TypeRef, bytes: &[u8], depth: usize) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    let mut items = Vec::new();
    while let Some((number, value)) = reader.next()? {
        if number == 1 {
            items.push(single(item, value, depth)?);
        }
    }
    Ok(Tree::Array(items))
}

fn entry(bytes: &[u8], item: &TypeRef, depth: usize) -> Result<(String, Tree), ProtobufError> {
    let mut reader = Reader(bytes);
    let (mut key, mut value) = (String::new(), None);
    while let Some((number, part)) = reader.next()? {
        match (number, part) {
            (1, Value::Bytes(text)) => key = utf8(text)?,
            (2, part) => value = Some(single(item, part, depth)?),
            _ => {}
        }
    }
    let empty = || match item {
        TypeRef::List(_) => Tree::Array(Vec::new()),
        _ => Tree::String(String::new()),
    };
    Ok((key, value.unwrap_or_else(empty)))
}

const fn is_number(ty: &TypeRef) -> bool {
    matches!(
        ty,
        TypeRef::Bool | TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint32 | TypeRef::Uint64
    )
}

fn single(ty: &TypeRef, value: Value<'_>, depth: usize) -> Result<Tree, ProtobufError> {
    match (ty, value) {
        (TypeRef::Bool, Value::Number(number)) => Ok(Tree::Bool(number != 0)),
        (TypeRef::Int32 | TypeRef::Int64, Value::Number(number)) => Ok(number.cast_signed().into()),
        (TypeRef::Uint32 | TypeRef::Uint64, Value::Number(number)) => Ok(number.into()),
        (TypeRef::Float64, Value::Number(bits)) => Ok(f64::from_bits(bits).into()),
        (TypeRef::Float32, Value::Number(bits)) => {
            Ok(f32::from_bits(u32::try_from(bits).unwrap_or_default()).into())
        }
        (TypeRef::String, Value::Bytes(text)) => Ok(utf8(text)?.into()),
        (TypeRef::Bytes, Value::Bytes(bytes)) => Ok(BASE64.encode(bytes).into()),
        (TypeRef::Quantity, Value::Bytes(bytes)) => first_text(bytes),
        (TypeRef::Time, Value::Bytes(bytes)) => time(bytes, false),
        (TypeRef::MicroTime, Value::Bytes(bytes)) => time(bytes, true),
        (TypeRef::Duration, Value::Bytes(bytes)) => first_number(bytes),
        (TypeRef::IntOrString, Value::Bytes(bytes)) => int_or_string(bytes),
        (TypeRef::Any, Value::Bytes(bytes)) => raw(bytes),
        (TypeRef::List(item), Value::Bytes(bytes)) => list(item, bytes, depth),
        (TypeRef::Struct(id), Value::Bytes(bytes)) => match Layout::get(*id) {
            Some(layout) => message(bytes, layout, depth + 1),
            None => Ok(Tree::Object(Map::new())),
        },
        (_, Value::Number(_)) => Err(ProtobufError::WireType(0)),
        (_, Value::Bytes(_)) => Err(ProtobufError::WireType(2)),
    }
}

fn first_text(bytes: &[u8]) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    let mut text = String::new();
    while let Some((number, value)) = reader.next()? {
        if let (1, Value::Bytes(bytes)) = (number, value) {
            text = utf8(bytes)?;
        }
    }
    Ok(text.into())
}

fn first_number(bytes: &[u8]) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    let mut found = 0;
    while let Some((number, value)) = reader.next()? {
        if let (1, Value::Number(value)) = (number, value) {
            found = value.cast_signed();
        }
    }
    Ok(found.into())
}

/// Seconds and nanoseconds; the zero time is `null` in JSON.
fn time(bytes: &[u8], micros: bool) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    let (mut secs, mut nanos) = (None, 0);
    while let Some((number, value)) = reader.next()? {
        match (number, value) {
            (1, Value::Number(value)) => secs = Some(value.cast_signed()),
            (2, Value::Number(value)) => {
                nanos = i32::try_from(value.cast_signed()).unwrap_or_default();
            }
            _ => {}
        }
    }
    let Some(stamp) = secs.and_then(|secs| jiff::Timestamp::new(secs, nanos).ok()) else {
        return Ok(Tree::Null);
    };
    Ok(if micros { format!("{stamp:.6}") } else { format!("{stamp:.0}") }.into())
}

fn int_or_string(bytes: &[u8]) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    while let Some((field, value)) = reader.next()? {
        match (field, value) {
            (1, Value::Number(kind)) => is_text = kind == 1,
            (2, Value::Number(value)) => number = value.cast_signed(),
            (3, Value::Bytes(bytes)) => text = utf8(bytes)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

/// A raw extension, field set or JSON value: its first field holds JSON.
fn raw(bytes: &[u8]) -> Result<Tree, ProtobufError> {
    let mut reader = Reader(bytes);
    while let Some((number, value)) = reader.next()? {
        if let (1, Value::Bytes(json)) = (number, value) {
            return meta::decode::parse_json(json)
                .map(|parsed| parsed.tree)
                .map_err(|_| ProtobufError::NotJson);
        }
    }
    Ok(Tree::Null)
}
