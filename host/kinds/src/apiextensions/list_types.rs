//! Lists that are sets or maps: what their items must be for it.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};

use super::ratchet::Options;
use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;

pub(super) fn check(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, options: &Options) {
    let (ty, kind) = (schema.type_.or_empty(), schema.x_kubernetes_list_type.as_deref());
    let kind_at = at.field("x-kubernetes-list-type");
    if kind.is_some() && ty != "array" {
        let detail = "must be array if x-kubernetes-list-type is specified";
        wrong_type(errors, &at.field("type"), ty, detail);
    } else if options.requires_atomic_items && kind == Some("set") {
        atomic_items(errors, at, schema);
    }
    if let Some(kind) = kind {
        errors.one_of(&kind_at, kind, &["atomic", "set", "map"]);
    }
    let keys = schema.x_kubernetes_list_map_keys.or_empty();
    let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    match kind {
        None if !keys.is_empty() => errors.required(&kind_at, detail),
        Some(kind) if !keys.is_empty() && kind != "map" => errors.invalid(&kind_at, kind, detail),
        Some("map") => map(errors, at, schema, keys),
        _ => {}
    }
    if options.requires_sound_keys {
        sound_keys(errors, at, schema);
    }
}

/// A type that must be another, or be said.
pub(super) fn wrong_type(errors: &mut Errors, at: &At<'_>, ty: &str, detail: &str) {
    if ty.is_empty() {
        errors.required(at, detail);
    } else {
        errors.invalid(at, ty, detail);
    }
}

fn item_of(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => Some(item),
        _ => None,
    }
}

/// Items of a set are compared as a whole.
fn atomic_items(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps) {
    let Some(field) = item_of(schema).and_then(divisible) else { return };
    let items_at = at.field("items");
    // Kubernetes shows the list type for a map too.
    let kind = item_of(schema).and_then(|item| item.x_kubernetes_list_type.as_deref());
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    errors.invalid(&items_at.field(field), kind, detail);
}

/// The field that should say that a list or map is atomic, if it does not.
fn divisible(item: &JSONSchemaProps) -> Option<&'static str> {
    let list = item.x_kubernetes_list_type.as_deref();
    match item.type_.or_empty() {
        "array" if !matches!(list, None | Some("atomic")) => Some("x-kubernetes-list-type"),
        "object" if item.x_kubernetes_map_type.as_deref() != Some("atomic") => {
            Some("x-kubernetes-map-type")
        }
        _ => None,
    }
}

/// Whether a schema is that of a set whose items are not compared as a whole.
pub(super) fn has_divisible_items(schema: &JSONSchemaProps) -> bool {
    schema.x_kubernetes_list_type.as_deref() == Some("set")
        && item_of(schema).and_then(divisible).is_some()
}

fn map(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, keys: &[String]) {
    let (keys_at, items_at) = (at.field("x-kubernetes-list-map-keys"), at.field("items"));
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.required(&keys_at, detail);
    }
    let item = match &schema.items {
        None => {
            errors.required(&items_at, "must have a schema if x-kubernetes-list-type is map");
            return;
        }
        Some(JSONSchemaPropsOrArray::Schemas(items)) => {
            let detail = "must only have a single schema if x-kubernetes-list-type is map";
            errors.invalid(&items_at, json(items), detail);
            return;
        }
        Some(JSONSchemaPropsOrArray::Schema(item)) => item,
    };
    let ty = item.type_.or_empty();
    if ty != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.invalid(&items_at.field("type"), ty, detail);
        return;
    }
    let mut seen = BTreeSet::new();
    for key in keys {
        match item.properties.or_empty().get(key).map(|property| property.type_.or_empty()) {
            None => errors.invalid(&keys_at, keys, "entries must all be names of item properties"),
            Some("array" | "object") => {
                let all = items_at.field("properties");
                let detail =
                    "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.invalid(&all.key(key).field("type"), ty, detail);
            }
            Some(_) => {}
        }
        if !seen.insert(key) {
            errors.invalid(&keys_at, keys, "must not contain duplicate entries");
        }
    }
}

/// Keys are always there, and neither they nor the items are null.
pub(super) fn sound_keys(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps) {
    let Some(kind @ ("set" | "map")) = schema.x_kubernetes_list_type.as_deref() else { return };
    let Some(item) = item_of(schema) else { return };
    let items_at = at.field("items");
    if item.nullable == Some(true) {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {kind}");
        errors.forbidden(&items_at.field("nullable"), detail);
    }
    if kind == "set" {
        return;
    }
    let all = items_at.field("properties");
    for key in schema.x_kubernetes_list_map_keys.or_empty() {
        let Some(property) = item.properties.or_empty().get(key) else { continue };
        let key_at = all.key(key);
        if !item.required.or_empty().contains(key) && property.default.is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default \
                          or be a required property";
            errors.required(&key_at.field("default"), detail);
        }
        if property.nullable == Some(true) {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.forbidden(&key_at.field("nullable"), detail);
        }
    }
}
