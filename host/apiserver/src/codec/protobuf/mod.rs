//! Kubernetes' protobuf bodies: `k8s\0`, then an envelope that names the type, then the object.
//!
//! The field numbers are facts of the schema, so that objects go between the wire and the same trees that JSON has, and there is no second set of
//! types. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

mod decode;
mod encode;
mod json;

use meta::schema::{Field, Struct};

pub(crate) use decode::{decode, type_of};
pub(crate) use encode::{begin, element, encode, end, message_of};

const MAGIC: &[u8] = b"k8s\0";

/// Types whose fields partly belong to an embedded message, which JSON does not show.
const EMBEDDED: &[(&str, Embedded)] = &[
    (
        "Probe",
        Embedded::at(
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
    ),
    ("Volume", Embedded::at(2, &["name"])),
    (
        "PersistentVolumeSpec",
        Embedded::at(
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
    ),
    ("ConfigMapKeySelector", Embedded::at(1, &["key", "optional"])),
    ("SecretKeySelector", Embedded::at(1, &["key", "optional"])),
    ("ConfigMapEnvSource", Embedded::at(1, &["optional"])),
    ("SecretEnvSource", Embedded::at(1, &["optional"])),
    ("ConfigMapProjection", Embedded::at(1, &["items", "optional"])),
    ("SecretProjection", Embedded::at(1, &["items", "optional"])),
    ("ConfigMapVolumeSource", Embedded::at(1, &["items", "defaultMode", "optional"])),
    ("EphemeralContainer", Embedded::at(1, &["targetContainerName"])),
    ("RuleWithOperations", Embedded::at(2, &["operations"])),
    ("IngressRule", Embedded::at(2, &["host"])),
    ("DeviceClaimConfiguration", Embedded::at(2, &["requests"])),
    ("DeviceAllocationConfiguration", Embedded::at(3, &["source", "requests"])),
    ("DeviceClassConfiguration", Embedded::at(1, &[])),
    (
        "NamedRuleWithOperations",
        Embedded {
            inner: Some(&Embedded::at(2, &["operations"])),
            ..Embedded::at(2, &["resourceNames"])
        },
    ),
];

/// An embedded message.
#[derive(Debug)]
struct Embedded {
    number: u32,
    /// The fields that are outside of it.
    outer: &'static [&'static str],
    /// The message that it embeds itself.
    inner: Option<&'static Embedded>,
}

impl Embedded {
    const fn at(number: u32, outer: &'static [&'static str]) -> Embedded {
        Embedded { number, outer, inner: None }
    }
}

/// How the fields of a type are spread over its message and those inside it.
struct Layout<'a> {
    ty: &'a Struct,
    embedded: Option<&'static Embedded>,
    in_envelope: bool,
}

impl<'a> Layout<'a> {
    fn of(ty: &'a Struct) -> Layout<'a> {
        let embedded = EMBEDDED.iter().find(|(name, _)| *name == &*ty.name);
        // `kind` and `apiVersion` of a type are told by the envelope.
        let number = |name| ty.field(name).map(|field| field.proto);
        Layout {
            ty,
            embedded: embedded.map(|(_, embedded)| embedded),
            in_envelope: number("kind") == Some(1) && number("apiVersion") == Some(2),
        }
    }

    /// How many messages deep inside the type's own a field is; `None` for what only the envelope has.
    fn depth(&self, field: &Field) -> Option<usize> {
        let name = &*field.name;
        if self.in_envelope && matches!(name, "kind" | "apiVersion") {
            return None;
        }
        let messages = std::iter::successors(self.embedded, |message| message.inner);
        Some(messages.take_while(|message| !message.outer.contains(&name)).count())
    }

    /// The field of a number in the message of a depth.
    fn field(&self, number: u32, depth: usize) -> Option<&'a Field> {
        let mut fields = self.ty.fields().iter();
        fields.find(|field| field.proto == number && self.depth(field) == Some(depth))
    }
}

#[cfg(test)]
mod tests;
