//! Groups that belong to Kubernetes: kinds are added to them only with an approval.
//!
//! See <https://kubernetes.io/docs/reference/labels-annotations-taints/#api-approved-kubernetes-io>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::check::{At, Errors};

const ANNOTATION: &str = "api-approved.kubernetes.io";
const ADVICE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

#[derive(PartialEq)]
enum State {
    Invalid,
    Approved,
    Bypassed,
    Missing,
}

pub(super) fn check(
    errors: &mut Errors,
    new: &CustomResourceDefinition,
    old: Option<&CustomResourceDefinition>,
) {
    let is_protected = |domain: &str| {
        let group = new.spec.group.as_str();
        group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if !is_protected("k8s.io") && !is_protected("kubernetes.io") {
        return;
    }
    let annotation = annotation(new);
    let state = state(annotation);
    if old.is_some_and(|old| self::state(self::annotation(old)) == state) {
        return;
    }
    let (metadata, quoted) = (At::root("metadata"), meta::quote(ANNOTATION));
    let all = metadata.field("annotations");
    let at = all.key(ANNOTATION);
    match state {
        State::Approved | State::Bypassed => {}
        State::Missing => {
            let detail =
                format!("protected groups must have approval annotation {quoted}, {ADVICE}");
            errors.required(&at, detail);
        }
        State::Invalid => {
            let detail = format!(
                "protected groups must have approval annotation {quoted} with either a URL or a \
                 reason starting with \"unapproved\", {ADVICE}"
            );
            errors.invalid(&at, annotation, detail);
        }
    }
}

fn annotation(definition: &CustomResourceDefinition) -> &str {
    let annotations = definition.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(ANNOTATION)).map(String::as_str).unwrap_or_default()
}

fn state(annotation: &str) -> State {
    let address = annotation.split_once("://");
    let has_host = |(scheme, rest): (&str, &str)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !rest.is_empty()
            && !rest.starts_with(['/', '?', '#'])
            && !rest.contains(|c: char| c.is_control() || c == ' ')
    };
    if annotation.is_empty() {
        State::Missing
    } else if annotation.starts_with("unapproved") {
        State::Bypassed
    } else if address.is_some_and(has_host) {
        State::Approved
    } else {
        State::Invalid
    }
}
