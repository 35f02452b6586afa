//! What a bound Pod may use is decided by its node, so that there must be one.
//!
//! See <https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/>.

use k8s_openapi::api::core::v1::Pod;
use kinds::Object;
use meta::{GroupResource, Key, StatusError};

use super::{Attempted, Plugin};

pub(super) struct ResizedPod;

impl Plugin for ResizedPod {
    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        if !attempted.is("", "pods") || attempted.subresource != "resize" {
            return Ok(());
        }
        let pod = |object: &dyn Object| object.as_any().downcast_ref::<Pod>()?.spec.clone();
        let (new, old) = (new.and_then(pod), attempted.old.and_then(pod));
        let node = new.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        if node.is_empty() || new == old {
            return Ok(());
        }
        let key = Key::new(&GroupResource::new("", "nodes"), "", node);
        if attempted.snapshot.get(key.as_str()).is_some() {
            return Ok(());
        }
        Err(attempted.forbid(&format!("node {} not found", meta::quote(node))))
    }
}
