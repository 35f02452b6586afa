//! `MutatingAdmissionPolicyBinding`: where a policy holds, and with which parameters.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/>.

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::MutatingAdmissionPolicyBinding;
use meta::Tree;
use meta::field::FieldError;

use super::binding::{self, SPEC};
use super::match_resources;
use super::mutating_admission_policy::validate_operations;
use crate::check::Errors;
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo};

impl Kind for MutatingAdmissionPolicyBinding {
    const INFO: KindInfo = KindInfo {
        singular: "mutatingadmissionpolicybinding",
        categories: &["api-extensions"],
        type_name: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding",
        generation: Generation::Spec,
        unconditional_update: false,
        columns: binding::COLUMNS,
        plain_finalizers: true,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        if let Some(resources) = &mut spec.match_resources {
            match_resources::set_defaults(resources);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let spec = self.spec.clone().unwrap_or_default();
        binding::validate_policy_name(&mut errors, spec.policy_name.or_empty());
        binding::validate_param_ref(&mut errors, spec.param_ref.as_ref());
        if let Some(resources) = &spec.match_resources {
            let at = SPEC.field("matchResources");
            match_resources::validate(&mut errors, &at, resources);
            validate_operations(&mut errors, &at, Some(resources));
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        binding::row(&self.metadata, spec.policy_name.or_empty(), spec.param_ref.as_ref(), now)
    }
}
