//! `SubjectAccessReview`: may they?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>.

use k8s_openapi::api::authorization::v1::SubjectAccessReview;

use crate::{Kind, KindInfo};

impl Kind for SubjectAccessReview {
    const INFO: KindInfo = KindInfo {
        singular: "subjectaccessreview",
        type_name: "io.k8s.api.authorization.v1.SubjectAccessReview",
        namespaced: false,
        ..KindInfo::question::<Self>()
    };
}
