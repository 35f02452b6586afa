//! `Secret`: confidential key-value pairs.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/secret/>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use meta::Tree;

use crate::columns::{self, Column};
use crate::{Kind, KindInfo};

impl Kind for Secret {
    const INFO: KindInfo = KindInfo {
        singular: "secret",
        type_name: "io.k8s.api.core.v1.Secret",
        selectable: &["type"],
        columns: &[
            columns::NAME,
            Column::of::<Self>("Type", "type"),
            Column::of::<Self>("Data", "data"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("type", self.type_.clone().unwrap_or_default())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.type_.clone().unwrap_or_default()),
            Tree::from(self.data.as_ref().map_or(0, BTreeMap::len).to_string()),
            columns::age(&self.metadata, now),
        ]
    }
}
