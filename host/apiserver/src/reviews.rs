//! Kinds that are questions: their create is answered and nothing is stored.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/>.

use meta::{StatusError, Tree};

use crate::seams::Identity;
use crate::state::State;
use crate::{authentication, authorization};

/// Whether objects of the kind are questions.
pub(crate) fn is_review(group: &str, kind: &str) -> bool {
    match group {
        "authentication.k8s.io" => matches!(kind, "TokenReview" | "SelfSubjectReview"),
        "authorization.k8s.io" => kind.ends_with("Review"),
        _ => false,
    }
}

/// Whether the answer is the question with more in it. What one asks about oneself is answered by an object of its own.
pub(crate) fn repeats_question(kind: &str) -> bool {
    !matches!(kind, "SelfSubjectReview" | "SelfSubjectRulesReview")
}

/// The object with its answer in the status.
pub(crate) async fn answer(
    state: &State,
    identity: &Identity,
    kind: &str,
    namespace: &str,
    review: Tree,
) -> Result<Tree, StatusError> {
    match kind {
        "TokenReview" => authentication::token_review(state, review),
        "SelfSubjectReview" => Ok(authentication::self_subject_review(state, identity)),
        "SubjectAccessReview" => authorization::subject_access_review(state, review).await,
        "LocalSubjectAccessReview" => {
            authorization::local_subject_access_review(state, namespace, review).await
        }
        "SelfSubjectAccessReview" => {
            authorization::self_subject_access_review(state, identity, review).await
        }
        "SelfSubjectRulesReview" => {
            authorization::self_subject_rules_review(state, identity, &review)
        }
        _ => Err(StatusError::internal(format!("{kind} is no review"))),
    }
}
