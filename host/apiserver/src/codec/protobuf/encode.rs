//! From trees to protobuf. Trees that are sent are right by construction: a value that does not fit its type is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use meta::Tree;
use meta::schema::{Field, Struct, TypeRef};

use super::{Layout, MAGIC};

/// A tree with its envelope.
pub(crate) fn encode(tree: &Tree, ty: &TypeRef) -> Vec<u8> {
    let text = |name| tree.get(name).and_then(Tree::as_str).unwrap_or_default();
    let mut type_meta = Vec::new();
    bytes(&mut type_meta, 1, text("apiVersion").as_bytes());
    bytes(&mut type_meta, 2, text("kind").as_bytes());
    let mut object = Vec::new();
    if let Some(ty) = kinds::schema().resolve(ty) {
        message(&mut object, tree, ty);
    }
    let mut out = MAGIC.to_vec();
    bytes(&mut out, 1, &type_meta);
    bytes(&mut out, 2, &object);
    // Go writes the content's encoding and type though they are empty.
    bytes(&mut out, 3, b"");
    bytes(&mut out, 4, b"");
    out
}

fn message(out: &mut Vec<u8>, tree: &Tree, ty: &Struct) {
    let layout = Layout::of(ty);
    let mut inner = Vec::new();
    place_all(&mut inner, tree, layout.inner());
    if let Some(number) = layout.embedded() {
        bytes(out, number, &inner);
    }
    place_all(out, tree, layout.outer());
}

fn place_all<'a>(out: &mut Vec<u8>, tree: &Tree, fields: impl Iterator<Item = &'a Field>) {
    for field in fields {
        if let Some(value) = tree.get(&*field.name).filter(|value| !value.is_null()) {
            place(out, field, value);
        }
    }
}

fn place(out: &mut Vec<u8>, field: &Field, value: &Tree) {
    if field.wrapped {
        let mut inner = Vec::new();
        elements(&mut inner, 1, &field.ty, value);
        bytes(out, field.proto, &inner);
    } else {
        elements(out, field.proto, &field.ty, value);
    }
}

/// Lists and maps are written one element at a time.
fn elements(out: &mut Vec<u8>, number: u32, ty: &TypeRef, value: &Tree) {
    match (ty, value) {
        (TypeRef::List(item), Tree::Array(items)) => {
            for value in items {
                single(out, number, item, value);
            }
        }
        (TypeRef::Map(item), Tree::Object(entries)) => {
            for (key, value) in entries {
                let mut entry = Vec::new();
                bytes(&mut entry, 1, key.as_bytes());
                single(&mut entry, 2, item, value);
                bytes(out, number, &entry);
            }
        }
        (ty, value) => single(out, number, ty, value),
    }
}

fn single(out: &mut Vec<u8>, number: u32, ty: &TypeRef, value: &Tree) {
    let mut inner = Vec::new();
    match ty {
        TypeRef::Bool => {
            return varint_field(out, number, u64::from(value.as_bool().unwrap_or(false)));
        }
        TypeRef::Int32 | TypeRef::Int64 => {
            return varint_field(out, number, value.as_i64().unwrap_or(0).cast_unsigned());
        }
        TypeRef::Uint32 | TypeRef::Uint64 => {
            return varint_field(out, number, value.as_u64().unwrap_or(0));
        }
        TypeRef::Float64 | TypeRef::Number => {
            varint(out, u64::from(number) << 3 | 1);
            out.extend_from_slice(&value.as_f64().unwrap_or(0.0).to_le_bytes());
            return;
        }
        TypeRef::Float32 => {
            varint(out, u64::from(number) << 3 | 5);
            #[expect(clippy::cast_possible_truncation, reason = "the field has no more precision")]
            let narrow = value.as_f64().unwrap_or(0.0) as f32;
            out.extend_from_slice(&narrow.to_le_bytes());
            return;
        }
        TypeRef::String => {
            return bytes(out, number, value.as_str().unwrap_or_default().as_bytes());
        }
        TypeRef::Bytes => {
            return bytes(
                out,
                number,
                &BASE64.decode(value.as_str().unwrap_or_default()).unwrap_or_default(),
            );
        }
        TypeRef::Quantity => bytes(&mut inner, 1, value.as_str().unwrap_or_default().as_bytes()),
        TypeRef::Time | TypeRef::MicroTime => time(&mut inner, value),
        TypeRef::Duration => {
            varint_field(&mut inner, 1, value.as_i64().unwrap_or(0).cast_unsigned());
        }
        TypeRef::IntOrString => match value {
            Tree::String(text) => {
                varint_field(&mut inner, 1, 1);
                varint_field(&mut inner, 2, 0);
                bytes(&mut inner, 3, text.as_bytes());
            }
            number => {
                varint_field(&mut inner, 1, 0);
                varint_field(&mut inner, 2, number.as_i64().unwrap_or(0).cast_unsigned());
                bytes(&mut inner, 3, b"");
            }
        },
        TypeRef::Any => bytes(&mut inner, 1, value.to_string().as_bytes()),
        TypeRef::Struct(id) => {
            if let Some(ty) = kinds::schema().get(*id) {
                message(&mut inner, value, ty);
            }
        }
        // Protobuf has no lists of lists.
        TypeRef::List(_) | TypeRef::Map(_) => return,
    }
    bytes(out, number, &inner);
}

/// Seconds and nanoseconds; the zero time is an empty message.
fn time(out: &mut Vec<u8>, value: &Tree) {
    let Some(stamp) = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) else {
        return;
    };
    varint_field(out, 1, stamp.as_second().cast_unsigned());
    varint_field(out, 2, i64::from(stamp.subsec_nanosecond()).cast_unsigned());
}

fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    varint(out, u64::from(number) << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    varint(out, u64::from(number) << 3);
    varint(out, value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}
