//! `ComponentStatus`: whether a part of the control plane is well. It is asked for and never stored.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/component-status-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ComponentStatus;
use meta::Tree;

use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, Verb};

impl Kind for ComponentStatus {
    const INFO: KindInfo = KindInfo {
        singular: "componentstatus",
        short_names: &["cs"],
        type_name: "io.k8s.api.core.v1.ComponentStatus",
        verbs: Verb::GET_LIST,
        deprecated: Some("v1 ComponentStatus is deprecated in v1.19+"),
        columns: &[
            columns::NAME,
            Column::text("Status", "Status of the component conditions"),
            Column::text("Message", "Message of the component conditions"),
            Column::text("Error", "Error of the component conditions"),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        let healthy =
            self.conditions.or_empty().iter().find(|condition| condition.type_ == "Healthy");
        let (status, message, error) = match healthy {
            None => ("Unknown", "", ""),
            Some(condition) => {
                let status = if condition.status == "True" { "Healthy" } else { "Unhealthy" };
                (status, condition.message.or_empty(), condition.error.or_empty())
            }
        };
        let cells = [status, message, error].into_iter().map(Tree::from);
        std::iter::once(columns::name(&self.metadata)).chain(cells).collect()
    }
}
