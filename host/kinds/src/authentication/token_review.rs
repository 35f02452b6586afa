//! `TokenReview`: whose token is this?.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication>.

use k8s_openapi::api::authentication::v1::TokenReview;

use crate::{Kind, KindInfo};

impl Kind for TokenReview {
    const INFO: KindInfo = KindInfo {
        singular: "tokenreview",
        type_name: "io.k8s.api.authentication.v1.TokenReview",
        namespaced: false,
        ..KindInfo::question::<Self>()
    };
}
