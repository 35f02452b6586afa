//! What is wrong with a `StatefulSet`.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, PodTemplateSpec, Volume,
};
use meta::field::{BadValue, FieldError};
use meta::names;

use super::SPEC;
use crate::apps::replicas;
use crate::check::{At, Errors, IMMUTABLE, json};
use crate::core::volume_claim;
use crate::wire::OrEmpty;
use crate::{int_or_percent, internal, label_selector, pod_template};

/// What is not looked at again when a set is changed.
struct Known {
    /// What cannot change any more was accepted once.
    fixed: bool,
    /// The template was bad before the change.
    template: bool,
}

pub(super) fn new(set: &StatefulSet) -> Vec<FieldError> {
    let mut errors = Errors::new();
    spec(&mut errors, &set.spec, &Known { fixed: false, template: false });
    errors.into_list()
}

pub(super) fn changed(new: &StatefulSet, old: &StatefulSet) -> Vec<FieldError> {
    let mut errors = Errors::new();
    spec(&mut errors, &old.spec, &Known { fixed: true, template: false });
    let known = Known { fixed: true, template: !errors.is_empty() };
    let mut errors = Errors::new();
    spec(&mut errors, &new.spec, &known);
    fixed_fields(&mut errors, &new.spec, &old.spec);
    errors.into_list()
}

fn fixed_fields(errors: &mut Errors, new: &StatefulSetSpec, old: &StatefulSetSpec) {
    replicas::fixed_selector(errors, &SPEC, &new.selector, &old.selector);
    if new.volume_claim_templates != old.volume_claim_templates {
        let at = SPEC.field("volumeClaimTemplates");
        errors.invalid(&at, internal_claims(new.volume_claim_templates.as_deref()), IMMUTABLE);
    }
    for (name, new, old) in [
        ("serviceName", &new.service_name, &old.service_name),
        ("podManagementPolicy", &new.pod_management_policy, &old.pod_management_policy),
    ] {
        if new.or_empty() != old.or_empty() {
            errors.invalid(&SPEC.field(name), new.or_empty(), IMMUTABLE);
        }
    }
}

/// Inside its API server, Kubernetes does not say of the claims what they are.
fn internal_claims(claims: Option<&[PersistentVolumeClaim]>) -> BadValue {
    let mut tree = serde_json::to_value(claims).unwrap_or_default();
    for claim in tree.as_array_mut().into_iter().flatten() {
        if let Some(claim) = claim.as_object_mut() {
            claim.remove("apiVersion");
            claim.remove("kind");
        }
    }
    internal::value("[@PersistentVolumeClaim", &tree)
}

fn spec(errors: &mut Errors, spec: &StatefulSetSpec, known: &Known) {
    let policy_at = SPEC.field("podManagementPolicy");
    match spec.pod_management_policy.or_empty() {
        "OrderedReady" | "Parallel" => {}
        policy => errors.invalid(&policy_at, policy, "must be 'OrderedReady' or 'Parallel'"),
    }
    if let Some(strategy) = &spec.update_strategy {
        update_strategy(errors, &SPEC.field("updateStrategy"), strategy);
    }
    if let Some(policy) = &spec.persistent_volume_claim_retention_policy {
        let at = SPEC.field("persistentVolumeClaimRetentionPolicy");
        for (name, value) in
            [("whenDeleted", &policy.when_deleted), ("whenScaled", &policy.when_scaled)]
        {
            errors.one_of(&at.field(name), value.or_empty(), &["Retain", "Delete"]);
        }
    }
    let claims = spec.volume_claim_templates.or_empty();
    if !known.fixed {
        let claims_at = SPEC.field("volumeClaimTemplates");
        for (index, claim) in claims.iter().enumerate() {
            if let Some(claim) = &claim.spec {
                volume_claim::validate(errors, &claims_at.index(index).field("spec"), claim, None);
            }
        }
    }
    let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start);
    for (name, value) in [
        ("replicas", spec.replicas),
        ("minReadySeconds", spec.min_ready_seconds),
        ("ordinals.start", start),
    ] {
        errors.not_negative(&SPEC.field(name), i64::from(value.unwrap_or_default()));
    }
    let service = spec.service_name.or_empty();
    if !known.fixed && !service.is_empty() {
        let messages = names::is_dns1123_label(service);
        errors.invalid_each(&SPEC.field("serviceName"), service, messages);
    }
    selector_and_template(errors, spec, known);
}

fn update_strategy(errors: &mut Errors, at: &At<'_>, strategy: &StatefulSetUpdateStrategy) {
    let rolling_at = at.field("rollingUpdate");
    match (strategy.type_.or_empty(), &strategy.rolling_update) {
        ("OnDelete" | "RollingUpdate", None) => {}
        ("OnDelete", Some(rolling)) => {
            let shown = internal::value("@RollingUpdateStatefulSetStrategy", rolling);
            errors.invalid(&rolling_at, shown, "only allowed for updateStrategy 'RollingUpdate'");
        }
        ("RollingUpdate", Some(rolling)) => rolling_update(errors, &rolling_at, rolling),
        _ => {
            let shown = internal::value("@StatefulSetUpdateStrategy", strategy);
            errors.invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

fn rolling_update(errors: &mut Errors, at: &At<'_>, rolling: &RollingUpdateStatefulSetStrategy) {
    let partition = rolling.partition.unwrap_or_default();
    errors.not_negative(&at.field("partition"), i64::from(partition));
    if let Some(unavailable) = &rolling.max_unavailable {
        let at = at.field("maxUnavailable");
        int_or_percent::validate(errors, &at, unavailable);
        if int_or_percent::is_zero(unavailable) {
            errors.invalid(&at, json(unavailable), "cannot be 0");
        }
        int_or_percent::at_most_all(errors, &at, unavailable);
    }
}

fn selector_and_template(errors: &mut Errors, spec: &StatefulSetSpec, known: &Known) {
    let selector = &spec.selector;
    let selector_at = SPEC.field("selector");
    let shown = || internal::value("@LabelSelector", selector);
    if label_selector::is_missing(selector) {
        errors.required(&selector_at, "");
    } else {
        label_selector::validate(errors, &selector_at, Some(selector));
        if label_selector::is_empty(selector) {
            errors.invalid(&selector_at, shown(), "empty selector is invalid for statefulset");
        }
    }
    let at = SPEC.field("template");
    match label_selector::parse(selector) {
        Err(_) => errors.invalid(&selector_at, shown(), ""),
        Ok(parsed) => {
            let claims = spec.volume_claim_templates.or_empty();
            let template = as_completed(&spec.template, claims);
            if !parsed.is_empty() {
                pod_template::is_selected(errors, &at, &template, &parsed);
            }
            if known.template {
                pod_template::validate_metadata(errors, &at, &template);
            } else {
                pod_template::validate(errors, &at, &template);
            }
        }
    }
    pod_template::runs_for_ever(errors, &at, &spec.template, "StatefulSet");
}

/// The template as the controller will use it: with volumes of the claims, and names that it gives itself.
fn as_completed(template: &PodTemplateSpec, claims: &[PersistentVolumeClaim]) -> PodTemplateSpec {
    let mut template = template.clone();
    let Some(spec) = &mut template.spec else { return template };
    spec.subdomain = None;
    spec.hostname = None;
    if claims.is_empty() {
        return template;
    }
    let claimed: BTreeSet<&str> =
        claims.iter().map(|claim| claim.metadata.name.or_empty()).collect();
    let of_claim = |name: &&str| Volume {
        name: (*name).to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: (*name).to_owned(),
            read_only: None,
        }),
        ..Volume::default()
    };
    let mut volumes: Vec<Volume> = claimed.iter().map(of_claim).collect();
    let others = spec.volumes.take().unwrap_or_default();
    volumes.extend(others.into_iter().filter(|volume| !claimed.contains(volume.name.as_str())));
    spec.volumes = Some(volumes);
    template
}

pub(super) fn status(new: &StatefulSet, old: &StatefulSet) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let at = At::root("status");
    let status = new.status.clone().unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    let parts = [
        ("readyReplicas", ready),
        ("currentReplicas", status.current_replicas.unwrap_or_default()),
        ("updatedReplicas", status.updated_replicas.unwrap_or_default()),
        ("availableReplicas", available),
    ];
    errors.not_negative(&at.field("replicas"), i64::from(status.replicas));
    for (name, part) in parts {
        errors.not_negative(&at.field(name), i64::from(part));
    }
    let generation = status.observed_generation.unwrap_or_default();
    errors.not_negative(&at.field("observedGeneration"), generation);
    let collisions = status.collision_count;
    errors.not_negative(&at.field("collisionCount"), i64::from(collisions.unwrap_or_default()));
    for (name, part) in parts.into_iter().filter(|(_, part)| *part > status.replicas) {
        errors.invalid(&at.field(name), part, "cannot be greater than status.replicas");
    }
    if available > ready {
        let detail = "cannot be greater than status.readyReplicas";
        errors.invalid(&at.field("availableReplicas"), available, detail);
    }
    let before = old.status.as_ref().and_then(|status| status.collision_count);
    replicas::collisions_grow(&mut errors, &at, collisions, before);
    errors.into_list()
}
