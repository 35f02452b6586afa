//! What becomes of definitions of custom kinds: [`conditions`] accepts their names and has them served, [`ending`] empties and ends those that
//! are deleted, [`groups`] tells which groups and versions there are because of them.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

pub(crate) mod approval;
pub(crate) mod conditions;
pub(crate) mod ending;
pub(crate) mod groups;
mod names;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionCondition,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kinds::wire::OrEmpty;

/// The program that does this in Kubernetes.
const AGENT: &str = "kube-apiserver";

const NAMES_ACCEPTED: &str = "NamesAccepted";
const ESTABLISHED: &str = "Established";
const TERMINATING: &str = "Terminating";

/// What a condition says, but for when it began to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    type_: &'static str,
    is: bool,
    reason: &'static str,
    message: String,
}

impl Said {
    fn new(type_: &'static str, is: bool, reason: &'static str, message: &str) -> Self {
        Self { type_, is, reason, message: message.to_owned() }
    }

    fn status(&self) -> &'static str {
        if self.is { "True" } else { "False" }
    }

    fn is_said_by(&self, known: &CustomResourceDefinitionCondition) -> bool {
        known.type_ == self.type_
            && known.status == self.status()
            && known.reason.or_empty() == self.reason
            && known.message.or_empty() == self.message
    }
}

fn condition<'a>(
    definition: &'a CustomResourceDefinition,
    type_: &str,
) -> Option<&'a CustomResourceDefinitionCondition> {
    let conditions = definition.status.as_ref()?.conditions.or_empty();
    conditions.iter().find(|condition| condition.type_ == type_)
}

fn is_true(definition: &CustomResourceDefinition, type_: &str) -> bool {
    condition(definition, type_).is_some_and(|condition| condition.status == "True")
}

/// Has a definition say something. It has said so since its last change between yes and no.
fn say(definition: &mut CustomResourceDefinition, said: &Said, now: Timestamp) {
    let status = definition.status.get_or_insert_default();
    let conditions = status.conditions.get_or_insert_default();
    let known = conditions.iter_mut().find(|known| known.type_ == said.type_);
    let condition = CustomResourceDefinitionCondition {
        type_: said.type_.to_owned(),
        status: said.status().to_owned(),
        reason: Some(said.reason.to_owned()),
        message: Some(said.message.clone()),
        last_transition_time: Some(Time(now)),
        observed_generation: None,
    };
    match known {
        None => conditions.push(condition),
        Some(known) if said.is_said_by(known) => {}
        Some(known) => {
            let since = known.last_transition_time.clone();
            let is_same = known.status == condition.status && since.is_some();
            let last_transition_time =
                if is_same { since } else { condition.last_transition_time.clone() };
            *known = CustomResourceDefinitionCondition { last_transition_time, ..condition };
        }
    }
}
