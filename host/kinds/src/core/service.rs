//! `Service`: one stable address for a set of Pods.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/service/>.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use crate::columns::{self, Column};
use crate::core::pod::proxy_subresource;
use crate::{DeleteAnswer, Kind, KindInfo, NameRule};

impl Kind for Service {
    const INFO: KindInfo = KindInfo {
        singular: "service",
        short_names: &["svc"],
        categories: &["all"],
        type_name: "io.k8s.api.core.v1.Service",
        name_rule: NameRule::Label1035,
        status: true,
        subresources: &[proxy_subresource("ServiceProxyOptions")],
        create_on_update: true,
        delete_answer: DeleteAnswer::Object,
        selectable: &["spec.clusterIP", "spec.type"],
        columns: &[
            columns::NAME,
            Column::of::<ServiceSpec>("Type", "type"),
            Column::of::<ServiceSpec>("Cluster-IP", "clusterIP"),
            Column::of::<ServiceSpec>("External-IP", "externalIPs"),
            Column::of::<ServiceSpec>("Port(s)", "ports"),
            columns::AGE,
            Column::of::<ServiceSpec>("Selector", "selector").wide(),
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
