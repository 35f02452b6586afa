//! Rules of a Pod about other Pods, parsed: affinity terms and topology spread constraints.
//!
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity>,
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PodAffinityTerm, TopologySpreadConstraint, WeightedPodAffinityTerm,
};
use meta::{LabelSelector, selector::label::Selector};

use crate::pending::Pending;

type Labels = BTreeMap<String, String>;

/// Which Pods a term means, and what counts as one place.
#[derive(Clone, Debug)]
pub(crate) struct PodTerm {
    pub(crate) topology_key: String,
    namespaces: Vec<String>,
    every_namespace: bool,
    selector: Selector,
}

impl PodTerm {
    pub(crate) fn all(
        terms: Option<&Vec<PodAffinityTerm>>,
        namespace: &str,
        own: Option<&Labels>,
    ) -> Vec<Self> {
        terms.into_iter().flatten().map(|term| Self::new(term, namespace, own)).collect()
    }

    fn new(term: &PodAffinityTerm, namespace: &str, own: Option<&Labels>) -> Self {
        let listed = term.namespaces.clone().unwrap_or_default();
        let by_labels = term.namespace_selector.as_ref();
        // Only the empty selector, which means every namespace, can be answered without the Namespace objects.
        let every_namespace =
            by_labels.is_some_and(|selector| *selector == LabelSelector::default());
        let namespaces = if listed.is_empty() && by_labels.is_none() {
            vec![namespace.to_owned()]
        } else {
            listed
        };
        let (equal, unequal) = (term.match_label_keys.as_ref(), term.mismatch_label_keys.as_ref());
        let mut wanted = term.label_selector.clone();
        with_own_labels(&mut wanted, own, equal, "In");
        with_own_labels(&mut wanted, own, unequal, "NotIn");
        Self {
            topology_key: term.topology_key.clone(),
            namespaces,
            every_namespace,
            selector: selector(wanted.as_ref()),
        }
    }

    /// Whether a Pod is one of those that the term means.
    pub(crate) fn means(&self, pod: &Pending) -> bool {
        let here = self.every_namespace || self.namespaces.contains(&pod.namespace);
        here && self.selector.matches(&pod.attributes)
    }
}

/// A term that is a wish.
#[derive(Clone, Debug)]
pub(crate) struct WeightedTerm {
    pub(crate) weight: i64,
    pub(crate) term: PodTerm,
}

impl WeightedTerm {
    pub(crate) fn all(
        terms: Option<&Vec<WeightedPodAffinityTerm>>,
        namespace: &str,
        own: Option<&Labels>,
    ) -> Vec<Self> {
        let new = |wish: &WeightedPodAffinityTerm| Self {
            weight: i64::from(wish.weight),
            term: PodTerm::new(&wish.pod_affinity_term, namespace, own),
        };
        terms.into_iter().flatten().map(new).collect()
    }
}

/// A topology spread constraint.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(crate) topology_key: String,
    pub(crate) max_skew: i64,
    pub(crate) min_domains: i64,
    pub(crate) required: bool,
    /// Whether nodes that the Pod's node selector leaves out are places too.
    pub(crate) honor_affinity: bool,
    pub(crate) honor_taints: bool,
    pub(crate) selector: Selector,
}

impl Spread {
    pub(crate) fn all(
        constraints: Option<&Vec<TopologySpreadConstraint>>,
        own: Option<&Labels>,
    ) -> Vec<Self> {
        let new = |constraint: &TopologySpreadConstraint| {
            let mut wanted = constraint.label_selector.clone();
            with_own_labels(&mut wanted, own, constraint.match_label_keys.as_ref(), "In");
            Self {
                topology_key: constraint.topology_key.clone(),
                max_skew: i64::from(constraint.max_skew),
                min_domains: i64::from(constraint.min_domains.unwrap_or(1)),
                required: constraint.when_unsatisfiable == "DoNotSchedule",
                honor_affinity: constraint.node_affinity_policy.as_deref() != Some("Ignore"),
                honor_taints: constraint.node_taints_policy.as_deref() == Some("Honor"),
                selector: selector(wanted.as_ref()),
            }
        };
        constraints.into_iter().flatten().map(new).collect()
    }

    /// Whether a Pod is counted.
    pub(crate) fn counts(&self, namespace: &str, pod: &Pending) -> bool {
        pod.namespace == namespace && self.selector.matches(&pod.attributes)
    }
}

/// A missing selector means no Pods, as everywhere in Kubernetes; one that does not parse was refused by validation.
fn selector(selector: Option<&LabelSelector>) -> Selector {
    selector.and_then(|selector| Selector::from(selector).ok()).unwrap_or_else(Selector::nothing)
}

/// Adds "the same value as this Pod's" for some keys.
fn with_own_labels(
    selector: &mut Option<LabelSelector>,
    own: Option<&Labels>,
    keys: Option<&Vec<String>>,
    operator: &str,
) {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;
    let Some(selector) = selector else { return };
    for key in keys.into_iter().flatten() {
        let Some(value) = own.and_then(|labels| labels.get(key)) else { continue };
        selector.match_expressions.get_or_insert_default().push(LabelSelectorRequirement {
            key: key.clone(),
            operator: operator.to_owned(),
            values: Some(vec![value.clone()]),
        });
    }
}

/// One expression of a node selector as a requirement on labels. `Gt` and `Lt` compare as integers.
pub(crate) fn expression_matches(
    key: &str,
    operator: &str,
    values: &[String],
    labels: &Labels,
) -> bool {
    let own = labels.get(key);
    let first = || values.first().and_then(|value| value.parse::<i64>().ok());
    let number = || own.and_then(|value| value.parse::<i64>().ok());
    match operator {
        "In" => own.is_some_and(|value| values.contains(value)),
        "NotIn" => own.is_none_or(|value| !values.contains(value)),
        "Exists" => own.is_some(),
        "DoesNotExist" => own.is_none(),
        "Gt" => number().zip(first()).is_some_and(|(own, bound)| own > bound),
        "Lt" => number().zip(first()).is_some_and(|(own, bound)| own < bound),
        _ => false,
    }
}

/// Whether a selector of plain labels matches.
pub(crate) fn labels_match(wanted: &Labels, labels: &Labels) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
