//! `ResourceClaimTemplate`: what a claim is made from for each Pod that asks for its own.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#resourceclaims-templates>.

use k8s_openapi::api::resource::v1::ResourceClaimTemplate;
use meta::field::{BadValue, FieldError};

use super::claim;
use crate::check::{At, Errors, IMMUTABLE};
use crate::{DeleteAnswer, Kind, KindInfo, internal, metadata};

impl Kind for ResourceClaimTemplate {
    const INFO: KindInfo = KindInfo {
        singular: "resourceclaimtemplate",
        type_name: "io.k8s.api.resource.v1.ResourceClaimTemplate",
        delete_answer: DeleteAnswer::Object,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        if let Some(spec) = self.spec.as_mut().and_then(|spec| spec.spec.as_mut()) {
            claim::set_defaults(spec);
        }
    }

    fn on_create(&mut self) {
        if let Some(spec) = self.spec.as_mut().and_then(|spec| spec.spec.as_mut()) {
            claim::drop_disabled(spec);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let Some(spec) = &self.spec else { return Vec::new() };
        let at = At::root("spec");
        if let Some(metadata) = &spec.metadata {
            metadata::validate_template(&mut errors, &at.field("metadata"), metadata);
        }
        if let Some(claim) = &spec.spec {
            claim::validate(&mut errors, &at.field("spec"), claim);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.extend(Kind::validate(self));
        if self.spec != old.spec {
            errors.invalid(&At::root("spec"), shown(self), IMMUTABLE);
        }
        errors.into_list()
    }
}

/// The spec as Kubernetes shows it, where the metadata has no name of its own.
fn shown(template: &ResourceClaimTemplate) -> BadValue {
    internal::value("@ResourceClaimTemplateSpec", &template.spec)
}
