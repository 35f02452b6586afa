//! `Event`: something that happened to an object, kept for a while.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>.

use k8s_openapi::api::core::v1::{Event, ObjectReference};

use crate::columns::{self, Column};
use crate::{Kind, KindInfo, NameRule, Propagation};

impl Kind for Event {
    const INFO: KindInfo = KindInfo {
        singular: "event",
        short_names: &["ev"],
        type_name: "io.k8s.api.core.v1.Event",
        name_rule: NameRule::PathSegment,
        create_on_update: true,
        default_propagation: Propagation::Unsupported,
        selectable: &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        columns: &[
            Column::of::<Self>("Last Seen", "lastTimestamp"),
            Column::of::<Self>("Type", "type"),
            Column::of::<Self>("Reason", "reason"),
            Column::of::<Self>("Object", "involvedObject"),
            Column::of::<ObjectReference>("Subobject", "fieldPath").wide(),
            Column::of::<Self>("Source", "source").wide(),
            Column::of::<Self>("Message", "message"),
            Column::of::<Self>("First Seen", "firstTimestamp").wide(),
            Column::of::<Self>("Count", "count").wide(),
            columns::NAME.wide(),
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
