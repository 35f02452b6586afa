//! A definition of a custom kind that is deleted stays, marked, until its objects are gone. From the mark on no new ones are made.
//!
//! A controller deletes the objects and then takes the finalizer away.
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#finalizers>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionCondition,
};
use kinds::Object;
use meta::Time;

use super::{Attempted, Plugin};
use crate::verbs::whole_seconds;

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
const TERMINATING: &str = "Terminating";

pub(super) struct DefinitionEnding;

impl Plugin for DefinitionEnding {
    fn holds(&self, attempted: &Attempted<'_>, object: &mut dyn Object) -> bool {
        let object = object.as_any_mut();
        let Some(definition) = object.downcast_mut::<CustomResourceDefinition>() else {
            return false;
        };
        if definition.metadata.deletion_timestamp.is_some() {
            return false;
        }
        let now = Time(whole_seconds(attempted.state.clock.now()));
        definition.metadata.deletion_timestamp = Some(now.clone());
        let finalizers = definition.metadata.finalizers.get_or_insert_default();
        if !finalizers.iter().any(|own| own == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
        }
        let status = definition.status.get_or_insert_default();
        let conditions = status.conditions.get_or_insert_default();
        conditions.retain(|condition| condition.type_ != TERMINATING);
        let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will \
                       begin soon";
        conditions.push(CustomResourceDefinitionCondition {
            type_: TERMINATING.to_owned(),
            status: "True".to_owned(),
            reason: Some("InstanceDeletionPending".to_owned()),
            message: Some(message.to_owned()),
            last_transition_time: Some(now),
            observed_generation: None,
        });
        true
    }
}
