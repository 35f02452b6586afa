//! Schemas, rules and versions as Kubernetes shows them where they are the value that is wrong: all fields of the types that it works
//! with, also those unset.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinitionVersion, CustomResourceSubresources,
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    JSONSchemaPropsOrStringArray, ValidationRule,
};
use meta::field::BadValue;
use meta::{Tree, quote};

use super::spec::Shared;
use crate::wire::OrEmpty;

/// A schema, with all schemas in it.
pub(super) fn schema(schema: &JSONSchemaProps) -> BadValue {
    BadValue::Json(props(schema))
}

/// A rule.
pub(super) fn rule(rule: &ValidationRule) -> BadValue {
    BadValue::Json(of_rule(rule))
}

/// Versions: what they have in common is not theirs any more.
pub(super) fn versions(versions: &[CustomResourceDefinitionVersion], shared: Shared) -> BadValue {
    if versions.is_empty() {
        return BadValue::null();
    }
    BadValue::Json(list(versions, |version| of_version(version, shared)))
}

fn of_version(version: &CustomResourceDefinitionVersion, shared: Shared) -> String {
    let schema = version.schema.as_ref().filter(|_| !shared.schema);
    let schema = or_null(schema, |schema| {
        object([("OpenAPIV3Schema", or_null(schema.open_api_v3_schema.as_ref(), props))])
    });
    let parts = version.subresources.as_ref().filter(|_| !shared.subresources);
    let columns = version.additional_printer_columns.as_ref().filter(|_| !shared.columns);
    let fields = version.selectable_fields.as_ref().filter(|_| !shared.selectable);
    let fields = or_null(fields, |fields| {
        list(fields, |field| object([("JSONPath", text(&field.json_path))]))
    });
    object([
        ("Name", text(&version.name)),
        ("Served", version.served.to_string()),
        ("Storage", version.storage.to_string()),
        ("Deprecated", flag(version.deprecated)),
        ("DeprecationWarning", or_null(version.deprecation_warning.as_deref(), text)),
        ("Schema", schema),
        ("Subresources", or_null(parts, subresources)),
        ("AdditionalPrinterColumns", or_null(columns, |columns| list(columns, column))),
        ("SelectableFields", fields),
    ])
}

fn subresources(of: &CustomResourceSubresources) -> String {
    let scale = or_null(of.scale.as_ref(), |scale| {
        object([
            ("SpecReplicasPath", text(&scale.spec_replicas_path)),
            ("StatusReplicasPath", text(&scale.status_replicas_path)),
            ("LabelSelectorPath", or_null(scale.label_selector_path.as_deref(), text)),
        ])
    });
    object([("Status", or_null(of.status.as_ref(), |_| "{}".to_owned())), ("Scale", scale)])
}

fn column(of: &CustomResourceColumnDefinition) -> String {
    object([
        ("Name", text(&of.name)),
        ("Type", text(&of.type_)),
        ("Format", plain(of.format.as_ref())),
        ("Description", plain(of.description.as_ref())),
        ("Priority", of.priority.unwrap_or_default().to_string()),
        ("JSONPath", text(&of.json_path)),
    ])
}

fn text(text: &str) -> String {
    quote::json(&Tree::from(text))
}

fn plain(value: Option<&String>) -> String {
    text(value.map_or("", String::as_str))
}

fn flag(value: Option<bool>) -> String {
    value.unwrap_or_default().to_string()
}

fn json(value: &JSON) -> String {
    quote::json(&value.0)
}

/// What may be missing, which is told from what is empty.
fn or_null<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "null".to_owned(), show)
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
}

fn map<T>(entries: &BTreeMap<String, T>, show: impl Fn(&T) -> String) -> String {
    let entries = entries.iter().map(|(name, value)| format!("{}:{}", text(name), show(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

fn object<const N: usize>(fields: [(&str, String); N]) -> String {
    let fields = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn double(value: f64) -> String {
    quote::json(&Tree::from(value)).trim_end_matches(".0").to_owned()
}

fn several(schemas: Option<&Vec<JSONSchemaProps>>) -> String {
    or_null(schemas, |schemas| list(schemas, props))
}

fn named(schemas: Option<&BTreeMap<String, JSONSchemaProps>>) -> String {
    or_null(schemas, |schemas| map(schemas, props))
}

fn or_bool(value: Option<&JSONSchemaPropsOrBool>) -> String {
    or_null(value, |value| {
        let (allows, schema) = match value {
            JSONSchemaPropsOrBool::Bool(allows) => (*allows, None),
            JSONSchemaPropsOrBool::Schema(schema) => (true, Some(schema)),
        };
        let schema = or_null(schema, |schema| props(schema));
        object([("Allows", allows.to_string()), ("Schema", schema)])
    })
}

fn or_array(value: &JSONSchemaPropsOrArray) -> String {
    let (one, all) = match value {
        JSONSchemaPropsOrArray::Schema(schema) => (Some(schema), None),
        JSONSchemaPropsOrArray::Schemas(schemas) => (None, Some(schemas)),
    };
    object([("Schema", or_null(one, |schema| props(schema))), ("JSONSchemas", several(all))])
}

fn or_names(value: &JSONSchemaPropsOrStringArray) -> String {
    let (one, names) = match value {
        JSONSchemaPropsOrStringArray::Schema(schema) => (Some(schema), None),
        JSONSchemaPropsOrStringArray::Strings(names) => (None, Some(names)),
    };
    let names = or_null(names, |names| list(names, |name| text(name)));
    object([("Schema", or_null(one, |schema| props(schema))), ("Property", names)])
}

fn of_rule(rule: &ValidationRule) -> String {
    object([
        ("Rule", text(&rule.rule)),
        ("Message", text(rule.message.or_empty())),
        ("MessageExpression", text(rule.message_expression.or_empty())),
        ("Reason", or_null(rule.reason.as_deref(), text)),
        ("FieldPath", text(rule.field_path.or_empty())),
        ("OptionalOldSelf", or_null(rule.optional_old_self, |it| it.to_string())),
    ])
}

fn names(names: Option<&Vec<String>>) -> String {
    or_null(names, |names| list(names, |name| text(name)))
}

fn props(of: &JSONSchemaProps) -> String {
    let size = |value: Option<i64>| or_null(value, |it| it.to_string());
    let docs = or_null(of.external_docs.as_ref(), |docs| {
        object([
            ("Description", plain(docs.description.as_ref())),
            ("URL", plain(docs.url.as_ref())),
        ])
    });
    let rules = or_null(of.x_kubernetes_validations.as_ref(), |rules| list(rules, of_rule));
    let keeps = or_null(of.x_kubernetes_preserve_unknown_fields, |it| it.to_string());
    object([
        ("ID", plain(of.id.as_ref())),
        ("Schema", plain(of.schema.as_ref())),
        ("Ref", or_null(of.ref_path.as_deref(), text)),
        ("Description", plain(of.description.as_ref())),
        ("Type", plain(of.type_.as_ref())),
        ("Nullable", flag(of.nullable)),
        ("Format", plain(of.format.as_ref())),
        ("Title", plain(of.title.as_ref())),
        ("Default", or_null(of.default.as_ref(), json)),
        ("Maximum", or_null(of.maximum, double)),
        ("ExclusiveMaximum", flag(of.exclusive_maximum)),
        ("Minimum", or_null(of.minimum, double)),
        ("ExclusiveMinimum", flag(of.exclusive_minimum)),
        ("MaxLength", size(of.max_length)),
        ("MinLength", size(of.min_length)),
        ("Pattern", plain(of.pattern.as_ref())),
        ("MaxItems", size(of.max_items)),
        ("MinItems", size(of.min_items)),
        ("UniqueItems", flag(of.unique_items)),
        ("MultipleOf", or_null(of.multiple_of, double)),
        ("Enum", or_null(of.enum_.as_ref(), |values| list(values, json))),
        ("MaxProperties", size(of.max_properties)),
        ("MinProperties", size(of.min_properties)),
        ("Required", names(of.required.as_ref())),
        ("Items", or_null(of.items.as_ref(), or_array)),
        ("AllOf", several(of.all_of.as_ref())),
        ("OneOf", several(of.one_of.as_ref())),
        ("AnyOf", several(of.any_of.as_ref())),
        ("Not", or_null(of.not.as_deref(), props)),
        ("Properties", named(of.properties.as_ref())),
        ("AdditionalProperties", or_bool(of.additional_properties.as_ref())),
        ("PatternProperties", named(of.pattern_properties.as_ref())),
        ("Dependencies", or_null(of.dependencies.as_ref(), |all| map(all, or_names))),
        ("AdditionalItems", or_bool(of.additional_items.as_ref())),
        ("Definitions", named(of.definitions.as_ref())),
        ("ExternalDocs", docs),
        ("Example", or_null(of.example.as_ref(), json)),
        ("XPreserveUnknownFields", keeps),
        ("XEmbeddedResource", flag(of.x_kubernetes_embedded_resource)),
        ("XIntOrString", flag(of.x_kubernetes_int_or_string)),
        ("XListMapKeys", names(of.x_kubernetes_list_map_keys.as_ref())),
        ("XListType", or_null(of.x_kubernetes_list_type.as_deref(), text)),
        ("XMapType", or_null(of.x_kubernetes_map_type.as_deref(), text)),
        ("XValidations", rules),
    ])
}
