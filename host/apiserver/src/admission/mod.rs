//! What may change, refuse or accompany a write beside the rules of its kind: one file for each concern, all listed in [`PLUGINS`].
//!
//! A plugin first changes the object (`mutate`), may then reserve what must be unique in the cluster, in the same transaction
//! (`reserve`), looks at the finished object (`validate`), and last charges somebody for it (`charge`), in the same transaction again.
//! Plugins look at one snapshot and do no I/O.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/>.

mod certificate_requests;
mod claim_resize;
mod default_ingress_class;
mod default_storage_class;
mod definition_ending;
mod device_admin;
mod device_taints;
pub(crate) mod hooks;
mod limit_ranger;
mod made;
mod namespace_content;
mod namespace_lifecycle;
mod node_ports;
mod node_taint;
mod owner_references;
mod pod_certificates;
mod priority;
mod resized_pod;
mod resource_quota;
mod runtime_class;
mod service_account;
mod service_addresses;
mod storage_protection;
mod tolerations;
mod volume_phase;

use std::fmt;

use kinds::{KindInfo, Object};
use meta::{GroupResource, StatusError};
use store::{Op, Snapshot};

use crate::seams::Identity;
use crate::state::State;
use crate::warnings::Warnings;

/// What happens to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    /// A connection to what an object stands for.
    Connect,
}

/// A write, as plugins see it.
#[derive(Clone, Copy)]
pub(crate) struct Attempted<'a> {
    pub(crate) state: &'a State,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) info: &'a KindInfo,
    /// Who writes.
    pub(crate) identity: &'a Identity,
    pub(crate) operation: Operation,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    /// Empty until a name is generated.
    pub(crate) name: &'a str,
    pub(crate) warnings: &'a Warnings,
    /// The object as it is stored.
    pub(crate) old: Option<&'a dyn Object>,
    /// Whether nothing is stored in the end.
    pub(crate) dry_run: bool,
}

impl Attempted<'_> {
    /// Whether the object itself is created.
    pub(crate) fn creates(&self) -> bool {
        self.operation == Operation::Create && self.subresource.is_empty()
    }

    /// Refuses the write.
    pub(crate) fn forbid(&self, text: &str) -> StatusError {
        StatusError::forbidden(&self.info.group_resource(), self.name, text)
    }

    /// Why nothing can be called by a name that another object refers to, if so.
    pub(crate) fn unusable(name: &str) -> Option<String> {
        let messages = kinds::path_segment(name);
        let quoted = meta::quote(name);
        (!messages.is_empty())
            .then(|| format!("invalid resource name {quoted}: [{}]", messages.join(" ")))
    }

    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.info.group == group && self.info.plural == plural
    }
}

impl fmt::Debug for Attempted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attempted")
            .field("operation", &self.operation)
            .field("kind", &self.info.kind)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One concern.
pub(crate) trait Plugin: Sync {
    /// Changes a created or updated object.
    fn mutate(
        &self,
        _attempted: &Attempted<'_>,
        _object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        Ok(())
    }

    /// Adds to the transaction what must be done together with the write. `new` is missing when the object goes away.
    fn reserve(
        &self,
        _attempted: &Attempted<'_>,
        _new: Option<&mut dyn Object>,
        _ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        Ok(())
    }

    /// Looks at the finished object; it is missing for a deletion.
    fn validate(
        &self,
        _attempted: &Attempted<'_>,
        _new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        Ok(())
    }

    /// Adds to the transaction what the finished object uses up.
    fn charge(
        &self,
        _attempted: &Attempted<'_>,
        _new: &dyn Object,
        _ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        Ok(())
    }

    /// Whether the object must stay, marked as deleted, until somebody finishes the deletion; the plugin may change it. If it marks the object
    /// itself, that is all that the deletion does.
    fn holds(&self, _attempted: &Attempted<'_>, _object: &mut dyn Object) -> bool {
        false
    }
}

const PLUGINS: &[&dyn Plugin] = &[
    &namespace_lifecycle::NamespaceLifecycle,
    &namespace_content::NamespaceContent,
    &limit_ranger::LimitRanger,
    &owner_references::OwnerReferences,
    &service_account::ServiceAccountDefaults,
    &tolerations::DefaultTolerations,
    &node_taint::NewNodeTaint,
    &resized_pod::ResizedPod,
    &priority::Priority,
    &default_storage_class::DefaultStorageClass,
    &storage_protection::StorageProtection,
    &definition_ending::DefinitionEnding,
    &claim_resize::ClaimResize,
    &volume_phase::VolumePhase,
    &runtime_class::RuntimeClasses,
    &certificate_requests::CertificateRequests,
    &pod_certificates::PodCertificates,
    &default_ingress_class::DefaultIngressClass,
    &service_addresses::ServiceAddresses,
    &node_ports::NodePorts,
    &resource_quota::ResourceQuotas,
    &device_taints::DeviceTaints,
    &device_admin::DeviceAdmin,
];

pub(crate) fn mutate(
    attempted: &Attempted<'_>,
    object: &mut dyn Object,
) -> Result<(), StatusError> {
    PLUGINS.iter().try_for_each(|plugin| plugin.mutate(attempted, object))
}

pub(crate) fn reserve(
    attempted: &Attempted<'_>,
    mut new: Option<&mut dyn Object>,
    ops: &mut Vec<Op>,
) -> Result<(), StatusError> {
    for plugin in PLUGINS {
        plugin.reserve(attempted, new.as_deref_mut(), ops)?;
    }
    Ok(())
}

pub(crate) fn validate(
    attempted: &Attempted<'_>,
    new: Option<&dyn Object>,
) -> Result<(), StatusError> {
    PLUGINS.iter().try_for_each(|plugin| plugin.validate(attempted, new))
}

pub(crate) fn charge(
    attempted: &Attempted<'_>,
    new: &dyn Object,
    ops: &mut Vec<Op>,
) -> Result<(), StatusError> {
    PLUGINS.iter().try_for_each(|plugin| plugin.charge(attempted, new, ops))
}

pub(crate) fn holds(attempted: &Attempted<'_>, object: &mut dyn Object) -> bool {
    // Each plugin is asked, since it may mark the object.
    let mut held = false;
    for plugin in PLUGINS {
        held |= plugin.holds(attempted, object);
    }
    held
}

/// A resource of the core group, as keys and errors name it.
pub(crate) fn core(resource: &'static str) -> GroupResource {
    GroupResource::new("", resource)
}
