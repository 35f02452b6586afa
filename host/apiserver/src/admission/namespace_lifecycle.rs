//! Objects are created only in namespaces that are there and stay; the namespaces that the cluster needs are never deleted.
//!
//! A namespace with finalizers of its own (new ones get `kubernetes`) is marked as terminating first, and goes when its content is gone.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle>.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause;
use kinds::Object;
use meta::{Key, StatusError};
use store::{Op, Precondition, Snapshot};

use super::{Attempted, Operation, Plugin, core};

const NEEDED: [&str; 3] = ["default", "kube-system", "kube-public"];
const FINALIZER: &str = "kubernetes";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) struct NamespaceLifecycle;

impl Plugin for NamespaceLifecycle {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        if attempted.creates() && attempted.info.namespaced {
            check_target(attempted.snapshot, attempted.namespace, |text| attempted.forbid(text))?;
        }
        if let Some(namespace) = object.as_any_mut().downcast_mut::<Namespace>() {
            label_with_name(namespace);
        }
        Ok(())
    }

    fn reserve(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&mut dyn Object>,
        ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        let Some(new) = new else { return Ok(()) };
        if attempted.creates() && attempted.info.namespaced {
            // The namespace must still be there when the object comes into being.
            let key = Key::new(&core("namespaces"), "", attempted.namespace);
            ops.push(Op::Check { key, precondition: Precondition::Exists });
        }
        if attempted.creates()
            && let Some(namespace) = new.as_any_mut().downcast_mut::<Namespace>()
        {
            label_with_name(namespace);
            let finalizers =
                namespace.spec.get_or_insert_default().finalizers.get_or_insert_default();
            if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
                finalizers.push(FINALIZER.to_owned());
            }
            namespace.status.get_or_insert_default().phase = Some("Active".to_owned());
        }
        Ok(())
    }

    fn validate(
        &self,
        attempted: &Attempted<'_>,
        _: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let needed = attempted.is("", "namespaces") && NEEDED.contains(&attempted.name);
        if attempted.operation == Operation::Delete && needed {
            return Err(attempted.forbid("this namespace may not be deleted"));
        }
        Ok(())
    }

    fn holds(&self, _: &Attempted<'_>, object: &mut dyn Object) -> bool {
        let Some(namespace) = object.as_any_mut().downcast_mut::<Namespace>() else { return false };
        let held = namespace
            .spec
            .as_ref()
            .and_then(|spec| spec.finalizers.as_ref())
            .is_some_and(|held| !held.is_empty());
        if held {
            namespace.status.get_or_insert_default().phase = Some("Terminating".to_owned());
        }
        held
    }
}

/// A namespace can be selected by its name through this label, which nobody can change.
fn label_with_name(namespace: &mut Namespace) {
    if let Some(name) = namespace.metadata.name.clone().filter(|name| !name.is_empty()) {
        namespace.metadata.labels.get_or_insert_default().insert(NAME_LABEL.to_owned(), name);
    }
}

/// Refuses what would come into a namespace that is not there, or does not stay.
pub(super) fn check_target(
    snapshot: &Snapshot,
    name: &str,
    forbid: impl FnOnce(&str) -> StatusError,
) -> Result<(), StatusError> {
    let key = Key::new(&core("namespaces"), "", name);
    let Some(entry) = snapshot.get(key.as_str()) else {
        return Err(StatusError::not_found(&core("namespaces"), name));
    };
    if entry.attributes.field("status.phase") != Some("Terminating") {
        return Ok(());
    }
    let text =
        format!("unable to create new content in namespace {name} because it is being terminated");
    let mut error = forbid(&text);
    error.details_mut().causes = Some(vec![StatusCause {
        reason: Some("NamespaceTerminating".to_owned()),
        message: Some(format!("namespace {name} is being terminated")),
        field: Some("metadata.namespace".to_owned()),
    }]);
    Err(error)
}
