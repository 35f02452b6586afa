//! `ResourceSlice`: some of the devices that a driver has to give.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#resourceslice>.

use jiff::Timestamp;
use k8s_openapi::api::resource::v1::{ResourcePool, ResourceSlice, ResourceSliceSpec};
use meta::Tree;
use meta::field::FieldError;

use super::slice;
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Generation, Kind, KindInfo, PrefixRule};

impl Kind for ResourceSlice {
    const INFO: KindInfo = KindInfo {
        singular: "resourceslice",
        type_name: "io.k8s.api.resource.v1.ResourceSlice",
        generation: Generation::Spec,
        delete_answer: DeleteAnswer::Object,
        selectable: &["spec.driver", "spec.nodeName", "spec.pool.name"],
        columns: &[
            columns::NAME,
            Column::of::<ResourceSliceSpec>("Node", "nodeName"),
            Column::of::<ResourceSliceSpec>("Driver", "driver"),
            Column::of::<ResourcePool>("Pool", "name"),
            columns::AGE,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    fn on_create(&mut self) {
        slice::drop_disabled(&mut self.spec);
    }

    fn on_update(&mut self, old: &Self) {
        if self.spec != old.spec {
            // What is dropped counts as a change.
            self.metadata.generation = Some(old.metadata.generation.unwrap_or_default() + 1);
            self.on_create();
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        slice::validate(&mut errors, &At::root("spec"), &self.spec);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let at = At::root("spec");
        slice::validate(&mut errors, &at, &self.spec);
        let (new, old) = (&self.spec, &old.spec);
        errors.immutable(&at.field("pool").field("name"), &new.pool.name, &old.pool.name);
        errors.immutable(&at.field("driver"), &new.driver, &old.driver);
        errors.immutable(&at.field("nodeName"), &new.node_name, &old.node_name);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let driver = self.spec.driver.as_str();
        if driver == driver.to_lowercase() {
            return Vec::new();
        }
        vec![format!(
            "spec.driver: driver names should be lowercase; {} contains uppercase characters",
            meta::quote(driver)
        )]
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("spec.driver", self.spec.driver.clone()),
            ("spec.nodeName", self.spec.node_name.or_empty().to_owned()),
            ("spec.pool.name", self.spec.pool.name.clone()),
        ]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.spec.node_name.or_empty()),
            Tree::from(self.spec.driver.as_str()),
            Tree::from(self.spec.pool.name.as_str()),
            columns::age(&self.metadata, now),
        ]
    }
}
