//! Ends definitions that are deleted: first all their objects go, then they.
//!
//! Reads definitions and how many objects of them there are; deletes the objects, claims the condition `Terminating`, and takes away the
//! finalizer when nothing is left. Whether that is so the server is asked once more: what the inventory has not heard of yet must not outlive
//! its definition.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kinds::wire::OrEmpty;
use meta::GroupResource;

use super::{AGENT, ESTABLISHED, Said, TERMINATING, condition, is_true, say};
use crate::{Action, Controller, Instances, Key, Look, Plan, Sourced, Sources, Watch};

/// What holds a definition until its objects are gone. The server puts it there when a definition is deleted.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending;

/// Everything one decision looks at.
struct View {
    definition: Arc<CustomResourceDefinition>,
    /// Unknown as long as nobody has looked.
    instances: Option<Instances>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let definition = look.sources.custom_resource_definitions.get("", &key.name)?;
        is_ending(&definition).then_some(())?;
        let instances = look.inventory.instances(&resource(&definition));
        Some(Self { definition, instances, now: look.now })
    }
}

fn is_ending(definition: &CustomResourceDefinition) -> bool {
    let metadata = &definition.metadata;
    metadata.deletion_timestamp.is_some()
        && metadata.finalizers.or_empty().iter().any(|finalizer| finalizer == FINALIZER)
}

fn resource(definition: &CustomResourceDefinition) -> GroupResource {
    let (group, plural) = (&definition.spec.group, &definition.spec.names.plural);
    GroupResource::new(group.clone(), plural.clone())
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let seen = &*view.definition;
    if !is_true(seen, ESTABLISHED) {
        let text = "resource was never established";
        let said = Said::new(TERMINATING, false, "NeverEstablished", text);
        plan.act(Action::UpdateStatus { object: released(view, &said).into_any() });
        return plan;
    }
    let text = "CustomResource deletion is in progress";
    let said = Said::new(TERMINATING, true, "InstanceDeletionInProgress", text);
    if !condition(seen, TERMINATING).is_some_and(|known| said.is_said_by(known)) {
        let mut wanted = seen.clone();
        say(&mut wanted, &said, view.now);
        plan.act(Action::UpdateStatus { object: wanted.into_any() });
        return plan;
    }
    // The inventory wakes this as soon as it knows the objects.
    let Some(instances) = &view.instances else { return plan };
    for namespace in &instances.staying {
        let resource = instances.resource.clone();
        plan.act(Action::DeleteAll { resource, namespace: namespace.clone() });
    }
    if instances.count == 0 {
        let text = "removed all instances";
        let said = Said::new(TERMINATING, false, "InstanceDeletionCompleted", text);
        plan.act(Action::UpdateStatusIfNone {
            resource: instances.resource.clone(),
            object: released(view, &said).into_any(),
        });
    }
    plan
}

/// The definition without what holds it.
fn released(view: &View, said: &Said) -> CustomResourceDefinition {
    let mut wanted = (*view.definition).clone();
    say(&mut wanted, said, view.now);
    if let Some(finalizers) = &mut wanted.metadata.finalizers {
        finalizers.retain(|finalizer| finalizer != FINALIZER);
    }
    wanted
}

impl Controller for Ending {
    fn name(&self) -> &'static str {
        "crd-finalizer"
    }

    fn agent(&self) -> &'static str {
        AGENT
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<CustomResourceDefinition>()]
    }

    fn key_of_resource(&self, sources: &Sources, resource: &GroupResource) -> Option<Key> {
        let name = format!("{}.{}", resource.resource, resource.group);
        let definition = sources.custom_resource_definitions.get("", &name)?;
        is_ending(&definition).then(|| Key::of(&*definition))
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Plan;
    use crate::laws::told;

    fn plan(count: usize, staying: &[&str]) -> Plan {
        let definition = serde_json::from_value(json!({
            "metadata": {"name": "lamps.x.io", "finalizers": [FINALIZER, "mine.io/keep"]},
            "spec": {"group": "x.io", "scope": "Namespaced",
                "names": {"plural": "lamps", "kind": "Lamp"}, "versions": []},
            "status": {"conditions": [
                {"type": "Established", "status": "True"},
                {"type": "Terminating", "status": "True", "reason": "InstanceDeletionInProgress",
                    "message": "CustomResource deletion is in progress"},
            ]},
        }));
        let instances = Instances {
            resource: meta::GroupVersionResource::new("x.io", "v1", "lamps"),
            count,
            staying: staying.iter().map(|&name| name.to_owned()).collect(),
        };
        let definition = Arc::new(definition.expect("a definition"));
        let now = Timestamp::UNIX_EPOCH;
        reconcile(&View { definition, instances: Some(instances), now })
    }

    #[test]
    fn objects_are_deleted_where_they_are() {
        assert_eq!(told::told(&plan(3, &["a", "b"])), "delete all lamps, delete all lamps");
        // What is on its way out already is waited for.
        assert_eq!(told::told(&plan(1, &[])), "");
        let done = plan(0, &[]);
        assert_eq!(told::told(&done), "status if no lamps");
        let Some(Action::UpdateStatusIfNone { object, .. }) = done.actions.first() else {
            panic!("the status is written");
        };
        assert_eq!(object.metadata().finalizers, Some(vec!["mine.io/keep".to_owned()]));
    }
}
