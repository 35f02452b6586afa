//! Types that are only ever bodies of requests and answers: nothing of them is stored, and no path lists them.
//!
//! Decoders and `OpenAPI` look them up here by `apiVersion` and `kind`; every group-version accepts the options and `Status` of `meta/v1`.

use meta::GroupVersionKind;
use meta::schema::TypeRef;

use crate::facts;

/// A type without a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub type_name: &'static str,
}

impl Body {
    /// The shape of the type.
    #[must_use]
    pub fn type_ref(&self) -> &'static TypeRef {
        facts::type_ref(self.type_name)
    }
}

macro_rules! bodies {
    ($($group:literal / $version:literal $kind:literal = $type_name:literal),* $(,)?) => {
        /// All of them.
        pub const BODIES: &[Body] = &[
            $(Body { group: $group, version: $version, kind: $kind, type_name: $type_name }),*
        ];
    };
}

bodies![
    "" / "v1" "Binding" = "io.k8s.api.core.v1.Binding",
    "" / "v1" "DeleteOptions" = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "" / "v1" "List" = "io.k8s.api.core.v1.List",
    "" / "v1" "Status" = "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "authentication.k8s.io" / "v1" "TokenRequest" = "io.k8s.api.authentication.v1.TokenRequest",
    "autoscaling" / "v1" "Scale" = "io.k8s.api.autoscaling.v1.Scale",
    "meta.k8s.io" / "v1" "DeleteOptions" = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "meta.k8s.io" / "v1" "PartialObjectMetadata" = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata",
    "meta.k8s.io" / "v1" "PartialObjectMetadataList" = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList",
    "meta.k8s.io" / "v1beta1" "PartialObjectMetadata" = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata",
    "meta.k8s.io" / "v1beta1" "PartialObjectMetadataList" = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList",
    "meta.k8s.io" / "v1" "Status" = "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "policy" / "v1" "Eviction" = "io.k8s.api.policy.v1.Eviction",
];

/// The body that calls itself so. Options and `Status` are accepted under any group-version.
#[must_use]
pub fn find_body(gvk: &GroupVersionKind) -> Option<&'static Body> {
    BODIES
        .iter()
        .find(|body| {
            gvk.kind == body.kind && gvk.group == body.group && gvk.version == body.version
        })
        .or_else(|| {
            BODIES.iter().find(|body| {
                gvk.kind == body.kind && matches!(body.kind, "DeleteOptions" | "Status")
            })
        })
}
