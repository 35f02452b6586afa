//! `CustomResourceDefinition`: a kind that users define, with the schema of its objects.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionSpec,
};
use meta::Tree;
use meta::field::FieldError;

use super::ratchet::Options;
use super::{approval, conversion, names, spec, warnings, zeros};
use crate::check::{At, Errors};
use crate::columns;
use crate::wire::{OrEmpty, default_text};
use crate::{Generation, Kind, KindInfo, PrefixRule};

impl Kind for CustomResourceDefinition {
    const INFO: KindInfo = KindInfo {
        singular: "customresourcedefinition",
        short_names: &["crd", "crds"],
        categories: &["api-extensions"],
        type_name: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
        status: true,
        generation: Generation::Spec,
        unconditional_update: false,
        columns: columns::NAME_AND_CREATED_AT,
        plain_finalizers: true,
        staged_deletion: true,
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let names = &mut self.spec.names;
        default_text(&mut names.singular, &names.kind.to_lowercase());
        if !names.kind.is_empty() {
            default_text(&mut names.list_kind, &format!("{}List", names.kind));
        }
        conversion::set_defaults(&mut self.spec);
        for version in &mut self.spec.versions {
            let schema = version.schema.as_mut();
            schema.and_then(|schema| schema.open_api_v3_schema.as_mut()).map(zeros::drop);
        }
        if stored_versions(self).is_empty() {
            self.keep_storage_version();
        }
    }

    fn on_create(&mut self) {
        self.keep_storage_version();
    }

    fn on_update(&mut self, _old: &Self) {
        self.keep_storage_version();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        named_after(&mut errors, self);
        let options = Options::strict();
        spec::check(&mut errors, &self.spec, &options);
        validate_rest(&mut errors, self, None);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let options = Options::of_update(self, old);
        spec::check(&mut errors, &self.spec, &options);
        spec::check_update(&mut errors, &self.spec, &old.spec, &options);
        validate_rest(&mut errors, self, Some(old));
        errors.into_list()
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        accepted_names(&mut errors, self);
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        warnings::of(&self.spec, old.map(|old| &old.spec))
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        columns::name_and_created_at(&self.metadata)
    }
}

/// What a definition does to itself.
trait Stored {
    /// Remembers that objects are stored in the version in which they are now.
    fn keep_storage_version(&mut self);
}

impl Stored for CustomResourceDefinition {
    fn keep_storage_version(&mut self) {
        let Some(name) = storage_version(&self.spec).map(str::to_owned) else { return };
        let status = self.status.get_or_insert_default();
        let stored = status.stored_versions.get_or_insert_default();
        if !stored.contains(&name) {
            stored.push(name);
        }
    }
}

fn stored_versions(definition: &CustomResourceDefinition) -> &[String] {
    let status = definition.status.as_ref();
    status.map(|status| status.stored_versions.or_empty()).unwrap_or_default()
}

fn storage_version(spec: &CustomResourceDefinitionSpec) -> Option<&str> {
    spec.versions.iter().find(|version| version.storage).map(|version| version.name.as_str())
}

fn named_after(errors: &mut Errors, definition: &CustomResourceDefinition) {
    let wanted = format!("{}.{}", definition.spec.names.plural, definition.spec.group);
    let metadata = &definition.metadata;
    for (field, name) in [("generateName", &metadata.generate_name), ("name", &metadata.name)] {
        if !name.is_unset() && name.or_empty() != wanted {
            let detail = "must be spec.names.plural+\".\"+spec.group";
            errors.invalid(&At::root("metadata").field(field), name.or_empty(), detail);
        }
    }
}

fn validate_rest(
    errors: &mut Errors,
    new: &CustomResourceDefinition,
    old: Option<&CustomResourceDefinition>,
) {
    accepted_names(errors, new);
    spec::check_stored_versions(errors, new);
    approval::check(errors, new, old);
    spec::check_preservation(errors, &new.spec);
}

fn accepted_names(errors: &mut Errors, definition: &CustomResourceDefinition) {
    let status = definition.status.as_ref();
    if let Some(accepted) = status.and_then(|status| status.accepted_names.as_ref()) {
        names::check(errors, &At::root("status").field("acceptedNames"), accepted);
    }
}
