//! `ReplicaSet`: identical Pods kept at a number.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>.

use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetSpec, ReplicaSetStatus};

use crate::columns::{self, Column};
use crate::{Generation, Kind, KindInfo, ScalePaths};

impl Kind for ReplicaSet {
    const INFO: KindInfo = KindInfo {
        singular: "replicaset",
        short_names: &["rs"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.ReplicaSet",
        status: true,
        scale: Some(ScalePaths::WORKLOAD),
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<ReplicaSetSpec>("Desired", "replicas").integer(),
            Column::of::<ReplicaSetStatus>("Current", "replicas").integer(),
            Column::of::<ReplicaSetStatus>("Ready", "readyReplicas").integer(),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<ReplicaSetSpec>("Selector", "selector").wide(),
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
