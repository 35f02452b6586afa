//! Says of each flow schema whether the priority level that it names exists.
//!
//! Reads `FlowSchemas` and `PriorityLevelConfigurations`; writes the condition `Dangling`.
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#flowschema>.

use k8s_openapi::api::flowcontrol::v1::{
    FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{Controller, Key, Look, Plan, Watch};

const DANGLING: &str = "Dangling";

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
        let mut wanted = (*seen).clone();
        let conditions = wanted.status.get_or_insert_default().conditions.get_or_insert_default();
        let told = condition(level, dangles, Time(look.now));
        match conditions.iter_mut().find(|known| known.type_ == DANGLING) {
            None => conditions.push(told),
            Some(known) => {
                let last_transition_time = known.last_transition_time.take();
                if *known == (FlowSchemaCondition { last_transition_time: None, ..told.clone() }) {
                    known.last_transition_time = last_transition_time;
                } else {
                    *known = told;
                }
            }
        }
        plan.status_if_changed(&*seen, wanted);
        plan
    }
}

fn level_of(schema: &FlowSchema) -> &str {
    &schema.spec.priority_level_configuration.name
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
            let plan = told::plan(&FlowSchemas, world, "flow");
            let status = told::status::<FlowSchema>(&plan);
            for action in plan.actions {
                world.apply(action).expect("it is allowed");
            }
            world.now += jiff::SignedDuration::from_secs(1);
            status["conditions"].clone()
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
