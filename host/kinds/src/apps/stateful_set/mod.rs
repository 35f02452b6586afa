//! `StatefulSet`: Pods with names and volumes of their own, started and replaced in order.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>.

mod validate;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::Tree;
use meta::field::FieldError;

use crate::check::At;
use crate::columns::{self, Column};
use crate::core::volume_claim;
use crate::wire::{OrEmpty, default_text};
use crate::{
    Generation, Kind, KindInfo, NameRule, PrefixRule, ScalePaths, label_selector, pod_template,
    resources,
};

impl Kind for StatefulSet {
    const INFO: KindInfo = KindInfo {
        singular: "statefulset",
        short_names: &["sts"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.StatefulSet",
        status: true,
        scale: Some(ScalePaths::WORKLOAD),
        generation: Generation::Spec,
        name_rule: NameRule::Label,
        columns: &[
            columns::NAME,
            Column::text("Ready", "Number of the pod with ready state"),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        label_selector::mark_empty(tree, "/spec/selector");
        name_claims(tree);
    });

    fn set_defaults(&mut self) {
        let spec = &mut self.spec;
        pod_template::set_defaults(&mut spec.template);
        default_text(&mut spec.pod_management_policy, "OrderedReady");
        default_update_strategy(spec);
        let retention = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
        default_text(&mut retention.when_deleted, "Retain");
        default_text(&mut retention.when_scaled, "Retain");
        spec.replicas.get_or_insert(1);
        spec.revision_history_limit.get_or_insert(10);
        spec.volume_claim_templates.iter_mut().flatten().for_each(default_claim);
    }

    fn on_create(&mut self) {
        pod_template::drop_disabled(&mut self.spec.template);
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        validate::new(self)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        validate::changed(self, old)
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        validate::status(self, old)
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none_or(|old| old.spec != self.spec) {
            pod_template::warn(&mut warnings, &SPEC.field("template"), &self.spec.template);
        }
        let claims_at = SPEC.field("volumeClaimTemplates");
        for (index, claim) in self.spec.volume_claim_templates.or_empty().iter().enumerate() {
            let Some(claim) = &claim.spec else { continue };
            let at = claims_at.index(index);
            // So Kubernetes names the place when a set is changed.
            let changed_at = at.field("Spec");
            let at = if old.is_some() { &changed_at } else { &at };
            volume_claim::warn(&mut warnings, at, claim);
        }
        if self.spec.revision_history_limit.is_some_and(|limit| limit < 0) {
            warnings.push(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; \
                 a value >= 0 is recommended"
                    .to_owned(),
            );
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let ready = self.status.as_ref().and_then(|status| status.ready_replicas);
        let wanted = self.spec.replicas.unwrap_or_default();
        let (names, images) = pod_template::container_cells(Some(&self.spec.template));
        vec![
            columns::name(&self.metadata),
            Tree::from(format!("{}/{wanted}", ready.unwrap_or_default())),
            columns::age(&self.metadata, now),
            Tree::from(names),
            Tree::from(images),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

/// Claims within a set say what they are, whatever the client calls them.
fn name_claims(tree: &mut Tree) {
    let claims = tree.pointer_mut("/spec/volumeClaimTemplates").and_then(Tree::as_array_mut);
    for claim in claims.into_iter().flatten().filter_map(Tree::as_object_mut) {
        claim.insert("apiVersion".to_owned(), "v1".into());
        claim.insert("kind".to_owned(), "PersistentVolumeClaim".into());
    }
}

fn default_update_strategy(spec: &mut StatefulSetSpec) {
    const ROLLING: &str = "RollingUpdate";
    let strategy = spec.update_strategy.get_or_insert_default();
    if strategy.type_.is_unset() {
        strategy.type_ = Some(ROLLING.to_owned());
        strategy.rolling_update.get_or_insert_default();
    }
    if strategy.type_.or_empty() == ROLLING
        && let Some(rolling) = &mut strategy.rolling_update
    {
        rolling.partition.get_or_insert(0);
        rolling.max_unavailable.get_or_insert(IntOrString::Int(1));
    }
}

fn default_claim(claim: &mut PersistentVolumeClaim) {
    volume_claim::set_defaults(claim.spec.get_or_insert_default());
    let status = claim.status.get_or_insert_default();
    default_text(&mut status.phase, "Pending");
    for list in [&mut status.capacity, &mut status.allocated_resources].into_iter().flatten() {
        resources::round_up(list);
    }
}
