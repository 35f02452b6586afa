//! Kubernetes' protobuf bodies: `k8s\0`, then an envelope that names the type, then the object.
//!
//! The field numbers are facts of the schema, so that objects go between the wire and the same trees that JSON has, and there is no second set of
//! types. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

mod decode;
mod encode;
mod json;

use std::sync::OnceLock;

use meta::schema::{Field, Struct, StructId, TypeRef};

pub(crate) use decode::{decode, type_of};
pub(crate) use encode::{begin, element, encode, end, event, message_of};

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

/// A value whose JSON has several forms. Each is a field of one message, which JSON does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Either {
    /// A schema or a list of them.
    Schemas,
    /// Whether anything goes, or the schema of what does.
    Bool,
    /// A schema or a list of names.
    Names,
}

/// The type that a schema has, whose fields some of its own fields can be instead.
const SCHEMA: &str = "JSONSchemaProps";

impl Either {
    fn of(field: &Field) -> Option<Either> {
        match &*field.name {
            "items" => Some(Either::Schemas),
            "additionalItems" | "additionalProperties" => Some(Either::Bool),
            "dependencies" => Some(Either::Names),
            _ => None,
        }
    }
}

/// How the fields of a type are spread over its message and those inside it.
struct Layout {
    ty: &'static Struct,
    embedded: Option<&'static Embedded>,
    in_envelope: bool,
    is_schema: bool,
}

impl Layout {
    /// That of a built-in type, if it is one with fields.
    fn find(ty: &TypeRef) -> Option<&'static Layout> {
        match ty {
            TypeRef::Struct(id) => Self::get(*id),
            _ => None,
        }
    }

    /// Thousands of messages of few types are written for a list: their layouts are kept.
    fn get(id: StructId) -> Option<&'static Layout> {
        static LAYOUTS: OnceLock<Vec<Layout>> = OnceLock::new();
        let all = || kinds::schema().types().iter().map(Layout::of).collect();
        LAYOUTS.get_or_init(all).get(id.0 as usize)
    }

    fn of(ty: &'static Struct) -> Layout {
        let embedded = EMBEDDED.iter().find(|(name, _)| *name == &*ty.name);
        // `kind` and `apiVersion` of a type are told by the envelope.
        let number = |name| ty.field(name).map(|field| field.proto);
        Layout {
            ty,
            embedded: embedded.map(|(_, embedded)| embedded),
            in_envelope: number("kind") == Some(1) && number("apiVersion") == Some(2),
            is_schema: &*ty.name == SCHEMA,
        }
    }

    fn either(&self, field: &Field) -> Option<Either> {
        if self.is_schema { Either::of(field) } else { None }
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
    fn field(&self, number: u32, depth: usize) -> Option<&'static Field> {
        let mut fields = self.ty.fields().iter();
        fields.find(|field| field.proto == number && self.depth(field) == Some(depth))
    }
}

#[cfg(test)]
mod tests;
