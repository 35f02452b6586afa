//! Answers the questions "whose token is this?" and "who am I?".
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication> and
//! `kubectl auth whoami`.

use k8s_openapi::api::authentication::v1::{TokenReviewSpec, TokenReviewStatus, UserInfo};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use meta::{StatusError, Tree};
use serde_json::json;

use crate::seams::Identity;
use crate::state::State;

pub(crate) fn token_review(state: &State, mut review: Tree) -> Result<Tree, StatusError> {
    let spec = review.get("spec").cloned().unwrap_or_else(|| json!({}));
    let spec: TokenReviewSpec = serde_json::from_value(spec)
        .map_err(|error| StatusError::bad_request(error.to_string()))?;
    let token = spec.token;
    if token.is_empty() {
        return Err(StatusError::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let answer = state.authenticator.review(&token, spec.audiences.as_deref().unwrap_or_default());
    let status = match answer {
        Ok((identity, audiences)) => TokenReviewStatus {
            authenticated: Some(true),
            user: Some(user_info(&identity)),
            audiences: Some(audiences),
            error: None,
        },
        Err(reason) => TokenReviewStatus {
            user: Some(UserInfo::default()),
            error: Some(reason),
            ..TokenReviewStatus::default()
        },
    };
    if let Some(review) = review.as_object_mut() {
        review.insert("status".to_owned(), json!(status));
    }
    Ok(review)
}

pub(crate) fn self_subject_review(state: &State, identity: &Identity) -> Tree {
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "creationTimestamp": Time(state.clock.now()) },
        "status": { "userInfo": user_info(identity) },
    })
}

fn user_info(identity: &Identity) -> UserInfo {
    UserInfo {
        username: Some(identity.name.clone()),
        uid: (!identity.uid.is_empty()).then(|| identity.uid.clone()),
        groups: (!identity.groups.is_empty()).then(|| identity.groups.clone()),
        extra: (!identity.extra.is_empty()).then(|| identity.extra.clone()),
    }
}
