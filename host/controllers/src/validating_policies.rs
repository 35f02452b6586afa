//! Says of each validating policy which of its expressions do not fit the types of the resources that they are about, once for each generation.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking>.

use k8s_openapi::api::admissionregistration::v1::{
    TypeChecking, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidatingPolicies;

impl Controller for ValidatingPolicies {
    fn name(&self) -> &'static str {
        "validatingadmissionpolicy-status"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<ValidatingAdmissionPolicy>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let Some(seen) = look.sources.validating_policies.get("", &key.name) else { return plan };
        let generation = seen.metadata.generation;
        if seen.status.as_ref().and_then(|status| status.observed_generation) == generation {
            return plan;
        }
        let warnings = kinds::expression_warnings(&seen);
        let expression_warnings = (!warnings.is_empty()).then_some(warnings);
        let said = ValidatingAdmissionPolicy {
            metadata: ObjectMeta {
                name: seen.metadata.name.clone(),
                uid: seen.metadata.uid.clone(),
                ..ObjectMeta::default()
            },
            status: Some(ValidatingAdmissionPolicyStatus {
                observed_generation: generation,
                type_checking: Some(TypeChecking { expression_warnings }),
                ..ValidatingAdmissionPolicyStatus::default()
            }),
            ..ValidatingAdmissionPolicy::default()
        };
        plan.act(Action::Apply {
            object: said.into_any(),
            subresource: "status",
            manager: self.name(),
        });
        plan
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::laws::told;
    use crate::laws::world::World;

    #[test]
    fn a_policy_is_looked_at_once_for_each_generation() {
        let mut world = World::new(jiff::Timestamp::UNIX_EPOCH);
        world.put::<ValidatingAdmissionPolicy>(json!({
            "metadata": {"name": "policy", "generation": 2},
            "status": {"observedGeneration": 1},
        }));
        let plan = told::plan(&ValidatingPolicies, &world, "policy");
        let [Action::Apply { object, subresource: "status", .. }] = plan.actions.as_slice() else {
            panic!("its status is claimed: {plan:?}");
        };
        let tree = serde_json::to_value(object).expect("it is JSON");
        assert_eq!(tree["status"], json!({"observedGeneration": 2, "typeChecking": {}}));
        for action in plan.actions {
            world.apply(action).expect("it is allowed");
        }
        assert!(told::plan(&ValidatingPolicies, &world, "policy").actions.is_empty());
    }
}
