//! Questions about who somebody is: the group `authentication.k8s.io`.

mod self_subject_review;
mod token_review;
