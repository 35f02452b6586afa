//! `HorizontalPodAutoscaler`: keeps the number of Pods of a workload at what its metrics ask for.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/>.

mod row;
mod validate;

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::{
    HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec,
    HorizontalPodAutoscalerStatus,
};
use meta::Tree;
use meta::field::FieldError;

use super::convert;
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, PrefixRule};

impl Kind for HorizontalPodAutoscaler {
    const INFO: KindInfo = KindInfo {
        singular: "horizontalpodautoscaler",
        short_names: &["hpa"],
        categories: &["all"],
        type_name: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
        status: true,
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<HorizontalPodAutoscalerSpec>("Reference", "scaleTargetRef"),
            Column::of::<HorizontalPodAutoscalerSpec>("Targets", "metrics"),
            Column::of::<HorizontalPodAutoscalerSpec>("MinPods", "minReplicas"),
            Column::of::<HorizontalPodAutoscalerSpec>("MaxPods", "maxReplicas"),
            Column::of::<HorizontalPodAutoscalerStatus>("Replicas", "currentReplicas"),
            columns::AGE,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        convert::drop_annotations(&mut self.metadata);
        let spec = &mut self.spec;
        spec.min_replicas.get_or_insert(1);
        if spec.metrics.is_unset() {
            spec.metrics = Some(convert::default_metrics());
        }
        if let Some(behavior) = &mut spec.behavior {
            let up = behavior.scale_up.get_or_insert_default();
            up.stabilization_window_seconds.get_or_insert(0);
            default_policies(up, &[("Pods", 4), ("Percent", 100)]);
            let down = behavior.scale_down.get_or_insert_default();
            default_policies(down, &[("Percent", 100)]);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        validate::spec(&self.spec, None)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        validate::spec(&self.spec, Some(&old.spec))
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        validate::status(&self.status.clone().unwrap_or_default())
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        row::cells(self, now)
    }
}

fn default_policies(rules: &mut HPAScalingRules, policies: &[(&str, i32)]) {
    const PERIOD_SECS: i32 = 15;
    rules.select_policy.get_or_insert_with(|| "Max".to_owned());
    let policy = |(type_, value): &(&str, i32)| HPAScalingPolicy {
        type_: (*type_).to_owned(),
        value: *value,
        period_seconds: PERIOD_SECS,
    };
    rules.policies.get_or_insert_with(|| policies.iter().map(policy).collect());
}
