//! `MutatingWebhookConfiguration`: services outside that change requests before they are done, or refuse them.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use meta::Tree;
use meta::field::FieldError;

use super::webhook::{self, Defaulted, Kept, Webhook};
use crate::check::Errors;
use crate::wire::{OrEmpty, default_absent};
use crate::{Generation, Kind, KindInfo};

impl Kind for MutatingWebhookConfiguration {
    const INFO: KindInfo = KindInfo {
        singular: "mutatingwebhookconfiguration",
        categories: &["api-extensions"],
        type_name: "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
        generation: Generation::Spec,
        unconditional_update: false,
        columns: webhook::COLUMNS,
        plain_finalizers: true,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        for hook in self.webhooks.iter_mut().flatten() {
            defaulted(hook).set();
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        webhook::validate(&mut errors, &hooks(self), Kept::default());
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let (new, old) = (hooks(self), hooks(old));
        webhook::validate(&mut errors, &new, Kept::of(&new, &old));
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        webhook::row(&self.metadata, self.webhooks.or_empty().len(), now)
    }
}

fn defaulted(hook: &mut MutatingWebhook) -> Defaulted<'_> {
    default_absent(&mut hook.reinvocation_policy, "Never");
    Defaulted {
        failure_policy: &mut hook.failure_policy,
        match_policy: &mut hook.match_policy,
        namespace_selector: &mut hook.namespace_selector,
        object_selector: &mut hook.object_selector,
        timeout_secs: &mut hook.timeout_seconds,
        client: &mut hook.client_config,
        rules: &mut hook.rules,
    }
}

fn hooks(configuration: &MutatingWebhookConfiguration) -> Vec<Webhook<'_>> {
    configuration.webhooks.or_empty().iter().map(shared).collect()
}

fn shared(hook: &MutatingWebhook) -> Webhook<'_> {
    Webhook {
        name: &hook.name,
        rules: hook.rules.or_empty(),
        failure_policy: hook.failure_policy.as_ref(),
        match_policy: hook.match_policy.as_ref(),
        side_effects: &hook.side_effects,
        timeout_secs: hook.timeout_seconds,
        namespace_selector: hook.namespace_selector.as_ref(),
        object_selector: hook.object_selector.as_ref(),
        reinvocation_policy: hook.reinvocation_policy.as_ref(),
        client: &hook.client_config,
        conditions: hook.match_conditions.or_empty(),
        review_versions: &hook.admission_review_versions,
    }
}
