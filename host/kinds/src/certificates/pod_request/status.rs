//! The status of a request for a certificate of a Pod is written once: the certificates, or that there will be none.

use k8s_openapi::api::certificates::v1::{PodCertificateRequest, PodCertificateRequestStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use meta::field::{BadValue, FieldError};

use super::{DENIED, FAILED, ISSUED, OUTCOMES, STATUS, conditions, issued};
use crate::check::Errors;

/// What is wrong with a status that replaces that of `old`.
pub(super) fn validate(
    new: &PodCertificateRequest,
    old: &PodCertificateRequest,
) -> Vec<FieldError> {
    let mut errors = Errors::new();
    validate_conditions(&mut errors, conditions(new));
    if !errors.is_empty() {
        // They decide what else has to hold.
        return errors.into_list();
    }
    let is_unchanged = details(new) == details(old);
    let fault = if OUTCOMES.iter().any(|outcome| has(old, outcome)) {
        (!is_unchanged)
            .then_some("immutable after PodCertificateRequest is issued, denied, or failed")
    } else if has(new, DENIED) || has(new, FAILED) {
        let only_conditions = PodCertificateRequestStatus {
            conditions: details(new).conditions,
            ..PodCertificateRequestStatus::default()
        };
        (details(new) != only_conditions).then_some(
            "non-condition status fields must be empty when denying or failing the \
             PodCertificateRequest",
        )
    } else if has(new, ISSUED) {
        issued::validate(&mut errors, new);
        None
    } else {
        (!is_unchanged).then_some(
            "status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"",
        )
    };
    if let Some(detail) = fault {
        errors.invalid(&STATUS, BadValue::Omitted, detail);
    }
    errors.into_list()
}

/// The status, in the one form of those that mean the same.
fn details(request: &PodCertificateRequest) -> PodCertificateRequestStatus {
    let mut status = request.status.clone().unwrap_or_default();
    status.conditions = status.conditions.filter(|conditions| !conditions.is_empty());
    status.certificate_chain = status.certificate_chain.filter(|chain| !chain.is_empty());
    status
}

fn has(request: &PodCertificateRequest, outcome: &str) -> bool {
    let mut all = conditions(request).iter();
    all.any(|condition| condition.type_ == outcome && condition.status == TRUE)
}

const TRUE: &str = "True";

fn validate_conditions(errors: &mut Errors, conditions: &[Condition]) {
    let all = STATUS.field("conditions");
    let mut outcomes = 0;
    for (index, condition) in conditions.iter().enumerate() {
        let (step, name) = (format!("[{index}]"), condition.type_.as_str());
        let at = all.field(&step);
        if !OUTCOMES.contains(&name) {
            errors.not_supported(&at.field("type"), name, OUTCOMES);
            continue;
        }
        outcomes += 1;
        if outcomes > 1 {
            let detail = "There may be at most one condition with type \"Issued\", \"Denied\", or \
                          \"Failed\"";
            errors.invalid(&at.field("type"), name, detail);
        }
        errors.one_of(&at.field("status"), &condition.status, &[TRUE]);
    }
    conditions::validate(errors, &all, conditions);
}
