//! `SelfSubjectRulesReview`: what may I?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>.

use k8s_openapi::api::authorization::v1::SelfSubjectRulesReview;

use crate::{Kind, KindInfo};

impl Kind for SelfSubjectRulesReview {
    const INFO: KindInfo = KindInfo {
        singular: "selfsubjectrulesreview",
        type_name: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
        namespaced: false,
        ..KindInfo::question::<Self>()
    };
}
