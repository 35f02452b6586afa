use k8s_openapi::api::autoscaling::{v1, v2};
use meta::Tree;
use serde_json::json;

use super::convert::{to_v1, to_v2};
use crate::Kind;

fn parse(text: &str) -> Tree {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn both_versions_show_the_same_object() {
    let old = parse(include_str!("../tests/golden/autoscaling.v1.HorizontalPodAutoscaler.json"));
    let new = parse(include_str!("../tests/golden/autoscaling.HorizontalPodAutoscaler.json"));
    let mut tree = old.clone();
    v1::HorizontalPodAutoscaler::rewrite_to_stored(&mut tree);
    assert_eq!(tree, new);
    v1::HorizontalPodAutoscaler::rewrite_to_served(&mut tree);
    assert_eq!(tree, old);
}

#[test]
fn annotations_are_read_whatever_the_case_of_names_and_dropped_if_they_make_no_sense() {
    let read = |metrics: &str, behavior: &str| {
        let old = json!({
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "a", "annotations": {
                "autoscaling.alpha.kubernetes.io/metrics": metrics,
                "autoscaling.alpha.kubernetes.io/behavior": behavior,
            } },
            "spec": { "maxReplicas": 3, "scaleTargetRef": { "kind": "Deployment", "name": "d" } },
        });
        let old: v1::HorizontalPodAutoscaler = serde_json::from_value(old).expect("an autoscaler");
        let new = to_v2(&old);
        let shown = to_v1(&new).metadata.annotations.unwrap_or_default();
        (new.spec, shown)
    };
    let metrics =
        r#"[{"type":"Object","object":{"target":{"kind":"S","name":"s"},"averageValue":"5"}}]"#;
    let (spec, shown) = read(metrics, r#"{"scaleUP":{"SelectPolicy":"Min"}}"#);
    let metric = spec.metrics.expect("metrics").remove(0);
    let target = metric.object.expect("an object").target;
    assert_eq!((target.type_.as_str(), target.value), ("AverageValue", None));
    let up = spec.behavior.and_then(|behavior| behavior.scale_up).expect("a behavior");
    assert_eq!(up.select_policy.as_deref(), Some("Min"));
    assert_eq!(
        shown.into_values().collect::<Vec<_>>(),
        [
            r#"{"ScaleUp":{"StabilizationWindowSeconds":null,"SelectPolicy":"Min","Policies":null,"Tolerance":null},"ScaleDown":null}"#,
            r#"[{"type":"Object","object":{"target":{"kind":"S","name":"s"},"metricName":"","targetValue":"0","averageValue":"5"}}]"#,
        ]
    );
    let (spec, shown) = read("nonsense", "{}");
    let cpu: Vec<v2::MetricSpec> = super::convert::default_metrics();
    assert_eq!((spec.metrics, spec.behavior), (Some(cpu), None));
    assert!(shown.is_empty());
}
