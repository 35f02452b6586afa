//! Approves requests of agents of nodes for the certificates by which the API server knows them, if
//! whoever asks may have them without a person looking.
//!
//! Reads requests; asks the API server what the one who made a request may do, and writes `/approval`.
//! What is not allowed is asked again, later and later: somebody may allow it.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval>.

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReviewSpec};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kinds::certificates::pkcs10;
use kinds::wire::OrEmpty;

use super::{APPROVED, DENIED, certificate, has, signers, with_condition};
use crate::{Action, Approval, Controller, Key, Look, Plan, Sourced, Watch};

/// What may be allowed, and what an approval says of it.
const SELF: (&str, &str) =
    ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.");
const ANY: (&str, &str) =
    ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.");

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Approving;

fn reconcile(request: &CertificateSigningRequest, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let is_decided = has(request, APPROVED) || has(request, DENIED);
    if is_decided
        || !certificate(request).is_empty()
        || request.spec.signer_name != signers::KUBELET_CLIENT
    {
        return plan;
    }
    let Ok(subject) = pkcs10::read(&request.spec.request.0) else { return plan };
    if signers::kubelet_client(&subject, request.spec.usages.or_empty()).is_err() {
        return plan;
    }
    let is_own = request.spec.username.or_empty() == subject.common_name;
    let grounds: &[(&str, &str)] = if is_own { &[SELF, ANY] } else { &[ANY] };
    let approvals = grounds.iter().map(|(permission, message)| Approval {
        ask: may(request, permission),
        object: with_condition(request, APPROVED, "AutoApproved", message, now).into_any(),
    });
    plan.act(Action::Approve { approvals: approvals.collect() });
    plan
}

/// Whether the one who made the request may make such requests.
fn may(request: &CertificateSigningRequest, permission: &str) -> SubjectAccessReviewSpec {
    let spec = request.spec.clone();
    SubjectAccessReviewSpec {
        user: spec.username,
        groups: spec.groups,
        uid: spec.uid,
        extra: spec.extra,
        resource_attributes: Some(ResourceAttributes {
            group: Some("certificates.k8s.io".to_owned()),
            version: Some("*".to_owned()),
            resource: Some("certificatesigningrequests".to_owned()),
            subresource: Some(permission.to_owned()),
            verb: Some("create".to_owned()),
            ..ResourceAttributes::default()
        }),
        non_resource_attributes: None,
    }
}

impl Controller for Approving {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-approving"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<CertificateSigningRequest>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let request = look.sources.signing_requests.get("", &key.name);
        request.map(|request| reconcile(&request, look.now)).unwrap_or_default()
    }
}
