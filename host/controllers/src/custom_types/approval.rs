//! Whether a definition in a group of the Kubernetes community has its blessing, which is told but never asked for.
//!
//! See <https://github.com/kubernetes/enhancements/blob/master/keps/sig-api-machinery/2337-k8s.io-group-protection/README.md>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kinds::wire::OrEmpty;

use super::Said;

pub(super) const CONFORMANT: &str = "KubernetesAPIApprovalPolicyConformant";
const ANNOTATION: &str = "api-approved.kubernetes.io";
const GROUPS: [&str; 2] = ["k8s.io", "kubernetes.io"];
const MORE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// What is said of the approval; nothing outside of the community's groups.
pub(super) fn said(definition: &CustomResourceDefinition) -> Option<Said> {
    let group = definition.spec.group.as_str();
    let is_within = |all: &&str| {
        group.strip_suffix(all).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    GROUPS.iter().find(|all| is_within(all))?;
    let given = definition.metadata.annotations.or_empty().get(ANNOTATION);
    let given = given.map(String::as_str).unwrap_or_default();
    let must = format!("protected groups must have approval annotation \"{ANNOTATION}\"");
    let (is, reason, message) = if given.is_empty() {
        (false, "MissingAnnotation", format!("{must}, {MORE}"))
    } else if given.starts_with("unapproved") {
        (false, "UnapprovedAnnotation", format!("not approved: {}", meta::quote(given)))
    } else if is_url(given) {
        (true, "ApprovedAnnotation", format!("approved in {given}"))
    } else {
        let text =
            format!("{must} with either a URL or a reason starting with \"unapproved\", {MORE}");
        (false, "InvalidAnnotation", text)
    };
    Some(Said::new(CONFORMANT, is, reason, &message))
}

/// Whether a text has the scheme and the host of a URL.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_clean = !text.contains(|c: char| c.is_ascii_control() || c == ' ');
    is_scheme && !host.is_empty() && is_clean
}
