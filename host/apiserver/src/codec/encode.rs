//! From trees to bytes: answers in JSON or YAML, and the form in which objects are stored.
//!
//! A stored object begins with `apiVersion`, `kind` and `metadata`, and `metadata` begins with `resourceVersion`: so the store can put the
//! revision in without reading the object, and a list can leave out the first two, as Kubernetes' typed lists do, by skipping a prefix.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use kinds::KindInfo;
use meta::schema::TypeRef;
use meta::{GroupVersion, Tree};
use serde_json::Map;
use store::Body as Stored;

use crate::body::Body;
use crate::codec::negotiate::{Accepted, Format};
use crate::codec::{protobuf, yaml};

/// A tree as bytes of an answer.
pub(crate) fn value(tree: &Tree, accepted: Accepted) -> Bytes {
    let mut bytes = match accepted.format {
        Format::Yaml => return yaml::write(tree).into(),
        Format::Protobuf => return as_protobuf(&plain(tree)),
        Format::Json if accepted.pretty => {
            serde_json::to_vec_pretty(tree).expect("a tree has text keys only")
        }
        Format::Json => compact(tree),
    };
    bytes.push(b'\n');
    bytes.into()
}

/// JSON of a known type as protobuf; a type that nobody knows is empty there.
pub(crate) fn as_protobuf(json: &[u8]) -> Bytes {
    let text = |name| {
        let found = meta::member(json, name).map(serde_json::from_slice::<String>);
        found.and_then(Result::ok).unwrap_or_default()
    };
    let version = GroupVersion::parse(&text("apiVersion")).unwrap_or_default();
    let kind = text("kind");
    let gvk = version.with_kind(kind.clone());
    let single = kinds::find_kind(&gvk).map(kinds::AnyKind::type_ref);
    let list = || {
        let of_items = kinds::all().iter().find(|candidate| {
            let info = candidate.info();
            info.list_kind == kind && info.group == version.group && info.version == version.version
        })?;
        list_type(of_items.info())
    };
    if let Some(ty) = single.or_else(|| kinds::find_body(&gvk).map(kinds::Body::type_ref)) {
        return protobuf::encode(json, ty).into();
    }
    list().map(|ty| protobuf::encode(json, &ty)).unwrap_or_default().into()
}

/// The type of a list of a kind's objects.
pub(crate) fn list_type(info: &KindInfo) -> Option<TypeRef> {
    kinds::schema().find(&format!("{}List", info.type_name)).map(TypeRef::Struct)
}

/// A tree as compact JSON.
pub(crate) fn plain(tree: &Tree) -> Bytes {
    compact(tree).into()
}

fn compact(tree: &Tree) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    meta::write_json(tree, &mut bytes);
    bytes
}

/// Stored bytes as bytes of an answer. Only people and YAML need a tree for another form than the stored one.
pub(crate) fn stored_bytes(body: &Bytes, accepted: Accepted) -> Bytes {
    match accepted.format {
        Format::Json if !accepted.pretty => body.clone(),
        Format::Protobuf => as_protobuf(body.trim_ascii_end()),
        Format::Json | Format::Yaml => {
            let tree: Tree = serde_json::from_slice(body).expect("stored bodies are JSON");
            value(&tree, accepted)
        }
    }
}

/// An answer with a body in the agreed form.
pub(crate) fn response(code: StatusCode, accepted: Accepted, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes));
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(accepted.format.media_type()));
    response
}

/// An object that is not stored as it is served, in the order of stored ones.
pub(crate) fn served(tree: &Tree) -> Bytes {
    let empty = Map::new();
    let object = tree.as_object().unwrap_or(&empty);
    let mut out = type_prefix(object);
    let metadata = object.get("metadata").unwrap_or(&Tree::Null);
    field(&mut out, "metadata", metadata);
    rest(out, object).into()
}

/// The stored form of an object.
pub(crate) fn stored(tree: &Tree) -> Stored {
    let empty = Map::new();
    let object = tree.as_object().unwrap_or(&empty);
    let mut out = type_prefix(object);
    out.extend_from_slice(b"\"metadata\":{\"resourceVersion\":\"");
    let revision_at = out.len();
    out.push(b'"');
    let metadata = object.get("metadata").and_then(Tree::as_object).unwrap_or(&empty);
    for (key, value) in metadata.iter().filter(|(key, _)| *key != "resourceVersion") {
        out.push(b',');
        field(&mut out, key, value);
    }
    out.push(b'}');
    Stored::new(rest(out, object), revision_at)
}

fn type_prefix(object: &Map<String, Tree>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.push(b'{');
    for key in ["apiVersion", "kind"] {
        field(&mut out, key, object.get(key).unwrap_or(&Tree::Null));
        out.push(b',');
    }
    out
}

fn rest(mut out: Vec<u8>, object: &Map<String, Tree>) -> Vec<u8> {
    for (key, value) in
        object.iter().filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"))
    {
        out.push(b',');
        field(&mut out, key, value);
    }
    out.push(b'}');
    out
}

fn field(out: &mut Vec<u8>, key: &str, value: &Tree) {
    meta::write_json_text(key, out);
    out.push(b':');
    meta::write_json(value, out);
}

/// How many bytes of a stored object of the kind a list leaves out, the opening brace included.
pub(crate) fn type_prefix_len(info: &KindInfo) -> usize {
    format!("{{\"apiVersion\":\"{}\",\"kind\":\"{}\",", info.api_version(), info.kind).len()
}

#[cfg(test)]
mod tests;
