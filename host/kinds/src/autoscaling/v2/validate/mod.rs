//! What is wrong with an autoscaler.

mod metric;

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerSpec,
    HorizontalPodAutoscalerStatus,
};
use meta::field::FieldError;
use meta::{GroupVersion, names};

use crate::check::{At, Errors, NEGATIVE};
use crate::resources;
use crate::wire::OrEmpty;

const SPEC: At<'static> = At::root("spec");
const PERIOD_SECS_MAX: i32 = 1800;
const STABILIZATION_SECS_MAX: i32 = 3600;

/// What the version of a referenced object may be.
#[derive(Clone, Copy)]
enum Versions {
    Any,
    /// Of a group, or of the core group.
    Parsed,
    /// Of a group with a name.
    Grouped,
}

pub(super) fn spec(
    spec: &HorizontalPodAutoscalerSpec,
    old: Option<&HorizontalPodAutoscalerSpec>,
) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let max_at = SPEC.field("maxReplicas");
    let (min, max) = (spec.min_replicas, spec.max_replicas);
    if min.is_some_and(|min| max < min) {
        errors.invalid(&max_at, max, "must be greater than or equal to `minReplicas`");
    }
    let target = &spec.scale_target_ref;
    let versions = target_versions(target, old.map(|old| &old.scale_target_ref));
    reference(&mut errors, &SPEC.field("scaleTargetRef"), target, versions);
    metric::all(&mut errors, spec, old);
    if let Some(behavior) = &spec.behavior {
        let at = SPEC.field("behavior");
        for (name, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)]
        {
            if let Some(rules) = rules {
                scaling_rules(&mut errors, &at.field(name), rules);
            }
        }
    }
    errors.not_negative(&SPEC.field("minReplicas"), i64::from(min.unwrap_or_default()));
    match max {
        0 => errors.required(&max_at, ""),
        max if max < 0 => errors.invalid(&max_at, max, "must be greater than or equal to 1"),
        _ => {}
    }
    errors.into_list()
}

fn target_versions(
    target: &CrossVersionObjectReference,
    old: Option<&CrossVersionObjectReference>,
) -> Versions {
    let is_same = |old: &CrossVersionObjectReference| {
        old.kind == target.kind && old.api_version.or_empty() == target.api_version.or_empty()
    };
    if old.is_some_and(is_same) {
        Versions::Any
    } else if target.kind == "ReplicationController" {
        // The only kind of the core group that can be scaled.
        Versions::Parsed
    } else {
        Versions::Grouped
    }
}

fn reference(
    errors: &mut Errors,
    at: &At<'_>,
    reference: &CrossVersionObjectReference,
    versions: Versions,
) {
    for (name, value) in [("kind", &reference.kind), ("name", &reference.name)] {
        let at = at.field(name);
        if value.is_empty() {
            errors.required(&at, "");
        }
        errors.invalid_each(&at, value, names::is_path_segment_name(value));
    }
    if let Err(error) = version(reference, versions) {
        errors.invalid(&at.field("apiVersion"), reference.api_version.or_empty(), error);
    }
}

fn version(reference: &CrossVersionObjectReference, versions: Versions) -> Result<(), String> {
    let text = reference.api_version.or_empty();
    let parsed = match text {
        "" | "/" => Some(GroupVersion::default()),
        text => GroupVersion::parse(text),
    };
    match (parsed, versions) {
        (_, Versions::Any) => Ok(()),
        (None, _) => Err(format!("unexpected GroupVersion string: {text}")),
        (Some(parsed), Versions::Grouped) if parsed.group.is_empty() => {
            Err("apiVersion must specify API group".to_owned())
        }
        _ => Ok(()),
    }
}

fn scaling_rules(errors: &mut Errors, at: &At<'_>, rules: &HPAScalingRules) {
    if let Some(secs) = rules.stabilization_window_seconds {
        let at = at.field("stabilizationWindowSeconds");
        if secs < 0 {
            errors.invalid(&at, secs, "must be greater than or equal to zero");
        }
        if secs > STABILIZATION_SECS_MAX {
            let detail = format!("must be less than or equal to {STABILIZATION_SECS_MAX}");
            errors.invalid(&at, secs, detail);
        }
    }
    if let Some(policy) = &rules.select_policy {
        errors.one_of(&at.field("selectPolicy"), policy, &["Disabled", "Max", "Min"]);
    }
    let policies_at = at.field("policies");
    let policies = rules.policies.or_empty();
    if policies.is_empty() {
        errors.required(&policies_at, "must specify at least one Policy");
    }
    for (index, policy) in policies.iter().enumerate() {
        scaling_policy(errors, &policies_at.index(index), policy);
    }
    if let Some(tolerance) = rules.tolerance.as_ref().map(resources::parse)
        && tolerance.is_negative()
    {
        errors.invalid(&at.field("tolerance"), tolerance.to_string(), NEGATIVE);
    }
}

fn scaling_policy(errors: &mut Errors, at: &At<'_>, policy: &HPAScalingPolicy) {
    errors.one_of(&at.field("type"), &policy.type_, &["Percent", "Pods"]);
    for (name, value) in [("value", policy.value), ("periodSeconds", policy.period_seconds)] {
        if value <= 0 {
            errors.invalid(&at.field(name), value, "must be greater than zero");
        }
    }
    if policy.period_seconds > PERIOD_SECS_MAX {
        let detail = format!("must be less than or equal to {PERIOD_SECS_MAX}");
        errors.invalid(&at.field("periodSeconds"), policy.period_seconds, detail);
    }
}

pub(super) fn status(status: &HorizontalPodAutoscalerStatus) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let at = At::root("status");
    let conditions_at = at.field("conditions");
    for (index, condition) in status.conditions.or_empty().iter().enumerate() {
        let generation = condition.observed_generation.unwrap_or_default();
        let at = conditions_at.index(index);
        errors.not_negative(&at.field("observedGeneration"), generation);
    }
    let current = status.current_replicas.unwrap_or_default();
    errors.not_negative(&at.field("currentReplicas"), i64::from(current));
    errors.not_negative(&at.field("desiredReplicas"), i64::from(status.desired_replicas));
    errors.into_list()
}
