//! What a version declares besides its schema: subresources, columns, and which fields selectors look at.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceSubresourceScale, CustomResourceSubresources,
    JSONSchemaProps, SelectableField,
};

use super::structural;
use crate::check::{At, Errors};
use crate::custom::field_path;
use crate::wire::OrEmpty;

pub(super) const SELECTABLE_MAX: usize = 8;
const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] =
    &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const WARNING_BYTES_MAX: usize = 256;

pub(super) fn check_deprecation(
    errors: &mut Errors,
    at: &At<'_>,
    deprecated: bool,
    warning: Option<&String>,
) {
    let Some(warning) = warning else { return };
    let mut refuse = |detail: String| errors.invalid(at, warning, detail);
    if !deprecated {
        refuse("can only be set for deprecated versions".to_owned());
        return;
    }
    if warning.len() > WARNING_BYTES_MAX {
        refuse(format!("must be <= {WARNING_BYTES_MAX} characters long"));
    }
    if warning.is_empty() {
        refuse("must not be an empty string".to_owned());
    }
    // What can be printed is what quoting leaves as it is.
    let is_printable = |c: char| {
        matches!(c, '"' | '\\') || meta::quote(c.encode_utf8(&mut [0; 4])).chars().nth(1) == Some(c)
    };
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| !is_printable(*c)) {
        refuse(format!(
            "must only contain printable UTF-8 characters; non-printable character found at index \
             {index}"
        ));
    }
}

pub(super) fn check_subresources(
    errors: &mut Errors,
    at: &At<'_>,
    subresources: Option<&CustomResourceSubresources>,
) {
    if let Some(scale) = subresources.and_then(|subresources| subresources.scale.as_ref()) {
        check_scale(errors, at, scale);
    }
}

fn check_scale(errors: &mut Errors, at: &At<'_>, scale: &CustomResourceSubresourceScale) {
    let required = [
        (
            "scale.specReplicasPath",
            &scale.spec_replicas_path,
            ".spec.",
            "should be a json path under .spec",
        ),
        (
            "scale.statusReplicasPath",
            &scale.status_replicas_path,
            ".status.",
            "should be a json path under .status",
        ),
    ];
    for (field, path, prefix, detail) in required {
        let at = at.field(field);
        if path.is_empty() {
            errors.required(&at, "");
        } else if is_simple(errors, &at, path) && !path.starts_with(prefix) {
            errors.invalid(&at, path, detail);
        }
    }
    let path = scale.label_selector_path.or_empty();
    let at = at.field("scale.labelSelectorPath");
    if !path.is_empty()
        && is_simple(errors, &at, path)
        && !path.starts_with(".spec.")
        && !path.starts_with(".status.")
    {
        errors.invalid(&at, path, "should be a json path under either .spec or .status");
    }
}

/// Whether a path begins as paths here do.
fn is_simple(errors: &mut Errors, at: &At<'_>, path: &str) -> bool {
    let is_simple = path.starts_with('.');
    if !is_simple {
        errors.invalid(at, path, "must be a simple json path starting with .");
    }
    is_simple
}

pub(super) fn check_columns(
    errors: &mut Errors,
    all: &At<'_>,
    columns: &[CustomResourceColumnDefinition],
) {
    for (index, column) in columns.iter().enumerate() {
        let at = all.index(index);
        if column.name.is_empty() {
            errors.required(&at.field("name"), "");
        }
        let (ty, known) = (column.type_.as_str(), COLUMN_TYPES.join(","));
        let detail = format!("must be one of {known}");
        if ty.is_empty() {
            errors.required(&at.field("type"), detail);
        } else if !COLUMN_TYPES.contains(&ty) {
            errors.invalid(&at.field("type"), ty, detail);
        }
        let format = column.format.or_empty();
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.invalid(&at.field("format"), format, detail);
        }
        let path_at = at.field("JSONPath");
        if column.json_path.is_empty() {
            errors.required(&path_at, "");
        } else {
            is_simple(errors, &path_at, &column.json_path);
        }
    }
}

/// `may_be_many` says that there were too many before.
pub(super) fn check_selectable(
    errors: &mut Errors,
    all: &At<'_>,
    fields: &[SelectableField],
    schema: &JSONSchemaProps,
    may_be_many: bool,
) {
    // What is wrong with such a schema is told elsewhere.
    if structural::unsupported(schema).is_some() {
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        let at = all.index(index);
        let (at, path) = (at.field("jsonPath"), field.json_path.as_str());
        if path.is_empty() {
            errors.required(&at, "");
            continue;
        }
        let resolved = match field_path::resolve(path, schema, false) {
            Ok(resolved) => resolved,
            Err(problem) => {
                errors.invalid(&at, path, format!("is an invalid path: {problem}"));
                continue;
            }
        };
        if resolved.root == "metadata" {
            errors.invalid(&at, path, "must not point to fields in metadata");
        }
        let ty = resolved.schema.map(|schema| schema.type_.or_empty());
        if !matches!(ty, Some("string" | "boolean" | "integer")) {
            let detail = "must point to a field of type string, boolean or integer. Enum string \
                          fields and strings with formats are allowed.";
            errors.invalid(&at, path, detail);
        }
        let normal = resolved.path.map(|path| path.to_string()).unwrap_or_default();
        if !seen.insert(normal) {
            errors.duplicate(&at, path);
        }
    }
    if seen.len() > SELECTABLE_MAX && !may_be_many {
        errors.too_many(all, seen.len(), SELECTABLE_MAX);
    }
}
