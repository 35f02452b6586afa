//! Which requests a policy or a binding is about.

use k8s_openapi::api::admissionregistration::v1::MatchResources;

use super::rules;
use crate::check::{At, Errors};
use crate::label_selector;
use crate::wire::default_absent;

pub(super) const MATCH_POLICIES: &[&str] = &["Equivalent", "Exact"];

pub(super) fn set_defaults(resources: &mut MatchResources) {
    default_absent(&mut resources.match_policy, "Equivalent");
    resources.namespace_selector.get_or_insert_default();
    resources.object_selector.get_or_insert_default();
    let given = resources.resource_rules.iter_mut().flatten();
    for rule in given.chain(resources.exclude_resource_rules.iter_mut().flatten()) {
        rules::default_scope(&mut rule.scope);
    }
}

pub(super) fn validate(errors: &mut Errors, at: &At<'_>, resources: &MatchResources) {
    match &resources.match_policy {
        None => errors.required(&at.field("matchPolicy"), ""),
        Some(policy) => errors.one_of(&at.field("matchPolicy"), policy, MATCH_POLICIES),
    }
    let selectors = [
        ("namespaceSelector", &resources.namespace_selector),
        ("objectSelector", &resources.object_selector),
    ];
    for (name, selector) in selectors {
        let at = at.field(name);
        if selector.is_none() {
            errors.required(&at, "");
        }
        label_selector::validate(errors, &at, selector.as_ref());
    }
    let rules = [
        ("resourceRules", &resources.resource_rules),
        ("excludeResourceRules", &resources.exclude_resource_rules),
    ];
    for (name, rules) in rules {
        let all = at.field(name);
        for (index, rule) in rules.iter().flatten().enumerate() {
            rules::validate_named(errors, &all.index(index), rule);
        }
    }
}
