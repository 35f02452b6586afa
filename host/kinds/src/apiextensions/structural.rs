//! Whether a schema is structural: every value has a known type, and what is nested under `allOf`, `anyOf`, `oneOf` and `not` only restricts
//! what is declared outside.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>.

use expressions::Pattern;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use meta::field::FieldError;

use super::walk;
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// Why a schema cannot be looked at as a structural one at all.
pub(super) fn unsupported(schema: &JSONSchemaProps) -> Option<String> {
    let mut problem = None;
    walk::any(schema, &mut |schema| {
        problem = unsupported_here(schema);
        problem.is_some()
    });
    problem
}

fn unsupported_here(schema: &JSONSchemaProps) -> Option<String> {
    let field = if !schema.id.is_unset() {
        "id"
    } else if !schema.schema.is_unset() {
        "schema"
    } else if !schema.ref_path.is_unset() {
        "$ref"
    } else if !schema.pattern_properties.is_unset() {
        "patternProperties"
    } else if schema.dependencies.as_ref().is_some_and(|map| !map.is_empty()) {
        "dependencies"
    } else if schema.additional_items.is_some() {
        "additionalItems"
    } else if !schema.definitions.is_unset() {
        "definitions"
    } else if matches!(schema.items, Some(JSONSchemaPropsOrArray::Schemas(_))) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    } else if schema.x_kubernetes_preserve_unknown_fields == Some(false) {
        let text =
            "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
        return Some(text.to_owned());
    } else {
        return None;
    };
    Some(format!("OpenAPIV3Schema '{field}' is not supported"))
}

/// What keeps a schema from being structural, sorted by its text.
pub(super) fn check(at: &At<'_>, schema: &JSONSchemaProps) -> Vec<FieldError> {
    let mut errors = Errors::new();
    node(&mut errors, at, schema, Level::Root);
    declared(&mut errors, at, Some(schema), at, schema);
    let mut errors = errors.into_list();
    errors.sort_by_key(ToString::to_string);
    errors
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

fn node(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, level: Level) {
    let ty = schema.type_.or_empty();
    let item = item_of(schema);
    if ty == "array" && item.is_none() {
        errors.required(&at.field("items"), "must be specified");
    }
    if let Some(item) = item {
        node(errors, &at.field("items"), item, Level::Item);
    }
    for (name, property) in schema.properties.or_empty() {
        node(errors, &at.field("properties").key(name), property, Level::Field);
    }
    if let Some(rest) = &schema.additional_properties {
        let rest_at = at.field("additionalProperties");
        if level == Level::Root {
            errors.forbidden(&rest_at, "must not be used at the root");
        }
        if let JSONSchemaPropsOrBool::Schema(rest) = rest {
            node(errors, &rest_at, rest, Level::Field);
        }
    }
    int_or_string(errors, at, schema);
    let skipped = Skipped {
        any_of: is_int_or_string(schema.any_of.or_empty()),
        first_all_of: starts_as_int_or_string(schema),
    };
    values(errors, at, schema, skipped);
    typed(errors, at, schema, level);
    common(errors, at, schema, level);
}

fn int_or_string(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps) {
    if schema.x_kubernetes_int_or_string != Some(true) {
        return;
    }
    let detail = "must be false if x-kubernetes-int-or-string is true";
    if schema.x_kubernetes_preserve_unknown_fields == Some(true) {
        errors.invalid(&at.field("x-kubernetes-preserve-unknown-fields"), true, detail);
    }
    if schema.x_kubernetes_embedded_resource == Some(true) {
        errors.invalid(&at.field("x-kubernetes-embedded-resource"), true, detail);
    }
}

fn typed(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, level: Level) {
    let (ty, ty_at) = (schema.type_.or_empty(), at.field("type"));
    let embedded = schema.x_kubernetes_embedded_resource == Some(true);
    let untyped = schema.x_kubernetes_int_or_string == Some(true)
        || schema.x_kubernetes_preserve_unknown_fields == Some(true);
    if embedded && ty != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if ty.is_empty() {
            errors.required(&ty_at, detail);
        } else {
            errors.invalid(&ty_at, ty, detail);
        }
    } else if ty.is_empty() && !untyped {
        errors.required(
            &ty_at,
            match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            },
        );
    }
    if embedded && schema.additional_properties.is_some() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        errors.forbidden(&at.field("additionalProperties"), detail);
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        errors.invalid(&ty_at, ty, "must be object at the root");
    }
}

/// What every object has may be restricted, but not be of another type.
fn common(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, level: Level) {
    let embedded = schema.x_kubernetes_embedded_resource == Some(true);
    let is_resource = level == Level::Root || embedded;
    let all = at.field("properties");
    let properties = schema.properties.or_empty();
    for name in ["kind", "apiVersion"] {
        let ty = properties.get(name).map(|property| property.type_.or_empty());
        if let Some(ty) = ty.filter(|ty| is_resource && *ty != "string") {
            errors.invalid(&all.key(name).field("type"), ty, "must be string");
        }
    }
    if let Some(metadata) = properties.get("metadata") {
        let metadata_at = all.key("metadata");
        let ty = metadata.type_.or_empty();
        if is_resource && ty != "object" {
            errors.invalid(&metadata_at.field("type"), ty, "must be object");
        }
        if level == Level::Root && !restricts_names_only(metadata) {
            let detail = "must not specify anything other than name and generateName, but metadata \
                          is implicitly specified";
            errors.forbidden(&metadata_at, detail);
        }
    }
    let keeps = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    if embedded && !keeps && properties.is_empty() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.required(&all, detail);
    }
}

fn restricts_names_only(metadata: &JSONSchemaProps) -> bool {
    let is_name = |name: &String| matches!(name.as_str(), "name" | "generateName");
    let properties = metadata.properties.or_empty();
    let rest = JSONSchemaProps { type_: None, default: None, properties: None, ..metadata.clone() };
    properties.keys().all(is_name) && rest == JSONSchemaProps::default()
}

fn item_of(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => Some(item),
        _ => None,
    }
}

/// `anyOf` of an integer and a text, which is how such values may be declared a second time.
fn is_int_or_string(any_of: &[JSONSchemaProps]) -> bool {
    let only = |ty: &str| JSONSchemaProps { type_: Some(ty.to_owned()), ..Default::default() };
    any_of == [only("integer"), only("string")]
}

fn starts_as_int_or_string(schema: &JSONSchemaProps) -> bool {
    let first = schema.all_of.or_empty().first();
    first.is_some_and(|first| is_int_or_string(first.any_of.or_empty()))
}

/// Which nested schemas may say what others may not.
#[derive(Clone, Copy, Default)]
struct Skipped {
    any_of: bool,
    first_all_of: bool,
}

fn values(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, skipped: Skipped) {
    let none = Skipped::default();
    if !skipped.any_of {
        let all = at.field("anyOf");
        for (index, inner) in schema.any_of.or_empty().iter().enumerate() {
            nested(errors, &all.index(index), inner, none);
        }
    }
    let all = at.field("allOf");
    for (index, inner) in schema.all_of.or_empty().iter().enumerate() {
        let any_of = skipped.first_all_of && index == 0;
        nested(errors, &all.index(index), inner, Skipped { any_of, ..none });
    }
    let all = at.field("oneOf");
    for (index, inner) in schema.one_of.or_empty().iter().enumerate() {
        nested(errors, &all.index(index), inner, none);
    }
    if let Some(not) = &schema.not {
        nested(errors, &at.field("not"), not, none);
    }
    let pattern = schema.pattern.or_empty();
    if let Err(problem) = Pattern::compile(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: {problem}");
        errors.invalid(&at.field("pattern"), pattern, detail);
    }
}

fn nested(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps, skipped: Skipped) {
    values(errors, at, schema, skipped);
    if let Some(item) = item_of(schema) {
        nested(errors, &at.field("items"), item, Skipped::default());
    }
    let all = at.field("properties");
    for (name, property) in schema.properties.or_empty() {
        nested(errors, &all.key(name), property, Skipped::default());
    }
    let says = |flag: Option<bool>| flag == Some(true);
    let forbidden = [
        ("type", !schema.type_.is_unset(), "must be empty to be structural"),
        (
            "additionalProperties",
            schema
                .additional_properties
                .as_ref()
                .is_some_and(|rest| *rest != JSONSchemaPropsOrBool::Bool(false)),
            "must be undefined to be structural",
        ),
        ("default", schema.default.is_some(), "must be undefined to be structural"),
        ("title", !schema.title.is_unset(), "must be empty to be structural"),
        ("description", !schema.description.is_unset(), "must be empty to be structural"),
        ("nullable", says(schema.nullable), "must be false to be structural"),
        (
            "x-kubernetes-preserve-unknown-fields",
            says(schema.x_kubernetes_preserve_unknown_fields),
            "must be false to be structural",
        ),
        (
            "x-kubernetes-embedded-resource",
            says(schema.x_kubernetes_embedded_resource),
            "must be false to be structural",
        ),
        (
            "x-kubernetes-int-or-string",
            says(schema.x_kubernetes_int_or_string),
            "must be false to be structural",
        ),
        (
            "x-kubernetes-list-map-keys",
            !schema.x_kubernetes_list_map_keys.is_unset(),
            "must be empty to be structural",
        ),
        (
            "x-kubernetes-list-type",
            schema.x_kubernetes_list_type.is_some(),
            "must be undefined to be structural",
        ),
        (
            "x-kubernetes-map-type",
            schema.x_kubernetes_map_type.is_some(),
            "must be undefined to be structural",
        ),
        (
            "x-kubernetes-validations",
            !schema.x_kubernetes_validations.is_unset(),
            "must be empty to be structural",
        ),
    ];
    for (field, is_said, detail) in forbidden {
        if is_said {
            errors.forbidden(&at.field(field), detail);
        }
    }
    if schema.properties.or_empty().contains_key("metadata") {
        errors.forbidden(&all.key("metadata"), "must not be specified in a nested context");
    }
}

/// Everything that nested schemas restrict must be declared outside of them.
fn declared(
    errors: &mut Errors,
    at: &At<'_>,
    outside: Option<&JSONSchemaProps>,
    nested_at: &At<'_>,
    nested: &JSONSchemaProps,
) {
    let Some(outside) = outside else {
        errors.required(at, format!("because it is defined in {nested_at}"));
        return;
    };
    if let Some(not) = &nested.not {
        complete(errors, at, Some(outside), &nested_at.field("not"), not);
    }
    let several = [("allOf", &nested.all_of), ("anyOf", &nested.any_of), ("oneOf", &nested.one_of)];
    for (name, inner) in several {
        let all = nested_at.field(name);
        for (index, inner) in inner.or_empty().iter().enumerate() {
            complete(errors, at, Some(outside), &all.index(index), inner);
        }
    }
}

fn complete(
    errors: &mut Errors,
    at: &At<'_>,
    outside: Option<&JSONSchemaProps>,
    nested_at: &At<'_>,
    nested: &JSONSchemaProps,
) {
    declared(errors, at, outside, nested_at, nested);
    let Some(outside) = outside else { return };
    if let Some(item) = item_of(nested) {
        let (at, nested_at) = (at.field("items"), nested_at.field("items"));
        complete(errors, &at, item_of(outside), &nested_at, item);
    }
    let (all, nested_all) = (at.field("properties"), nested_at.field("properties"));
    for (name, property) in nested.properties.or_empty() {
        let (at, nested_at) = (all.key(name), nested_all.key(name));
        match outside.properties.or_empty().get(name) {
            Some(outside) => complete(errors, &at, Some(outside), &nested_at, property),
            None => errors.required(&at, format!("because it is defined in {nested_at}")),
        }
    }
}
