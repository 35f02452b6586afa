//! The rules of a whole definition.
//!
//! What all versions have in common is told of the definition, at a place that is only there for that; Kubernetes does so, and clients see it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion,
    CustomResourceValidation, JSONSchemaProps,
};
use meta::field::BadValue;
use meta::names;

use super::ratchet::Options;
use super::rules::Costs;
use super::{
    conversion, defaults, names as kind_names, open_api, shown, structural, version, walk,
};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

const SPEC: At<'static> = At::root("spec");

pub(super) fn check(errors: &mut Errors, spec: &CustomResourceDefinitionSpec, options: &Options) {
    check_group(errors, &spec.group);
    errors.required_one_of(&SPEC.field("scope"), &spec.scope, &["Cluster", "Namespaced"]);
    check_schemas_are_there(errors, spec, options);
    let has_defaults = walk::any_of(spec, &mut |schema| schema.default.is_some());
    if spec.preserve_unknown_fields == Some(true) && has_defaults {
        let detail = "must be false in order to use defaults in the schema";
        errors.invalid(&SPEC.field("preserveUnknownFields"), true, detail);
    }
    let shared = Shared::of(spec);
    let all = SPEC.field("versions");
    for (index, version) in spec.versions.iter().enumerate() {
        let at = all.index(index);
        let problems = names::is_dns1035_label(&version.name);
        if !problems.is_empty() {
            errors.invalid(&at.field("name"), &version.name, problems.join(","));
        }
        check_version(errors, &at, spec, version, shared, options);
    }
    check_set_of_versions(errors, &spec.versions, shared);
    let names_at = SPEC.field("names");
    kind_names::check_required(errors, &names_at, &spec.names);
    kind_names::check(errors, &names_at, &spec.names);
    if let Some(version) = spec.versions.first() {
        check_shared(errors, spec, version, shared, options);
    }
    conversion::check(errors, spec, options);
}

/// What is the same in an update as before.
pub(super) fn check_update(
    errors: &mut Errors,
    new: &CustomResourceDefinitionSpec,
    old: &CustomResourceDefinitionSpec,
    options: &Options,
) {
    let names_at = SPEC.field("names");
    if options.requires_same_names {
        errors.immutable(&SPEC.field("scope"), &new.scope, &old.scope);
        errors.immutable(&names_at.field("kind"), &new.names.kind, &old.names.kind);
    }
    errors.immutable(&SPEC.field("group"), &new.group, &old.group);
    errors.immutable(&names_at.field("plural"), &new.names.plural, &old.names.plural);
}

/// Old definitions may have set it. New ones say it in their schemas.
pub(super) fn check_preservation(errors: &mut Errors, spec: &CustomResourceDefinitionSpec) {
    if spec.preserve_unknown_fields == Some(true) {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                      spec.versions[*].schema instead";
        errors.invalid(&SPEC.field("preserveUnknownFields"), true, detail);
    }
}

pub(super) fn check_stored_versions(errors: &mut Errors, definition: &CustomResourceDefinition) {
    let stored = definition.status.as_ref().and_then(|status| status.stored_versions.as_ref());
    let stored = stored.map(Vec::as_slice).unwrap_or_default();
    let at = At::root("status");
    let at = at.field("storedVersions");
    if stored.is_empty() {
        errors.invalid(&at, BadValue::null(), "must have at least one stored version");
        return;
    }
    let versions = &definition.spec.versions;
    for version in versions.iter().filter(|version| version.storage) {
        if !stored.contains(&version.name) {
            let detail = format!("must have the storage version {}", version.name);
            errors.invalid(&at, stored, detail);
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version.name == *name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must \
                 remain in spec.versions until a storage migration ensures no data remains \
                 persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.invalid(&at.index(index), name, detail);
        }
    }
}

/// The schema of all versions, if they have the same.
pub(super) fn shared_schema(spec: &CustomResourceDefinitionSpec) -> Option<&JSONSchemaProps> {
    let first = spec.versions.first()?;
    let same = spec.versions.iter().all(|version| version.schema == first.schema);
    same.then(|| open_api_schema(first.schema.as_ref())).flatten()
}

fn open_api_schema(validation: Option<&CustomResourceValidation>) -> Option<&JSONSchemaProps> {
    validation.and_then(|validation| validation.open_api_v3_schema.as_ref())
}

/// What all versions have in common.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl Shared {
    fn of(spec: &CustomResourceDefinitionSpec) -> Self {
        let all = |same: fn(
            &CustomResourceDefinitionVersion,
            &CustomResourceDefinitionVersion,
        ) -> bool| {
            spec.versions.windows(2).all(|pair| same(&pair[0], &pair[1]))
        };
        Self {
            schema: all(|a, b| a.schema == b.schema),
            subresources: all(|a, b| a.subresources == b.subresources),
            columns: all(|a, b| {
                a.additional_printer_columns.or_empty() == b.additional_printer_columns.or_empty()
            }),
            selectable: all(|a, b| {
                a.selectable_fields.or_empty() == b.selectable_fields.or_empty()
            }),
        }
    }
}

fn check_group(errors: &mut Errors, group: &str) {
    let (at, problems) = (SPEC.field("group"), names::is_dns1123_subdomain(group));
    if group.is_empty() {
        errors.required(&at, "");
    } else if !problems.is_empty() {
        errors.invalid(&at, group, problems.join(","));
    } else if !group.contains('.') {
        errors.invalid(&at, group, "should be a domain with at least one dot");
    }
}

fn check_schemas_are_there(
    errors: &mut Errors,
    spec: &CustomResourceDefinitionSpec,
    options: &Options,
) {
    let all = SPEC.field("versions");
    for (index, version) in spec.versions.iter().enumerate() {
        if open_api_schema(version.schema.as_ref()).is_some() {
            continue;
        }
        let at = all.index(index);
        let at = at.field("schema");
        let at = at.field("openAPIV3Schema");
        if options.requires_schemas {
            errors.required(&at, "");
        } else if version.served && spec.preserve_unknown_fields != Some(true) {
            errors.required(&at, "because otherwise all fields are pruned");
        }
    }
}

fn check_version(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &CustomResourceDefinitionSpec,
    version: &CustomResourceDefinitionVersion,
    shared: Shared,
    options: &Options,
) {
    let deprecated = version.deprecated == Some(true);
    let warning = version.deprecation_warning.as_ref();
    version::check_deprecation(errors, &at.field("deprecationWarning"), deprecated, warning);
    let schema = open_api_schema(version.schema.as_ref());
    if let (false, Some(schema)) = (shared.schema, schema) {
        let of_status = if shared.subresources { spec.versions.first() } else { Some(version) };
        let has_status = of_status.is_some_and(has_status);
        let costly = options.unchanged.contains(&version.name);
        check_schema(errors, &at.field("schema"), schema, has_status, options, costly);
    }
    if !shared.subresources {
        let subresources = version.subresources.as_ref();
        version::check_subresources(errors, &at.field("subresources"), subresources);
    }
    if !shared.columns {
        let columns = version.additional_printer_columns.or_empty();
        version::check_columns(errors, &at.field("additionalPrinterColumns"), columns);
    }
    let selectable = version.selectable_fields.or_empty();
    if !shared.selectable && !selectable.is_empty() {
        let at = at.field("selectableFields");
        // The schema that all versions share is looked for at another place, where none is found.
        match schema.filter(|_| !shared.schema) {
            Some(schema) => {
                let many = options.too_many_selectable.contains(&version.name);
                version::check_selectable(errors, &at, selectable, schema, many);
            }
            None => {
                let detail =
                    "may only be set when `version.schema.openAPIV3Schema` is not included";
                errors.invalid(&at, "", detail);
            }
        }
    }
}

/// What all versions have in common, taken from the first.
fn check_shared(
    errors: &mut Errors,
    spec: &CustomResourceDefinitionSpec,
    version: &CustomResourceDefinitionVersion,
    shared: Shared,
    options: &Options,
) {
    let schema = open_api_schema(version.schema.as_ref());
    if let (true, Some(schema)) = (shared.schema, schema) {
        let has_status = spec.versions.iter().any(has_status);
        let costly = options.unchanged.contains(&version.name);
        check_schema(errors, &SPEC.field("validation"), schema, has_status, options, costly);
    }
    if shared.subresources {
        let subresources = version.subresources.as_ref();
        version::check_subresources(errors, &SPEC.field("subresources"), subresources);
    }
    if shared.columns {
        let columns = version.additional_printer_columns.or_empty();
        version::check_columns(errors, &SPEC.field("additionalPrinterColumns"), columns);
    }
    let selectable = version.selectable_fields.or_empty();
    if shared.selectable && !selectable.is_empty() {
        let at = SPEC.field("selectableFields");
        match schema.filter(|_| shared.schema) {
            Some(schema) => {
                let many = options.too_many_selectable.contains(&version.name);
                version::check_selectable(errors, &at, selectable, schema, many);
            }
            None => errors.invalid(&at, "", "may only be set when validations.schema is included"),
        }
    }
}

fn has_status(version: &CustomResourceDefinitionVersion) -> bool {
    version.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some())
}

fn check_set_of_versions(
    errors: &mut Errors,
    versions: &[CustomResourceDefinitionVersion],
    shared: Shared,
) {
    let at = SPEC.field("versions");
    let mut names: Vec<&str> = versions.iter().map(|version| version.name.as_str()).collect();
    names.sort_unstable();
    let shown = || shown::versions(versions, shared);
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        errors.invalid(&at, shown(), "must contain unique version names");
    }
    if versions.iter().filter(|version| version.storage).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.invalid(&at, shown(), detail);
    }
    // The name of the first version stands for the whole definition too, where it is looked at once more.
    if let Some(first) = versions.first() {
        let problems = names::is_dns1035_label(&first.name);
        if !first.name.is_empty() && !problems.is_empty() {
            errors.invalid(&SPEC.field("version"), &first.name, problems.join(","));
        }
    }
}

fn check_schema(
    errors: &mut Errors,
    at: &At<'_>,
    schema: &JSONSchemaProps,
    has_status: bool,
    options: &Options,
    may_be_costly: bool,
) {
    let schema_at = at.field("openAPIV3Schema");
    let before = errors.len();
    if has_status {
        check_root(errors, at, schema);
    }
    if schema.nullable == Some(true) {
        let detail = "nullable cannot be true at the root";
        errors.forbidden(&at.field("openAPIV3Schema.nullable"), detail);
    }
    let unsupported = structural::unsupported(schema);
    let mut costs = None;
    if unsupported.is_none() {
        let mut found = structural::check(&schema_at, schema);
        if found.is_empty() {
            found = defaults::check(&schema_at, schema, options);
        }
        if found.is_empty() {
            costs = Some(Costs::new(may_be_costly));
        }
        errors.extend(found);
    }
    errors.extend(open_api::check(&schema_at, schema, options, costs.as_mut()));
    if let (true, Some(problem)) = (errors.len() == before, unsupported) {
        errors.invalid(&schema_at, "", problem);
    }
    if let Some(costs) = costs {
        costs.check_total(errors, &schema_at);
    }
}

/// With a status of its own, an object is checked in two parts, so that only what concerns neither may be said of the whole.
fn check_root(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps) {
    const ALLOWED: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum \
                           ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems \
                           UniqueItems MultipleOf Required Items Properties ExternalDocs Example \
                           XPreserveUnknownFields XValidations";
    let unsupported = schema.id.is_some() || schema.schema.is_some() || schema.ref_path.is_some();
    let ty = schema.type_.or_empty();
    if !unsupported && !ty.is_empty() && ty != "object" {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the \
                      status subresource is enabled";
        errors.invalid(&at.field("openAPIV3Schema.type"), ty, detail);
        return;
    }
    let about_values = schema.nullable.is_some()
        || schema.default.is_some()
        || schema.enum_.is_some()
        || schema.max_properties.is_some()
        || schema.min_properties.is_some()
        || schema.not.is_some()
        || schema.additional_items.is_some()
        || schema.additional_properties.is_some();
    let about_others = schema.all_of.is_some()
        || schema.one_of.is_some()
        || schema.any_of.is_some()
        || schema.pattern_properties.is_some()
        || schema.dependencies.is_some()
        || schema.definitions.is_some();
    let about_kinds = schema.x_kubernetes_embedded_resource.is_some()
        || schema.x_kubernetes_int_or_string.is_some()
        || schema.x_kubernetes_list_map_keys.is_some()
        || schema.x_kubernetes_list_type.is_some()
        || schema.x_kubernetes_map_type.is_some();
    if unsupported || about_values || about_others || about_kinds {
        let detail = format!(
            "only [{ALLOWED}] fields are allowed at the root of the schema if the status \
             subresource is enabled"
        );
        errors.invalid(&at.field("openAPIV3Schema"), shown::schema(schema), detail);
    }
}
