//! `ConfigMap`: configuration as key-value pairs.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/configmap/>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use meta::Tree;

use crate::columns::{self, Column};
use crate::{Kind, KindInfo};

impl Kind for ConfigMap {
    const INFO: KindInfo = KindInfo {
        singular: "configmap",
        short_names: &["cm"],
        type_name: "io.k8s.api.core.v1.ConfigMap",
        columns: &[
            columns::NAME,
            Column::of::<Self>("Data", "data"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let text = self.data.as_ref().map_or(0, BTreeMap::len);
        let binary = self.binary_data.as_ref().map_or(0, BTreeMap::len);
        vec![
            columns::name(&self.metadata),
            Tree::from((text + binary).to_string()),
            columns::age(&self.metadata, now),
        ]
    }
}
