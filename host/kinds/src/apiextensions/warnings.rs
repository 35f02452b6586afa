//! Advice about schemas: formats that nobody checks, and sets that nobody compares.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinitionSpec, JSONSchemaProps, JSONSchemaPropsOrArray,
};

use super::walk;
use crate::custom::schema::formats;
use crate::custom::schema::node::Type;
use crate::wire::OrEmpty;

/// What is new since `old`.
pub(super) fn of(
    spec: &CustomResourceDefinitionSpec,
    old: Option<&CustomResourceDefinitionSpec>,
) -> Vec<String> {
    let known: BTreeSet<String> = old.map(unknown_formats).into_iter().flatten().collect();
    let new = unknown_formats(spec).into_iter().filter(|format| !known.contains(format));
    let mut warnings: Vec<String> =
        new.map(|format| format!("unrecognized format {}", meta::quote(&format))).collect();
    let known = old.map(divisible_sets).unwrap_or_default();
    warnings.extend(divisible_sets(spec).difference(&known).cloned());
    warnings
}

/// The schemas as Kubernetes looks through them: once, if those of all versions are the same.
fn each_schema(spec: &CustomResourceDefinitionSpec, visit: &mut dyn FnMut(&JSONSchemaProps)) {
    let mut visit = |schema: &JSONSchemaProps| {
        visit(schema);
        false
    };
    match super::spec::shared_schema(spec) {
        Some(schema) => {
            walk::any(schema, &mut visit);
        }
        None => {
            walk::any_of(spec, &mut visit);
        }
    }
}

fn unknown_formats(spec: &CustomResourceDefinitionSpec) -> Vec<String> {
    let mut found = Vec::new();
    each_schema(spec, &mut |schema| {
        let format = schema.format.or_empty();
        let ty = schema.type_.or_empty();
        let is_known = match Type::parse(ty) {
            // What is of no type that exists is taken for a text only if it is of none.
            None if !ty.is_empty() => false,
            ty => formats::find(format, ty).is_some(),
        };
        if !format.is_empty() && !is_known {
            found.push(format.to_owned());
        }
    });
    found
}

fn divisible_sets(spec: &CustomResourceDefinitionSpec) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each_schema(spec, &mut |schema| {
        let Some(JSONSchemaPropsOrArray::Schema(item)) = &schema.items else { return };
        let ty = item.type_.or_empty();
        if schema.x_kubernetes_list_type.as_deref() == Some("set")
            && matches!(ty, "object" | "array")
        {
            found.insert(format!(
                "x-kubernetes-list-type: set for items of type {} is not supported by server-side \
                 apply or CEL validation rules",
                meta::quote(ty)
            ));
        }
    });
    found
}
