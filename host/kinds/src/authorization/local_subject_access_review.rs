//! `LocalSubjectAccessReview`: may they, in this namespace?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>.

use k8s_openapi::api::authorization::v1::LocalSubjectAccessReview;

use crate::{Kind, KindInfo};

impl Kind for LocalSubjectAccessReview {
    const INFO: KindInfo = KindInfo {
        singular: "localsubjectaccessreview",
        type_name: "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
        namespaced: true,
        ..KindInfo::question::<Self>()
    };
}
