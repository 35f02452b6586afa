//! What is empty in a schema is as good as absent, and is printed so.
//!
//! Schemas inside lists and maps come through decoding as they were sent, so that this is done to the typed form.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    JSONSchemaPropsOrStringArray,
};

/// Drops empty fields of a schema and of all schemas inside it.
pub(super) fn drop(schema: &mut JSONSchemaProps) {
    for text in [
        &mut schema.id,
        &mut schema.schema,
        &mut schema.description,
        &mut schema.type_,
        &mut schema.format,
        &mut schema.title,
        &mut schema.pattern,
    ] {
        drop_if(text, String::is_empty);
    }
    for flag in [
        &mut schema.exclusive_maximum,
        &mut schema.exclusive_minimum,
        &mut schema.unique_items,
        &mut schema.nullable,
        &mut schema.x_kubernetes_embedded_resource,
        &mut schema.x_kubernetes_int_or_string,
    ] {
        drop_if(flag, |flag| !*flag);
    }
    drop_if(&mut schema.enum_, Vec::is_empty);
    drop_if(&mut schema.required, Vec::is_empty);
    drop_if(&mut schema.x_kubernetes_list_map_keys, Vec::is_empty);
    drop_if(&mut schema.x_kubernetes_validations, Vec::is_empty);
    for value in [&mut schema.default, &mut schema.example] {
        drop_if(value, |JSON(value)| value.is_null());
    }
    inside(schema);
}

fn drop_if<T>(field: &mut Option<T>, is_empty: impl Fn(&T) -> bool) {
    if field.as_ref().is_some_and(is_empty) {
        *field = None;
    }
}

fn inside(schema: &mut JSONSchemaProps) {
    for several in [&mut schema.all_of, &mut schema.one_of, &mut schema.any_of] {
        several.iter_mut().flatten().for_each(drop);
        drop_if(several, Vec::is_empty);
    }
    for map in [&mut schema.properties, &mut schema.pattern_properties, &mut schema.definitions] {
        map.iter_mut().flat_map(BTreeMap::values_mut).for_each(drop);
        drop_if(map, BTreeMap::is_empty);
    }
    schema.not.iter_mut().for_each(|not| drop(not));
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => drop(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(drop),
        None => {}
    }
    for rest in [&mut schema.additional_properties, &mut schema.additional_items] {
        if let Some(JSONSchemaPropsOrBool::Schema(rest)) = rest {
            drop(rest);
        }
    }
    for dependency in schema.dependencies.iter_mut().flat_map(BTreeMap::values_mut) {
        if let JSONSchemaPropsOrStringArray::Schema(schema) = dependency {
            drop(schema);
        }
    }
    drop_if(&mut schema.dependencies, BTreeMap::is_empty);
}
