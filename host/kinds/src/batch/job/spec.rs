//! What holds for the spec of a Job, in a Job and in the template of a `CronJob`.

use k8s_openapi::api::batch::v1::JobSpec;
use meta::names;

use super::policies;
use crate::check::{At, Errors};
use crate::wire::{OrEmpty, default_text};
use crate::{label_selector, pod_template};

/// More parallel Pods or failed indexes of an indexed Job would make its status too long.
const INDEXES_MAX: i32 = 100_000;
/// With more completions than these, other bounds are lower.
const FEW_COMPLETIONS: i32 = 100_000;
const MANY_COMPLETIONS_PARALLEL_MAX: i32 = 10_000;
const MANY_COMPLETIONS_FAILED_MAX: i32 = 10_000;
const MANAGED_BY_BYTES_MAX: usize = 63;

/// Fills in what both a Job and the template of one have.
pub(in crate::batch) fn set_shared_defaults(spec: &mut JobSpec) {
    pod_template::set_defaults(&mut spec.template);
    let rules = spec.pod_failure_policy.iter_mut().flat_map(|policy| &mut policy.rules);
    for pattern in rules.flat_map(|rule| &mut rule.on_pod_conditions).flatten() {
        default_text(&mut pattern.status, "True");
    }
}

/// Drops fields that nobody would act on.
pub(in crate::batch) fn drop_disabled(spec: &mut JobSpec) {
    spec.scheduling = None;
    pod_template::drop_disabled(&mut spec.template);
}

/// Advice about a spec.
pub(in crate::batch) fn warn(warnings: &mut Vec<String>, at: &At<'_>, spec: &JobSpec) {
    let completions = spec.completions.unwrap_or_default();
    let parallelism = spec.parallelism.unwrap_or_default();
    if is_indexed(spec)
        && completions > FEW_COMPLETIONS
        && parallelism > MANY_COMPLETIONS_PARALLEL_MAX
    {
        warnings.push(format!(
            "{at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism \
             higher than 10^4, Kubernetes might not be able to track completedIndexes when a big \
             number of indexes fail"
        ));
    }
    pod_template::warn(warnings, &at.field("template"), &spec.template);
}

pub(super) fn is_indexed(spec: &JobSpec) -> bool {
    spec.completion_mode.or_empty() == INDEXED
}

const INDEXED: &str = "Indexed";

/// What is wrong with a spec that selects its Pods, as that of a Job does.
pub(super) fn validate_selecting(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    validate(errors, at, spec);
    let selector_at = at.field("selector");
    if spec.selector.is_none() {
        errors.required(&selector_at, "");
    }
    label_selector::validate(errors, &selector_at, spec.selector.as_ref());
    if let Ok(parsed) = label_selector::parse_optional(spec.selector.as_ref()) {
        pod_template::is_selected(errors, &at.field("template"), &spec.template, &parsed);
    }
}

/// What is wrong with a spec, whoever selects its Pods.
pub(in crate::batch) fn validate(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    numbers(errors, at, spec);
    if let Some(manager) = &spec.managed_by {
        managed_by(errors, &at.field("managedBy"), manager);
    }
    completion_mode(errors, at, spec);
    policies::validate(errors, at, spec);
    let template_at = at.field("template");
    pod_template::validate(errors, &template_at, &spec.template);
    restart_policy(errors, &template_at.field("spec").field("restartPolicy"), spec);
}

fn numbers(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    for (name, value) in [
        ("parallelism", spec.parallelism.map(i64::from)),
        ("completions", spec.completions.map(i64::from)),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit.map(i64::from)),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished.map(i64::from)),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index.map(i64::from)),
        ("maxFailedIndexes", spec.max_failed_indexes.map(i64::from)),
    ] {
        errors.not_negative(&at.field(name), value.unwrap_or_default());
    }
    if spec.max_failed_indexes.is_some() && spec.backoff_limit_per_index.is_none() {
        let detail = "when maxFailedIndexes is specified";
        errors.required(&at.field("backoffLimitPerIndex"), detail);
    }
}

/// The name of another controller: a domain and a path in it.
fn managed_by(errors: &mut Errors, at: &At<'_>, manager: &str) {
    let parts = manager.split_once('/');
    match parts.filter(|(domain, path)| !domain.is_empty() && !path.is_empty()) {
        _ if manager.is_empty() => errors.required(at, ""),
        None => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.invalid(at, manager, detail);
        }
        Some((domain, path)) => {
            errors.invalid_each(at, domain, names::is_dns1123_subdomain(domain));
            let is_allowed =
                |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
            if !path.chars().all(is_allowed) {
                let expression = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
                errors.invalid(at, path, names::regex_error("Invalid path", expression, &[]));
            }
        }
    }
    if manager.len() > MANAGED_BY_BYTES_MAX {
        errors.too_long(at, MANAGED_BY_BYTES_MAX);
    }
}

fn completion_mode(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    match spec.completion_mode.as_deref() {
        Some(INDEXED) => indexed(errors, at, spec),
        None | Some("NonIndexed") => {
            for (name, value) in [
                ("backoffLimitPerIndex", spec.backoff_limit_per_index),
                ("maxFailedIndexes", spec.max_failed_indexes),
            ] {
                if let Some(value) = value {
                    errors.invalid(&at.field(name), value, "requires indexed completion mode");
                }
            }
        }
        Some(mode) => {
            errors.not_supported(&at.field("completionMode"), mode, &["NonIndexed", INDEXED]);
        }
    }
}

fn indexed(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    let failed_at = at.field("maxFailedIndexes");
    let parallelism_at = at.field("parallelism");
    let failed = spec.max_failed_indexes.unwrap_or_default();
    let parallelism = spec.parallelism.unwrap_or_default();
    if spec.completions.is_none() {
        errors.required(&at.field("completions"), "when completion mode is Indexed");
    }
    if parallelism > INDEXES_MAX {
        let detail =
            format!("must be less than or equal to {INDEXES_MAX} when completion mode is Indexed");
        errors.invalid(&parallelism_at, parallelism, detail);
    }
    if spec.max_failed_indexes.is_some()
        && spec.completions.is_some_and(|completions| failed > completions)
    {
        errors.invalid(&failed_at, failed, "must be less than or equal to completions");
    }
    if failed > INDEXES_MAX {
        errors.invalid(&failed_at, failed, format!("must be less than or equal to {INDEXES_MAX}"));
    }
    let has_many = spec.completions.is_some_and(|completions| completions > FEW_COMPLETIONS);
    if !has_many || spec.backoff_limit_per_index.is_none() {
        return;
    }
    if spec.max_failed_indexes.is_none() {
        let detail = format!("must be specified when completions is above {FEW_COMPLETIONS}");
        errors.required(&failed_at, detail);
    }
    for (at, value, max) in [
        (&parallelism_at, parallelism, MANY_COMPLETIONS_PARALLEL_MAX),
        (&failed_at, failed, MANY_COMPLETIONS_FAILED_MAX),
    ] {
        if value > max {
            let detail = format!(
                "must be less than or equal to {max} when completions are above {FEW_COMPLETIONS} \
                 and used with backoff limit per index"
            );
            errors.invalid(at, value, detail);
        }
    }
}

/// Pods of a Job may end.
fn restart_policy(errors: &mut Errors, at: &At<'_>, spec: &JobSpec) {
    let pod = spec.template.spec.as_ref();
    match pod.map(|pod| pod.restart_policy.or_empty()).unwrap_or_default() {
        "" | "Always" => errors.required(at, "valid values: \"OnFailure\", \"Never\""),
        "Never" => {}
        "OnFailure" if spec.pod_failure_policy.is_none() => {}
        policy @ "OnFailure" => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.invalid(at, policy, detail);
        }
        policy => errors.not_supported(at, policy, &["OnFailure", "Never"]),
    }
}
