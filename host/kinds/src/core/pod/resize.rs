//! Changing what running containers may use.
//!
//! See <https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/>.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};
use meta::field::FieldError;

use super::qos::{self, is_sidecar};
use super::update::keep_metadata;
use super::validate::annotations::MIRROR;
use super::{SPEC, disabled, validate_whole};
use crate::check::{At, Errors};
use crate::resources::{self, ResourceList};
use crate::wire::OrEmpty;

/// Through `/resize` only requests, limits and resize policies change.
pub(super) fn prepare(new: &mut Pod, old: &Pod) {
    let (Some(spec), Some(old_spec)) = (&mut new.spec, &old.spec) else {
        return;
    };
    let same_number = spec.containers.len() == old_spec.containers.len()
        && spec.init_containers.or_empty().len() == old_spec.init_containers.or_empty().len();
    if same_number {
        let mut kept = old_spec.clone();
        kept.resources = spec.resources.take().or_else(|| old_spec.resources.clone());
        kept.containers = resized(&spec.containers, &old_spec.containers);
        if spec.init_containers.is_some() {
            kept.init_containers =
                Some(resized(spec.init_containers.or_empty(), old_spec.init_containers.or_empty()));
        }
        *spec = kept;
        set_pod_resources(spec);
        disabled::drop(spec);
        new.status.clone_from(&old.status);
        keep_metadata(new, old);
    }
}

fn resized(new: &[Container], old: &[Container]) -> Vec<Container> {
    if new.iter().zip(old).any(|(new, old)| new.name != old.name) {
        return new.to_vec();
    }
    let resize = |(new, old): (&Container, &Container)| Container {
        resources: new.resources.clone(),
        resize_policy: new.resize_policy.clone(),
        ..old.clone()
    };
    new.iter().zip(old).map(resize).collect()
}

/// Fills in what the Pod as a whole asks for from what its containers ask for.
pub(super) fn set_pod_resources(spec: &mut PodSpec) {
    let (sum_requests, sum_limits) = (qos::requests(spec), qos::limits(spec));
    let every_container_is_limited = |name: &str| {
        let init = spec.init_containers.or_empty();
        spec.containers.iter().chain(init).all(|container| {
            container.resources.as_ref().is_some_and(|r| r.limits.or_empty().contains_key(name))
        })
    };
    let limited: Vec<String> =
        sum_limits.keys().filter(|name| every_container_is_limited(name)).cloned().collect();
    let Some(pod) = &mut spec.resources else {
        return;
    };
    if pod.requests.is_unset() && pod.limits.is_unset() {
        return;
    }
    let is_supported =
        |name: &str| matches!(name, "cpu" | "memory") || resources::is_huge_page(name);
    let as_text = |quantity: &meta::Quantity| {
        k8s_openapi::apimachinery::pkg::api::resource::Quantity(quantity.to_string())
    };
    let mut limits = pod.limits.take().unwrap_or_default();
    let mut requests = pod.requests.take().unwrap_or_default();
    for (name, sum) in &sum_limits {
        if resources::is_huge_page(name) && !requests.contains_key(name) {
            limits.entry(name.clone()).or_insert_with(|| as_text(sum));
        }
    }
    for (name, sum) in &sum_requests {
        if is_supported(name) && resources::is_overcommit_allowed(name) {
            requests.entry(name.clone()).or_insert_with(|| as_text(sum));
        }
    }
    for (name, limit) in limits.iter().filter(|(name, _)| is_supported(name)) {
        requests.entry(name.clone()).or_insert_with(|| limit.clone());
    }
    for name in &limited {
        if let (Some(request), Some(sum)) = (requests.get(name), sum_limits.get(name))
            && is_supported(name)
        {
            let request = resources::parse(request);
            let limit = if request > *sum { &request } else { sum };
            limits.entry(name.clone()).or_insert_with(|| as_text(limit));
        }
    }
    pod.limits = Some(limits).filter(|limits| !limits.is_empty());
    pod.requests = Some(requests).filter(|requests| !requests.is_empty());
}

/// What is wrong with a Pod that replaces `old` through `/resize`.
pub(super) fn validate(new: &Pod, old: &Pod) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let refused = if old.metadata.annotations.or_empty().contains_key(MIRROR) {
        Some("static pods cannot be resized")
    } else if old
        .spec
        .as_ref()
        .and_then(|spec| spec.os.as_ref())
        .is_some_and(|os| os.name == "windows")
    {
        Some("windows pods cannot be resized")
    } else {
        None
    };
    if let Some(refused) = refused {
        errors.forbidden(&At::root(""), refused);
        return errors.into_list();
    }
    validate_whole(&mut errors, new);
    if let (Some(new_spec), Some(old_spec)) = (&new.spec, &old.spec) {
        if qos::class(old_spec) != qos::class(new_spec) {
            let class = new.status.as_ref().and_then(|status| status.qos_class.clone());
            let detail = "Pod QOS Class may not change as a result of resizing";
            errors.invalid(&SPEC, class.unwrap_or_default(), detail);
        }
        if !node_can_resize(old) {
            errors.forbidden(&SPEC, "Pod running on node without support for resize");
        }
        validate_specs(&mut errors, new_spec, old_spec);
    }
    errors.into_list()
}

/// A node that reports what running containers have can also change it.
fn node_can_resize(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().map(|status| status.container_statuses.or_empty());
    let is_running = |status: &&k8s_openapi::api::core::v1::ContainerStatus| {
        status.state.as_ref().is_some_and(|state| state.running.is_some())
    };
    let running = statuses.unwrap_or_default().iter().find(is_running);
    running.is_none_or(|status| status.resources.is_some())
}

fn validate_specs(errors: &mut Errors, new: &PodSpec, old: &PodSpec) {
    pod_resources(errors, new, old);
    let groups = [
        ("containers", new.containers.as_slice(), old.containers.as_slice()),
        ("initContainers", new.init_containers.or_empty(), old.init_containers.or_empty()),
    ];
    let before = errors.len();
    for (field, new, old) in groups {
        same_order(errors, &SPEC.field(field), field, new, old);
    }
    if errors.len() != before {
        return;
    }
    for (field, new, old) in groups.into_iter().rev() {
        let all = SPEC.field(field);
        for (index, (new, old)) in new.iter().zip(old).enumerate() {
            let at = all.index(index);
            let (new, old) = (new.resources.as_ref(), old.resources.as_ref());
            nothing_removed(errors, &at.field("resources"), "resource", new, old);
        }
    }
    for (new, old) in new.containers.iter().zip(&old.containers) {
        if !same_apart_from_sizes(new, old) {
            errors.forbidden(&SPEC, "only cpu and memory resources are mutable");
        }
    }
    let init_at = SPEC.field("initContainers");
    let init = new.init_containers.or_empty().iter().zip(old.init_containers.or_empty());
    for (index, (new, old)) in init.enumerate() {
        let at = init_at.index(index);
        if !same_apart_from_sizes(new, old) {
            let detail = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.forbidden(&at, detail);
        }
        let policies = new.resize_policy.or_empty();
        if new != old && !is_sidecar(new) {
            for _ in policies.iter().filter(|policy| policy.restart_policy == "RestartContainer") {
                let detail = "non-sidecar init containers with a resize policy of \
                              RestartContainer cannot be resized";
                errors.forbidden(&at, detail);
            }
        }
    }
}

fn pod_resources(errors: &mut Errors, new: &PodSpec, old: &PodSpec) {
    let at = SPEC.field("resources");
    match (&new.resources, &old.resources) {
        (None, Some(_)) => errors.forbidden(&at, "pod-level resources cannot be removed"),
        (Some(new), old) => {
            nothing_removed(errors, &at, "pod-level resource", Some(new), old.as_ref());
            let none = ResourceRequirements::default();
            if !same_apart_from_computing(new, old.as_ref().unwrap_or(&none)) {
                errors.forbidden(&SPEC, "only cpu and memory resources are mutable at pod-level");
            }
        }
        (None, None) => {}
    }
}

fn same_order(errors: &mut Errors, all: &At<'_>, what: &str, new: &[Container], old: &[Container]) {
    if new.len() != old.len() {
        errors.forbidden(all, format!("{what} may not be added or removed on resize"));
        return;
    }
    for (index, (new, old)) in new.iter().zip(old).enumerate() {
        if new.name != old.name {
            let at = all.index(index);
            let detail = format!("{what} may not be renamed or reordered on resize");
            errors.forbidden(&at.field("name"), detail);
        }
    }
}

fn nothing_removed(
    errors: &mut Errors,
    at: &At<'_>,
    what: &str,
    new: Option<&ResourceRequirements>,
    old: Option<&ResourceRequirements>,
) {
    type List = fn(&ResourceRequirements) -> Option<&ResourceList>;
    let (requests, limits): (List, List) = (|r| r.requests.as_ref(), |r| r.limits.as_ref());
    for (field, list) in [("requests", requests), ("limits", limits)] {
        let Some(old) = old.and_then(list) else {
            continue;
        };
        let new = new.and_then(list);
        if old.keys().any(|name| new.is_none_or(|new| !new.contains_key(name))) {
            errors.forbidden(&at.field(field), format!("{what} {field} cannot be removed"));
        }
    }
}

fn same_apart_from_sizes(new: &Container, old: &Container) -> bool {
    let none = ResourceRequirements::default();
    let of = |container: &Container| container.resources.clone().unwrap_or_default();
    same_apart_from_computing(&of(new), &of(old))
        && Container { resources: Some(none.clone()), ..new.clone() }
            == Container { resources: Some(none), ..old.clone() }
}

fn same_apart_from_computing(new: &ResourceRequirements, old: &ResourceRequirements) -> bool {
    let others = |list: &Option<ResourceList>| -> ResourceList {
        let is_other = |name: &str| !matches!(name, "cpu" | "memory");
        let list = list.or_empty().iter().filter(|(name, _)| is_other(name));
        list.map(|(name, quantity)| (name.clone(), quantity.clone())).collect()
    };
    resources::same(Some(&others(&new.requests)), Some(&others(&old.requests)))
        && resources::same(Some(&others(&new.limits)), Some(&others(&old.limits)))
        && new.claims == old.claims
}
