//! `Endpoints`: the addresses behind a service, in the old form.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/>.

use k8s_openapi::api::core::v1::Endpoints;

use crate::columns::{self, Column};
use crate::{Kind, KindInfo};

impl Kind for Endpoints {
    const INFO: KindInfo = KindInfo {
        singular: "endpoints",
        short_names: &["ep"],
        type_name: "io.k8s.api.core.v1.Endpoints",
        create_on_update: true,
        columns: &[
            columns::NAME,
            Column::of::<Self>("Endpoints", "subsets"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
