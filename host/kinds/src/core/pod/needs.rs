//! What a Pod as a whole asks for: the sums of its containers, or what it says for all of them together.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers>.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodSpec, ResourceRequirements};

use super::qos;
use crate::resources::{self, Amounts, ResourceList};
use crate::wire::OrEmpty;

/// What a Pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub requests: Amounts,
    pub limits: Amounts,
}

impl Needs {
    /// What a spec asks for, as bounds on Pods look at it.
    #[must_use]
    pub fn of_spec(spec: &PodSpec) -> Self {
        let mut needs = Self { requests: qos::requests(spec), limits: qos::limits(spec) };
        needs.replace(spec, |name| matches!(name, "cpu" | "memory"));
        needs
    }

    /// What a Pod is charged for: while its containers are being resized, the larger of what they have and what they shall have.
    #[must_use]
    pub fn of_pod(pod: &Pod) -> Self {
        let none = PodSpec::default();
        let spec = pod.spec.as_ref().unwrap_or(&none);
        let mut needs = Self { requests: requests(pod, spec), limits: limits(pod, spec) };
        needs.replace(spec, is_of_pod);
        for (name, quantity) in spec.overhead.or_empty() {
            let quantity = resources::parse(quantity);
            resources::add_one(&mut needs.requests, name, &quantity);
            if needs.limits.get(name).is_some_and(|limit| !limit.is_zero()) {
                resources::add_one(&mut needs.limits, name, &quantity);
            }
        }
        needs
    }

    /// What the Pod says itself goes before the sums of its containers.
    fn replace(&mut self, spec: &PodSpec, is_replaced: fn(&str) -> bool) {
        let Some(own) = &spec.resources else { return };
        let kept = |list: &Option<ResourceList>| {
            let amounts = resources::amounts(list.or_empty());
            amounts.into_iter().filter(|(name, _)| is_replaced(name)).collect::<Amounts>()
        };
        self.requests.extend(kept(&own.requests));
        self.limits.extend(kept(&own.limits));
    }
}

/// Whether the Pod says itself how much of anything it needs.
#[must_use]
pub fn says_itself(spec: &PodSpec) -> bool {
    let Some(ResourceRequirements { requests, limits, .. }) = &spec.resources else {
        return false;
    };
    requests.or_empty().keys().chain(limits.or_empty().keys()).any(|name| is_of_pod(name))
}

/// Whether a Pod can say it for all its containers together.
fn is_of_pod(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || resources::is_huge_page(name)
}

fn requests(pod: &Pod, spec: &PodSpec) -> Amounts {
    let is_refused = is_resize_refused(pod);
    let wanted = |container: &Container| container.resources.as_ref()?.requests.clone();
    let granted = |container: &Container| {
        let granted = status(pod, container).and_then(|status| status.allocated_resources.clone());
        granted.or_else(|| wanted(container).filter(|_| !is_refused))
    };
    let used = |container: &Container| {
        let used = status(pod, container).and_then(|status| status.resources.as_ref());
        used.and_then(|used| used.requests.clone()).or_else(|| granted(container))
    };
    let mut highest = qos::aggregate(spec, used);
    resources::raise(&mut highest, &qos::aggregate(spec, granted));
    if !is_refused {
        resources::raise(&mut highest, &qos::aggregate(spec, wanted));
    }
    highest
}

fn limits(pod: &Pod, spec: &PodSpec) -> Amounts {
    let is_refused = is_resize_refused(pod);
    let wanted = |container: &Container| container.resources.as_ref()?.limits.clone();
    let used = |container: &Container| {
        let used = status(pod, container).and_then(|status| status.resources.as_ref());
        used.and_then(|used| used.limits.clone())
            .or_else(|| wanted(container).filter(|_| !is_refused))
    };
    let mut highest = qos::aggregate(spec, used);
    if !is_refused {
        resources::raise(&mut highest, &qos::aggregate(spec, wanted));
    }
    highest
}

/// Whether the node cannot give the containers what they shall have now.
fn is_resize_refused(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().map(|status| status.conditions.or_empty());
    let pending = conditions
        .unwrap_or_default()
        .iter()
        .find(|condition| condition.type_ == "PodResizePending");
    pending.is_some_and(|condition| condition.reason.or_empty() == "Infeasible")
}

fn status<'a>(pod: &'a Pod, container: &Container) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let running = status.container_statuses.or_empty().iter();
    let mut all = running.chain(status.init_container_statuses.or_empty());
    all.find(|status| status.name == container.name)
}
