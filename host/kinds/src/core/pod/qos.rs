//! The quality of service of a Pod, and the sums of what its containers ask for.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use meta::quantity::Quantity;

use crate::resources::{self, Amounts, ResourceList};
use crate::wire::OrEmpty;

/// `Guaranteed`, `Burstable` or `BestEffort`.
#[must_use]
pub fn class(spec: &PodSpec) -> &'static str {
    if let Some(resources) = spec.resources.as_ref().filter(|resources| is_set(resources)) {
        return class_of(resources);
    }
    let none = ResourceRequirements::default();
    let mut classes = spec
        .init_containers
        .or_empty()
        .iter()
        .chain(&spec.containers)
        .map(|container| class_of(container.resources.as_ref().unwrap_or(&none)));
    let first = classes.next().unwrap_or(BEST_EFFORT);
    if classes.all(|class| class == first) { first } else { BURSTABLE }
}

const GUARANTEED: &str = "Guaranteed";
const BURSTABLE: &str = "Burstable";
const BEST_EFFORT: &str = "BestEffort";

fn is_set(resources: &ResourceRequirements) -> bool {
    !resources.limits.is_unset() || !resources.requests.is_unset()
}

fn class_of(resources: &ResourceRequirements) -> &'static str {
    let computing = |list: Option<&ResourceList>| -> BTreeMap<&'static str, Quantity> {
        ["cpu", "memory"]
            .into_iter()
            .filter_map(|name| Some((name, resources::parse(list?.get(name)?))))
            .filter(|(_, quantity)| !quantity.is_zero())
            .collect()
    };
    let requests = computing(resources.requests.as_ref());
    let limits = computing(resources.limits.as_ref());
    if requests.is_empty() && limits.is_empty() {
        BEST_EFFORT
    } else if limits.len() == 2
        && requests.iter().all(|(name, quantity)| limits.get(name) == Some(quantity))
    {
        GUARANTEED
    } else {
        BURSTABLE
    }
}

/// Requests of all containers together: those that run side by side are added up, an init container counts where it alone needs more.
pub(super) fn requests(spec: &PodSpec) -> Amounts {
    aggregate(spec, |container| container.resources.as_ref()?.requests.clone())
}

/// The same for limits.
pub(super) fn limits(spec: &PodSpec) -> Amounts {
    aggregate(spec, |container| container.resources.as_ref()?.limits.clone())
}

/// The same for whatever list a container has.
pub(super) fn aggregate(
    spec: &PodSpec,
    of: impl Fn(&Container) -> Option<ResourceList>,
) -> Amounts {
    let mut running = Amounts::new();
    for container in &spec.containers {
        resources::add(&mut running, &of(container).unwrap_or_default());
    }
    let mut sidecars = Amounts::new();
    let mut starting = Amounts::new();
    for container in spec.init_containers.or_empty() {
        let needs = of(container).unwrap_or_default();
        let mut at_once = sidecars.clone();
        resources::add(&mut at_once, &needs);
        if is_sidecar(container) {
            resources::add(&mut running, &needs);
            sidecars.clone_from(&at_once);
        }
        resources::raise(&mut starting, &at_once);
    }
    resources::raise(&mut running, &starting);
    running
}

/// Whether the init container keeps running beside the others.
#[must_use]
pub fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

#[cfg(test)]
mod tests;
