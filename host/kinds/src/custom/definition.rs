//! A definition in the form in which it is used: one kind for each version that is served.
//!
//! A definition is served once it is established, under the names that were accepted, whatever else it asks for by then.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec,
    CustomResourceDefinitionStatus, CustomResourceDefinitionVersion, CustomResourceSubresources,
};

use super::columns::Printer;
use super::schema::CustomSchema;
use super::version::{Schemas, Version, schema_of};
use super::{CustomKind, JsonPath};
use crate::info::{Generation, KindInfo, ScalePaths, Selector, StoredAs, Verb};
use crate::names::NameRule;
use crate::wire::OrEmpty;
use crate::{intern, maturity};

/// A definition that is served.
#[derive(Debug)]
pub struct Definition {
    uid: String,
    spec: CustomResourceDefinitionSpec,
    names: CustomResourceDefinitionNames,
    is_ending: bool,
    schemas: Arc<Schemas>,
    kinds: Vec<CustomKind>,
}

impl Definition {
    /// What a stored definition makes the server serve, if anything. If nothing that matters has changed since `before`, it is that.
    #[must_use]
    pub fn of(
        definition: &CustomResourceDefinition,
        before: Option<&Arc<Self>>,
    ) -> Option<Arc<Self>> {
        let status = definition.status.as_ref()?;
        if !is_true(status, "Established") {
            return None;
        }
        let uid = definition.metadata.uid.or_empty();
        let names = status.accepted_names.as_ref()?;
        let is_ending = is_true(status, "Terminating");
        let alike = before.filter(|before| {
            before.uid == uid && before.names == *names && before.spec == definition.spec
        });
        if let Some(same) = alike.filter(|before| before.is_ending == is_ending) {
            return Some(Arc::clone(same));
        }
        let (spec, names) = (definition.spec.clone(), names.clone());
        let schemas = match alike {
            Some(before) => Arc::clone(&before.schemas),
            None => compiled(&spec),
        };
        let kinds = kinds(&spec, &names, is_ending, &schemas);
        Some(Arc::new(Self { uid: uid.to_owned(), spec, names, is_ending, schemas, kinds }))
    }

    /// The kinds of its served versions.
    #[must_use]
    pub fn kinds(&self) -> &[CustomKind] {
        &self.kinds
    }
}

fn is_true(status: &CustomResourceDefinitionStatus, condition: &str) -> bool {
    let mut conditions = status.conditions.or_empty().iter();
    conditions.any(|known| known.type_ == condition && known.status == "True")
}

/// The schemas of all versions: objects may be stored in any of them.
fn compiled(spec: &CustomResourceDefinitionSpec) -> Arc<Schemas> {
    let compiled = |version: &CustomResourceDefinitionVersion| {
        let schema = CustomSchema::compile(schema_of(version));
        (version.name.clone(), Arc::new(schema))
    };
    Arc::new(spec.versions.iter().map(compiled).collect())
}

fn kinds(
    spec: &CustomResourceDefinitionSpec,
    names: &CustomResourceDefinitionNames,
    is_ending: bool,
    schemas: &Arc<Schemas>,
) -> Vec<CustomKind> {
    let served = spec.versions.iter().filter(|version| version.served);
    let kinds = served.filter_map(|version| {
        let printer = Printer::new(version.additional_printer_columns.or_empty());
        let selectable = selectable(version);
        let mut info = info(spec, names, version);
        info.ending = is_ending;
        info.columns = printer.columns;
        info.selectable = intern::list(selectable.iter().map(|(name, _)| *name));
        Some(CustomKind::new(Version {
            stored_api_version: format!("{}/{}", spec.group, storage(spec)?),
            info,
            schema: Arc::clone(schemas.get(&version.name)?),
            schemas: Arc::clone(schemas),
            printer,
            selectable,
            published: schema_of(version).cloned(),
            fingerprint: fingerprint(version),
        }))
    });
    kinds.collect()
}

/// A number that changes with the schema of a version.
fn fingerprint(version: &CustomResourceDefinitionVersion) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(&version.schema).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

fn info(
    spec: &CustomResourceDefinitionSpec,
    names: &CustomResourceDefinitionNames,
    version: &CustomResourceDefinitionVersion,
) -> KindInfo {
    let texts =
        |list: &Option<Vec<String>>| intern::list(list.or_empty().iter().map(String::as_str));
    let (group, kind) = (intern::text(&spec.group), intern::text(&names.kind));
    let plural = intern::text(&names.plural);
    let none = CustomResourceSubresources::default();
    let subresources = version.subresources.as_ref().unwrap_or(&none);
    let has_status = subresources.status.is_some();
    let stored = storage(spec).filter(|stored| *stored != version.name);
    KindInfo {
        group,
        version: intern::text(&version.name),
        kind,
        list_kind: intern::text(names.list_kind.or_empty()),
        plural,
        singular: intern::text(names.singular.or_empty()),
        short_names: texts(&names.short_names),
        categories: texts(&names.categories),
        type_name: intern::text(&type_name(group, &version.name, kind)),
        namespaced: spec.scope == "Namespaced",
        verbs: Verb::OF_CUSTOM,
        status: has_status,
        status_keeps_metadata: true,
        scale: subresources.scale.as_ref().map(|scale| ScalePaths {
            spec_replicas: intern::text(&scale.spec_replicas_path),
            status_replicas: intern::text(&scale.status_replicas_path),
            selector: scale
                .label_selector_path
                .as_deref()
                .filter(|path| !path.is_empty())
                .map(|path| Selector::Text(intern::text(path))),
        }),
        generation: if has_status { Generation::Spec } else { Generation::All },
        unowned: &[("status", &["metadata", "spec"])],
        name_rule: NameRule::Subdomain,
        unconditional_update: false,
        deprecated: deprecation(spec, names, version),
        stored_as: stored.map(|stored| StoredAs {
            group,
            version: intern::text(stored),
            kind,
            plural,
        }),
        is_custom: true,
        ..KindInfo::usual()
    }
}

fn storage(spec: &CustomResourceDefinitionSpec) -> Option<&str> {
    let stored = spec.versions.iter().find(|version| version.storage);
    stored.map(|version| version.name.as_str())
}

/// The name of the type in documents: `com.example.stable.v1.CronTab`.
fn type_name(group: &str, version: &str, kind: &str) -> String {
    let mut parts: Vec<&str> = group.rsplit('.').collect();
    parts.extend([version, kind]);
    parts.join(".")
}

fn selectable(version: &CustomResourceDefinitionVersion) -> Vec<(&'static str, JsonPath)> {
    let fields = version.selectable_fields.or_empty().iter();
    let fields = fields.filter_map(|field| {
        let path = JsonPath::parse(&field.json_path)?;
        // Selectors name the field without the dot.
        let name = field.json_path.strip_prefix('.').unwrap_or(&field.json_path);
        Some((intern::text(name), path))
    });
    fields.collect()
}

/// What users of a version are told that is on its way out, and which one to use.
fn deprecation(
    spec: &CustomResourceDefinitionSpec,
    names: &CustomResourceDefinitionNames,
    version: &CustomResourceDefinitionVersion,
) -> Option<&'static str> {
    if version.deprecated != Some(true) {
        return None;
    }
    if let Some(text) = &version.deprecation_warning {
        return Some(intern::text(text));
    }
    let (group, kind) = (&spec.group, &names.kind);
    let newer = spec.versions.iter().filter(|other| {
        let is_newer = maturity::compare(&other.name, &version.name).is_gt();
        other.served && other.deprecated != Some(true) && is_newer
    });
    let newest = newer.max_by(|a, b| maturity::compare(&a.name, &b.name));
    let text = format!("{group}/{} {kind} is deprecated", version.name);
    Some(match newest {
        Some(newest) => intern::text(&format!("{text}; use {group}/{} {kind}", newest.name)),
        None => intern::text(&text),
    })
}
