//! Answers the question "may they?": access reviews about oneself, about others, and the list of one's rules.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>.

use std::collections::BTreeMap;

use k8s_openapi::api::authorization::v1::{
    FieldSelectorAttributes, LabelSelectorAttributes, NonResourceAttributes, NonResourceRule,
    ResourceAttributes, ResourceRule, SelfSubjectAccessReviewSpec, SelfSubjectRulesReviewSpec,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus, SubjectRulesReviewStatus,
};
use meta::field::BadValue;
use meta::names;
use meta::selector::{field, label};
use meta::{FieldError, GroupKind, Path, StatusError, Tree};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Granted;
use super::policy::aggregate;
use crate::seams::{Attempt, Decision, Identity, ResourceAttempt};
use crate::state::State;

const EXACTLY_ONE: &str =
    "exactly one of nonResourceAttributes or resourceAttributes must be specified";

pub(crate) async fn subject_access_review(
    state: &State,
    review: Tree,
) -> Result<Tree, StatusError> {
    let spec: SubjectAccessReviewSpec = spec(&review)?;
    let mut errors = validate(&spec, true);
    errors.extend(metadata_must_be_empty(&review, "must be empty"));
    refuse(&errors)?;
    answer(state, &spec, review).await
}

pub(crate) async fn local_subject_access_review(
    state: &State,
    namespace: &str,
    review: Tree,
) -> Result<Tree, StatusError> {
    let spec: SubjectAccessReviewSpec = spec(&review)?;
    let mut errors = validate(&spec, true);
    let mut without_namespace = review.clone();
    if let Some(metadata) = without_namespace.get_mut("metadata").and_then(Tree::as_object_mut) {
        metadata.remove("namespace");
    }
    errors.extend(metadata_must_be_empty(&without_namespace, "must be empty except for namespace"));
    let asked = |spec: &SubjectAccessReviewSpec| {
        spec.resource_attributes.as_ref().map(|asked| asked.namespace.clone().unwrap_or_default())
    };
    if let Some(asked) = asked(&spec).filter(|asked| asked != namespace) {
        let path = Path::new("spec.resourceAttributes.namespace");
        errors.push(FieldError::invalid(&path, asked, "must match metadata.namespace"));
    }
    if spec.non_resource_attributes.is_some() {
        let path = Path::new("spec.nonResourceAttributes");
        errors.push(FieldError::invalid(&path, shown(&spec), "disallowed on this kind of request"));
    }
    refuse(&errors)?;
    answer(state, &spec, review).await
}

pub(crate) async fn self_subject_access_review(
    state: &State,
    identity: &Identity,
    review: Tree,
) -> Result<Tree, StatusError> {
    let asked: SelfSubjectAccessReviewSpec = spec(&review)?;
    let spec = SubjectAccessReviewSpec {
        resource_attributes: asked.resource_attributes,
        non_resource_attributes: asked.non_resource_attributes,
        user: Some(identity.name.clone()),
        groups: Some(identity.groups.clone()),
        uid: Some(identity.uid.clone()),
        extra: Some(identity.extra.clone()),
    };
    let mut errors = validate(&spec, false);
    errors.extend(metadata_must_be_empty(&review, "must be empty"));
    refuse(&errors)?;
    answer(state, &spec, review).await
}

pub(crate) fn self_subject_rules_review(
    state: &State,
    identity: &Identity,
    review: &Tree,
) -> Result<Tree, StatusError> {
    let asked: SelfSubjectRulesReviewSpec = spec(review)?;
    let namespace = asked.namespace.unwrap_or_default();
    if namespace.is_empty() {
        return Err(StatusError::bad_request("no namespace on request"));
    }
    let Granted { rules, errors, incomplete } = state.authorizer.rules(identity, &namespace);
    let mut status = SubjectRulesReviewStatus {
        evaluation_error: aggregate(errors),
        incomplete,
        ..SubjectRulesReviewStatus::default()
    };
    for rule in rules {
        let verbs = rule.verbs;
        if rule.resources.as_ref().is_some_and(|resources| !resources.is_empty()) {
            status.resource_rules.push(ResourceRule {
                verbs: verbs.clone(),
                api_groups: rule.api_groups,
                resources: rule.resources,
                resource_names: rule.resource_names,
            });
        }
        if rule.non_resource_urls.as_ref().is_some_and(|urls| !urls.is_empty()) {
            status
                .non_resource_rules
                .push(NonResourceRule { verbs, non_resource_urls: rule.non_resource_urls });
        }
    }
    // The answer says nothing of the question, as in Kubernetes.
    Ok(json!({
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": status,
    }))
}

fn spec<T: DeserializeOwned>(review: &Tree) -> Result<T, StatusError> {
    let spec = review.get("spec").cloned().unwrap_or_else(|| json!({}));
    serde_json::from_value(spec).map_err(|error| StatusError::bad_request(error.to_string()))
}

/// These errors name no kind: a quirk that clients see.
fn refuse(errors: &[FieldError]) -> Result<(), StatusError> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(StatusError::invalid(&GroupKind::new("authorization.k8s.io", ""), "", errors))
}

fn validate(spec: &SubjectAccessReviewSpec, names_subject: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = Path::new("spec");
    if spec.resource_attributes.is_some() == spec.non_resource_attributes.is_some() {
        errors.push(FieldError::invalid(&path, shown(spec), EXACTLY_ONE));
    }
    let nobody = spec.user.as_deref().unwrap_or_default().is_empty()
        && spec.groups.as_ref().is_none_or(Vec::is_empty);
    if names_subject && nobody {
        let text = "at least one of user or group must be specified";
        errors.push(FieldError::invalid(&path.child("user"), "", text));
    }
    if let Some(asked) = &spec.resource_attributes {
        let path = Path::new("spec.resourceAttributes");
        if let Some(FieldSelectorAttributes { raw_selector, requirements }) = &asked.field_selector
        {
            let requirements = requirements.iter().flatten();
            let requirements = requirements.map(|one| {
                (one.key.as_str(), one.operator.as_str(), one.values.clone().unwrap_or_default())
            });
            errors.extend(validate_selector(
                &path.child("fieldSelector"),
                field_key,
                raw_selector.as_deref(),
                requirements,
            ));
        }
        if let Some(LabelSelectorAttributes { raw_selector, requirements }) = &asked.label_selector
        {
            let requirements = requirements.iter().flatten();
            let requirements = requirements.map(|one| {
                (one.key.as_str(), one.operator.as_str(), one.values.clone().unwrap_or_default())
            });
            errors.extend(validate_selector(
                &path.child("labelSelector"),
                label_key,
                raw_selector.as_deref(),
                requirements,
            ));
        }
    }
    errors
}

/// What is wrong with the key of a requirement and with its values.
type Validate = fn(&Path, &str, &[String]) -> Vec<FieldError>;

fn field_key(path: &Path, key: &str, _: &[String]) -> Vec<FieldError> {
    if key.is_empty() {
        vec![FieldError::required(&path.child("key"), "must be specified")]
    } else {
        Vec::new()
    }
}

fn label_key(path: &Path, key: &str, values: &[String]) -> Vec<FieldError> {
    let of_key = names::is_qualified_name(key).into_iter();
    let mut errors: Vec<_> =
        of_key.map(|detail| FieldError::invalid(&path.child("key"), key, detail)).collect();
    for (index, value) in values.iter().enumerate() {
        let path = path.child("values").index(index);
        let details = names::is_label_value(value).into_iter();
        errors.extend(details.map(|detail| FieldError::invalid(&path, value.as_str(), detail)));
    }
    errors
}

fn validate_selector<'a>(
    path: &Path,
    validate: Validate,
    raw: Option<&str>,
    requirements: impl Iterator<Item = (&'a str, &'a str, Vec<String>)>,
) -> Vec<FieldError> {
    let raw = raw.unwrap_or_default();
    let requirements: Vec<_> = requirements.collect();
    let mut errors = Vec::new();
    if !raw.is_empty() && !requirements.is_empty() {
        let text = "may not specified at the same time as requirements";
        errors.push(FieldError::invalid(&path.child("rawSelector"), raw, text));
    }
    if raw.is_empty() && requirements.is_empty() {
        let text = format!("when {path} is specified, requirements or rawSelector is required");
        errors.push(FieldError::required(&path.child("requirements"), text));
    }
    for (index, (key, operator, values)) in requirements.into_iter().enumerate() {
        let path = path.child("requirements").index(index);
        errors.extend(validate(&path, key, &values));
        // Operators that are not known yet are let through: newer clients may send them.
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let text = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(&path.child("values"), text));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(&path.child("values"), text));
            }
            _ => {}
        }
    }
    errors
}

/// The path of a review, spelled as the reference shows it in errors.
fn shown(spec: &SubjectAccessReviewSpec) -> BadValue {
    match &spec.non_resource_attributes {
        None => BadValue::null(),
        Some(NonResourceAttributes { path, verb }) => {
            let text =
                |text: &Option<String>| json!(text.as_deref().unwrap_or_default()).to_string();
            BadValue::Json(format!("{{\"Path\":{},\"Verb\":{}}}", text(path), text(verb)))
        }
    }
}

fn metadata_must_be_empty(review: &Tree, text: &str) -> Option<FieldError> {
    let metadata = review.get("metadata")?;
    let says_something = metadata
        .as_object()?
        .iter()
        .any(|(name, value)| name != "managedFields" && !value.is_null());
    says_something.then(|| FieldError::invalid(&Path::new("metadata"), metadata, text))
}

async fn answer(
    state: &State,
    spec: &SubjectAccessReviewSpec,
    mut review: Tree,
) -> Result<Tree, StatusError> {
    let identity = Identity {
        name: spec.user.clone().unwrap_or_default(),
        uid: spec.uid.clone().unwrap_or_default(),
        groups: spec.groups.clone().unwrap_or_default(),
        extra: spec.extra.clone().map(BTreeMap::from_iter).unwrap_or_default(),
    };
    let mut problems = Vec::new();
    let decision = match (&spec.resource_attributes, &spec.non_resource_attributes) {
        (Some(asked), _) => {
            let fields = field_selector(asked, &mut problems);
            let labels = label_selector(asked, &mut problems);
            let resource = resource(asked, fields.as_deref(), labels.as_deref());
            let verb = asked.verb.as_deref().unwrap_or_default();
            let attempt = Attempt { identity: &identity, verb, resource: Some(resource), path: "" };
            state.authorizer.authorize(&attempt).await
        }
        (None, asked) => {
            let (path, verb) = asked
                .as_ref()
                .map(|asked| {
                    (
                        asked.path.as_deref().unwrap_or_default(),
                        asked.verb.as_deref().unwrap_or_default(),
                    )
                })
                .unwrap_or_default();
            let attempt = Attempt { identity: &identity, verb, resource: None, path };
            state.authorizer.authorize(&attempt).await
        }
    };
    let (allowed, denied, reason) = match decision {
        Decision::Allow { reason } => (true, None, reason),
        Decision::Deny { reason } => (false, Some(true), reason),
        Decision::NoOpinion { reason } => (false, None, reason),
    };
    let status = SubjectAccessReviewStatus {
        allowed,
        denied,
        reason: (!reason.is_empty()).then_some(reason),
        evaluation_error: (!problems.is_empty()).then(|| problems.join("; ")),
    };
    let status =
        serde_json::to_value(status).map_err(|error| StatusError::internal(error.to_string()))?;
    if let Some(review) = review.as_object_mut() {
        review.insert("status".to_owned(), status);
    }
    Ok(review)
}

fn resource<'a>(
    asked: &'a ResourceAttributes,
    field_selector: Option<&'a str>,
    label_selector: Option<&'a str>,
) -> ResourceAttempt<'a> {
    let version = asked.version.as_deref().filter(|version| !version.is_empty());
    ResourceAttempt {
        group: asked.group.as_deref().unwrap_or_default(),
        version: version.unwrap_or("*"),
        resource: asked.resource.as_deref().unwrap_or_default(),
        subresource: asked.subresource.as_deref().unwrap_or_default(),
        namespace: asked.namespace.as_deref().unwrap_or_default(),
        name: asked.name.as_deref().unwrap_or_default(),
        field_selector,
        label_selector,
    }
}

/// The field selector as text. What cannot be understood is left out, which makes the question wider and so safe, and is told.
fn field_selector(asked: &ResourceAttributes, problems: &mut Vec<String>) -> Option<String> {
    let selector = asked.field_selector.as_ref()?;
    if let Some(raw) = selector.raw_selector.as_deref().filter(|raw| !raw.is_empty()) {
        return understood(raw, field::Selector::parse(raw).is_ok(), "field", problems);
    }
    let requirements = selector.requirements.iter().flatten();
    let terms: Vec<Option<String>> = requirements
        .map(|one| {
            let [value] = one.values.as_deref()? else { return None };
            let value = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            match one.operator.as_str() {
                "In" => Some(format!("{}={value}", one.key)),
                "NotIn" => Some(format!("{}!={value}", one.key)),
                _ => None,
            }
        })
        .collect();
    joined(terms, "field", problems)
}

fn label_selector(asked: &ResourceAttributes, problems: &mut Vec<String>) -> Option<String> {
    let selector = asked.label_selector.as_ref()?;
    if let Some(raw) = selector.raw_selector.as_deref().filter(|raw| !raw.is_empty()) {
        return understood(raw, label::Selector::parse(raw).is_ok(), "label", problems);
    }
    let requirements = selector.requirements.iter().flatten();
    let terms: Vec<Option<String>> = requirements
        .map(|one| {
            let values = one.values.as_deref().unwrap_or_default().join(",");
            let term = match one.operator.as_str() {
                "In" => format!("{} in ({values})", one.key),
                "NotIn" => format!("{} notin ({values})", one.key),
                "Exists" => one.key.clone(),
                "DoesNotExist" => format!("!{}", one.key),
                _ => return None,
            };
            label::Selector::parse(&term).is_ok().then_some(term)
        })
        .collect();
    joined(terms, "label", problems)
}

fn understood(raw: &str, good: bool, which: &str, problems: &mut Vec<String>) -> Option<String> {
    if !good {
        problems
            .push(format!("spec.resourceAttributes.{which}Selector ignored due to parse error"));
    }
    good.then(|| raw.to_owned())
}

fn joined(terms: Vec<Option<String>>, which: &str, problems: &mut Vec<String>) -> Option<String> {
    let wanted = terms.len();
    let good: Vec<String> = terms.into_iter().flatten().collect();
    if good.len() < wanted {
        let how = if good.is_empty() { "ignored" } else { "partially ignored" };
        problems.push(format!("spec.resourceAttributes.{which}Selector {how} due to parse error"));
    }
    (!good.is_empty()).then(|| good.join(","))
}
