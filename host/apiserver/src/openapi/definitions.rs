//! The types of a document: which ones it needs, and what the schema of each says.

use std::borrow::Cow;
use std::collections::BTreeSet;

use kinds::custom::CustomKind;
use kinds::{AnyKind as _, KindInfo};
use meta::Tree;
use meta::schema::{Field, ListType, PatchStrategy, Presence, Struct, TypeRef};
use serde_json::{Map, json};

use super::describe::Descriptions;
use super::{Part, custom, published};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
pub(super) const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
pub(super) const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
pub(super) const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
pub(super) const RESOURCE_LIST: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList";
pub(super) const API_GROUP: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup";
pub(super) const API_GROUPS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList";
pub(super) const API_VERSIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions";
pub(super) const VERSION_INFO: &str = "io.k8s.apimachinery.pkg.version.Info";
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
pub(super) const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
pub(super) const WATCH_EVENT: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const ANY: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";

/// Which of the two languages a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Two,
    Three,
}

impl Language {
    /// A reference to a type.
    pub(super) fn reference(self, name: &str) -> Tree {
        let place = match self {
            Self::Two => "definitions",
            Self::Three => "components/schemas",
        };
        json!({ "$ref": format!("#/{place}/{name}") })
    }
}

/// The name of the list type of a kind.
pub(super) fn list_name(info: &KindInfo) -> String {
    let prefix = info.type_name.rsplit_once('.').map_or("", |(prefix, _)| prefix);
    format!("{prefix}.{}", info.list_kind)
}

/// The names of the types that the parts begin with.
pub(super) fn names(parts: &[&Part]) -> Vec<String> {
    let mut pending: Vec<String> = Vec::new();
    if !parts.iter().all(|part| part.is_custom()) {
        pending.push(RESOURCE_LIST.to_owned());
    }
    for kind in parts.iter().flat_map(|part| &part.kinds) {
        let info = kind.info();
        pending.push(info.type_name.to_owned());
        if kind.custom().is_some() {
            pending.extend([OBJECT_META, LIST_META].map(ToOwned::to_owned));
        }
        for verb in info.verbs {
            let names: &[&str] = match verb {
                kinds::Verb::Delete | kinds::Verb::DeleteCollection => &[STATUS, DELETE_OPTIONS],
                kinds::Verb::Patch => &[PATCH],
                kinds::Verb::Watch if kind.custom().is_none() => &[WATCH_EVENT],
                kinds::Verb::List => {
                    pending.push(list_name(info));
                    &[]
                }
                _ => &[],
            };
            pending.extend(names.iter().map(ToString::to_string));
        }
        for subresource in info.all_subresources() {
            pending.extend(subresource.body.and_then(body_name).map(ToOwned::to_owned));
        }
    }
    pending
}

/// The names of all types that these lead to, sorted.
pub(super) fn reached(mut pending: Vec<String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    while let Some(name) = pending.pop() {
        if names.contains(&name) {
            continue;
        }
        if let Some(ty) = find(&name) {
            pending.extend(ty.fields().iter().filter_map(|field| reference_name_of(ty, field)));
        }
        names.insert(name);
    }
    names
}

/// The type of what is sent to a subresource, if it is one that is described.
pub(super) fn body_name(body: kinds::SubresourceBody) -> Option<&'static str> {
    let found = kinds::BODIES.iter().find(|known| known.kind == body.kind);
    found.map(|known| known.type_name).filter(|name| find(name).is_some())
}

fn find(name: &str) -> Option<&'static Struct> {
    let schema = kinds::schema();
    schema.find(name).and_then(|id| schema.get(id))
}

/// The type that a field refers to.
fn reference_name_of(owner: &Struct, field: &Field) -> Option<String> {
    if let Some(name) = published::opaque(owner, field) {
        return Some(name.to_owned());
    }
    match field.ty {
        TypeRef::Any if &*field.name == "fieldsV1" => Some(FIELDS.to_owned()),
        TypeRef::Any => Some(ANY.to_owned()),
        _ => reference_name(&field.ty),
    }
}

/// The type that a value refers to, through lists and maps.
fn reference_name(ty: &TypeRef) -> Option<String> {
    match ty {
        TypeRef::List(item) | TypeRef::Map(item) => reference_name(item),
        TypeRef::Struct(id) => kinds::schema().get(*id).map(|ty| ty.openapi_name.to_string()),
        TypeRef::Quantity => Some(QUANTITY.to_owned()),
        TypeRef::IntOrString => Some(INT_OR_STRING.to_owned()),
        TypeRef::Time => Some(TIME.to_owned()),
        TypeRef::MicroTime => Some(MICRO_TIME.to_owned()),
        _ => None,
    }
}

/// The schema of one type.
pub(super) fn definition(
    name: &str,
    parts: &[&Part],
    descriptions: &Descriptions,
    language: Language,
) -> Tree {
    let texts = descriptions.find(name);
    let custom = custom_kind(name, parts);
    let mut schema = match (find(name), custom) {
        (Some(ty), _) => structure(ty, name, descriptions, language),
        (None, Some(kind)) => custom::definition(name, kind, kind.info(), descriptions, language),
        (None, None) => special(name, language),
    };
    let about = texts.and_then(|texts| texts.about.as_deref()).or_else(|| about(name));
    if let Some(about) = about.filter(|_| custom.is_none()) {
        schema.insert("description".to_owned(), about.into());
    }
    let kinds = group_version_kinds(name, parts);
    if !kinds.is_empty() {
        schema.insert("x-kubernetes-group-version-kind".to_owned(), kinds.into());
    }
    Tree::Object(schema)
}

/// The custom kind that a type belongs to.
fn custom_kind<'a>(name: &str, parts: &[&'a Part]) -> Option<&'a CustomKind> {
    let mut all = parts.iter().flat_map(|part| &part.kinds).filter_map(|kind| kind.custom());
    all.find(|kind| kind.info().type_name == name || list_name(kind.info()) == name)
}

fn structure(
    ty: &Struct,
    name: &str,
    descriptions: &Descriptions,
    language: Language,
) -> Map<String, Tree> {
    let texts = descriptions.find(name);
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    let required: Vec<&str> =
        ty.fields().iter().filter(|field| field.required).map(|field| &*field.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    let properties: Map<String, Tree> = ty
        .fields()
        .iter()
        .map(|field| {
            let text = texts
                .and_then(|texts| texts.field(&field.name))
                .or_else(|| field_text(ty, &field.name));
            // How the objects of a list merge is nothing to publish.
            let is_items = &*field.name == "items" && ty.name.ends_with("List");
            (field.name.to_string(), property(ty, field, is_items, text, language))
        })
        .collect();
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), properties.into());
    }
    if ty.atomic {
        schema.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    if let Some(unions) = published::unions(&ty.openapi_name) {
        schema.insert("x-kubernetes-unions".to_owned(), unions);
    }
    schema
}

fn property(
    owner: &Struct,
    field: &Field,
    is_items: bool,
    text: Option<&str>,
    language: Language,
) -> Tree {
    let mut published = match (&field.ty, reference_name_of(owner, field)) {
        (TypeRef::Any, Some(name)) => language.reference(&name),
        (ty, _) => value(ty, language),
    };
    if let Some(name) = published::opaque(owner, field) {
        *innermost(&mut published) = language.reference(name);
    }
    if let Some(one_of) = &field.one_of {
        innermost(&mut published)["enum"] = one_of.split(',').collect();
    }
    let (mut schema, reference) = match published {
        Tree::Object(mut schema) => {
            let reference = schema.remove("$ref");
            (schema, reference)
        }
        _ => (Map::new(), None),
    };
    let mut set = |name: &str, value: Tree| schema.insert(name.to_owned(), value);
    if let Some(text) = text {
        set("description", text.into());
    }
    // Version 2 says nothing of defaults.
    if language == Language::Three
        && let Some(default) = default(field)
    {
        set("default", default);
    }
    let facts = &field.facts;
    let says_type = published::says_list_type(owner, field);
    if matches!(field.ty, TypeRef::List(_)) && !is_items && says_type {
        match &facts.list {
            ListType::Atomic => set("x-kubernetes-list-type", "atomic".into()),
            ListType::Set => set("x-kubernetes-list-type", "set".into()),
            ListType::Map(keys) => {
                set(
                    "x-kubernetes-list-map-keys",
                    keys.iter().map(|key| Tree::from(&**key)).collect(),
                );
                set("x-kubernetes-list-type", "map".into())
            }
        };
    }
    if facts.atomic == Some(true) {
        set("x-kubernetes-map-type", "atomic".into());
    }
    if let Some(strategy) = strategy(facts.patch) {
        set("x-kubernetes-patch-strategy", strategy.into());
    }
    if let Some(key) = &facts.merge_key {
        set("x-kubernetes-patch-merge-key", (&**key).into());
    }
    if let Some((name, value)) = published::extra(owner, field) {
        set(name, value.into());
    }
    if let Some(reference) = reference {
        // Version 3 allows nothing beside a reference, so that it is put into a list of one.
        if language == Language::Three && !schema.is_empty() {
            schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        } else {
            schema.insert("$ref".to_owned(), reference);
        }
    }
    Tree::Object(schema)
}

fn strategy(strategy: PatchStrategy) -> Option<String> {
    let parts = [
        ("merge", strategy.merge),
        ("replace", strategy.replace),
        ("retainKeys", strategy.retain_keys),
    ];
    let parts: Vec<&str> = parts.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

/// The schema of the values in lists and maps.
fn innermost(schema: &mut Tree) -> &mut Tree {
    match ["items", "additionalProperties"].into_iter().find(|name| schema.get(name).is_some()) {
        Some(name) => innermost(&mut schema[name]),
        None => schema,
    }
}

/// The value that a field has where nothing is given: its default, or that of what is always printed.
fn default(field: &Field) -> Option<Tree> {
    match field.ty {
        TypeRef::Struct(_) if field.presence == Presence::Always && !field.pointer => {
            Some(json!({}))
        }
        _ => field.default_or_zero().map(Cow::into_owned),
    }
}

fn value(ty: &TypeRef, language: Language) -> Tree {
    if let (Some(name), false) =
        (reference_name(ty), matches!(ty, TypeRef::List(_) | TypeRef::Map(_)))
    {
        return language.reference(&name);
    }
    match ty {
        TypeRef::List(item) => json!({ "type": "array", "items": value(item, language) }),
        TypeRef::Map(item) => {
            json!({ "type": "object", "additionalProperties": value(item, language) })
        }
        TypeRef::Bool => json!({ "type": "boolean" }),
        TypeRef::Int32 | TypeRef::Uint32 => json!({ "type": "integer", "format": "int32" }),
        TypeRef::Int64 | TypeRef::Uint64 => json!({ "type": "integer", "format": "int64" }),
        TypeRef::Float64 | TypeRef::Number => json!({ "type": "number", "format": "double" }),
        TypeRef::Float32 => json!({ "type": "number", "format": "float" }),
        TypeRef::Bytes => json!({ "type": "string", "format": "byte" }),
        TypeRef::Any => json!({ "type": "object" }),
        _ => json!({ "type": "string" }),
    }
}

/// Types that are no structs.
fn special(name: &str, language: Language) -> Map<String, Tree> {
    let schema = match (name, language) {
        (QUANTITY, Language::Three) => {
            json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] })
        }
        (INT_OR_STRING, Language::Three) => {
            json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] })
        }
        (INT_OR_STRING, Language::Two) => json!({ "type": "string", "format": "int-or-string" }),
        (QUANTITY, Language::Two) => json!({ "type": "string" }),
        (VERSION_INFO, _) => version_info(),
        _ if published::is_opaque(name) => json!({}),
        (TIME | MICRO_TIME, _) => json!({ "type": "string", "format": "date-time" }),
        _ => json!({ "type": "object" }),
    };
    match schema {
        Tree::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn version_info() -> Tree {
    const REQUIRED: [&str; 9] = [
        "major",
        "minor",
        "gitVersion",
        "gitCommit",
        "gitTreeState",
        "buildDate",
        "goVersion",
        "compiler",
        "platform",
    ];
    const OF_EMULATION: [(&str, &str); 4] = [
        ("emulationMajor", "The major version whose behaviour is shown."),
        ("emulationMinor", "The minor version whose behaviour is shown."),
        ("minCompatibilityMajor", "The lowest major version that is compatible with this one."),
        ("minCompatibilityMinor", "The lowest minor version that is compatible with this one."),
    ];
    let texts = REQUIRED.map(|name| (name, json!({ "type": "string", "default": "" })));
    let others =
        OF_EMULATION.map(|(name, text)| (name, json!({ "type": "string", "description": text })));
    let properties: Map<String, Tree> =
        texts.into_iter().chain(others).map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "required": REQUIRED, "properties": properties })
}

fn about(name: &str) -> Option<&'static str> {
    let (_, short) = name.rsplit_once('.')?;
    Some(match short {
        "Patch" => "The body of a PATCH request.",
        "WatchEvent" => "One change that a watch tells.",
        "RawExtension" => "Any object.",
        "FieldsV1" => "A set of fields.",
        "Info" => "The version of a server, and how it was built.",
        "MicroTime" => "A time with microseconds.",
        _ if short.ends_with("List") => "A list of objects.",
        _ => return None,
    })
}

/// Fields of lists and events, which the wire types do not describe.
fn field_text(owner: &Struct, name: &str) -> Option<&'static str> {
    Some(match name {
        "object" if &*owner.name == "WatchEvent" => {
            "The object after the change, as it was last if it is gone, or the Status of what went wrong."
        }
        "items" if owner.name.ends_with("List") => "The objects of the list.",
        "apiVersion" => "The versioned schema of this object.",
        "kind" => "The type of this object.",
        "metadata" => "Metadata of the list.",
        _ => return None,
    })
}

fn group_version_kinds(name: &str, parts: &[&Part]) -> Vec<Tree> {
    let entry = |group: &str, version: &str, kind: &str| json!({ "group": group, "kind": kind, "version": version });
    // Every group and version has them, that of the core first.
    let every = |kind: &str| {
        let others = parts.iter().filter(|part| (part.group, part.version) != ("", "v1"));
        let others = others.map(|part| entry(part.group, part.version, kind));
        std::iter::once(entry("", "v1", kind)).chain(others).collect()
    };
    match name {
        DELETE_OPTIONS => return every("DeleteOptions"),
        WATCH_EVENT => return every("WatchEvent"),
        STATUS | RESOURCE_LIST | API_GROUP | API_GROUPS | API_VERSIONS => {
            let kind = name.rsplit('.').next().unwrap_or_default();
            return vec![entry("", "v1", kind)];
        }
        _ => {}
    }
    if let Some(body) =
        kinds::BODIES.iter().find(|body| body.type_name == name && !name.starts_with(META))
    {
        return vec![entry(body.group, body.version, body.kind)];
    }
    let entry_of = |info: &KindInfo| {
        let kind = if info.type_name == name {
            info.kind
        } else if !info.list_kind.is_empty()
            && name.ends_with(info.list_kind)
            && list_name(info) == name
        {
            info.list_kind
        } else {
            return None;
        };
        Some(entry(info.group, info.version, kind))
    };
    // Objects are parts of those of other groups.
    let mut own = parts.iter().flat_map(|part| &part.kinds).map(|kind| kind.info());
    let mut others = kinds::all().iter().map(|kind| kind.info());
    own.find_map(entry_of).or_else(|| others.find_map(entry_of)).into_iter().collect()
}
