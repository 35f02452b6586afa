//! Deletes requests for certificates that nobody needs any more.
//!
//! Reads requests. One that was signed, denied or has failed goes an hour later, one that nobody
//! decided about after a day, and one whose certificate has ended at once.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#request-signing-process>.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kinds::certificates::x509;

use super::{APPROVED, DENIED, FAILED, certificate, conditions};
use crate::{Action, Controller, Key, Look, Plan, Target, Watch};

const DECIDED_MAX: SignedDuration = SignedDuration::from_hours(1);
const PENDING_MAX: SignedDuration = SignedDuration::from_hours(24);

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cleaning;

fn reconcile(request: &CertificateSigningRequest, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let Some(due) = due(request).filter(|_| request.metadata.deletion_timestamp.is_none()) else {
        return plan;
    };
    if due > now {
        plan.wake_in(due.duration_since(now).unsigned_abs());
    } else {
        plan.act(Action::Delete {
            target: Target::of(request),
            propagation: None,
            grace_secs: None,
            announce: None,
        });
    }
    plan
}

/// When a request is not needed any more; none while something may still become of it.
fn due(request: &CertificateSigningRequest) -> Option<Timestamp> {
    let conditions = conditions(request);
    if conditions.is_empty() {
        return Some(request.metadata.creation_timestamp.as_ref()?.0 + PENDING_MAX);
    }
    let issued = certificate(request);
    let mut due: Vec<Timestamp> = Vec::new();
    for condition in conditions {
        let is_over = match condition.type_.as_str() {
            DENIED | FAILED => true,
            APPROVED => !issued.is_empty(),
            _ => false,
        };
        if is_over {
            due.extend(condition.last_update_time.as_ref().map(|time| time.0 + DECIDED_MAX));
        }
        if condition.type_ == APPROVED {
            due.extend(x509::not_after(issued));
        }
    }
    due.into_iter().min()
}

impl Controller for Cleaning {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-cleaner"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<CertificateSigningRequest>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let request = look.sources.signing_requests.get("", &key.name);
        request.map(|request| reconcile(&request, look.now)).unwrap_or_default()
    }
}
