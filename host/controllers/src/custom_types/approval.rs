//! Whether a definition in a group of the Kubernetes community has its blessing, which is told but never asked for.
//!
//! See <https://github.com/kubernetes/enhancements/blob/master/keps/sig-api-machinery/2337-k8s.io-group-protection/README.md>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kinds::Approval;

use super::Said;

pub(super) const CONFORMANT: &str = "KubernetesAPIApprovalPolicyConformant";

/// What is said of the approval; nothing outside of the community's groups.
pub(super) fn said(definition: &CustomResourceDefinition) -> Option<Said> {
    let approval = Approval::of(definition)?;
    let (reason, message) = match approval {
        Approval::Missing => ("MissingAnnotation", approval.problem()),
        Approval::Invalid(_) => ("InvalidAnnotation", approval.problem()),
        Approval::Bypassed(why) => {
            ("UnapprovedAnnotation", Some(format!("not approved: {}", meta::quote(why))))
        }
        Approval::Approved(at) => ("ApprovedAnnotation", Some(format!("approved in {at}"))),
    };
    let is_approved = matches!(approval, Approval::Approved(_));
    Some(Said::new(CONFORMANT, is_approved, reason, &message.unwrap_or_default()))
}
