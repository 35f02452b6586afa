//! How `kubectl get horizontalpodautoscalers` shows an autoscaler.

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use meta::Tree;

use crate::columns::{self, NONE, UNKNOWN, UNSET};
use crate::wire::OrEmpty;

pub(super) fn cells(autoscaler: &HorizontalPodAutoscaler, now: Timestamp) -> Vec<Tree> {
    let spec = &autoscaler.spec;
    let status = autoscaler.status.clone().unwrap_or_default();
    let target = &spec.scale_target_ref;
    let min = spec.min_replicas.map_or_else(|| UNSET.to_owned(), |min| min.to_string());
    vec![
        columns::name(&autoscaler.metadata),
        Tree::from(format!("{}/{}", target.kind, target.name)),
        Tree::from(metrics(spec.metrics.or_empty(), status.current_metrics.or_empty())),
        Tree::from(min),
        Tree::from(spec.max_replicas),
        Tree::from(status.current_replicas.unwrap_or_default()),
        columns::age(&autoscaler.metadata, now),
    ]
}

/// The first two metrics, and how many more there are.
fn metrics(wanted: &[MetricSpec], seen: &[MetricStatus]) -> String {
    const MAX: usize = 2;
    if wanted.is_empty() {
        return NONE.to_owned();
    }
    let shown = wanted.iter().enumerate().take(MAX);
    let shown: Vec<String> = shown.map(|(index, wanted)| metric(wanted, seen.get(index))).collect();
    let shown = shown.join(", ");
    match wanted.len().saturating_sub(MAX) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn metric(wanted: &MetricSpec, seen: Option<&MetricStatus>) -> String {
    match wanted.type_.as_str() {
        "External" => {
            let seen = seen.and_then(|seen| seen.external.as_ref());
            let target = wanted.external.as_ref().map(|external| &external.target);
            amount(target, seen.map(|seen| &seen.current))
        }
        "Object" => {
            let seen = seen.and_then(|seen| seen.object.as_ref());
            let target = wanted.object.as_ref().map(|object| &object.target);
            amount(target, seen.map(|seen| &seen.current))
        }
        "Pods" => {
            let seen = seen.and_then(|seen| seen.pods.as_ref()).map(|seen| &seen.current);
            let target = wanted.pods.as_ref().and_then(|pods| pods.target.average_value.as_ref());
            let seen = seen.map(|seen| shown(seen.average_value.as_ref()));
            format!("{}/{}", seen.unwrap_or(UNKNOWN), shown(target))
        }
        "Resource" => {
            let seen = seen.and_then(|seen| seen.resource.as_ref()).map(|seen| &seen.current);
            let wanted = wanted.resource.as_ref().map(|wanted| (&wanted.name, &wanted.target));
            usage(wanted, seen)
        }
        "ContainerResource" => {
            let seen = seen.and_then(|seen| seen.container_resource.as_ref());
            let wanted = wanted.container_resource.as_ref();
            let wanted = wanted.map(|wanted| (&wanted.name, &wanted.target));
            usage(wanted, seen.map(|seen| &seen.current))
        }
        _ => "<unknown type>".to_owned(),
    }
}

fn shown(quantity: Option<&Quantity>) -> &str {
    quantity.map_or("<nil>", |quantity| quantity.0.as_str())
}

/// A metric of something else than a resource.
fn amount(target: Option<&MetricTarget>, seen: Option<&MetricValueStatus>) -> String {
    if let Some(average) = target.and_then(|target| target.average_value.as_ref()) {
        let seen = seen.and_then(|seen| seen.average_value.as_ref());
        let seen = seen.map_or(UNKNOWN, |seen| seen.0.as_str());
        return format!("{seen}/{} (avg)", average.0);
    }
    let seen = seen.map_or(UNKNOWN, |seen| shown(seen.value.as_ref()));
    format!("{seen}/{}", shown(target.and_then(|target| target.value.as_ref())))
}

/// The use of a resource.
fn usage(wanted: Option<(&String, &MetricTarget)>, seen: Option<&MetricValueStatus>) -> String {
    let Some((name, target)) = wanted else { return UNKNOWN.to_owned() };
    if let Some(average) = &target.average_value {
        let seen = seen.map_or(UNKNOWN, |seen| shown(seen.average_value.as_ref()));
        return format!("{name}: {seen}/{}", average.0);
    }
    let percent = |percent: i32| format!("{percent}%");
    let seen = seen.and_then(|seen| seen.average_utilization).map(percent);
    let target = target.average_utilization.map(percent);
    format!(
        "{name}: {}/{}",
        seen.as_deref().unwrap_or(UNKNOWN),
        target.as_deref().unwrap_or("<auto>")
    )
}
