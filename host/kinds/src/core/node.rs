//! `Node`: a machine that runs Pods.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/nodes/>.

use k8s_openapi::api::core::v1::{Node, NodeStatus, NodeSystemInfo};

use crate::columns::{self, Column};
use crate::core::pod::proxy_subresource;
use crate::{Kind, KindInfo};

impl Kind for Node {
    const INFO: KindInfo = KindInfo {
        singular: "node",
        short_names: &["no"],
        type_name: "io.k8s.api.core.v1.Node",
        status: true,
        subresources: &[proxy_subresource("NodeProxyOptions")],
        selectable: &["spec.unschedulable"],
        columns: &[
            columns::NAME,
            Column::text("Status", "The status of the node"),
            Column::text("Roles", "The roles of the node"),
            columns::AGE,
            Column::of::<NodeSystemInfo>("Version", "kubeletVersion"),
            Column::of::<NodeStatus>("Internal-IP", "addresses").wide(),
            Column::of::<NodeStatus>("External-IP", "addresses").wide(),
            Column::of::<NodeSystemInfo>("OS-Image", "osImage").wide(),
            Column::of::<NodeSystemInfo>("Kernel-Version", "kernelVersion").wide(),
            Column::of::<NodeSystemInfo>("Container-Runtime", "containerRuntimeVersion").wide(),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn fields(&self) -> Vec<(&'static str, String)> {
        let unschedulable = self.spec.as_ref().and_then(|spec| spec.unschedulable);
        vec![(
            "spec.unschedulable",
            unschedulable.unwrap_or_default().to_string(),
        )]
    }
}
