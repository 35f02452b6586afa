//! Questions about what somebody may do: the group `authorization.k8s.io`.

mod local_subject_access_review;
mod self_subject_access_review;
mod self_subject_rules_review;
mod subject_access_review;
