//! A metric that is wanted.

use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Amount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use meta::quantity::Quantity;
use serde::{Deserialize, Serialize};

use super::{Reference, identifier};
use crate::resources;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::autoscaling) struct Metric {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods: Option<PodsMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<ResourceMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_resource: Option<ContainerMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<ExternalMetric>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMetric {
    #[serde(default)]
    target: Reference,
    #[serde(default)]
    metric_name: String,
    #[serde(default = "resources::zero")]
    target_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_value: Option<Amount>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodsMetric {
    #[serde(default)]
    metric_name: String,
    #[serde(default = "resources::zero")]
    target_average_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceMetric {
    #[serde(default)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_average_utilization: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_average_value: Option<Amount>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerMetric {
    #[serde(flatten)]
    resource: ResourceMetric,
    #[serde(default)]
    container: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalMetric {
    #[serde(default)]
    metric_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_value: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_average_value: Option<Amount>,
}

impl From<&v2::MetricSpec> for Metric {
    fn from(from: &v2::MetricSpec) -> Self {
        let from = from.clone();
        let resource = |name, target: v2::MetricTarget| ResourceMetric {
            name,
            target_average_utilization: target.average_utilization,
            target_average_value: target.average_value,
        };
        Self {
            type_: from.type_,
            object: from.object.map(|object| ObjectMetric {
                target: object.described_object.into(),
                metric_name: object.metric.name,
                target_value: object.target.value.unwrap_or_else(resources::zero),
                selector: object.metric.selector,
                average_value: object.target.average_value,
            }),
            pods: from.pods.map(|pods| PodsMetric {
                metric_name: pods.metric.name,
                target_average_value: pods.target.average_value.unwrap_or_else(resources::zero),
                selector: pods.metric.selector,
            }),
            resource: from.resource.map(|from| resource(from.name, from.target)),
            container_resource: from.container_resource.map(|from| ContainerMetric {
                resource: resource(from.name, from.target),
                container: from.container,
            }),
            external: from.external.map(|external| ExternalMetric {
                metric_name: external.metric.name,
                metric_selector: external.metric.selector,
                target_value: external.target.value,
                target_average_value: external.target.average_value,
            }),
        }
    }
}

/// What a metric is compared with. Version 1 tells its type by which value is there.
fn target(
    utilization: Option<i32>,
    average: Option<Amount>,
    value: Option<Amount>,
    other: &str,
) -> v2::MetricTarget {
    let is_average = utilization.is_none() && (value.is_none() || other == AVERAGE);
    v2::MetricTarget {
        type_: if is_average { AVERAGE } else { other }.to_owned(),
        average_utilization: utilization,
        average_value: average,
        value,
    }
}

const AVERAGE: &str = "AverageValue";

impl From<Metric> for v2::MetricSpec {
    fn from(from: Metric) -> Self {
        let of_resource = |from: &ResourceMetric| {
            let average = from.target_average_value.clone();
            target(from.target_average_utilization, average, None, "Utilization")
        };
        Self {
            type_: from.type_,
            object: from.object.map(|object| {
                let has_average = object.average_value.is_some();
                // A zero stands for nothing beside an average.
                let is_zero = resources::parse(&object.target_value) == Quantity::default();
                let value = (!has_average || !is_zero).then_some(object.target_value);
                let type_ = if has_average { AVERAGE } else { "Value" };
                v2::ObjectMetricSource {
                    target: target(None, object.average_value, value, type_),
                    described_object: object.target.into(),
                    metric: identifier(object.metric_name, object.selector),
                }
            }),
            pods: from.pods.map(|pods| v2::PodsMetricSource {
                metric: identifier(pods.metric_name, pods.selector),
                target: target(None, Some(pods.target_average_value), None, AVERAGE),
            }),
            resource: from.resource.map(|resource| v2::ResourceMetricSource {
                target: of_resource(&resource),
                name: resource.name,
            }),
            container_resource: from.container_resource.map(|from| {
                v2::ContainerResourceMetricSource {
                    target: of_resource(&from.resource),
                    container: from.container,
                    name: from.resource.name,
                }
            }),
            external: from.external.map(|external| v2::ExternalMetricSource {
                metric: identifier(external.metric_name, external.metric_selector),
                target: target(None, external.target_average_value, external.target_value, "Value"),
            }),
        }
    }
}
