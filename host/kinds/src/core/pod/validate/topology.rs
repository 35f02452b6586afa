//! How Pods spread over zones and nodes.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>.

use k8s_openapi::api::core::v1::TopologySpreadConstraint;

use super::scheduling::match_label_keys;
use crate::check::{At, Errors};
use crate::label_selector;
use crate::wire::OrEmpty;

pub(super) fn validate(
    errors: &mut Errors,
    all: &At<'_>,
    constraints: &[TopologySpreadConstraint],
) {
    for (index, constraint) in constraints.iter().enumerate() {
        let at = all.index(index);
        if constraint.max_skew <= 0 {
            let detail = "must be greater than zero";
            errors.invalid(&at.field("maxSkew"), constraint.max_skew, detail);
        }
        if constraint.topology_key.is_empty() {
            errors.required(&at.field("topologyKey"), "can not be empty");
        }
        let action = constraint.when_unsatisfiable.as_str();
        errors.one_of(&at.field("whenUnsatisfiable"), action, &["DoNotSchedule", "ScheduleAnyway"]);
        let is_same = |other: &TopologySpreadConstraint| {
            other.topology_key == constraint.topology_key && other.when_unsatisfiable == action
        };
        if constraints.iter().skip(index + 1).any(is_same) {
            let at = at.field("{topologyKey, whenUnsatisfiable}");
            errors.duplicate(&at, format!("{{{}, {action}}}", constraint.topology_key));
        }
        min_domains(errors, &at.field("minDomains"), constraint);
        for (field, policy) in [
            ("nodeAffinityPolicy", &constraint.node_affinity_policy),
            ("nodeTaintsPolicy", &constraint.node_taints_policy),
        ] {
            if let Some(policy) = policy {
                errors.one_of(&at.field(field), policy, &["Honor", "Ignore"]);
            }
        }
        let selector = constraint.label_selector.as_ref();
        let keys = constraint.match_label_keys.or_empty();
        match_label_keys(errors, &at, (keys, &[]), selector);
        label_selector::validate(errors, &at.field("labelSelector"), selector);
    }
}

fn min_domains(errors: &mut Errors, at: &At<'_>, constraint: &TopologySpreadConstraint) {
    let Some(domains) = constraint.min_domains else {
        return;
    };
    if domains <= 0 {
        errors.invalid(at, domains, "must be greater than zero");
    }
    let action = constraint.when_unsatisfiable.as_str();
    if action != "DoNotSchedule" {
        let detail =
            format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        errors.invalid(at, domains, detail);
    }
}
