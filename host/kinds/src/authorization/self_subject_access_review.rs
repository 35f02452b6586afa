//! `SelfSubjectAccessReview`: may I?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>.

use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;

use crate::{Kind, KindInfo};

impl Kind for SelfSubjectAccessReview {
    const INFO: KindInfo = KindInfo {
        singular: "selfsubjectaccessreview",
        type_name: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
        namespaced: false,
        ..KindInfo::question::<Self>()
    };
}
