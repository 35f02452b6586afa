//! What Kubernetes publishes of single types and fields beyond what the table of facts has.

use meta::Tree;
use meta::schema::{Field, Struct};
use serde_json::{Map, json};

/// A type one of whose fields is set at the most: its name, the field that says which, and the others with what it says.
type Union = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const UNIONS: &[Union] = &[
    ("io.k8s.api.core.v1.AppArmorProfile", "type", &[("localhostProfile", "LocalhostProfile")]),
    ("io.k8s.api.core.v1.PodSchedulingGroup", "", &[("podGroupName", "PodGroupName")]),
    ("io.k8s.api.core.v1.SeccompProfile", "type", &[("localhostProfile", "LocalhostProfile")]),
    ("io.k8s.api.flowcontrol.v1.LimitResponse", "type", &[("queuing", "Queuing")]),
    (
        "io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec",
        "type",
        &[("exempt", "Exempt"), ("limited", "Limited")],
    ),
    (
        "io.k8s.api.flowcontrol.v1.Subject",
        "kind",
        &[("group", "Group"), ("serviceAccount", "ServiceAccount"), ("user", "User")],
    ),
    (
        "io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupDisruptionMode",
        "",
        &[("all", "All"), ("single", "Single")],
    ),
    (
        "io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupSchedulingPolicy",
        "",
        &[("basic", "Basic"), ("gang", "Gang")],
    ),
];

/// The value of `x-kubernetes-unions`.
pub(super) fn unions(type_name: &str) -> Option<Tree> {
    let (_, discriminator, fields) = UNIONS.iter().find(|(name, ..)| *name == type_name)?;
    let fields: Map<String, Tree> =
        fields.iter().map(|(field, says)| ((*field).to_owned(), (*says).into())).collect();
    let mut union = json!({ "fields-to-discriminateBy": fields });
    if !discriminator.is_empty() {
        union["discriminator"] = (*discriminator).into();
    }
    Some(json!([union]))
}

/// Marks of single fields: type, field, mark, value.
const MARKS: &[(&str, &str, &str, &str)] = &[
    (
        "PersistentVolumeClaimStatus",
        "allocatedResourceStatuses",
        "x-kubernetes-map-type",
        "granular",
    ),
    ("PersistentVolumeSpec", "claimRef", "x-kubernetes-map-type", "granular"),
    ("APIServiceSpec", "caBundle", "x-kubernetes-list-type", "atomic"),
];

/// A mark of a field, and its value.
pub(super) fn extra(owner: &Struct, field: &Field) -> Option<(&'static str, &'static str)> {
    let mut marks = MARKS.iter();
    let found = marks.find(|(ty, name, ..)| *ty == &*owner.name && *name == &*field.name);
    found.map(|(_, _, mark, value)| (*mark, *value))
}

/// Whether a list says how it merges.
pub(super) fn says_list_type(owner: &Struct, field: &Field) -> bool {
    (&*owner.name, &*field.name) != ("APIResource", "verbs")
}

const JSON: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON";
const SCHEMAS: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray";
const BOOLEAN: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool";
const NAMES: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray";

/// The type of what a schema says of values, of which nothing is published but its name.
pub(super) fn opaque(owner: &Struct, field: &Field) -> Option<&'static str> {
    if &*owner.name != "JSONSchemaProps" {
        return None;
    }
    Some(match &*field.name {
        "default" | "enum" | "example" => JSON,
        "items" => SCHEMAS,
        "additionalItems" | "additionalProperties" => BOOLEAN,
        "dependencies" => NAMES,
        _ => return None,
    })
}

pub(super) fn is_opaque(name: &str) -> bool {
    [JSON, SCHEMAS, BOOLEAN, NAMES].contains(&name)
}
