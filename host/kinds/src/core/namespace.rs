//! `Namespace`: a scope for names, and a unit of deletion.
//!
//! A namespace is deleted in two steps: while `spec.finalizers` is not empty its contents are being removed, and only `/finalize` empties
//! that list.
//!
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, NamespaceStatus};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_text};
use crate::{
    DeleteAnswer, Kind, KindInfo, NameRule, PrefixRule, Subresource, SubresourceBody, Verb,
};

impl Kind for Namespace {
    const INFO: KindInfo = KindInfo {
        singular: "namespace",
        short_names: &["ns"],
        type_name: "io.k8s.api.core.v1.Namespace",
        name_rule: NameRule::Label,
        verbs: Verb::NO_COLLECTION_DELETE,
        status: true,
        subresources: &[Subresource {
            name: "finalize",
            body: Some(SubresourceBody { group: "", version: "", kind: "Namespace" }),
            verbs: &[Verb::Update],
        }],
        delete_answer: DeleteAnswer::Object,
        selectable: &["status.phase"],
        columns: &[
            columns::NAME,
            Column::text("Status", "The status of the namespace"),
            columns::AGE,
        ],
        staged_deletion: true,
        without_table: &["finalize"],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let name = self.metadata.name.or_empty().to_owned();
        if !name.is_empty() {
            self.metadata.labels.get_or_insert_default().insert(NAME_LABEL.to_owned(), name);
        }
        default_text(&mut self.status.get_or_insert_default().phase, ACTIVE);
        self.spec.get_or_insert_default();
    }

    fn on_create(&mut self) {
        self.status =
            Some(NamespaceStatus { phase: Some(ACTIVE.to_owned()), ..NamespaceStatus::default() });
        let spec = self.spec.get_or_insert_default();
        let finalizers = spec.finalizers.get_or_insert_default();
        if !finalizers.iter().any(|finalizer| finalizer == KUBERNETES) {
            finalizers.push(KUBERNETES.to_owned());
        }
    }

    fn on_update(&mut self, old: &Self) {
        let finalizers = old.spec.as_ref().and_then(|spec| spec.finalizers.clone());
        self.spec.get_or_insert_default().finalizers = finalizers;
        self.status.clone_from(&old.status);
    }

    fn on_subresource_update(&mut self, _subresource: &str, old: &Self) {
        self.status.clone_from(&old.status);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        finalizers(&mut errors, self, false);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let status = At::root("status");
        let at = status.field("Phase");
        let is_deleted = self.metadata.deletion_timestamp.is_some();
        if !is_deleted && phase(self) != ACTIVE {
            let detail = "may only be 'Active' if `deletionTimestamp` is empty";
            errors.invalid(&at, phase(self), detail);
        } else if is_deleted && phase(self) != "Terminating" {
            let detail = "may only be 'Terminating' if `deletionTimestamp` is not empty";
            errors.invalid(&at, phase(self), detail);
        }
        errors.into_list()
    }

    fn validate_subresource(&self, _subresource: &str, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        finalizers(&mut errors, self, true);
        errors.into_list()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("status.phase", phase(self).to_owned())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(phase(self)),
            columns::age(&self.metadata, now),
        ]
    }
}

const ACTIVE: &str = "Active";
/// The finalizer that stands for everything in the namespace.
const KUBERNETES: &str = "kubernetes";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

fn phase(namespace: &Namespace) -> &str {
    namespace.status.as_ref().map(|status| status.phase.or_empty()).unwrap_or_default()
}

fn finalizers(errors: &mut Errors, namespace: &Namespace, name_each: bool) {
    let spec = At::root("spec");
    let all = spec.field("finalizers");
    let finalizers = namespace.spec.as_ref().map(|spec| spec.finalizers.or_empty());
    for (index, name) in finalizers.unwrap_or_default().iter().enumerate() {
        let one = all.index(index);
        let at = if name_each { &one } else { &all };
        errors.invalid_each(at, name, names::is_qualified_name(name));
        let is_known = matches!(name.as_str(), "kubernetes" | "orphan" | "foregroundDeletion");
        if !is_known && !name.contains('/') {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(at, name, detail);
        }
    }
}
