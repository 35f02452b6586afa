//! Has approved requests to Kubernetes' own signers signed by the cluster's authority.
//!
//! Reads requests; has them signed, or writes why they cannot be. Certificates begin a little in the
//! past, since clocks differ, and end when they were asked to, but within a year.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers>.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kinds::certificates::pkcs10;
use kinds::wire::OrEmpty;

use super::{APPROVED, DENIED, FAILED, certificate, conditions, has, signers, with_condition};
use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

const LIFE_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);
const LIFE_MIN: SignedDuration = SignedDuration::from_mins(10);
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);
/// Shorter lives are not cut by what lies in the past.
const SHORT: SignedDuration = SignedDuration::from_hours(8);

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signing;

fn reconcile(request: &CertificateSigningRequest, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let is_approved = has(request, APPROVED) && !has(request, DENIED);
    if !is_approved || has_failed(request) || !certificate(request).is_empty() {
        return plan;
    }
    let spec = &request.spec;
    let Some(rule) = signers::rule(&spec.signer_name) else { return plan };
    let Ok(subject) = pkcs10::read(&spec.request.0) else { return plan };
    plan.act(match rule(&subject, spec.usages.or_empty()) {
        Ok(()) => Action::Sign {
            request: Box::new(request.clone()),
            not_before: now - BACKDATED,
            not_after: end(spec.expiration_seconds, now),
        },
        Err(why) => {
            let failed = with_condition(request, FAILED, "SignerValidationFailure", &why, now);
            Action::UpdateStatus { object: failed.into_any() }
        }
    });
    plan
}

fn has_failed(request: &CertificateSigningRequest) -> bool {
    conditions(request)
        .iter()
        .any(|condition| condition.type_ == FAILED && matches!(&*condition.status, "" | "True"))
}

fn end(asked_secs: Option<i32>, now: Timestamp) -> Timestamp {
    let asked = asked_secs.map_or(LIFE_MAX, |secs| SignedDuration::from_secs(secs.into()));
    let life = asked.clamp(LIFE_MIN, LIFE_MAX);
    if life < SHORT { now + life } else { now + life - BACKDATED }
}

impl Controller for Signing {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-signing"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<CertificateSigningRequest>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let request = look.sources.signing_requests.get("", &key.name);
        request.map(|request| reconcile(&request, look.now)).unwrap_or_default()
    }
}
