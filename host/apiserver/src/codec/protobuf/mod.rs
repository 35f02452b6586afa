//! Kubernetes' protobuf bodies: `k8s\0`, then an envelope that names the type, then the object.
//!
//! The field numbers are facts of the schema, so that objects go between the wire and the same trees that JSON has, and there is no second set of
//! types. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

mod decode;
mod encode;

use meta::schema::{Field, Struct};

pub(crate) use decode::{decode, type_of};
pub(crate) use encode::encode;

const MAGIC: &[u8] = b"k8s\0";

/// Types whose fields partly belong to an embedded message, which JSON does not show: the message's number, and the fields outside of it.
const EMBEDDED: &[(&str, u32, &[&str])] = &[
    (
        "Probe",
        1,
        &[
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
            "terminationGracePeriodSeconds",
        ],
    ),
    ("Volume", 2, &["name"]),
    (
        "PersistentVolumeSpec",
        2,
        &[
            "capacity",
            "accessModes",
            "claimRef",
            "persistentVolumeReclaimPolicy",
            "storageClassName",
            "mountOptions",
            "volumeMode",
            "nodeAffinity",
            "volumeAttributesClassName",
        ],
    ),
    ("ConfigMapKeySelector", 1, &["key", "optional"]),
    ("SecretKeySelector", 1, &["key", "optional"]),
    ("ConfigMapEnvSource", 1, &["optional"]),
    ("SecretEnvSource", 1, &["optional"]),
    ("ConfigMapProjection", 1, &["items", "optional"]),
    ("SecretProjection", 1, &["items", "optional"]),
    ("ConfigMapVolumeSource", 1, &["items", "defaultMode", "optional"]),
    ("EphemeralContainer", 1, &["targetContainerName"]),
    ("RuleWithOperations", 2, &["operations"]),
];

/// How the fields of a type are spread over its message and one inside it.
struct Layout<'a> {
    ty: &'a Struct,
    embedded: Option<(u32, &'static [&'static str])>,
    in_envelope: bool,
}

impl<'a> Layout<'a> {
    fn of(ty: &'a Struct) -> Layout<'a> {
        let embedded = EMBEDDED
            .iter()
            .find(|(name, ..)| *name == &*ty.name)
            .map(|(_, number, outer)| (*number, *outer));
        // `kind` and `apiVersion` of a type are told by the envelope.
        let number = |name| ty.field(name).map(|field| field.proto);
        Layout {
            ty,
            embedded,
            in_envelope: number("kind") == Some(1) && number("apiVersion") == Some(2),
        }
    }

    /// Fields of the message itself.
    fn outer(&self) -> impl Iterator<Item = &'a Field> {
        let (embedded, in_envelope) = (self.embedded, self.in_envelope);
        self.ty.fields().iter().filter(move |field| {
            let name = &*field.name;
            !(in_envelope && matches!(name, "kind" | "apiVersion"))
                && embedded.is_none_or(|(_, outer)| outer.contains(&name))
        })
    }

    /// Fields of the embedded message.
    fn inner(&self) -> impl Iterator<Item = &'a Field> {
        let embedded = self.embedded;
        self.ty
            .fields()
            .iter()
            .filter(move |field| embedded.is_some_and(|(_, outer)| !outer.contains(&&*field.name)))
    }

    /// The number of the embedded message.
    fn embedded(&self) -> Option<u32> {
        self.embedded.map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests;
