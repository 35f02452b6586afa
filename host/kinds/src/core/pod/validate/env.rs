//! Environment variables and where their values come from.
//!
//! See <https://kubernetes.io/docs/tasks/inject-data-application/>.

use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector,
};
use meta::names;

use super::volume::no_backsteps;
use crate::check::{At, Errors};
use crate::names::NameRule;
use crate::resources;
use crate::wire::OrEmpty;

pub(super) fn variables(errors: &mut Errors, all: &At<'_>, variables: &[EnvVar]) {
    for (index, variable) in variables.iter().enumerate() {
        let at = all.index(index);
        let name_at = at.field("name");
        if variable.name.is_empty() {
            errors.required(&name_at, "");
        } else {
            let messages = names::is_relaxed_env_var_name(&variable.name);
            errors.invalid_each(&name_at, &variable.name, messages);
        }
        value_from(errors, &at.field("valueFrom"), variable);
    }
}

const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn value_from(errors: &mut Errors, at: &At<'_>, variable: &EnvVar) {
    let Some(source) = &variable.value_from else {
        return;
    };
    let mut sources = 0;
    if let Some(field) = &source.field_ref {
        sources += 1;
        object_field(errors, &at.field("fieldRef"), field, FIELDS);
    }
    if let Some(resource) = &source.resource_field_ref {
        sources += 1;
        resource_field(errors, &at.field("resourceFieldRef"), resource, false);
    }
    if let Some(selector) = &source.config_map_key_ref {
        sources += 1;
        key(errors, &at.field("configMapKeyRef"), &selector.name, &selector.key);
    }
    if let Some(selector) = &source.secret_key_ref {
        sources += 1;
        key(errors, &at.field("secretKeyRef"), &selector.name, &selector.key);
    }
    if let Some(selector) = &source.file_key_ref {
        sources += 1;
        file_key(errors, &at.field("fileKeyRef"), selector);
    }
    if sources == 0 {
        let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, \
                      `secretKeyRef` or `fileKeyRef`";
        errors.invalid(at, "", detail);
    } else if !variable.value.is_unset() {
        errors.invalid(at, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        errors.invalid(at, "", "may not have more than one field specified at a time");
    }
}

fn key(errors: &mut Errors, at: &At<'_>, name: &str, key: &str) {
    errors.invalid_each(&at.field("name"), name, names::is_dns1123_subdomain(name));
    if key.is_empty() {
        errors.required(&at.field("key"), "");
    } else {
        errors.invalid_each(&at.field("key"), key, names::is_config_map_key(key));
    }
}

fn file_key(errors: &mut Errors, at: &At<'_>, selector: &FileKeySelector) {
    if selector.key.is_empty() {
        errors.required(&at.field("key"), "");
    } else {
        let messages = names::is_relaxed_env_var_name(&selector.key);
        errors.invalid_each(&at.field("key"), &selector.key, messages);
    }
    let volume_at = at.field("volumeName");
    if selector.volume_name.is_empty() {
        errors.required(&volume_at, "");
    } else {
        let messages = names::is_dns1123_label(&selector.volume_name);
        errors.invalid_each(&volume_at, &selector.volume_name, messages);
    }
    if selector.path.is_empty() {
        errors.required(&at.field("path"), "");
    } else {
        no_backsteps(errors, &at.field("path"), &selector.path);
    }
}

/// Fields of a Pod that can be converted between versions at all.
const CONVERTIBLE: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// A reference to a field of the Pod itself; `allowed` differs between variables and volumes.
pub(super) fn object_field(
    errors: &mut Errors,
    at: &At<'_>,
    selector: &ObjectFieldSelector,
    allowed: &[&str],
) {
    let version = selector.api_version.or_empty();
    let path_at = at.field("fieldPath");
    if version.is_empty() {
        errors.required(&at.field("apiVersion"), "");
        return;
    }
    let label = selector.field_path.as_str();
    if label.is_empty() {
        errors.required(&path_at, "");
        return;
    }
    let mut fail = |problem: String| {
        errors.invalid(&path_at, label, format!("error converting fieldPath: {problem}"));
    };
    if version != "v1" {
        return fail(format!("unsupported pod version: {version}"));
    }
    if let Some((path, subscript)) = subscripted(label) {
        match path {
            "metadata.annotations" => {
                let key = subscript.to_ascii_lowercase();
                errors.invalid_each(at, &key, names::is_qualified_name(&key));
            }
            "metadata.labels" => {
                errors.invalid_each(at, subscript, names::is_qualified_name(subscript));
            }
            _ => fail(format!("field label does not support subscript: {label}")),
        }
        return;
    }
    let path = if label == "spec.host" { "spec.nodeName" } else { label };
    if !CONVERTIBLE.contains(&path) {
        return fail(format!("field label not supported: {label}"));
    }
    errors.one_of(&path_at, path, allowed);
}

/// Splits `metadata.labels['key']`.
fn subscripted(path: &str) -> Option<(&str, &str)> {
    let (name, rest) = path.split_once("['")?;
    let subscript = rest.strip_suffix("']")?;
    (!name.is_empty()).then_some((name, subscript))
}

const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// A reference to what a container asks for.
pub(super) fn resource_field(
    errors: &mut Errors,
    at: &At<'_>,
    selector: &ResourceFieldSelector,
    in_volume: bool,
) {
    let resource = selector.resource.as_str();
    let is_huge_page =
        resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if in_volume && selector.container_name.is_unset() {
        errors.required(&at.field("containerName"), "");
    } else if resource.is_empty() {
        errors.required(&at.field("resource"), "");
    } else if !is_huge_page {
        errors.one_of(&at.field("resource"), resource, RESOURCES);
    }
    let Some(divisor) = selector.divisor.as_ref().map(resources::parse) else {
        return;
    };
    if divisor.is_zero() {
        return;
    }
    let unit = match resource.split_once('.').map(|(_, unit)| unit) {
        Some("cpu") => "cpu",
        Some("memory") => "memory",
        Some("ephemeral-storage") => "local ephemeral storage",
        _ if is_huge_page => "hugepages",
        _ => return,
    };
    let (allowed, spelled): (&[&str], _) =
        if unit == "cpu" { (&["1m", "1"], "1m and 1") } else { (SIZES, SPELLED_SIZES) };
    if !allowed.contains(&divisor.to_string().as_str()) {
        let detail =
            format!("only divisor's values {spelled} are supported with the {unit} resource");
        errors.invalid(&at.field("divisor"), resource, detail);
    }
}

const SIZES: &[&str] =
    &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
const SPELLED_SIZES: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

/// Whole objects whose keys become variables.
pub(super) fn sources(errors: &mut Errors, all: &At<'_>, sources: &[EnvFromSource]) {
    for (index, source) in sources.iter().enumerate() {
        let at = all.index(index);
        let prefix = source.prefix.or_empty();
        if !prefix.is_empty() {
            let messages = names::is_relaxed_env_var_name(prefix);
            errors.invalid_each(&at.field("prefix"), prefix, messages);
        }
        let references = [
            ("configMapRef", source.config_map_ref.as_ref().map(|source| &source.name)),
            ("secretRef", source.secret_ref.as_ref().map(|source| &source.name)),
        ];
        let mut count = 0;
        for (field, name) in references {
            let Some(name) = name else { continue };
            count += 1;
            let reference_at = at.field(field);
            let name_at = reference_at.field("name");
            if name.is_empty() {
                errors.required(&name_at, "");
            } else {
                errors.invalid_each(&name_at, name, NameRule::Subdomain.check_prefix(name));
            }
        }
        if count == 0 {
            errors.invalid(all, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            errors.invalid(all, "", "may not have more than one field specified at a time");
        }
    }
}
