//! Which nodes a Pod may be on, as far as it and the nodes' taints say: what a `DaemonSet` asks
//! before the scheduler does.

use k8s_openapi::api::core::v1::{
    Affinity, Node, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec,
    Taint, Toleration,
};

use crate::taint_eviction::matches;

/// Whether node selector and required node affinity choose a node.
pub(crate) fn chooses(spec: &PodSpec, node: &Node) -> bool {
    let labels = node.metadata.labels.as_ref();
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).map(String::as_str);
    let name = node.metadata.name.as_deref().unwrap_or("");
    let selected = spec.node_selector.iter().flatten().all(|(k, v)| label(k) == Some(v));
    let terms = required(spec);
    selected
        && terms.is_none_or(|terms| {
            terms.node_selector_terms.iter().any(|term| {
                let labels = term.match_expressions.iter().flatten();
                let fields = term.match_fields.iter().flatten();
                let is_empty = labels.clone().next().is_none() && fields.clone().next().is_none();
                !is_empty
                    && labels.clone().all(|r| holds(r, label(&r.key)))
                    && fields.clone().all(|r| holds(r, (r.key == "metadata.name").then_some(name)))
            })
        })
}

fn required(spec: &PodSpec) -> Option<&NodeSelector> {
    let nodes = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    nodes.required_during_scheduling_ignored_during_execution.as_ref()
}

fn holds(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let is_in = value.is_some_and(|value| values.iter().any(|known| known == value));
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let compared = number(value).zip(number(values.first().map(String::as_str)));
    match requirement.operator.as_str() {
        "In" => is_in,
        "NotIn" => !is_in,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared.is_some_and(|(value, bound)| value > bound),
        "Lt" => compared.is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

/// Whether all taints of some effects are tolerated.
pub(crate) fn tolerates(tolerations: &[Toleration], node: &Node, effects: &[&str]) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let hard = |taint: &&Taint| effects.contains(&taint.effect.as_str());
    let mut hard = taints.into_iter().flatten().filter(hard);
    hard.all(|taint| tolerations.iter().any(|toleration| matches(toleration, taint)))
}

/// Makes a Pod fit one node only, whatever else it asks of nodes.
pub(crate) fn pin(spec: &mut PodSpec, node: &str) {
    let affinity: &mut Affinity = spec.affinity.get_or_insert_default();
    let nodes: &mut NodeAffinity = affinity.node_affinity.get_or_insert_default();
    let required =
        nodes.required_during_scheduling_ignored_during_execution.get_or_insert_default();
    // The node was chosen by the other terms already.
    required.node_selector_terms = vec![NodeSelectorTerm {
        match_expressions: None,
        match_fields: Some(vec![NodeSelectorRequirement {
            key: "metadata.name".to_owned(),
            operator: "In".to_owned(),
            values: Some(vec![node.to_owned()]),
        }]),
    }];
}

/// The node that a Pod is on or was made for.
pub(crate) fn pinned_to(spec: &PodSpec) -> Option<&str> {
    if let Some(node) = spec.node_name.as_deref().filter(|node| !node.is_empty()) {
        return Some(node);
    }
    let fields =
        required(spec)?.node_selector_terms.iter().flat_map(|t| t.match_fields.iter().flatten());
    let mut names = fields.filter(|field| field.key == "metadata.name");
    names.find_map(|field| field.values.as_ref()?.first()).map(String::as_str)
}
