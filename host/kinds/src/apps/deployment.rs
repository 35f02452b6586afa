//! `Deployment`: Pods kept at a number and rolled from one version to the next.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus};

use crate::columns::{self, Column};
use crate::{Generation, Kind, KindInfo, ScalePaths};

impl Kind for Deployment {
    const INFO: KindInfo = KindInfo {
        singular: "deployment",
        short_names: &["deploy"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.Deployment",
        status: true,
        scale: Some(ScalePaths::WORKLOAD),
        generation: Generation::SpecAndAnnotations,
        columns: &[
            columns::NAME,
            Column::text("Ready", "Number of the pod with ready state"),
            Column::of::<DeploymentStatus>("Up-to-date", "updatedReplicas"),
            Column::of::<DeploymentStatus>("Available", "availableReplicas"),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<DeploymentSpec>("Selector", "selector").wide(),
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
