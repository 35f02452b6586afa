//! `ControllerRevision`: an immutable snapshot of the state of a workload.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use meta::field::FieldError;
use meta::{GroupVersion, Tree};

use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo};

impl Kind for ControllerRevision {
    const INFO: KindInfo = KindInfo {
        singular: "controllerrevision",
        type_name: "io.k8s.api.apps.v1.ControllerRevision",
        columns: &[
            columns::NAME,
            Column::text("Controller", "Controller of the object"),
            Column::of::<Self>("Revision", "revision"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.not_negative(&At::root("revision"), self.revision.unwrap_or_default());
        match &self.data.0 {
            Tree::Object(_) => {}
            Tree::Null => errors.required(&At::root("data"), "data is mandatory"),
            _ => errors.required(&At::root("data"), "data must be a valid JSON object"),
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.not_negative(&At::root("revision"), self.revision.unwrap_or_default());
        errors.immutable(&At::root("data"), &self.data, &old.data);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let owners = self.metadata.owner_references.or_empty();
        let controller = owners.iter().find(|owner| owner.controller == Some(true));
        let controller = controller.map(|owner| {
            let version = GroupVersion::parse(&owner.api_version).unwrap_or_default();
            let kind = version.with_kind(owner.kind.clone()).group_kind().to_string();
            format!("{}/{}", kind.to_lowercase(), owner.name)
        });
        vec![
            columns::name(&self.metadata),
            Tree::from(controller.unwrap_or_else(|| NONE.to_owned())),
            Tree::from(self.revision.unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}
