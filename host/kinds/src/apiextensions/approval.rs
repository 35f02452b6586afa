//! Groups that belong to Kubernetes: kinds are added to them only with an approval.
//!
//! See <https://kubernetes.io/docs/reference/labels-annotations-taints/#api-approved-kubernetes-io>.

use std::mem::discriminant;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::check::{At, Errors};
use crate::wire::OrEmpty;

const ANNOTATION: &str = "api-approved.kubernetes.io";
const GROUPS: [&str; 2] = ["k8s.io", "kubernetes.io"];
const ADVICE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// What a definition says of its approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval<'a> {
    Missing,
    /// The reason why there is none.
    Bypassed(&'a str),
    /// Where it was given.
    Approved(&'a str),
    Invalid(&'a str),
}

impl<'a> Approval<'a> {
    /// That of a definition in one of Kubernetes' groups; others need none.
    #[must_use]
    pub fn of(definition: &'a CustomResourceDefinition) -> Option<Self> {
        let group = definition.spec.group.as_str();
        let is_within = |all: &&str| {
            group.strip_suffix(all).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        GROUPS.iter().find(|all| is_within(all)).map(|_| Self::stated(definition))
    }

    fn stated(definition: &'a CustomResourceDefinition) -> Self {
        let given = definition.metadata.annotations.or_empty().get(ANNOTATION);
        match given.map(String::as_str).unwrap_or_default() {
            "" => Self::Missing,
            reason if reason.starts_with("unapproved") => Self::Bypassed(reason),
            address if is_url(address) => Self::Approved(address),
            other => Self::Invalid(other),
        }
    }

    /// What must be there instead, if that is so.
    #[must_use]
    pub fn problem(self) -> Option<String> {
        let must = format!("protected groups must have approval annotation \"{ANNOTATION}\"");
        match self {
            Self::Approved(_) | Self::Bypassed(_) => None,
            Self::Missing => Some(format!("{must}, {ADVICE}")),
            Self::Invalid(_) => Some(format!(
                "{must} with either a URL or a reason starting with \"unapproved\", {ADVICE}"
            )),
        }
    }
}

/// Whether a text has the scheme and the host of a URL.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_clean = !text.contains(|c: char| c.is_control() || c == ' ');
    is_scheme && !host.is_empty() && is_clean
}

pub(super) fn check(
    errors: &mut Errors,
    new: &CustomResourceDefinition,
    old: Option<&CustomResourceDefinition>,
) {
    let Some(approval) = Approval::of(new) else { return };
    let was_said = |old| discriminant(&Approval::stated(old)) == discriminant(&approval);
    if old.is_some_and(was_said) {
        return;
    }
    let Some(problem) = approval.problem() else { return };
    let metadata = At::root("metadata");
    let all = metadata.field("annotations");
    let at = all.key(ANNOTATION);
    match approval {
        Approval::Invalid(given) => errors.invalid(&at, given, problem),
        _ => errors.required(&at, problem),
    }
}
