//! `ControllerRevision`: an immutable snapshot of the state of a workload.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/>.

use k8s_openapi::api::apps::v1::ControllerRevision;

use crate::columns::{self, Column};
use crate::{Kind, KindInfo};

impl Kind for ControllerRevision {
    const INFO: KindInfo = KindInfo {
        singular: "controllerrevision",
        type_name: "io.k8s.api.apps.v1.ControllerRevision",
        columns: &[
            columns::NAME,
            Column::text("Controller", "Controller of the object"),
            Column::of::<Self>("Revision", "revision"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
