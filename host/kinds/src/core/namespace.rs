//! `Namespace`: a scope for names, and a unit of deletion.
//!
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use meta::Tree;

use crate::columns::{self, Column};
use crate::{DeleteAnswer, Kind, KindInfo, NameRule, Subresource, SubresourceBody, Verb};

impl Kind for Namespace {
    const INFO: KindInfo = KindInfo {
        singular: "namespace",
        short_names: &["ns"],
        type_name: "io.k8s.api.core.v1.Namespace",
        name_rule: NameRule::Label,
        verbs: Verb::NO_COLLECTION_DELETE,
        status: true,
        subresources: &[Subresource {
            name: "finalize",
            body: Some(SubresourceBody {
                group: "",
                version: "",
                kind: "Namespace",
            }),
            verbs: &[Verb::Update],
        }],
        delete_answer: DeleteAnswer::Object,
        selectable: &["status.phase"],
        columns: &[
            columns::NAME,
            Column::text("Status", "The status of the namespace"),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("status.phase", self.phase().to_owned())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.phase()),
            columns::age(&self.metadata, now),
        ]
    }
}

trait Phase {
    fn phase(&self) -> &str;
}

impl Phase for Namespace {
    fn phase(&self) -> &str {
        self.status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            .unwrap_or_default()
    }
}
