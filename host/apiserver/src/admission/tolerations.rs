//! Pods stay on a node that is not ready or not reachable for five minutes, unless they say otherwise.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaulttolerationseconds>.

use k8s_openapi::api::core::v1::{Pod, Toleration};
use kinds::Object;
use meta::StatusError;

use super::{Attempted, Plugin};

const SECONDS: i64 = 300;
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

pub(super) struct DefaultTolerations;

impl Plugin for DefaultTolerations {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        if !attempted.subresource.is_empty() {
            return Ok(());
        }
        let Some(pod) = object.as_any_mut().downcast_mut::<Pod>() else { return Ok(()) };
        let tolerations = pod.spec.get_or_insert_default().tolerations.get_or_insert_default();
        for taint in TAINTS {
            if !tolerations.iter().any(|toleration| covers(toleration, taint)) {
                tolerations.push(Toleration {
                    key: Some(taint.to_owned()),
                    operator: Some("Exists".to_owned()),
                    effect: Some("NoExecute".to_owned()),
                    toleration_seconds: Some(SECONDS),
                    ..Toleration::default()
                });
            }
        }
        Ok(())
    }
}

fn covers(toleration: &Toleration, taint: &str) -> bool {
    let key = toleration.key.as_deref().unwrap_or_default();
    let effect = toleration.effect.as_deref().unwrap_or_default();
    (key == taint || key.is_empty()) && matches!(effect, "NoExecute" | "")
}
