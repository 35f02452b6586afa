//! Policies and webhooks that look at requests before they are done: the group `admissionregistration.k8s.io`.

mod binding;
mod conditions;
mod match_resources;
mod mutating_admission_policy;
mod mutating_admission_policy_binding;
mod mutating_webhook_configuration;
mod policy;
mod rules;
mod type_checking;
mod validating_admission_policy;
mod validating_admission_policy_binding;
mod validating_webhook_configuration;
pub(crate) mod webhook;

pub use type_checking::expression_warnings;
