//! Requests for certificates say who made them, as the server knows it; conditions say since when they hold; and nobody gets a certificate of
//! `system:masters` from the signer of the API's clients.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction>.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kinds::Object;
use kinds::certificates::pkcs10;
use meta::{StatusError, Time};

use super::{Attempted, Operation, Plugin};
use crate::verbs::whole_seconds;

const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const MASTERS: &str = "system:masters";

pub(super) struct CertificateRequests;

impl Plugin for CertificateRequests {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(request) = object.as_any_mut().downcast_mut() else { return Ok(()) };
        if attempted.creates() {
            sign_off(attempted, request);
        } else if matches!(attempted.subresource, "status" | "approval") {
            date(attempted, request);
        }
        Ok(())
    }

    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let request = new.and_then(|new| new.as_any().downcast_ref::<CertificateSigningRequest>());
        let Some(request) = request.filter(|request| {
            attempted.operation == Operation::Create && request.spec.signer_name == CLIENT_SIGNER
        }) else {
            return Ok(());
        };
        let subject = pkcs10::read(&request.spec.request.0)
            .map_err(|error| attempted.forbid(&format!("failed to parse CSR: {error}")))?;
        if subject.organizations.iter().any(|group| group == MASTERS) {
            return Err(attempted.forbid(&format!(
                "use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
            )));
        }
        Ok(())
    }
}

/// Fills in who asks, whatever the request says.
fn sign_off(attempted: &Attempted<'_>, request: &mut CertificateSigningRequest) {
    let caller = attempted.identity;
    let spec = &mut request.spec;
    spec.username = Some(caller.name.clone());
    spec.uid = Some(caller.uid.clone()).filter(|uid| !uid.is_empty());
    spec.groups = Some(caller.groups.clone());
    spec.extra = Some(caller.extra.clone()).filter(|extra| !extra.is_empty());
}

/// Fills in the times of conditions that come without: that since when they hold, or now.
fn date(attempted: &Attempted<'_>, request: &mut CertificateSigningRequest) {
    let old =
        attempted.old.and_then(|old| old.as_any().downcast_ref::<CertificateSigningRequest>());
    let status = old.and_then(|old| old.status.as_ref());
    let known = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let now = Time(whole_seconds(attempted.state.clock.now()));
    let conditions = request.status.as_mut().and_then(|status| status.conditions.as_mut());
    for condition in conditions.into_iter().flatten() {
        if condition.last_transition_time.is_none() {
            let mut same = known
                .iter()
                .filter(|old| old.type_ == condition.type_ && old.status == condition.status);
            let time = same.find_map(|old| old.last_transition_time.clone());
            condition.last_transition_time = Some(time.unwrap_or_else(|| now.clone()));
        }
        condition.last_update_time.get_or_insert_with(|| now.clone());
    }
}
