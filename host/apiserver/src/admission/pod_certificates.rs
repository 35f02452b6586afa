//! Certificates of Pods hold from about now on.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests>.

use jiff::SignedDuration;
use k8s_openapi::api::certificates::v1::PodCertificateRequest;
use kinds::Object;
use meta::StatusError;
use meta::field::{FieldError, Path};

use super::{Attempted, Plugin};

const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

pub(super) struct PodCertificates;

impl Plugin for PodCertificates {
    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let since = |object: Option<&dyn Object>| {
            let request = object?.as_any().downcast_ref::<PodCertificateRequest>()?;
            request.status.as_ref()?.not_before.clone()
        };
        let (Some(time), None) = (since(new), since(attempted.old)) else { return Ok(()) };
        let skew = time.0.duration_since(attempted.state.clock.now());
        if skew.abs() < SKEW_MAX {
            return Ok(());
        }
        let error = FieldError::invalid(
            &Path::new("status.notBefore"),
            time.0.to_string(),
            "must be set to within 5 minutes of kube-apiserver's current time",
        );
        Err(StatusError::invalid(&attempted.info.group_kind(), attempted.name, &[error]))
    }
}
