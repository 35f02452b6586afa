//! `ServiceAccount`: who a Pod is when it talks to the API.
//!
//! See <https://kubernetes.io/docs/concepts/security/service-accounts/>.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::{DeleteAnswer, Kind, KindInfo, Subresource, SubresourceBody, Verb};

impl Kind for ServiceAccount {
    const INFO: KindInfo = KindInfo {
        singular: "serviceaccount",
        short_names: &["sa"],
        type_name: "io.k8s.api.core.v1.ServiceAccount",
        subresources: &[Subresource {
            name: "token",
            body: Some(SubresourceBody {
                group: "authentication.k8s.io",
                version: "v1",
                kind: "TokenRequest",
            }),
            verbs: Verb::CREATE,
        }],
        delete_answer: DeleteAnswer::Object,
        ..KindInfo::namespaced::<Self>()
    };
}
