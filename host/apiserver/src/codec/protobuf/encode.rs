//! From JSON to protobuf in one pass over the bytes: lists of stored objects are as long as a client likes, and a tree of each would cost more than
//! all else.
//!
//! The JSON is this server's own, compact and right by construction: a value that does not fit its type is left out. Fields come in the
//! order of their type, as Go writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use meta::schema::{Field, TypeRef};

use super::json::Json;
use super::{Either, Embedded, Layout, MAGIC};

/// An object with its envelope, which names the object's type.
pub(crate) fn encode(json: &[u8], ty: &TypeRef) -> Vec<u8> {
    let mut object = Vec::with_capacity(json.len());
    message_of(&mut object, json, ty);
    let text = |name| meta::member(json, name).map(|value| Json::new(value).text());
    let [api_version, kind] = ["apiVersion", "kind"].map(|name| text(name).unwrap_or_default());
    let mut out = Vec::with_capacity(object.len() + 64);
    begin(&mut out, &api_version, &kind, object.len());
    out.extend_from_slice(&object);
    end(&mut out);
    out
}

/// What stands before an object of a known length in its envelope.
pub(crate) fn begin(out: &mut Vec<u8>, api_version: &str, kind: &str, len: usize) {
    let mut type_meta = Vec::new();
    bytes(&mut type_meta, 1, api_version.as_bytes());
    bytes(&mut type_meta, 2, kind.as_bytes());
    out.extend_from_slice(MAGIC);
    bytes(out, 1, &type_meta);
    key(out, 2, WIRE_BYTES);
    varint(out, len as u64);
}

/// What stands behind it: Go writes the content's encoding and type though they are empty.
pub(crate) fn end(out: &mut Vec<u8>) {
    bytes(out, 3, b"");
    bytes(out, 4, b"");
}

/// The message of an object, without an envelope.
pub(crate) fn message_of(out: &mut Vec<u8>, json: &[u8], ty: &TypeRef) {
    if let Some(layout) = Layout::find(ty) {
        message(out, &mut Json::new(json), layout);
    }
}

/// One element of a list that is a field of its own: `items` of a list of objects.
pub(crate) fn element(out: &mut Vec<u8>, number: u32, json: &[u8], ty: &TypeRef) {
    single(out, number, ty, &mut Json::new(json));
}

/// An event of a watch: its length in four bytes, then its type and its object. The object has its envelope, the event has none.
pub(crate) fn event(name: &str, object: &[u8]) -> Vec<u8> {
    let mut out = vec![0; LENGTH_BYTES];
    out.reserve(object.len() + 32);
    bytes(&mut out, 1, name.as_bytes());
    nested(&mut out, 2, |out| bytes(out, 1, object));
    let len = u32::try_from(out.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
    out.splice(..LENGTH_BYTES, len.to_be_bytes());
    out
}

const LENGTH_BYTES: usize = size_of::<u32>();

const WIRE_VARINT: u64 = 0;
const WIRE_64: u64 = 1;
const WIRE_BYTES: u64 = 2;
const WIRE_32: u64 = 5;

/// An encoded field.
struct Part {
    number: u32,
    /// How many messages deep it belongs.
    depth: usize,
    begin: usize,
    end: usize,
}

fn message(out: &mut Vec<u8>, json: &mut Json<'_>, layout: &Layout) {
    let start = out.len();
    let mut parts = Vec::new();
    json.members(|json, name| {
        let Some((field, depth)) =
            layout.ty.field(name).and_then(|field| Some((field, layout.depth(field)?)))
        else {
            return json.skip();
        };
        let begin = out.len() - start;
        match layout.either(field) {
            Some(form) if !json.is_null() => either(out, field, form, json, layout),
            _ => place(out, field, json),
        }
        parts.push(Part { number: field.proto, depth, begin, end: out.len() - start });
    });
    if layout.embedded.is_none() && parts.is_sorted_by_key(|part| part.number) {
        return;
    }
    parts.sort_unstable_by_key(|part| part.number);
    let encoded = out.split_off(start);
    arrange(out, &encoded, &parts, 0, layout.embedded);
}

/// Puts the fields of a message, and the message that it embeds, in the order of their numbers.
fn arrange(
    out: &mut Vec<u8>,
    encoded: &[u8],
    parts: &[Part],
    depth: usize,
    embedded: Option<&Embedded>,
) {
    let mut own = parts.iter().filter(|part| part.depth == depth).peekable();
    let copy = |out: &mut Vec<u8>, part: &Part| {
        out.extend_from_slice(encoded.get(part.begin..part.end).unwrap_or_default());
    };
    if let Some(embedded) = embedded {
        while let Some(part) = own.next_if(|part| part.number < embedded.number) {
            copy(out, part);
        }
        nested(out, embedded.number, |out| {
            arrange(out, encoded, parts, depth + 1, embedded.inner);
        });
    }
    own.for_each(|part| copy(out, part));
}

fn place(out: &mut Vec<u8>, field: &Field, json: &mut Json<'_>) {
    if json.is_null() {
        json.skip();
    } else if field.wrapped && matches!(field.ty, TypeRef::List(_)) {
        single(out, field.proto, &field.ty, json);
    } else {
        elements(out, field.proto, &field.ty, json);
    }
}

/// A field of a schema, which may be a schema itself.
fn either(out: &mut Vec<u8>, field: &Field, form: Either, json: &mut Json<'_>, schema: &Layout) {
    if matches!(field.ty, TypeRef::Map(_)) {
        return json.members(|json, name| {
            nested(out, field.proto, |out| {
                bytes(out, 1, name.as_bytes());
                nested(out, 2, |out| form_of(out, form, json, schema));
            });
        });
    }
    nested(out, field.proto, |out| form_of(out, form, json, schema));
}

fn form_of(out: &mut Vec<u8>, form: Either, json: &mut Json<'_>, schema: &Layout) {
    let of_schema = |out: &mut Vec<u8>, number, json: &mut Json<'_>| {
        nested(out, number, |out| message(out, json, schema));
    };
    match form {
        Either::Schemas if json.is_list() => json.items(|json| of_schema(out, 2, json)),
        Either::Names if json.is_list() => {
            json.items(|json| single(out, 2, &TypeRef::String, json));
        }
        Either::Schemas | Either::Names => of_schema(out, 1, json),
        Either::Bool if json.is_object() => {
            varint_field(out, 1, 1);
            of_schema(out, 2, json);
        }
        Either::Bool => single(out, 1, &TypeRef::Bool, json),
    }
}

/// Lists and maps are written one element at a time.
fn elements(out: &mut Vec<u8>, number: u32, ty: &TypeRef, json: &mut Json<'_>) {
    match ty {
        TypeRef::List(item) => json.items(|json| single(out, number, item, json)),
        TypeRef::Map(item) => json.members(|json, name| {
            nested(out, number, |out| {
                bytes(out, 1, name.as_bytes());
                single(out, 2, item, json);
            });
        }),
        ty => single(out, number, ty, json),
    }
}

fn single(out: &mut Vec<u8>, number: u32, ty: &TypeRef, json: &mut Json<'_>) {
    match ty {
        TypeRef::Bool => varint_field(out, number, u64::from(json.raw() == "true")),
        TypeRef::Int32 | TypeRef::Int64 => {
            varint_field(out, number, json.number::<i64>().cast_unsigned());
        }
        TypeRef::Uint32 | TypeRef::Uint64 => varint_field(out, number, json.number()),
        TypeRef::Float64 | TypeRef::Number => {
            key(out, number, WIRE_64);
            out.extend_from_slice(&json.number::<f64>().to_le_bytes());
        }
        TypeRef::Float32 => {
            key(out, number, WIRE_32);
            out.extend_from_slice(&json.number::<f32>().to_le_bytes());
        }
        TypeRef::String => bytes(out, number, json.text().as_bytes()),
        TypeRef::Bytes => {
            let decoded = BASE64.decode(json.text().as_bytes()).unwrap_or_default();
            bytes(out, number, &decoded);
        }
        TypeRef::Quantity => nested(out, number, |out| bytes(out, 1, json.text().as_bytes())),
        TypeRef::Time | TypeRef::MicroTime => nested(out, number, |out| time(out, &json.text())),
        TypeRef::Duration => {
            let nanos = meta::decode::parse_duration(&json.text()).unwrap_or_default();
            nested(out, number, |out| varint_field(out, 1, nanos.cast_unsigned()));
        }
        TypeRef::IntOrString => nested(out, number, |out| int_or_string(out, json)),
        TypeRef::Any => nested(out, number, |out| bytes(out, 1, json.raw().as_bytes())),
        TypeRef::Struct(id) => nested(out, number, |out| match Layout::get(*id) {
            Some(layout) => message(out, json, layout),
            None => json.skip(),
        }),
        // Protobuf has no maps of lists: such a list is in a message of its own.
        ty @ TypeRef::List(_) => nested(out, number, |out| elements(out, 1, ty, json)),
        TypeRef::Map(_) => json.skip(),
    }
}

fn int_or_string(out: &mut Vec<u8>, json: &mut Json<'_>) {
    let (is_text, number, text) = if json.is_text() {
        (true, 0, json.text())
    } else {
        (false, json.number::<i64>(), "".into())
    };
    varint_field(out, 1, u64::from(is_text));
    varint_field(out, 2, number.cast_unsigned());
    bytes(out, 3, text.as_bytes());
}

/// Seconds and nanoseconds; the zero time is an empty message.
fn time(out: &mut Vec<u8>, text: &str) {
    let Ok(stamp) = text.parse::<jiff::Timestamp>() else { return };
    varint_field(out, 1, stamp.as_second().cast_unsigned());
    varint_field(out, 2, i64::from(stamp.subsec_nanosecond()).cast_unsigned());
}

/// A message or text whose length shows when it has been written. Most are short: one byte is left for it.
fn nested(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, number, WIRE_BYTES);
    let at = out.len();
    out.push(0);
    write(out);
    let len = out.len() - at - 1;
    match (u8::try_from(len), out.get_mut(at)) {
        (Ok(short @ ..0x80), Some(place)) => *place = short,
        _ => {
            let mut prefix = Vec::with_capacity(8);
            varint(&mut prefix, len as u64);
            out.splice(at..=at, prefix);
        }
    }
}

fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    key(out, number, WIRE_BYTES);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    key(out, number, WIRE_VARINT);
    varint(out, value);
}

fn key(out: &mut Vec<u8>, number: u32, wire: u64) {
    varint(out, u64::from(number) << 3 | wire);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}
