//! Metrics and conditions as version 1 writes them into annotations.
//!
//! The types have the fields of the first form in which metrics were published, in its order, because annotations are text.

mod metric;
mod status;

use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};

pub(super) use metric::Metric;
pub(super) use status::{Condition, MetricStatus};

/// An object that a metric is about.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    kind: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
}

impl From<v2::CrossVersionObjectReference> for Reference {
    fn from(from: v2::CrossVersionObjectReference) -> Self {
        let v2::CrossVersionObjectReference { api_version, kind, name } = from;
        Self { kind, name, api_version: api_version.unwrap_or_default() }
    }
}

impl From<Reference> for v2::CrossVersionObjectReference {
    fn from(from: Reference) -> Self {
        let Reference { kind, name, api_version } = from;
        Self { api_version: Some(api_version).filter(|version| !version.is_empty()), kind, name }
    }
}

fn identifier(name: String, selector: Option<LabelSelector>) -> v2::MetricIdentifier {
    v2::MetricIdentifier { name, selector }
}
