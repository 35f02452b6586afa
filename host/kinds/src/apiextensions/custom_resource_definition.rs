//! `CustomResourceDefinition`: a kind that users define, with the schema of its objects.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use meta::Tree;

use crate::columns;
use crate::{Generation, Kind, KindInfo};

impl Kind for CustomResourceDefinition {
    const INFO: KindInfo = KindInfo {
        singular: "customresourcedefinition",
        short_names: &["crd", "crds"],
        categories: &["api-extensions"],
        type_name: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
        status: true,
        generation: Generation::Spec,
        unconditional_update: false,
        columns: columns::NAME_AND_CREATED_AT,
        ..KindInfo::cluster::<Self>()
    };

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        columns::name_and_created_at(&self.metadata)
    }
}
