//! Autoscalers from one version into the other and back.
//!
//! Nothing is lost on the way: what version 1 has no field for goes into annotations, which version 2 never shows.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::{v1, v2};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::Tree;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::annotations::{Condition, Metric, MetricStatus};
use crate::internal;
use crate::wire::OrEmpty;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
pub(super) const ANNOTATIONS: [&str; 6] = [
    METRICS,
    BEHAVIOR,
    CURRENT_METRICS,
    CONDITIONS,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

const CPU: &str = "cpu";
const CPU_PERCENT: i32 = 80;

/// Takes away the annotations that only version 1 has.
pub(super) fn drop_annotations(metadata: &mut ObjectMeta) {
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
    }
}

/// The metric of an autoscaler that names none.
pub(super) fn cpu(percent: i32) -> v2::MetricSpec {
    v2::MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(v2::ResourceMetricSource {
            name: CPU.to_owned(),
            target: v2::MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(percent),
                ..v2::MetricTarget::default()
            },
        }),
        ..v2::MetricSpec::default()
    }
}

pub(super) fn default_metrics() -> Vec<v2::MetricSpec> {
    vec![cpu(CPU_PERCENT)]
}

/// The wanted percentage, if this is the one metric that version 1 knows.
fn cpu_percent(metric: &v2::MetricSpec) -> Option<i32> {
    let resource = metric.resource.as_ref().filter(|_| metric.type_ == "Resource")?;
    resource.target.average_utilization.filter(|_| resource.name == CPU)
}

fn current_cpu_percent(metric: &v2::MetricStatus) -> Option<i32> {
    let resource = metric.resource.as_ref().filter(|_| metric.type_ == "Resource")?;
    resource.current.average_utilization.filter(|_| resource.name == CPU)
}

pub(super) fn to_v1(from: &v2::HorizontalPodAutoscaler) -> v1::HorizontalPodAutoscaler {
    let metrics = from.spec.metrics.or_empty();
    let status = from.status.clone().unwrap_or_default();
    let current = status.current_metrics.or_empty();
    let target = &from.spec.scale_target_ref;
    let mut metadata = from.metadata.clone();
    annotate(&mut metadata, &from.spec, &status);
    v1::HorizontalPodAutoscaler {
        metadata,
        spec: v1::HorizontalPodAutoscalerSpec {
            max_replicas: from.spec.max_replicas,
            min_replicas: from.spec.min_replicas,
            scale_target_ref: v1::CrossVersionObjectReference {
                api_version: target.api_version.clone(),
                kind: target.kind.clone(),
                name: target.name.clone(),
            },
            target_cpu_utilization_percentage: metrics.iter().find_map(cpu_percent),
        },
        status: Some(v1::HorizontalPodAutoscalerStatus {
            current_cpu_utilization_percentage: current
                .iter()
                .filter_map(current_cpu_percent)
                .next_back(),
            current_replicas: status.current_replicas.unwrap_or_default(),
            desired_replicas: status.desired_replicas,
            last_scale_time: status.last_scale_time,
            observed_generation: status.observed_generation,
        }),
    }
}

/// Writes into annotations what version 1 has no fields for.
fn annotate(
    metadata: &mut ObjectMeta,
    spec: &v2::HorizontalPodAutoscalerSpec,
    status: &v2::HorizontalPodAutoscalerStatus,
) {
    drop_annotations(metadata);
    let mut add = |key: &str, value: String| {
        let annotations: &mut BTreeMap<_, _> = metadata.annotations.get_or_insert_default();
        annotations.insert(key.to_owned(), value);
    };
    let metrics: Vec<Metric> = spec
        .metrics
        .or_empty()
        .iter()
        .filter(|metric| cpu_percent(metric).is_none())
        .map(Metric::from)
        .collect();
    if !metrics.is_empty() {
        add(METRICS, encode(&metrics));
    }
    let current: Vec<MetricStatus> =
        status.current_metrics.or_empty().iter().map(MetricStatus::from).collect();
    if !current.is_empty() {
        add(CURRENT_METRICS, encode(&current));
    }
    if let Some(behavior) = &spec.behavior {
        let shown = internal::value("@HorizontalPodAutoscalerBehavior", behavior);
        add(BEHAVIOR, shown.to_string());
    }
    let conditions: Vec<Condition> =
        status.conditions.or_empty().iter().map(Condition::from).collect();
    if !conditions.is_empty() {
        add(CONDITIONS, encode(&conditions));
    }
}

fn encode(value: &impl Serialize) -> String {
    // The order of fields is that of the types, which a tree would not keep.
    meta::quote::escape_html(serde_json::to_string(value).unwrap_or_default())
}

pub(super) fn to_v2(from: &v1::HorizontalPodAutoscaler) -> v2::HorizontalPodAutoscaler {
    let annotations = from.metadata.annotations.or_empty();
    let target = &from.spec.scale_target_ref;
    let mut metrics: Vec<v2::MetricSpec> = decode::<Vec<Metric>>(annotations, METRICS)
        .map(|metrics| metrics.into_iter().map(v2::MetricSpec::from).collect())
        .unwrap_or_default();
    metrics.extend(from.spec.target_cpu_utilization_percentage.map(cpu));
    if metrics.is_empty() {
        metrics = default_metrics();
    }
    let mut metadata = from.metadata.clone();
    drop_annotations(&mut metadata);
    v2::HorizontalPodAutoscaler {
        metadata,
        spec: v2::HorizontalPodAutoscalerSpec {
            behavior: behavior(annotations),
            max_replicas: from.spec.max_replicas,
            metrics: Some(metrics),
            min_replicas: from.spec.min_replicas,
            scale_target_ref: v2::CrossVersionObjectReference {
                api_version: target.api_version.clone(),
                kind: target.kind.clone(),
                name: target.name.clone(),
            },
        },
        status: Some(status_to_v2(from.status.clone().unwrap_or_default(), annotations)),
    }
}

fn status_to_v2(
    from: v1::HorizontalPodAutoscalerStatus,
    annotations: &BTreeMap<String, String>,
) -> v2::HorizontalPodAutoscalerStatus {
    let current = decode::<Vec<MetricStatus>>(annotations, CURRENT_METRICS)
        .map(|metrics| metrics.into_iter().map(v2::MetricStatus::from).collect());
    let current_cpu = |percent| v2::MetricStatus {
        type_: "Resource".to_owned(),
        resource: Some(v2::ResourceMetricStatus {
            name: CPU.to_owned(),
            current: v2::MetricValueStatus {
                average_utilization: Some(percent),
                ..v2::MetricValueStatus::default()
            },
        }),
        ..v2::MetricStatus::default()
    };
    let percent = from.current_cpu_utilization_percentage;
    let conditions = decode::<Vec<Condition>>(annotations, CONDITIONS)
        .map(|conditions| conditions.into_iter().map(From::from).collect());
    v2::HorizontalPodAutoscalerStatus {
        conditions,
        current_metrics: current.or_else(|| percent.map(|percent| vec![current_cpu(percent)])),
        current_replicas: Some(from.current_replicas).filter(|count| *count != 0),
        desired_replicas: from.desired_replicas,
        last_scale_time: from.last_scale_time,
        observed_generation: from.observed_generation,
    }
}

/// An annotation that does not have the form of its type says nothing.
fn decode<T: DeserializeOwned>(annotations: &BTreeMap<String, String>, key: &str) -> Option<T> {
    serde_json::from_str(annotations.get(key)?).ok()
}

/// The behavior is written with the names that Kubernetes uses inside its API server, and read whatever the case of its names.
fn behavior(annotations: &BTreeMap<String, String>) -> Option<v2::HorizontalPodAutoscalerBehavior> {
    let mut tree: Tree = decode(annotations, BEHAVIOR)?;
    lower_names(&mut tree);
    let behavior = serde_json::from_value(tree).ok()?;
    (behavior != v2::HorizontalPodAutoscalerBehavior::default()).then_some(behavior)
}

fn lower_names(tree: &mut Tree) {
    const NAMES: [&str; 9] = [
        "scaleUp",
        "scaleDown",
        "stabilizationWindowSeconds",
        "selectPolicy",
        "policies",
        "tolerance",
        "type",
        "value",
        "periodSeconds",
    ];
    match tree {
        Tree::Array(items) => items.iter_mut().for_each(lower_names),
        Tree::Object(map) => {
            for (name, mut value) in std::mem::take(map) {
                lower_names(&mut value);
                let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name));
                map.insert(known.map_or(name, |known| (*known).to_owned()), value);
            }
        }
        _ => {}
    }
}
