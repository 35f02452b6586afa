//! `StorageVersionMigration`: the wish that all objects of a resource are stored in its newest version.
//!
//! See <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/storage-version-migration/>.

use jiff::Timestamp;
use k8s_openapi::api::storagemigration::v1::{
    StorageVersionMigration, StorageVersionMigrationSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, conditions, internal};

impl Kind for StorageVersionMigration {
    const INFO: KindInfo = KindInfo {
        singular: "storageversionmigration",
        type_name: "io.k8s.api.storagemigration.v1.StorageVersionMigration",
        status: true,
        status_keeps_metadata: true,
        unconditional_update: false,
        columns: &[
            Column::of::<ObjectMeta>("Name", "name"),
            Column::text("Resource", "GroupResource to migrate"),
            Column::text("Status", "Status of the migration"),
        ],
        ..KindInfo::cluster::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let spec = At::root("spec");
        let at = spec.field("resource");
        let StorageVersionMigrationSpec { resource } = self.spec.clone().unwrap_or_default();
        let name_at = at.field("resource");
        if resource.resource.is_empty() {
            errors.required(&name_at, "resource is required to be set");
        } else {
            let messages = names::is_dns1035_label(&resource.resource);
            joined(&mut errors, &name_at, &resource.resource, &messages);
        }
        if !resource.group.is_empty() {
            let messages = names::is_dns1123_subdomain(&resource.group);
            joined(&mut errors, &at.field("group"), &resource.group, &messages);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.extend(Kind::validate(self));
        if self.spec != old.spec {
            let spec = self.spec.clone().unwrap_or_default();
            let shown = internal::value("@StorageVersionMigrationSpec", &spec);
            errors.invalid(&At::root("spec"), shown, IMMUTABLE);
        }
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_status(&mut errors, self, old);
        errors.into_list()
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        let resource = self.spec.as_ref().map(|spec| spec.resource.clone()).unwrap_or_default();
        let dot = if resource.group.is_empty() { "" } else { "." };
        let status = conditions_of(self).iter().rev().find(|condition| {
            let is_known = matches!(condition.type_.as_str(), "Running" | FAILED | SUCCEEDED);
            is_known && condition.status == "True"
        });
        vec![
            columns::name(&self.metadata),
            Tree::from(format!("{}{dot}{}", resource.resource, resource.group)),
            Tree::from(status.map_or("Unknown", |condition| condition.type_.as_str())),
        ]
    }
}

const FAILED: &str = "Failed";
const SUCCEEDED: &str = "Succeeded";

fn conditions_of(migration: &StorageVersionMigration) -> &[Condition] {
    migration.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

fn joined(errors: &mut Errors, at: &At<'_>, value: &str, messages: &[String]) {
    if !messages.is_empty() {
        errors.invalid(at, value, messages.join(","));
    }
}

fn validate_status(
    errors: &mut Errors,
    new: &StorageVersionMigration,
    old: &StorageVersionMigration,
) {
    let status = At::root("status");
    let (at, conditions_at) = (status.field("resourceVersion"), status.field("conditions"));
    let revision = |migration: &StorageVersionMigration| {
        let status = migration.status.as_ref();
        status.map(|status| status.resource_version.or_empty().to_owned()).unwrap_or_default()
    };
    let (revision, before) = (revision(new), revision(old));
    if !revision.is_empty() && !is_revision(&revision) {
        let detail = format!("resource version is not well formed: {revision}");
        errors.invalid(&at, &revision, detail);
    }
    let all = conditions_of(new);
    conditions::validate(errors, &conditions_at, all);
    if !before.is_empty() && before != revision {
        errors.invalid(&at, &revision, IMMUTABLE);
    }
    let is = |type_| conditions::is_true(all, type_);
    if is(SUCCEEDED) && is(FAILED) {
        let detail = "Both success and failed conditions cannot be true at the same time";
        errors.invalid(&conditions_at, conditions::shown(all), detail);
    }
    for (type_, name) in [(SUCCEEDED, "Success"), (FAILED, "Failed")] {
        if conditions::is_true(conditions_of(old), type_) && !is(type_) {
            let detail = format!("{name} condition cannot be set to false once it is true");
            errors.invalid(&conditions_at, conditions::shown(all), detail);
        }
    }
}

fn is_revision(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}
