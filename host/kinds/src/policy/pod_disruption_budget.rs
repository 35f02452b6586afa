//! `PodDisruptionBudget`: how many Pods of a workload may be down at once by somebody's choice.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/>.

use jiff::Timestamp;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{
    Generation, Kind, KindInfo, NameRule, conditions, int_or_percent, internal, label_selector,
};

impl Kind for PodDisruptionBudget {
    const INFO: KindInfo = KindInfo {
        singular: "poddisruptionbudget",
        short_names: &["pdb"],
        type_name: "io.k8s.api.policy.v1.PodDisruptionBudget",
        status: true,
        generation: Generation::Spec,
        name_rule: NameRule::PathSegment,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::text("Min Available", "The minimum number of pods that must be available."),
            Column::text("Max Unavailable", "The maximum number of pods that may be unavailable."),
            Column::text(
                "Allowed Disruptions",
                "Calculated number of pods that may be disrupted at this time.",
            )
            .integer(),
            columns::AGE,
        ],
        plain_finalizers: true,
        metadata_last: true,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    fn set_defaults(&mut self) {
        self.spec.get_or_insert_default();
    }

    fn on_create(&mut self) {
        if let Some(selector) = self.spec.as_mut().and_then(|spec| spec.selector.as_mut()) {
            drop_old_mark(selector);
        }
    }

    fn on_update(&mut self, old: &Self) {
        let selector = |budget: &Self| budget.spec.as_ref().and_then(|spec| spec.selector.clone());
        if selector(self) != selector(old) {
            self.on_create();
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if let Some(spec) = &self.spec {
            validate_spec(&mut errors, spec);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let at = At::root("status");
        let status = self.status.clone().unwrap_or_default();
        conditions::validate(&mut errors, &at.field("conditions"), status.conditions.or_empty());
        for (name, count) in [
            ("disruptionsAllowed", status.disruptions_allowed),
            ("currentHealthy", status.current_healthy),
            ("desiredHealthy", status.desired_healthy),
            ("expectedPods", status.expected_pods),
        ] {
            errors.not_negative(&at.field(name), i64::from(count.unwrap_or_default()));
        }
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        let allowed = self.status.as_ref().and_then(|status| status.disruptions_allowed);
        let shown = |value: Option<IntOrString>| match value {
            None => Tree::from("N/A"),
            Some(IntOrString::Int(number)) => Tree::from(number.to_string()),
            Some(IntOrString::String(text)) => Tree::from(text),
        };
        vec![
            columns::name(&self.metadata),
            shown(spec.min_available),
            shown(spec.max_unavailable),
            Tree::from(allowed.unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

/// Version `v1beta1` told by a mark whether an empty selector selects all or nothing. The mark says something only where it stands alone.
fn drop_old_mark(selector: &mut LabelSelector) {
    const MARK: &str = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
    let expressions = selector.match_expressions.or_empty();
    let is_alone = selector.match_labels.is_unset()
        && matches!(expressions, [only] if only.key == MARK && only.operator == "Exists" && only.values.is_unset());
    if let Some(expressions) = &mut selector.match_expressions
        && !is_alone
    {
        expressions.retain(|expression| expression.key != MARK);
    }
}

fn validate_spec(errors: &mut Errors, spec: &PodDisruptionBudgetSpec) {
    if spec.min_available.is_some() && spec.max_unavailable.is_some() {
        let shown = internal::value("@PodDisruptionBudgetSpec", spec);
        errors.invalid(&SPEC, shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for (name, value) in
        [("minAvailable", &spec.min_available), ("maxUnavailable", &spec.max_unavailable)]
    {
        if let Some(value) = value {
            int_or_percent::validate(errors, &SPEC.field(name), value);
            int_or_percent::at_most_all(errors, &SPEC.field(name), value);
        }
    }
    label_selector::validate(errors, &SPEC.field("selector"), spec.selector.as_ref());
    if let Some(policy) = &spec.unhealthy_pod_eviction_policy {
        let at = SPEC.field("unhealthyPodEvictionPolicy");
        errors.one_of(&at, policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}
