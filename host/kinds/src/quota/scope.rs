//! Which objects a quota counts.
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, Pod, ResourceQuotaSpec, ScopedResourceSelectorRequirement,
};

use super::{claim, pod};
use crate::Object;
use crate::wire::OrEmpty;

/// All scopes of a quota; one that is only named must be there.
pub(super) fn requirements(
    quota: &ResourceQuotaSpec,
) -> impl Iterator<Item = ScopedResourceSelectorRequirement> {
    let named = quota.scopes.or_empty().iter().map(|scope| ScopedResourceSelectorRequirement {
        scope_name: scope.clone(),
        operator: "Exists".to_owned(),
        values: None,
    });
    let selector = quota.scope_selector.as_ref();
    let selected = selector.map(|selector| selector.match_expressions.or_empty());
    named.chain(selected.unwrap_or_default().iter().cloned())
}

/// Whether the object is in the scope. Only Pods and claims are in any.
pub(super) fn matches(
    requirement: &ScopedResourceSelectorRequirement,
    object: &dyn Object,
) -> bool {
    let any = object.as_any();
    if let Some(pod) = any.downcast_ref::<Pod>() {
        return pod::is_in(requirement, pod);
    }
    any.downcast_ref::<PersistentVolumeClaim>()
        .is_some_and(|claim| claim::is_in(requirement, claim))
}

/// Whether a name that may be missing is one of those that the requirement asks for.
pub(super) fn selects(requirement: &ScopedResourceSelectorRequirement, name: Option<&str>) -> bool {
    let values = requirement.values.or_empty();
    let is_listed = || name.is_some_and(|name| values.iter().any(|value| value == name));
    match requirement.operator.as_str() {
        "In" => is_listed(),
        "NotIn" => !is_listed(),
        "Exists" => name.is_some(),
        "DoesNotExist" => name.is_none(),
        _ => false,
    }
}
