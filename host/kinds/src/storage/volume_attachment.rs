//! `VolumeAttachment`: the wish that a volume be attached to a node, and what came of it.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/storage/volume-attachment-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::storage::v1::{
    VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentSpec, VolumeAttachmentStatus,
    VolumeError,
};
use meta::field::{BadValue, FieldError};
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::core::persistent_volume::spec::{self, Place};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo, metadata};

impl Kind for VolumeAttachment {
    const INFO: KindInfo = KindInfo {
        singular: "volumeattachment",
        type_name: "io.k8s.api.storage.v1.VolumeAttachment",
        status: true,
        unowned: &[("status", &["metadata", "spec"])],
        unconditional_update: false,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column { format: "name", ..Column::of::<VolumeAttachmentSpec>("Attacher", "attacher") },
            Column::of::<VolumeAttachmentSource>("PV", "persistentVolumeName"),
            Column::of::<VolumeAttachmentSpec>("Node", "nodeName"),
            Column::of::<VolumeAttachmentStatus>("Attached", "attached").boolean(),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        if let Some(inline) = &mut self.spec.source.inline_volume_spec {
            spec::set_source_defaults(inline);
        }
    }

    fn on_status_update(&mut self, old: &Self) {
        metadata::keep_for_status(&mut self.metadata, &old.metadata);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_attachment(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_attachment(&mut errors, self);
        if self.spec != old.spec {
            errors.invalid(&SPEC, BadValue::null(), IMMUTABLE);
        }
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        Kind::validate_update(self, old)
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let attached = self.status.as_ref().is_some_and(|status| status.attached);
        vec![
            columns::name(&self.metadata),
            Tree::from(self.spec.attacher.as_str()),
            Tree::from(self.spec.source.persistent_volume_name.or_empty()),
            Tree::from(self.spec.node_name.as_str()),
            Tree::from(attached),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_attachment(errors: &mut Errors, attachment: &VolumeAttachment) {
    let spec = &attachment.spec;
    attacher(errors, &spec.attacher);
    source(errors, &SPEC.field("source"), &spec.source);
    let messages = names::is_dns1123_subdomain(&spec.node_name);
    errors.invalid_each(&SPEC.field("nodeName"), &spec.node_name, messages);
    if let Some(status) = &attachment.status {
        validate_status(errors, &At::root("status"), status);
    }
    if let Some(name) = &spec.source.persistent_volume_name {
        let at = SPEC.field("source");
        let messages = names::is_dns1123_subdomain(name);
        errors.invalid_each(&at.field("persistentVolumeName"), name, messages);
    }
}

/// The name of a driver, of which Kubernetes speaks in other words here than elsewhere.
fn attacher(errors: &mut Errors, name: &str) {
    const CHARACTERS_MAX: usize = 63;
    let at = SPEC.field("attacher");
    if name.is_empty() {
        errors.required(&at, "");
        return;
    }
    if !names::is_dns1123_subdomain(&name.to_lowercase()).is_empty() {
        let detail = "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', \
                      and must start and end with an alphanumeric character (e.g. 'Example.com', \
                      regex used for validation is \
                      '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        errors.invalid(&at, name, detail);
    }
    if name.chars().count() > CHARACTERS_MAX {
        errors.too_long_characters(&at, CHARACTERS_MAX);
    }
}

fn source(errors: &mut Errors, at: &At<'_>, source: &VolumeAttachmentSource) {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (&source.inline_volume_spec, &source.persistent_volume_name) {
        (None, None) => errors.required(at, ONE),
        (Some(_), Some(_)) => errors.forbidden(at, ONE),
        (None, Some(name)) => {
            if name.is_empty() {
                let detail = "must specify non empty persistentVolumeName";
                errors.required(&at.field("persistentVolumeName"), detail);
            }
        }
        (Some(inline), None) => {
            spec::validate(errors, &at.field("inlineVolumeSpec"), inline, Place::Attachment);
        }
    }
}

fn validate_status(errors: &mut Errors, at: &At<'_>, status: &VolumeAttachmentStatus) {
    const METADATA_BYTES_MAX: usize = 256 * 1024;
    let metadata = status.attachment_metadata.or_empty();
    let bytes: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        errors.too_long(&at.field("attachmentMetadata"), METADATA_BYTES_MAX);
    }
    for (field, error) in
        [("attachError", &status.attach_error), ("detachError", &status.detach_error)]
    {
        if let Some(error) = error {
            volume_error(errors, &at.field(field), error);
        }
    }
}

fn volume_error(errors: &mut Errors, at: &At<'_>, error: &VolumeError) {
    const MESSAGE_BYTES_MAX: usize = 1024;
    if error.message.or_empty().len() > MESSAGE_BYTES_MAX {
        errors.too_long(&at.field("message"), MESSAGE_BYTES_MAX);
    }
    if let Some(code) = error.error_code.filter(|code| *code < 0) {
        let detail = format!("must be between 0 and {}, inclusive", i32::MAX);
        errors.invalid(&at.field("errorCode"), code, detail);
    }
}
