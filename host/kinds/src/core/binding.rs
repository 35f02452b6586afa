//! `Binding`: which node a Pod is to run on. A create assigns the Pod that it names, and nothing of it is stored.
//!
//! Schedulers use the path below the Pod; this one is older and does the same.
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/>.

use k8s_openapi::api::core::v1::Binding;

use crate::{Kind, KindInfo};

impl Kind for Binding {
    const INFO: KindInfo = KindInfo {
        singular: "binding",
        type_name: "io.k8s.api.core.v1.Binding",
        namespaced: true,
        ..KindInfo::question::<Self>()
    };
}
