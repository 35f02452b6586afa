//! Devices that others use are given only to claims in namespaces that are marked for it.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access>.

use k8s_openapi::api::resource::v1::{DeviceClaim, ResourceClaim, ResourceClaimTemplate};
use kinds::Object;
use meta::field::Path;
use meta::{FieldError, Key, StatusError, Tree};

use super::{Attempted, Operation, Plugin, core};

const LABEL: &str = "resource.kubernetes.io/admin-access";

pub(super) struct DeviceAdmin;

impl Plugin for DeviceAdmin {
    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let wanted = new.and_then(|new| match (attempted.operation, attempted.subresource) {
            (Operation::Create, "") => requested(new),
            (Operation::Update, "status") if attempted.old.and_then(given).is_none() => given(new),
            _ => None,
        });
        let Some(path) = wanted.filter(|_| !is_marked(attempted)) else { return Ok(()) };
        let text = format!(
            "admin access to devices requires the `{LABEL}: true` label on the containing namespace"
        );
        let error = FieldError::forbidden(&path, text);
        Err(StatusError::invalid(&attempted.info.group_kind(), attempted.name, &[error]))
    }
}

/// Where admin access is asked for.
fn requested(object: &dyn Object) -> Option<Path> {
    let claim =
        object.as_any().downcast_ref::<ResourceClaim>().and_then(|claim| claim.spec.clone());
    let template = object.as_any().downcast_ref::<ResourceClaimTemplate>();
    let template = template.and_then(|template| template.spec.clone()?.spec);
    let DeviceClaim { requests, .. } = claim.or(template)?.devices?;
    let index = requests.iter().flatten().position(|request| {
        request.exactly.as_ref().is_some_and(|exactly| exactly.admin_access == Some(true))
    })?;
    Some(Path::of(["spec", "devices", "requests"]).index(index).child("adminAccess"))
}

/// Where admin access is given.
fn given(object: &dyn Object) -> Option<Path> {
    let claim = object.as_any().downcast_ref::<ResourceClaim>()?;
    let devices = claim.status.as_ref()?.allocation.as_ref()?.devices.as_ref()?;
    let mut results = devices.results.iter().flatten();
    let index = results.position(|result| result.admin_access == Some(true))?;
    let results = Path::of(["status", "allocation", "devices", "results"]);
    Some(results.index(index).child("adminAccess"))
}

fn is_marked(attempted: &Attempted<'_>) -> bool {
    let key = Key::new(&core("namespaces"), "", attempted.namespace);
    let namespace = attempted.snapshot.get(key.as_str());
    let tree = namespace.and_then(|entry| serde_json::from_slice::<Tree>(&entry.body).ok());
    tree.is_some_and(|tree| tree["metadata"]["labels"][LABEL] == "true")
}
