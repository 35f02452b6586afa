//! `ServiceAccount`: who a Pod is when it talks to the API.
//!
//! See <https://kubernetes.io/docs/concepts/security/service-accounts/>.

use k8s_openapi::api::core::v1::{ObjectReference, ServiceAccount};

use crate::wire::OrEmpty;
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
        without_table: &["token"],
        ..KindInfo::namespaced::<Self>()
    };

    /// References to secrets keep their name only; there is nothing else that they could mean.
    fn on_create(&mut self) {
        for secret in self.secrets.iter_mut().flatten() {
            *secret = ObjectReference { name: secret.name.take(), ..ObjectReference::default() };
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let has = |account: &Self| account.metadata.annotations.or_empty().contains_key(ENFORCE);
        if old.is_some_and(has) || !has(self) {
            return Vec::new();
        }
        vec![format!(
            "metadata.annotations[{ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to \
             isolate access to mounted secrets"
        )]
    }
}

const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
