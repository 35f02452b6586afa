//! What is wrong with the metrics of an autoscaler.

use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscalerSpec, MetricIdentifier, MetricSpec, MetricTarget,
};
use meta::names;
use meta::quantity::Quantity;

use super::{SPEC, Versions, reference, version};
use crate::check::{At, Errors};
use crate::resources;
use crate::wire::OrEmpty;

const SOURCES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

pub(super) fn all(
    errors: &mut Errors,
    spec: &HorizontalPodAutoscalerSpec,
    old: Option<&HorizontalPodAutoscalerSpec>,
) {
    let at = SPEC.field("metrics");
    let was_bad = |metric: &MetricSpec| {
        let object = metric.object.as_ref().filter(|_| metric.type_ == "Object");
        object.is_some_and(|object| version(&object.described_object, Versions::Parsed).is_err())
    };
    let was_bad = old.is_some_and(|old| old.metrics.or_empty().iter().any(was_bad));
    let versions = if was_bad { Versions::Any } else { Versions::Parsed };
    let metrics = spec.metrics.or_empty();
    for (index, metric) in metrics.iter().enumerate() {
        validate(errors, &at.index(index), metric, versions);
    }
    // Without Pods only a metric that is not theirs can ask for the first one.
    let needs_no_pods = |metric: &MetricSpec| matches!(&*metric.type_, "Object" | "External");
    if spec.min_replicas == Some(0) && !metrics.iter().any(needs_no_pods) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.forbidden(&at, detail);
    }
}

fn validate(errors: &mut Errors, at: &At<'_>, metric: &MetricSpec, versions: Versions) {
    let type_at = at.field("type");
    if metric.type_.is_empty() {
        errors.required(&type_at, "must specify a metric source type");
    }
    errors.one_of(&type_at, &metric.type_, SOURCES);
    let present = [
        ("object", "Object", metric.object.is_some()),
        ("external", "External", metric.external.is_some()),
        ("pods", "Pods", metric.pods.is_some()),
        ("resource", "Resource", metric.resource.is_some()),
        ("containerResource", "ContainerResource", metric.container_resource.is_some()),
    ];
    let first = present.iter().find(|(_, _, is_present)| *is_present);
    if let Some((field, _, _)) = first {
        source(errors, &at.field(field), field, metric, versions);
    }
    let expected = present.iter().find(|(_, type_, _)| *type_ == metric.type_);
    if let Some((field, _, false)) = expected {
        let detail = "must populate information for the given metric source";
        errors.required(&at.field(field), detail);
    }
    if present.iter().filter(|(_, _, is_present)| *is_present).count() == 1 {
        return;
    }
    for (field, type_, _) in present.iter().filter(|(_, _, is_present)| *is_present) {
        if *type_ != metric.type_ {
            errors.forbidden(&at.field(field), "must populate the given metric source only");
        }
    }
}

/// Rules of the source that stands in `field`.
fn source(errors: &mut Errors, at: &At<'_>, field: &str, metric: &MetricSpec, versions: Versions) {
    let target_at = at.field("target");
    match field {
        "object" => {
            let Some(object) = &metric.object else { return };
            reference(errors, &at.field("describedObject"), &object.described_object, versions);
            identifier(errors, &at.field("metric"), &object.metric);
            target(errors, &target_at, &object.target);
            let detail = "must set either a target value or averageValue";
            value_or_average(errors, &target_at, &object.target, detail);
        }
        "external" => {
            let Some(external) = &metric.external else { return };
            identifier(errors, &at.field("metric"), &external.metric);
            target(errors, &target_at, &external.target);
            let detail = "must set either a target value for metric or a per-pod target";
            value_or_average(errors, &target_at, &external.target, detail);
            if external.target.value.is_some() && external.target.average_value.is_some() {
                let detail = "may not set both a target value for metric and a per-pod target";
                errors.forbidden(&target_at.field("value"), detail);
            }
        }
        "pods" => {
            let Some(pods) = &metric.pods else { return };
            identifier(errors, &at.field("metric"), &pods.metric);
            target(errors, &target_at, &pods.target);
            if pods.target.average_value.is_none() {
                let detail = "must specify a positive target averageValue";
                errors.required(&target_at.field("averageValue"), detail);
            }
        }
        "resource" => {
            let Some(resource) = &metric.resource else { return };
            if resource.name.is_empty() {
                errors.required(&at.field("name"), "must specify a resource name");
            }
            usage(errors, &target_at, &resource.target);
        }
        _ => {
            let Some(resource) = &metric.container_resource else { return };
            let (name_at, container_at) = (at.field("name"), at.field("container"));
            if resource.name.is_empty() {
                errors.required(&name_at, "must specify a resource name");
            } else {
                resources::check_container_name(errors, &name_at, &resource.name);
            }
            if resource.container.is_empty() {
                errors.required(&container_at, "must specify a container");
            } else {
                let messages = names::is_dns1123_label(&resource.container);
                errors.invalid_each(&container_at, &resource.container, messages);
            }
            usage(errors, &target_at, &resource.target);
        }
    }
}

fn value_or_average(errors: &mut Errors, at: &At<'_>, target: &MetricTarget, detail: &str) {
    if target.value.is_none() && target.average_value.is_none() {
        errors.required(&at.field("averageValue"), detail);
    }
}

/// The target of a resource: either an amount or a share of what was asked for.
fn usage(errors: &mut Errors, at: &At<'_>, usage: &MetricTarget) {
    target(errors, at, usage);
    match (usage.average_utilization, &usage.average_value) {
        (None, None) => {
            let detail = "must set either a target raw value or a target utilization";
            errors.required(&at.field("averageUtilization"), detail);
        }
        (Some(_), Some(_)) => {
            let detail = "may not set both a target raw value and a target utilization";
            errors.forbidden(&at.field("averageValue"), detail);
        }
        _ => {}
    }
}

fn target(errors: &mut Errors, at: &At<'_>, target: &MetricTarget) {
    let type_at = at.field("type");
    if target.type_.is_empty() {
        errors.required(&type_at, "must specify a metric target type");
    }
    if !matches!(&*target.type_, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.invalid(&type_at, &target.type_, detail);
    }
    for (name, value) in [("value", &target.value), ("averageValue", &target.average_value)] {
        let value = value.as_ref().map(resources::parse);
        if let Some(value) = value.filter(|value| *value <= Quantity::default()) {
            errors.invalid(&at.field(name), value.to_string(), "must be positive");
        }
    }
    if let Some(percent) = target.average_utilization.filter(|percent| *percent < 1) {
        errors.invalid(&at.field("averageUtilization"), percent, "must be greater than 0");
    }
}

fn identifier(errors: &mut Errors, at: &At<'_>, metric: &MetricIdentifier) {
    let at = at.field("name");
    if metric.name.is_empty() {
        errors.required(&at, "must specify a metric name");
    }
    errors.invalid_each(&at, &metric.name, names::is_path_segment_name(&metric.name));
}
