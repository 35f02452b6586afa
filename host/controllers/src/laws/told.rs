//! Plans in a few words, for tests that say what users see.

use serde_json::Value;

use super::world::World;
use crate::{Action, Controller, Key, Plan, Sourced};

/// What a controller wants done about one object.
pub(crate) fn plan(controller: &dyn Controller, world: &World, key: &str) -> Plan {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    world.look(0, |look| controller.plan(look, &Key::new(namespace, name)))
}

/// `create Pod, delete a, patch b, status, event Why`; Events that tell of an action are left out.
pub(crate) fn told(plan: &Plan) -> String {
    let words = plan.actions.iter().map(|action| match action {
        Action::Create { object, .. } => format!("create {:?}", object.which()),
        Action::Update { object, .. } => {
            format!("update {}", name(object.metadata().name.as_ref()))
        }
        Action::UpdateStatus { .. } => "status".to_owned(),
        Action::UpdateStatusIfNone { resource, .. } => {
            format!("status if no {}", resource.resource)
        }
        Action::Finalize { .. } => "finalize".to_owned(),
        Action::Apply { object, subresource, .. } => {
            let slash = if subresource.is_empty() { "" } else { "/" };
            format!("apply {}{slash}{subresource}", name(object.metadata().name.as_ref()))
        }
        Action::Patch { target, subresource: "", .. } => {
            format!("patch {}", target.name)
        }
        Action::Patch { target, subresource, .. } => format!("patch {}/{subresource}", target.name),
        Action::Delete { target, .. } => format!("delete {}", target.name),
        Action::Approve { .. } => "approve".to_owned(),
        Action::Sign { not_before, not_after, .. } => format!("sign {not_before} {not_after}"),
        Action::IssueToken { secret, .. } => {
            format!("token {}", name(secret.metadata.name.as_ref()))
        }
        Action::DeleteAll { resource, .. } => format!("delete all {}", resource.resource),
        Action::Event(event) => format!("event {}", event.reason),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn name(name: Option<&String>) -> &str {
    name.map_or("", String::as_str)
}

/// The status that a plan writes.
pub(crate) fn status<K: Sourced>(plan: &Plan) -> Value {
    let written = plan.actions.iter().find_map(|action| match action {
        Action::UpdateStatus { object } | Action::UpdateStatusIfNone { object, .. } => {
            object.downcast::<K>()
        }
        _ => None,
    });
    let tree = serde_json::to_value(written.expect("a status is written")).expect("it is JSON");
    tree["status"].clone()
}
