//! Requests for certificates: approved where no person needs to look, signed, and cleaned up.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/>.

pub(crate) mod approving;
pub(crate) mod cleaning;
#[cfg(test)]
pub(crate) mod samples;
mod signers;
pub(crate) mod signing;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kinds::wire::OrEmpty;

const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";

fn conditions(request: &CertificateSigningRequest) -> &[CertificateSigningRequestCondition] {
    request.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

/// Whether there is such a condition; decisions are always true.
fn has(request: &CertificateSigningRequest, name: &str) -> bool {
    conditions(request).iter().any(|condition| condition.type_ == name)
}

fn certificate(request: &CertificateSigningRequest) -> &[u8] {
    let certificate = request.status.as_ref().and_then(|status| status.certificate.as_ref());
    certificate.map(|bytes| bytes.0.as_slice()).unwrap_or_default()
}

/// The request with one condition more.
fn with_condition(
    request: &CertificateSigningRequest,
    type_: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> CertificateSigningRequest {
    let condition = CertificateSigningRequestCondition {
        type_: type_.to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_update_time: Some(Time(now)),
        last_transition_time: None,
    };
    let mut request = request.clone();
    request.status.get_or_insert_default().conditions.get_or_insert_default().push(condition);
    request
}
