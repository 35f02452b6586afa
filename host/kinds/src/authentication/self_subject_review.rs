//! `SelfSubjectReview`: who am I?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review>.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;

use crate::{Kind, KindInfo};

impl Kind for SelfSubjectReview {
    const INFO: KindInfo = KindInfo {
        singular: "selfsubjectreview",
        type_name: "io.k8s.api.authentication.v1.SelfSubjectReview",
        namespaced: false,
        ..KindInfo::question::<Self>()
    };
}
