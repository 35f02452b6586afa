//! Says of each validating policy which of its expressions do not fit the types of the resources that they are about, once for each generation.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking>.

use k8s_openapi::api::admissionregistration::v1::{TypeChecking, ValidatingAdmissionPolicy};

use crate::{Controller, Key, Look, Plan, Watch};

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
        let mut wanted = (*seen).clone();
        let status = wanted.status.get_or_insert_default();
        if status.observed_generation != seen.metadata.generation {
            status.observed_generation = seen.metadata.generation;
            let warnings = kinds::expression_warnings(&seen);
            let expression_warnings = (!warnings.is_empty()).then_some(warnings);
            status.type_checking = Some(TypeChecking { expression_warnings });
        }
        plan.status_if_changed(&*seen, wanted);
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
        let status = told::status::<ValidatingAdmissionPolicy>(&plan);
        assert_eq!(status, json!({"observedGeneration": 2, "typeChecking": {}}));
        for action in plan.actions {
            world.apply(action).expect("it is allowed");
        }
        assert!(told::plan(&ValidatingPolicies, &world, "policy").actions.is_empty());
    }
}
