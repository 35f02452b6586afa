//! Looks through a schema and all schemas inside it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinitionSpec, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    JSONSchemaPropsOrStringArray,
};

/// Whether `found` says so of a schema or of one inside it, in the order of Kubernetes.
pub(super) fn any(
    schema: &JSONSchemaProps,
    found: &mut dyn FnMut(&JSONSchemaProps) -> bool,
) -> bool {
    found(schema) || children(schema).into_iter().any(|child| any(child, found))
}

/// Whether `found` says so of a schema of any version.
pub(super) fn any_of(
    spec: &CustomResourceDefinitionSpec,
    found: &mut dyn FnMut(&JSONSchemaProps) -> bool,
) -> bool {
    schemas(spec).any(|schema| any(schema, found))
}

/// The schemas of all versions.
pub(super) fn schemas(
    spec: &CustomResourceDefinitionSpec,
) -> impl Iterator<Item = &JSONSchemaProps> {
    let validations = spec.versions.iter().filter_map(|version| version.schema.as_ref());
    validations.filter_map(|validation| validation.open_api_v3_schema.as_ref())
}

fn children(schema: &JSONSchemaProps) -> Vec<&JSONSchemaProps> {
    let mut all: Vec<&JSONSchemaProps> = match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => vec![item],
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter().collect(),
        None => Vec::new(),
    };
    for several in [&schema.all_of, &schema.any_of, &schema.one_of] {
        all.extend(several.iter().flatten());
    }
    all.extend(schema.not.as_deref());
    all.extend(schema.properties.iter().flat_map(|map| map.values()));
    if let Some(JSONSchemaPropsOrBool::Schema(rest)) = &schema.additional_properties {
        all.push(rest);
    }
    all.extend(schema.pattern_properties.iter().flat_map(|map| map.values()));
    if let Some(JSONSchemaPropsOrBool::Schema(rest)) = &schema.additional_items {
        all.push(rest);
    }
    all.extend(schema.definitions.iter().flat_map(|map| map.values()));
    for dependency in schema.dependencies.iter().flat_map(|map| map.values()) {
        if let JSONSchemaPropsOrStringArray::Schema(schema) = dependency {
            all.push(schema);
        }
    }
    all
}
