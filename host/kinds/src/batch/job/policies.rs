//! What a failed Pod means for its Job, and when the Job has succeeded before all of it is done.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy> and
//! <https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy>.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::{
    JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule, SuccessPolicyRule,
};
use meta::field::BadValue;

use super::spec::is_indexed;
use crate::batch::indexes;
use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;
use crate::{internal, label_selector};

const RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
const PATTERNS_MAX: usize = 20;
const SUCCEEDED_INDEXES_BYTES_MAX: usize = 64 * 1024;

pub(super) fn validate(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    if let Some(policy) = &spec.pod_failure_policy {
        let policy_at = at.field("podFailurePolicy");
        let rules_at = policy_at.field("rules");
        no_more_than(errors, &rules_at, policy.rules.len(), RULES_MAX);
        for (index, rule) in policy.rules.iter().enumerate() {
            failure_rule(errors, &rules_at.index(index), rule, spec);
        }
    }
    if let Some(policy) = &spec.success_policy {
        let policy_at = at.field("successPolicy");
        let rules_at = policy_at.field("rules");
        if is_indexed(spec) {
            if policy.rules.is_empty() {
                let detail =
                    "at least one rules must be specified when the successPolicy is specified";
                errors.required(&rules_at, detail);
            }
            no_more_than(errors, &rules_at, policy.rules.len(), RULES_MAX);
            for (index, rule) in policy.rules.iter().enumerate() {
                let completions = spec.completions.unwrap_or_default();
                success_rule(errors, &rules_at.index(index), rule, completions);
            }
        } else {
            let shown = internal::value("@SuccessPolicy", policy);
            errors.invalid(&policy_at, shown, "requires indexed completion mode");
        }
    }
    if let Some(policy) = &spec.pod_replacement_policy {
        let all = ["Failed", "TerminatingOrFailed"];
        let allowed = if spec.pod_failure_policy.is_some() { &all[..1] } else { &all };
        errors.one_of(&at.field("podReplacementPolicy"), policy, allowed);
    }
}

fn no_more_than(errors: &mut Errors, at: &At<'_>, actual: usize, max: usize) {
    if actual > max {
        errors.too_many(at, actual, max);
    }
}

/// Refuses a missing value, saying which there are, and one that is not among them.
fn is_one_of(errors: &mut Errors, at: &At<'_>, value: &str, allowed: &[&str]) {
    if value.is_empty() {
        let allowed: Vec<String> = allowed.iter().map(|value| meta::quote(value)).collect();
        errors.required(at, format!("valid values: [{}]", allowed.join(" ")));
    } else {
        errors.one_of(at, value, allowed);
    }
}

fn failure_rule(errors: &mut Errors, at: &At<'_>, rule: &PodFailurePolicyRule, spec: &JobSpec) {
    let action_at = at.field("action");
    let action = rule.action.as_str();
    is_one_of(errors, &action_at, action, &["Count", "FailIndex", "FailJob", "Ignore"]);
    if action == "FailIndex" && spec.backoff_limit_per_index.is_none() {
        errors.invalid(&action_at, action, "requires the backoffLimitPerIndex to be set");
    }
    if let Some(codes) = &rule.on_exit_codes {
        exit_codes(errors, &at.field("onExitCodes"), codes, &container_names(spec));
    }
    let patterns = rule.on_pod_conditions.or_empty();
    pod_conditions(errors, &at.field("onPodConditions"), patterns);
    let detail = match (&rule.on_exit_codes, patterns) {
        (Some(_), [_, ..]) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (None, []) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.invalid(at, BadValue::Omitted, detail);
}

fn container_names(spec: &JobSpec) -> BTreeSet<&str> {
    let pod = spec.template.spec.as_ref();
    let containers = pod.map(|pod| pod.containers.as_slice()).unwrap_or_default();
    let init = pod.map(|pod| pod.init_containers.or_empty()).unwrap_or_default();
    containers.iter().chain(init).map(|container| container.name.as_str()).collect()
}

fn exit_codes(
    errors: &mut Errors,
    at: &At<'_>,
    codes: &PodFailurePolicyOnExitCodesRequirement,
    containers: &BTreeSet<&str>,
) {
    is_one_of(errors, &at.field("operator"), &codes.operator, &["In", "NotIn"]);
    if let Some(name) = codes.container_name.as_deref()
        && !containers.contains(name)
    {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.invalid(&at.field("containerName"), name, detail);
    }
    let values_at = at.field("values");
    if codes.values.is_empty() {
        errors.invalid(&values_at, json(&codes.values), "at least one value is required");
    }
    no_more_than(errors, &values_at, codes.values.len(), EXIT_CODES_MAX);
    let mut seen = BTreeSet::new();
    for (index, value) in codes.values.iter().enumerate() {
        let at = values_at.index(index);
        if codes.operator == "In" && *value == 0 {
            errors.invalid(&at, *value, "must not be 0 for the In operator");
        }
        if !seen.insert(value) {
            errors.duplicate(&at, *value);
        }
    }
    if !codes.values.is_sorted() {
        errors.invalid(&values_at, json(&codes.values), "must be ordered");
    }
}

fn pod_conditions(
    errors: &mut Errors,
    all: &At<'_>,
    patterns: &[PodFailurePolicyOnPodConditionsPattern],
) {
    no_more_than(errors, all, patterns.len(), PATTERNS_MAX);
    for (index, pattern) in patterns.iter().enumerate() {
        let at = all.index(index);
        label_selector::label_name(errors, &at.field("type"), &pattern.type_);
        let status = pattern.status.or_empty();
        is_one_of(errors, &at.field("status"), status, &["False", "True", "Unknown"]);
    }
}

fn success_rule(errors: &mut Errors, at: &At<'_>, rule: &SuccessPolicyRule, completions: i32) {
    if rule.succeeded_count.is_none() && rule.succeeded_indexes.is_none() {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        errors.required(at, detail);
    }
    let mut listed = 0;
    if let Some(text) = &rule.succeeded_indexes {
        let at = at.field("succeededIndexes");
        if text.len() > SUCCEEDED_INDEXES_BYTES_MAX {
            errors.too_long(&at, SUCCEEDED_INDEXES_BYTES_MAX);
        }
        match indexes::count(text, completions) {
            Ok(count) => listed = count,
            Err(error) => {
                errors.invalid(&at, text, format!("error parsing succeededIndexes: {error}"));
            }
        }
    }
    let Some(count) = rule.succeeded_count else { return };
    let at = at.field("succeededCount");
    errors.not_negative(&at, i64::from(count));
    if count > completions {
        let detail = format!(
            "must be less than or equal to {completions} (the number of specified completions)"
        );
        errors.invalid(&at, count, detail);
    }
    if rule.succeeded_indexes.is_some() && i64::from(count) > listed {
        let detail = format!(
            "must be less than or equal to {listed} (the number of indexes in the specified \
             succeededIndexes field)"
        );
        errors.invalid(&at, count, detail);
    }
}
