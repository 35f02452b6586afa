//! A new node takes no Pods until somebody has seen that it is ready.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition>.

use k8s_openapi::api::core::v1::{Node, Taint};
use kinds::Object;
use meta::StatusError;

use super::{Attempted, Plugin};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const NO_SCHEDULE: &str = "NoSchedule";

pub(super) struct NewNodeTaint;

impl Plugin for NewNodeTaint {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(node) = object.as_any_mut().downcast_mut::<Node>().filter(|_| attempted.creates())
        else {
            return Ok(());
        };
        let taints = node.spec.get_or_insert_default().taints.get_or_insert_default();
        if !taints.iter().any(|taint| taint.key == NOT_READY && taint.effect == NO_SCHEDULE) {
            taints.push(Taint {
                key: NOT_READY.to_owned(),
                effect: NO_SCHEDULE.to_owned(),
                ..Taint::default()
            });
        }
        Ok(())
    }
}
