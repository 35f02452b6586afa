//! What holds for the rules of a role.

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;

/// What is wrong with the rules of a role.
pub(super) fn validate(errors: &mut Errors, rules: &[PolicyRule], namespaced: bool) {
    let root = At::root("rules");
    for (index, rule) in rules.iter().enumerate() {
        validate_one(errors, &root.index(index), rule, namespaced);
    }
    // Missing verbs are told after everything else.
    for (index, rule) in rules.iter().enumerate() {
        if rule.verbs.is_empty() {
            errors.required(&root.index(index).field("verbs"), "");
        }
    }
}

fn validate_one(errors: &mut Errors, at: &At<'_>, rule: &PolicyRule, namespaced: bool) {
    if !rule.non_resource_urls.is_unset() {
        let urls = || json(&rule.non_resource_urls);
        let at = at.field("nonResourceURLs");
        if namespaced {
            errors.invalid(&at, urls(), "namespaced rules cannot apply to non-resource URLs");
        }
        let both = !rule.api_groups.is_unset()
            || !rule.resources.is_unset()
            || !rule.resource_names.is_unset();
        if both {
            let text = "rules cannot apply to both regular resources and non-resource URLs";
            errors.invalid(&at, urls(), text);
        }
        return;
    }
    if rule.api_groups.is_unset() {
        let text = "resource rules must supply at least one api group";
        errors.required(&at.field("apiGroups"), text);
    }
    if rule.resources.is_unset() {
        let text = "resource rules must supply at least one resource";
        errors.required(&at.field("resources"), text);
    }
}
