//! How the value of a mutation changes an object: a configuration is merged in, a JSON patch is applied.

use expressions::{Record, Value};
use meta::schema::{Schema, TypeRef};
use meta::{GroupVersionKind, Tree, managed, patch};
use serde_json::json;

use super::compiled::Step;
use super::matching::Matched;
use super::objects::defaulted;

/// The object after a mutation, with its defaults; or what is wrong with the mutation.
pub(super) fn changed(
    step: &Step,
    value: &Value,
    object: Option<&Tree>,
    matched: &Matched,
) -> Result<Tree, String> {
    let object = object.cloned().unwrap_or_default();
    let ty = type_of(matched)?;
    let tree = match step {
        Step::Apply(_) => applied(value, &object, ty)?,
        Step::Patch(_) => patched(value, object)?,
    };
    finished(tree, ty, matched)
}

/// A type, and the types that it refers into.
type Typed<'a> = (&'a TypeRef, &'a Schema);

fn type_of(matched: &Matched) -> Result<Typed<'_>, String> {
    if let Some(kind) = &matched.shown_as {
        return Ok((kind.type_ref(), kind.schema()));
    }
    let ty = type_called(&matched.kind);
    let ty = ty.ok_or_else(|| format!("Resource kind {} not found", matched.kind))?;
    Ok((ty, kinds::schema()))
}

/// The type of that name: of a body, or of objects.
pub(super) fn type_called(gvk: &GroupVersionKind) -> Option<&'static TypeRef> {
    match kinds::find_body(gvk) {
        Some(body) => Some(body.type_ref()),
        None => kinds::find_kind(gvk).map(kinds::AnyKind::type_ref),
    }
}

/// The tree in canonical form, with defaults.
fn finished(mut tree: Tree, (ty, schema): Typed<'_>, matched: &Matched) -> Result<Tree, String> {
    let findings = match &matched.shown_as {
        Some(kind) => kind.canonicalize(&mut tree),
        None => meta::decode::canonicalize(&mut tree, ty, schema),
    };
    let findings = findings.map_err(|error| error.to_string())?;
    if let Some(unknown) = findings.unknown.first() {
        return Err(format!("strict decoding error: unknown field {}", meta::quote(unknown)));
    }
    match &matched.shown_as {
        Some(kind) => defaulted(&tree, &**kind),
        None => Ok(tree),
    }
}

fn applied(value: &Value, object: &Tree, (ty, schema): Typed<'_>) -> Result<Tree, String> {
    let Value::Record(record) = value else {
        return Err("unsupported return type from ApplyConfiguration expression".to_owned());
    };
    check_names(record, &record.name).map_err(|text| format!("type mismatch: {text}"))?;
    let mut config = value.to_json().map_err(|error| error.to_string())?;
    for name in ["apiVersion", "kind"] {
        config[name] = object.get(name).cloned().unwrap_or_default();
    }
    managed::configure(object, &config, ty, schema)
        .map_err(|text| format!("error applying patch: {text}"))
}

/// Records are named after the fields that they stand in, so that a name in the wrong place is noticed.
fn check_names(record: &Record, path: &str) -> Result<(), String> {
    record.fields.iter().try_for_each(|(name, value)| check_value(value, &format!("{path}.{name}")))
}

fn check_value(value: &Value, path: &str) -> Result<(), String> {
    match value {
        Value::Record(record) if *record.name != *path => Err(format!(
            "unexpected type name {}, expected {}, which matches field name path from root Object \
             type",
            meta::quote(&record.name),
            meta::quote(path)
        )),
        Value::Record(record) => check_names(record, path),
        Value::List(items) => items.iter().try_for_each(|item| check_value(item, path)),
        Value::Map(entries) => entries.values().try_for_each(|value| check_value(value, path)),
        Value::Optional(Some(value)) => check_value(value, path),
        _ => Ok(()),
    }
}

fn patched(value: &Value, mut object: Tree) -> Result<Tree, String> {
    let Value::List(operations) = value else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".to_owned());
    };
    let operations = operations.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    let before = object.clone();
    let text = Tree::Array(operations).to_string();
    match patch::json::apply(&mut object, text.as_bytes()) {
        Ok(()) => Ok(object),
        // A test that fails means that the patch is not for this object.
        Err(patch::json::Error::TestFailed(_)) => Ok(before),
        Err(error) => Err(format!("JSONPath: {error}")),
    }
}

fn operation(value: &Value) -> Result<Tree, String> {
    let Value::Record(record) = value else {
        return Err(
            "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch"
                .to_owned(),
        );
    };
    let text = |name: &str| record.fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut operation = json!({ "op": text("op"), "path": text("path") });
    if !text("from").is_empty() {
        operation["from"] = text("from").into();
    }
    if let Some(value) = record.fields.get("value") {
        if let Value::Record(record) = value {
            check_names(record, &record.name).map_err(|text| format!("type mismatch: {text}"))?;
        }
        operation["value"] = value.to_json().map_err(|error| {
            format!(
                "JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}"
            )
        })?;
    }
    Ok(operation)
}
