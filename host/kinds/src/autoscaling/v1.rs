//! `HorizontalPodAutoscaler` in version 1, which knows one metric: the use of CPU.
//!
//! Everything else that version 2 has is carried in annotations. All rules are those of version 2: an object is turned into that version and
//! judged there.
//! See <https://kubernetes.io/docs/reference/kubernetes-api/autoscaling/horizontal-pod-autoscaler-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v1::HorizontalPodAutoscaler;
use k8s_openapi::api::autoscaling::v2;
use meta::Tree;
use meta::field::FieldError;

use super::convert::{self, to_v1, to_v2};
use crate::{Generation, Kind, KindInfo, PrefixRule, StoredAs, facts};

const STORED: KindInfo = v2::HorizontalPodAutoscaler::INFO;

impl Kind for HorizontalPodAutoscaler {
    const INFO: KindInfo = KindInfo {
        singular: "horizontalpodautoscaler",
        short_names: STORED.short_names,
        categories: STORED.categories,
        type_name: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
        status: true,
        generation: Generation::Spec,
        of_other_versions: &convert::ANNOTATIONS,
        columns: STORED.columns,
        stored_as: Some(StoredAs {
            group: STORED.group,
            version: STORED.version,
            kind: STORED.kind,
            plural: STORED.plural,
        }),
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        self.spec.min_replicas.get_or_insert(1);
        // Annotations are written as this server writes them, and those that say nothing are dropped.
        *self = to_v1(&to_v2(self));
    }

    fn on_create(&mut self) {
        let mut new = to_v2(self);
        new.status = None;
        *self = to_v1(&new);
    }

    fn on_update(&mut self, old: &Self) {
        let (mut new, old) = (to_v2(self), to_v2(old));
        new.status = old.status;
        if new.spec != old.spec {
            let generation = old.metadata.generation.unwrap_or_default();
            new.metadata.generation = Some(generation + 1);
        }
        *self = to_v1(&new);
    }

    fn on_status_update(&mut self, old: &Self) {
        let mut new = to_v2(self);
        new.spec = to_v2(old).spec;
        *self = to_v1(&new);
    }

    fn validate(&self) -> Vec<FieldError> {
        Kind::validate(&to_v2(self))
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        Kind::validate_update(&to_v2(self), &to_v2(old))
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        Kind::validate_status(&to_v2(self), &to_v2(old))
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        Kind::row(&to_v2(self), now)
    }

    fn rewrite_to_stored(tree: &mut Tree) {
        if let Ok(object) = serde_json::from_value::<Self>(tree.clone()) {
            let mut stored = to_v2(&object);
            Kind::set_defaults(&mut stored);
            *tree = facts::canonical_tree(&stored, STORED.type_name);
        }
    }

    fn rewrite_to_served(tree: &mut Tree) {
        if let Ok(object) = serde_json::from_value(tree.clone()) {
            *tree = facts::canonical_tree(&to_v1(&object), Self::INFO.type_name);
        }
    }
}
