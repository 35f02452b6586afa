//! What a Pod uses: processor time, memory and whatever else its containers ask for, as long as it runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    Container, Pod, PodAffinityTerm, PodSpec, ScopedResourceSelectorRequirement,
    WeightedPodAffinityTerm,
};

use super::{one, scope};
use crate::core::pod::needs::{self, Needs};
use crate::core::pod::qos;
use crate::resources::{self, Amounts};
use crate::wire::OrEmpty;

const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

/// Whether Pods use the resource.
pub(super) fn uses(resource: &str) -> bool {
    let known = matches!(
        resource,
        "pods"
            | "cpu"
            | "memory"
            | "ephemeral-storage"
            | "requests.cpu"
            | "requests.memory"
            | "requests.ephemeral-storage"
            | "limits.cpu"
            | "limits.memory"
            | "limits.ephemeral-storage"
    );
    let requested = resource.strip_prefix("requests.");
    known
        || resources::is_huge_page(requested.unwrap_or(resource))
        || requested
            .is_some_and(|name| !resources::is_native(resource) || name.starts_with(DEVICE_CLASS))
}

/// What a Pod uses. One that is over uses nothing.
pub(super) fn usage(pod: &Pod, now: Timestamp) -> Amounts {
    if is_over(pod, now) {
        return Amounts::new();
    }
    let needs = Needs::of_pod(pod);
    compute(&needs)
}

fn compute(needs: &Needs) -> Amounts {
    let mut usage = Amounts::from([("pods".to_owned(), one())]);
    for (name, quantity) in &needs.requests {
        let is_measured = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage")
            || resources::is_huge_page(name);
        if is_measured {
            usage.insert(name.clone(), quantity.clone());
        }
        if is_measured || resources::is_extended(name) || name.starts_with(DEVICE_CLASS) {
            usage.insert(format!("requests.{name}"), quantity.clone());
        }
    }
    for (name, quantity) in &needs.limits {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            usage.insert(format!("limits.{name}"), quantity.clone());
        }
    }
    usage
}

fn is_over(pod: &Pod, now: Timestamp) -> bool {
    let phase = pod.status.as_ref().map(|status| status.phase.or_empty());
    matches!(phase, Some("Failed" | "Succeeded"))
        || counts_until(pod).is_some_and(|latest| now > latest)
}

/// Until when a Pod that is being deleted counts, should it stay for longer: a lost node must not keep others from taking its place.
#[must_use]
pub fn counts_until(pod: &Pod) -> Option<Timestamp> {
    let ends = pod.metadata.deletion_timestamp.as_ref()?;
    let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds?);
    ends.0.saturating_add(grace).ok()
}

/// Amounts of which quotas demand that each container names them. It is not done so for any others.
const DEMANDED: [&str; 6] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// What is missing for quotas on these resources, in words.
pub(super) fn missing<'a>(pod: &Pod, resources: impl Iterator<Item = &'a str>) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    if needs::says_itself(spec) {
        return None;
    }
    let demanded: BTreeSet<&str> = resources.filter(|name| DEMANDED.contains(name)).collect();
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in spec.containers.iter().chain(spec.init_containers.or_empty()) {
        let named = compute(&of_container(container));
        for name in demanded.iter().filter(|name| !named.contains_key(**name)) {
            missing.entry(name).or_default().insert(&container.name);
        }
    }
    let parts: Vec<String> = missing
        .into_iter()
        .map(|(resource, containers)| {
            let containers = containers.into_iter().collect::<Vec<_>>().join(",");
            format!("{resource} for: {containers}")
        })
        .collect();
    (!parts.is_empty()).then(|| format!("must specify {}", parts.join("; ")))
}

fn of_container(container: &Container) -> Needs {
    let resources = container.resources.clone().unwrap_or_default();
    Needs {
        requests: resources::amounts(resources.requests.or_empty()),
        limits: resources::amounts(resources.limits.or_empty()),
    }
}

/// Whether a Pod is in the scope.
pub(super) fn is_in(requirement: &ScopedResourceSelectorRequirement, pod: &Pod) -> bool {
    let none = PodSpec::default();
    let spec = pod.spec.as_ref().unwrap_or(&none);
    let is_best_effort = || qos::class(spec) == "BestEffort";
    match requirement.scope_name.as_str() {
        "Terminating" => is_terminating(pod),
        "NotTerminating" => !is_terminating(pod),
        "BestEffort" => is_best_effort(),
        "NotBestEffort" => !is_best_effort(),
        "PriorityClass" => {
            let class = spec.priority_class_name.or_empty();
            scope::selects(requirement, (!class.is_empty()).then_some(class))
        }
        "CrossNamespacePodAffinity" => looks_elsewhere(spec),
        _ => false,
    }
}

/// Whether a Pod ends by itself.
#[must_use]
pub fn is_terminating(pod: &Pod) -> bool {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.active_deadline_seconds).is_some_and(|secs| secs >= 0)
}

/// Whether where a Pod runs depends on Pods of other namespaces.
fn looks_elsewhere(spec: &PodSpec) -> bool {
    let Some(affinity) = &spec.affinity else {
        return false;
    };
    let near = affinity.pod_affinity.as_ref().map(|affinity| {
        (
            &affinity.required_during_scheduling_ignored_during_execution,
            &affinity.preferred_during_scheduling_ignored_during_execution,
        )
    });
    let far = affinity.pod_anti_affinity.as_ref().map(|affinity| {
        (
            &affinity.required_during_scheduling_ignored_during_execution,
            &affinity.preferred_during_scheduling_ignored_during_execution,
        )
    });
    let term =
        |term: &PodAffinityTerm| !term.namespaces.is_unset() || term.namespace_selector.is_some();
    let weighted = |weighted: &WeightedPodAffinityTerm| term(&weighted.pod_affinity_term);
    [near, far].into_iter().flatten().any(|(required, preferred)| {
        required.or_empty().iter().any(term) || preferred.or_empty().iter().any(weighted)
    })
}
