//! Says of each flow schema whether the priority level that it names exists.
//!
//! Reads `FlowSchemas` and `PriorityLevelConfigurations`; claims the condition `Dangling`.
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#flowschema>.

use k8s_openapi::api::flowcontrol::v1::{
    FlowSchema, FlowSchemaCondition, FlowSchemaStatus, PriorityLevelConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kinds::wire::OrEmpty;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

const DANGLING: &str = "Dangling";
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowSchemas;

impl Controller for FlowSchemas {
    fn name(&self) -> &'static str {
        "priority-and-fairness-config-consumer"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<FlowSchema>(),
            Watch::of(|sources, level: &PriorityLevelConfiguration| {
                let name = level.metadata.name.as_deref().unwrap_or_default();
                let all = sources.flow_schemas.all().into_iter();
                all.filter(|schema| level_of(schema) == name)
                    .map(|schema| Key::of(&*schema))
                    .collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let Some(seen) = look.sources.flow_schemas.get("", &key.name) else { return plan };
        let level = level_of(&seen);
        let dangles = look.sources.priority_levels.get("", level).is_none();
        let condition = condition(level, dangles, Time(look.now));
        let known = seen.status.as_ref().map(|status| status.conditions.or_empty());
        if known.unwrap_or_default().iter().any(|known| says_the_same(known, &condition)) {
            return plan;
        }
        let status = FlowSchemaStatus { conditions: Some(vec![condition]) };
        let ObjectMeta { name, uid, .. } = seen.metadata.clone();
        let claim = FlowSchema {
            metadata: ObjectMeta { name, uid, ..ObjectMeta::default() },
            status: Some(status),
            ..FlowSchema::default()
        };
        plan.act(Action::Apply {
            object: claim.into_any(),
            subresource: "status",
            manager: MANAGER,
        });
        plan
    }
}

fn level_of(schema: &FlowSchema) -> &str {
    &schema.spec.priority_level_configuration.name
}

/// Whether a condition says the same, since whenever.
fn says_the_same(known: &FlowSchemaCondition, wanted: &FlowSchemaCondition) -> bool {
    let last_transition_time = known.last_transition_time.clone();
    *known == FlowSchemaCondition { last_transition_time, ..wanted.clone() }
}

/// The condition in Kubernetes' words.
fn condition(level: &str, dangles: bool, now: Time) -> FlowSchemaCondition {
    let (status, reason, end) = if dangles {
        ("True", "NotFound", "but there is no such object")
    } else {
        ("False", "Found", "and it exists")
    };
    let message = format!(
        "This FlowSchema references the PriorityLevelConfiguration object named \"{level}\" {end}"
    );
    FlowSchemaCondition {
        type_: DANGLING.to_owned(),
        status: Some(status.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(now),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::laws::told;
    use crate::laws::world::World;

    #[test]
    fn a_schema_dangles_until_its_level_comes() {
        let mut world = World::new(jiff::Timestamp::UNIX_EPOCH);
        world.put::<FlowSchema>(json!({
            "metadata": {"name": "flow"},
            "spec": {"priorityLevelConfiguration": {"name": "level"}},
        }));
        let next = |world: &mut World| {
            for action in told::plan(&FlowSchemas, world, "flow").actions {
                world.apply(action).expect("it is allowed");
            }
            world.now += jiff::SignedDuration::from_secs(1);
            let schema = world.all::<FlowSchema>().pop().expect("the schema");
            serde_json::to_value(schema.status).expect("JSON")["conditions"].clone()
        };
        let told = |status, reason, end, time| {
            let start = "This FlowSchema references the PriorityLevelConfiguration object named";
            json!([{"type": "Dangling", "status": status, "reason": reason,
                "message": format!("{start} \"level\" {end}"), "lastTransitionTime": time}])
        };
        let lost = told("True", "NotFound", "but there is no such object", "1970-01-01T00:00:00Z");
        assert_eq!(next(&mut world), lost);
        world.put::<PriorityLevelConfiguration>(json!({
            "metadata": {"name": "level"}, "spec": {"type": "Exempt"},
        }));
        let found = told("False", "Found", "and it exists", "1970-01-01T00:00:01Z");
        assert_eq!(next(&mut world), found);
        assert!(told::plan(&FlowSchemas, &world, "flow").actions.is_empty());
    }
}
