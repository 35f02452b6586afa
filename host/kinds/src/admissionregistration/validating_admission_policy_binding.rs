//! `ValidatingAdmissionPolicyBinding`: where a policy holds, with which parameters, and what follows when a request breaks it.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec,
};
use meta::Tree;
use meta::field::FieldError;

use super::binding::{self, SPEC};
use super::match_resources;
use crate::check::{Errors, json};
use crate::{Generation, Kind, KindInfo};

const ACTIONS: &[&str] = &["Audit", "Deny", "Warn"];

impl Kind for ValidatingAdmissionPolicyBinding {
    const INFO: KindInfo = KindInfo {
        singular: "validatingadmissionpolicybinding",
        categories: &["api-extensions"],
        type_name: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
        generation: Generation::Spec,
        unconditional_update: false,
        columns: binding::COLUMNS,
        plain_finalizers: true,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        if let Some(resources) = &mut self.spec.match_resources {
            match_resources::set_defaults(resources);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let spec = &self.spec;
        binding::validate_policy_name(&mut errors, &spec.policy_name);
        binding::validate_param_ref(&mut errors, spec.param_ref.as_ref());
        if let Some(resources) = &spec.match_resources {
            match_resources::validate(&mut errors, &SPEC.field("matchResources"), resources);
        }
        validate_actions(&mut errors, spec);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        binding::row(&self.metadata, &spec.policy_name, spec.param_ref.as_ref(), now)
    }
}

fn validate_actions(errors: &mut Errors, spec: &ValidatingAdmissionPolicyBindingSpec) {
    let all = SPEC.field("validationActions");
    let actions = &spec.validation_actions;
    let mut seen = BTreeSet::new();
    for (index, action) in actions.iter().enumerate() {
        let at = all.index(index);
        errors.one_of(&at, action, ACTIONS);
        if !seen.insert(action.as_str()) {
            errors.duplicate(&at, action);
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and \
                      headers serves no purpose)";
        errors.invalid(&all, json(actions), detail);
    }
    if seen.is_empty() {
        errors.required(&all, "");
    }
}
