//! What is seen: current metrics and conditions.

use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use serde::{Deserialize, Serialize};

use super::{Reference, identifier};
use crate::resources;

/// A metric that is seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::autoscaling) struct MetricStatus {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods: Option<PodsStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<ResourceStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_resource: Option<ContainerStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<ExternalStatus>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectStatus {
    #[serde(default)]
    target: Reference,
    #[serde(default)]
    metric_name: String,
    #[serde(default = "resources::zero")]
    current_value: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_value: Option<Quantity>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodsStatus {
    #[serde(default)]
    metric_name: String,
    #[serde(default = "resources::zero")]
    current_average_value: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceStatus {
    #[serde(default)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_average_utilization: Option<i32>,
    #[serde(default = "resources::zero")]
    current_average_value: Quantity,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    #[serde(flatten)]
    resource: ResourceStatus,
    #[serde(default)]
    container: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalStatus {
    #[serde(default)]
    metric_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_selector: Option<LabelSelector>,
    #[serde(default = "resources::zero")]
    current_value: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_average_value: Option<Quantity>,
}

/// What is the case with an autoscaler.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::autoscaling) struct Condition {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(default)]
    status: String,
    /// `null` where there is none.
    last_transition_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_generation: Option<i64>,
}

impl From<&v2::HorizontalPodAutoscalerCondition> for Condition {
    fn from(from: &v2::HorizontalPodAutoscalerCondition) -> Self {
        let from = from.clone();
        Self {
            type_: from.type_,
            status: from.status,
            last_transition_time: from.last_transition_time,
            reason: from.reason,
            message: from.message,
            observed_generation: from.observed_generation,
        }
    }
}

impl From<Condition> for v2::HorizontalPodAutoscalerCondition {
    fn from(from: Condition) -> Self {
        Self {
            type_: from.type_,
            status: from.status,
            last_transition_time: from.last_transition_time,
            reason: from.reason,
            message: from.message,
            observed_generation: from.observed_generation,
        }
    }
}

impl From<&v2::MetricStatus> for MetricStatus {
    fn from(from: &v2::MetricStatus) -> Self {
        let from = from.clone();
        let known = |value: Option<Quantity>| value.unwrap_or_else(resources::zero);
        let resource = |name, current: v2::MetricValueStatus| ResourceStatus {
            name,
            current_average_utilization: current.average_utilization,
            current_average_value: known(current.average_value),
        };
        Self {
            type_: from.type_,
            object: from.object.map(|object| ObjectStatus {
                target: object.described_object.into(),
                metric_name: object.metric.name,
                current_value: known(object.current.value),
                selector: object.metric.selector,
                average_value: object.current.average_value,
            }),
            pods: from.pods.map(|pods| PodsStatus {
                metric_name: pods.metric.name,
                current_average_value: known(pods.current.average_value),
                selector: pods.metric.selector,
            }),
            resource: from.resource.map(|from| resource(from.name, from.current)),
            container_resource: from.container_resource.map(|from| ContainerStatus {
                resource: resource(from.name, from.current),
                container: from.container,
            }),
            external: from.external.map(|external| ExternalStatus {
                metric_name: external.metric.name,
                metric_selector: external.metric.selector,
                current_value: known(external.current.value),
                current_average_value: external.current.average_value,
            }),
        }
    }
}

impl From<MetricStatus> for v2::MetricStatus {
    fn from(from: MetricStatus) -> Self {
        let current = |utilization, average, value| v2::MetricValueStatus {
            average_utilization: utilization,
            average_value: average,
            value,
        };
        let of_resource = |from: &ResourceStatus| {
            let average = Some(from.current_average_value.clone());
            current(from.current_average_utilization, average, None)
        };
        Self {
            type_: from.type_,
            object: from.object.map(|object| v2::ObjectMetricStatus {
                current: current(None, object.average_value, Some(object.current_value)),
                described_object: object.target.into(),
                metric: identifier(object.metric_name, object.selector),
            }),
            pods: from.pods.map(|pods| v2::PodsMetricStatus {
                current: current(None, Some(pods.current_average_value), None),
                metric: identifier(pods.metric_name, pods.selector),
            }),
            resource: from.resource.map(|resource| v2::ResourceMetricStatus {
                current: of_resource(&resource),
                name: resource.name,
            }),
            container_resource: from.container_resource.map(|from| {
                v2::ContainerResourceMetricStatus {
                    current: of_resource(&from.resource),
                    container: from.container,
                    name: from.resource.name,
                }
            }),
            external: from.external.map(|external| v2::ExternalMetricStatus {
                current: current(
                    None,
                    external.current_average_value,
                    Some(external.current_value),
                ),
                metric: identifier(external.metric_name, external.metric_selector),
            }),
        }
    }
}
